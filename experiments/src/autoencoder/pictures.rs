//! The pictures of a finished run.

use gibbs_report::Thumbnails;

use super::{AutoencoderExperiment, evaluate::DRAWN};
use crate::{
    pictures::{DOT, of_baseline, slices},
    prelude::*,
    source::spread,
};

/// Test examples whose reconstructions are shown.
const RECONSTRUCTED: usize = 16;
/// The same, where they are rows of a table.
const RECONSTRUCTED_ROWS: usize = 300;
/// Images of drawn codes.
const SAMPLES: usize = 100;
/// Test examples in the picture of codes.
const CODES: usize = 5000;

pub(super) fn draw(experiment: &AutoencoderExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    reconstructions(experiment, data, files)?;
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let samples = experiment.draw(&data.train, SAMPLES, &mut noise)?;
    save_samples(&experiment.look(), DRAWN, Some(&data.test), &samples, files)?;
    if experiment.network.code_width() == 2 {
        codes(experiment, &data.test, files)?;
    }
    curves(files)
}

/// Test examples above their reconstructions above those of the principal components.
fn reconstructions(experiment: &AutoencoderExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let look = experiment.look();
    let n = if look.image().is_some() { RECONSTRUCTED } else { RECONSTRUCTED_ROWS }.min(data.test.len());
    let x = experiment.visible().spread(&data.test, n, &experiment.device);
    let width = experiment.network.code_width();
    let mut labels = vec!["test".to_string(), "autoencoder".into(), format!("PCA-{width}")];
    let mut sets = vec![
        host(x.clone()),
        host(experiment.network.reconstruct(x.clone())),
        host(experiment.pca(&data.train)?.reconstruct(x.clone())),
    ];
    if let Some(pca) = experiment.logistic_pca(Some(&data.train), files)? {
        labels.push(format!("logistic PCA-{width}"));
        sets.push(host(pca.reconstruct(x)));
    }
    let title = "test data and reconstructions";
    let picture = match look.image() {
        Some((rows, columns)) => {
            ImageGrid::new(rows, columns).title(title).row_labels(labels).render_rows(&slices(&sets))?
        }
        None => {
            let labels = labels.iter().map(String::as_str);
            look.picture(title, &labels.zip(slices(&sets)).collect::<Vec<_>>())?
        }
    };
    Ok(picture.save_png(files.named("reconstructions.png"))?)
}

/// Codes of two numbers in the plane, colored by class, with images on them.
fn codes(experiment: &AutoencoderExperiment, test: &Dataset, files: &RunFiles) -> Result<()> {
    let rows = spread(test.len(), CODES);
    let images = experiment.visible().examples(test, &rows, &experiment.device);
    let codes = experiment.codes(&images);
    let (x, y): (Vec<f32>, Vec<f32>) = codes.chunks(2).map(|code| (code[0], code[1])).unzip();
    let labels: Option<Vec<u16>> = test.labels().map(|labels| rows.iter().map(|&i| labels[i]).collect());
    let panel = Panel::new(Axis::new("second number of the code")).title("codes of test data");
    let panel = match &labels {
        Some(labels) => panel.classes(&x, &y, labels),
        None => panel.series(Series::new("", &x, &y).dots(DOT)),
    };
    let panel = match experiment.look().image() {
        Some(shape) => {
            let thumbnails = Thumbnails::new(&x, &y, &host(images), shape);
            panel.thumbnails(labels.iter().fold(thumbnails, |thumbnails, labels| thumbnails.classes(labels)))
        }
        None => panel,
    };
    let figure = Figure::new(Axis::new("first number of the code")).panel_height(900).panel(panel);
    Ok(figure.save(files.named("codes.png"))?)
}

/// Errors of pre-training and fine-tuning, next to those of the network from random weights.
fn curves(files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    let baseline = of_baseline(files, &run, "loss");
    let mut figure = Figure::new(Axis::new("epoch"));
    let panel = |series: Vec<Series>| {
        series.into_iter().fold(Panel::new(Axis::new("squared error").log()), Panel::series)
    };
    let stack = run.series("through the layers so far", "reconstruction_error");
    if !stack.is_empty() {
        figure = figure.panel(panel(stack).title("pre-training"));
    }
    let start = if baseline.has("loss") { ", from the stack" } else { "" };
    let errors = [
        run.series(&format!("train{start}"), "train_squared_error"),
        run.series(&format!("valid{start}"), "valid_squared_error"),
        baseline.series("train, random start", "train_squared_error"),
        baseline.series("valid, random start", "valid_squared_error"),
    ];
    save_figure(&figure.panel(panel(errors.concat()).title("fine-tuning")), files)
}
