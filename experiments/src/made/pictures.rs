//! Pictures of a finished run.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_data::Splits;
use gibbs_report::{Axis, Figure, ImageGrid, Panel, Series};
use gibbs_train::run_folder::RunFiles;

use super::{
    MadeExperiment,
    evaluate::{Known, batch},
};
use crate::{
    evidence::Half,
    pictures::{Curves, completions, save_figure},
    source::spread,
};

/// Draws in the picture of samples.
const SAMPLES: usize = 100;
/// Completed test examples, and completions of each.
const COMPLETED: usize = 10;
const COMPLETIONS: usize = 8;
/// Grey of pixels that are not known.
const UNKNOWN: f32 = 0.5;

pub(super) fn draw(experiment: &MadeExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let (rows, columns) = experiment.shape();
    let samples = experiment.draw(SAMPLES, None, &mut noise)?;
    ImageGrid::new(rows, columns).save(&samples, files.named("samples.png"))?;
    inpainting(experiment, data, files, &mut noise)?;
    curves(files)
}

/// Test examples, what is known of them (the upper half, or the first half of the model's order), and several completions.
fn inpainting(experiment: &MadeExperiment, data: &Splits, files: &RunFiles, noise: &mut Noise) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let chosen = spread(data.test.len(), COMPLETED);
    let upper = Known::Pixels(Half::Upper.pixels((rows, columns)));
    let half = Known::Prefix(rows * columns / 2);
    let (known, first) = match experiment.complete(&data.test, &chosen, &upper, noise) {
        Ok(first) => (upper, first),
        Err(_) => (half.clone(), experiment.complete(&data.test, &chosen, &half, noise)?),
    };
    let examples = batch(&experiment.config.model.network, data.test.batch(&chosen, &experiment.device));
    let whole = experiment.decode(experiment.model.preprocessor.forward(examples.x).0);
    let flags = experiment.known(&known)?;
    let part = whole.iter().zip(flags.iter().cycle()).map(|(&x, &known)| if known { x } else { UNKNOWN });
    let mut sets = vec![whole.clone(), part.collect(), first];
    for _ in 1..COMPLETIONS {
        sets.push(experiment.complete(&data.test, &chosen, &known, noise)?);
    }
    Ok(completions((rows, columns), &sets)?.save_png(files.named("inpainting.png"))?)
}

/// Log-likelihood against epochs.
fn curves(files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    let (x, y) = run.of("loss");
    let negative: Vec<f64> = y.iter().map(|loss| -loss).collect();
    let names = [("train", "train_log_prob"), ("valid", "valid_log_prob")];
    let figure = Figure::new(Axis::new("epoch"))
        .panel(run.panel("log-likelihood (nats)", &names))
        .panel(Panel::new(Axis::new("batches of training (nats)")).series(Series::new("", &x, &negative)));
    save_figure(&figure, files)
}
