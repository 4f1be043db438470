//! Pictures of a finished run.

use super::{VaeExperiment, evaluate::codes};
use crate::{
    pictures::{DOT, slices},
    prelude::*,
    preprocessed::with_classes,
    source::{rows, spread},
};

/// Draws in the picture of samples.
const SAMPLES: usize = 100;
/// The same, where they are points of a table.
const POINTS: usize = 1000;
/// Test examples that are reconstructed.
const RECONSTRUCTED: usize = 16;
/// Walks between test images, and images of each.
const WALKS: usize = 8;
const STOPS: usize = 12;
/// Test examples in the picture of codes.
const CODES: usize = 5000;

/// What a picture of draws shows.
pub(super) fn title(n: usize) -> String {
    format!("means of the variables given {n} codes of the prior")
}

pub(super) fn draw(experiment: &VaeExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let look = experiment.look();
    let n = if look.image().is_some() { SAMPLES } else { POINTS.min(data.test.len()) };
    let context = experiment.conditions().of_draws(n, None)?;
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let (values, means) = experiment.draw(n, context.as_ref(), noise);
    match look.image() {
        Some(shape) => {
            save_samples(&look, &title(n), Some(&data.test), &means, files)?;
            reconstructions(experiment, shape, &data.test, files)?;
            if context.is_none() {
                walks(experiment, shape, &data.test, files)?;
            }
        }
        None => save_samples(&look, &independent_draws(n), Some(&data.test), &values, files)?,
    }
    if experiment.model.model.n_latent() == 2 {
        plane(experiment, &data.test, files)?;
    }
    let run = Curves::read(&files.metrics())?;
    let names = [("train", "train_log_prob_bound"), ("valid", "valid_log_prob_bound")];
    let panel = run.panel("bound of the log-likelihood (nats)", &names);
    save_figure(&Figure::new(Axis::new("epoch")).panel(panel), files)
}

/// Means of the variables given codes `[n, latent]`, as data.
fn decoded(experiment: &VaeExperiment, z: Tensor<2>, context: Option<Tensor<2>>) -> Result<Vec<f32>> {
    Ok(host(experiment.decode(Batch::new(z).with_context(context), 0)?))
}

/// Test images above what is made of their codes.
fn reconstructions(
    experiment: &VaeExperiment,
    (height, width): (usize, usize),
    test: &Dataset,
    files: &RunFiles,
) -> Result<()> {
    let rows = spread(test.len(), RECONSTRUCTED);
    let context =
        with_classes(test.batch(&rows, &experiment.device), experiment.model.model.n_context()).context;
    let restored = decoded(experiment, codes(experiment, test, &rows)?, context)?;
    let grid =
        ImageGrid::new(height, width).title("test data and reconstructions").row_labels(["test", "decoded"]);
    Ok(grid
        .render_rows(&slices(&[test.values(&rows), restored]))?
        .save_png(files.named("reconstructions.png"))?)
}

/// Images on straight lines between the codes of test images.
fn walks(
    experiment: &VaeExperiment,
    (height, width): (usize, usize),
    test: &Dataset,
    files: &RunFiles,
) -> Result<()> {
    let ends = codes(experiment, test, &spread(test.len(), 2 * WALKS))?;
    let n = ends.dims()[0] / 2;
    let (from, to) = (ends.clone().narrow(0, 0, n), ends.narrow(0, n, n));
    let mut columns = Vec::new();
    for stop in 0..STOPS {
        let t = stop as f64 / (STOPS - 1) as f64;
        columns.push(decoded(experiment, from.clone() * (1.0 - t) + to.clone() * t, None)?);
    }
    let grid = ImageGrid::new(height, width).title("walks between codes of test images");
    Ok(grid.render_columns(&slices(&columns))?.save_png(files.named("walks.png"))?)
}

/// Codes of two numbers in the plane, colored by class.
fn plane(experiment: &VaeExperiment, test: &Dataset, files: &RunFiles) -> Result<()> {
    let chosen = if test.len() > CODES { spread(test.len(), CODES) } else { rows(test) };
    let means = host(codes(experiment, test, &chosen)?);
    let (x, y): (Vec<f32>, Vec<f32>) = means.chunks(2).map(|code| (code[0], code[1])).unzip();
    let panel = Panel::new(Axis::new("second number of the code")).title("codes of test data");
    let panel = match test.labels() {
        Some(labels) => {
            let labels: Vec<u16> = chosen.iter().map(|&i| labels[i]).collect();
            panel.classes(&x, &y, &labels)
        }
        None => panel.series(Series::new("", &x, &y).dots(DOT)),
    };
    let figure = Figure::new(Axis::new("first number of the code")).panel_height(900).panel(panel);
    Ok(figure.save(files.named("codes.png"))?)
}
