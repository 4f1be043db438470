//! Pictures of a finished run.

use super::{MadeExperiment, evaluate::Known};
use crate::{evidence::Half, pictures::completions, prelude::*, source::spread};

/// Draws in the picture of samples.
const SAMPLES: usize = 100;
/// The same, where they are points of a table.
const POINTS: usize = 1000;
/// Completed test examples, and completions of each.
const COMPLETED: usize = 10;
const COMPLETIONS: usize = 8;

pub(super) fn draw(experiment: &MadeExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let look = experiment.look();
    let n = if look.image().is_some() { SAMPLES } else { POINTS.min(data.test.len()) };
    let context = experiment.conditions().of_draws(n, None)?;
    let samples = experiment.draw(n, context.as_ref(), &mut noise);
    save_samples(&look, &independent_draws(n), Some(&data.test), &samples, files)?;
    if let Some(shape) = look.image() {
        inpainting(experiment, shape, data, files, &mut noise)?;
    }
    curves(files)
}

/// Test examples, what is known of them (the upper half, or the first half of the model's order), and several completions.
fn inpainting(
    experiment: &MadeExperiment,
    (rows, columns): (usize, usize),
    data: &Splits,
    files: &RunFiles,
    noise: &mut Noise,
) -> Result<()> {
    let chosen = spread(data.test.len(), COMPLETED);
    let upper = Known::Pixels(Half::Upper.pixels((rows, columns)));
    let half = Known::Prefix(rows * columns / 2);
    let (known, first) = match experiment.complete(&data.test, &chosen, &upper, noise) {
        Ok(first) => (upper, first),
        Err(_) => (half.clone(), experiment.complete(&data.test, &chosen, &half, noise)?),
    };
    let all = Known::Prefix(rows * columns);
    let [whole, part] = [&all, &known].map(|known| experiment.given(&data.test, &chosen, known));
    let mut sets = vec![whole?, part?, first];
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
