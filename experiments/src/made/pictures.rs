//! The pictures of a finished run.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_data::Splits;
use gibbs_report::{Axis, Figure, ImageGrid, Panel, Series};
use gibbs_train::run_folder::RunFolder;

use super::{MadeExperiment, sample::Known};
use crate::{curves::Curves, given::Given};

/// Draws in the picture of samples.
const SAMPLES: usize = 100;
/// Completed test examples, and completions of each.
const COMPLETED: usize = 10;
const COMPLETIONS: usize = 8;

pub(super) fn draw(experiment: &MadeExperiment, data: &Splits, folder: &RunFolder) -> Result<()> {
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let (rows, columns) = experiment.shape();
    let samples = experiment.draw(SAMPLES, None, &mut noise);
    ImageGrid::new(rows, columns).save(&samples, folder.files().named("samples.png"))?;
    inpainting(experiment, data, folder, &mut noise)?;
    curves(folder)
}

/// Test examples, what is given of them (the upper half, or the first half of the model's order), and several completions.
fn inpainting(
    experiment: &MadeExperiment,
    data: &Splits,
    folder: &RunFolder,
    noise: &mut Noise,
) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let n = COMPLETED.min(data.test.len());
    let chosen = MadeExperiment::spread(&data.test, n);
    let upper = Known::Pixels(Given::Upper.pixels((rows, columns)));
    let half = Known::Prefix(rows * columns / 2);
    let (known, first) = match experiment.complete(&data.test, &chosen, &upper, noise) {
        Ok(first) => (upper, first),
        Err(_) => (half.clone(), experiment.complete(&data.test, &chosen, &half, noise)?),
    };
    let examples = experiment.values().examples(&data.test, &chosen, &experiment.device);
    let whole = experiment.values().decode(examples.x);
    let flags = experiment.known(&known)?;
    const UNKNOWN: f32 = 0.5;
    let part = whole.iter().zip(flags.iter().cycle()).map(|(&x, &known)| if known { x } else { UNKNOWN });
    let mut sets = vec![whole.clone(), part.collect(), first];
    for _ in 1..COMPLETIONS {
        sets.push(experiment.complete(&data.test, &chosen, &known, noise)?);
    }
    let sets: Vec<&[f32]> = sets.iter().map(Vec::as_slice).collect();
    let labels =
        ["test", "given"].into_iter().map(String::from).chain((1..=COMPLETIONS).map(|k| k.to_string()));
    let grid = ImageGrid::new(rows, columns).column_labels(labels).separator_after(2);
    Ok(grid.render_columns(&sets)?.save_png(folder.files().named("inpainting.png"))?)
}

/// Log-likelihood against epochs, from the metrics of the run.
fn curves(folder: &RunFolder) -> Result<()> {
    let run = Curves::read(&folder.files().metrics())?;
    let panel = [("train", "train_log_prob"), ("valid", "valid_log_prob")]
        .into_iter()
        .flat_map(|(label, name)| run.series(label, name))
        .fold(Panel::new(Axis::new("log-likelihood (nats)")), Panel::series);
    let (x, y) = run.of("loss");
    let negative: Vec<f64> = y.iter().map(|loss| -loss).collect();
    let figure = Figure::new(Axis::new("epoch"))
        .panel(panel)
        .panel(Panel::new(Axis::new("batches of training (nats)")).series(Series::new("", &x, &negative)));
    figure.save(folder.files().named("curves.png"))?;
    Ok(figure.save(folder.files().named("curves.svg"))?)
}
