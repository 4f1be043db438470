//! The pictures of a finished run.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_data::{Dataset, Splits};
use gibbs_report::{Axis, Figure, ImageGrid, Panel, Series, Thumbnails};
use gibbs_train::run_folder::RunFolder;

use super::{AutoencoderExperiment, config};
use crate::curves::Curves;

/// Test examples whose reconstructions are shown.
const RECONSTRUCTED: usize = 16;
/// Images of drawn codes.
const SAMPLES: usize = 100;
/// Test examples in the picture of codes.
const CODES: usize = 5000;

pub(super) fn draw(experiment: &AutoencoderExperiment, data: &Splits, folder: &RunFolder) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let file = |name: &str| folder.files().named(name);
    reconstructions(experiment, data, folder)?;
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let samples = experiment.draw(&data.train, SAMPLES, &mut noise)?;
    ImageGrid::new(rows, columns).save(&samples, file("samples.png"))?;
    if experiment.network.code_width() == 2 {
        codes(experiment, &data.test, folder)?;
    }
    curves(folder)
}

fn host(x: Tensor<2>) -> Vec<f32> {
    to_host(x).into_iter().map(|value| value as f32).collect()
}

/// Test examples above their reconstructions above those of the principal components.
fn reconstructions(experiment: &AutoencoderExperiment, data: &Splits, folder: &RunFolder) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let n = RECONSTRUCTED.min(data.test.len());
    let x = config::coding(&experiment.config).spread(&data.test, n, &experiment.device);
    let width = experiment.network.code_width();
    let mut labels = vec!["test".to_string(), "autoencoder".into(), format!("PCA-{width}")];
    let mut sets = vec![
        host(x.clone()),
        host(experiment.network.reconstruct(x.clone())),
        host(experiment.pca(&data.train)?.reconstruct(x.clone())),
    ];
    if let Some(pca) = experiment.logistic_pca(&data.train, &folder.files())? {
        labels.push(format!("logistic PCA-{width}"));
        sets.push(host(pca.reconstruct(x)));
    }
    let sets: Vec<&[f32]> = sets.iter().map(Vec::as_slice).collect();
    let grid = ImageGrid::new(rows, columns).row_labels(labels).render_rows(&sets)?;
    Ok(grid.save_png(folder.files().named("reconstructions.png"))?)
}

/// Codes of two numbers in the plane, colored by class, with images on them.
fn codes(experiment: &AutoencoderExperiment, test: &Dataset, folder: &RunFolder) -> Result<()> {
    let n = CODES.min(test.len());
    let spread: Vec<usize> = (0..n).map(|i| i * test.len() / n).collect();
    let images = config::coding(&experiment.config).examples(test, &spread, &experiment.device);
    let codes = experiment.codes(&images);
    let (x, y): (Vec<f32>, Vec<f32>) = codes.chunks(2).map(|code| (code[0], code[1])).unzip();
    let labels: Option<Vec<u8>> = test.labels().map(|labels| spread.iter().map(|&i| labels[i]).collect());
    let thumbnails = Thumbnails::new(&x, &y, &host(images), experiment.shape());
    let panel = Panel::new(Axis::new("second number of the code"));
    let panel = match &labels {
        Some(labels) => panel.classes(&x, &y, labels).thumbnails(thumbnails.classes(labels)),
        None => panel.series(Series::new("", &x, &y).dots(1.2)).thumbnails(thumbnails),
    };
    let figure = Figure::new(Axis::new("first number of the code")).panel_height(900).panel(panel);
    Ok(figure.save(folder.files().named("codes.png"))?)
}

/// Errors of pre-training and fine-tuning, beside those of the network from random weights.
fn curves(folder: &RunFolder) -> Result<()> {
    let run = Curves::read(&folder.files().metrics())?;
    let control = Curves::read(&folder.files().named("control").join("metrics.jsonl")).unwrap_or_default();
    let control = control.shifted(run.first_epoch("loss"));
    let mut figure = Figure::new(Axis::new("epoch"));
    let stack = run.series("through the layers so far", "reconstruction_error");
    if !stack.is_empty() {
        let panel = stack.into_iter().fold(Panel::new(Axis::new("squared error").log()), Panel::series);
        figure = figure.panel(panel.title("pre-training"));
    }
    let name = if control.of("loss").0.is_empty() { "" } else { ", from the stack" };
    let series = [
        run.series(&format!("train{name}"), "train_squared_error"),
        run.series(&format!("valid{name}"), "valid_squared_error"),
        control.series("train, random start", "train_squared_error"),
        control.series("valid, random start", "valid_squared_error"),
    ];
    let errors = Panel::new(Axis::new("squared error").log()).title("fine-tuning");
    figure = figure.panel(series.into_iter().flatten().fold(errors, Panel::series));
    figure.save(folder.files().named("curves.png"))?;
    Ok(figure.save(folder.files().named("curves.svg"))?)
}
