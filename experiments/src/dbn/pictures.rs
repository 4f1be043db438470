//! The pictures of a finished run.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_report::{Axis, Figure, FilterGrid, FilterOrder, ImageGrid, Panel};
use gibbs_train::run_folder::RunFolder;

use super::DbnExperiment;
use crate::curves::Curves;

/// Chains in the picture of samples, and their sweeps after annealing.
const SAMPLES: usize = 100;
const SWEEPS: usize = 1000;
/// Draws of each class.
const OF_EACH_CLASS: usize = 12;

pub(super) fn draw(experiment: &DbnExperiment, folder: &RunFolder) -> Result<()> {
    samples(experiment, folder)?;
    filters(experiment, folder)?;
    curves(folder)
}

/// Free draws, or a row of draws for each class.
fn samples(experiment: &DbnExperiment, folder: &RunFolder) -> Result<()> {
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let (rows, columns) = experiment.shape();
    let (grid, path) = (ImageGrid::new(rows, columns), folder.files().named("samples.png"));
    let n_classes = experiment.dbn.n_classes();
    if n_classes == 0 {
        let draws = experiment.generate(SAMPLES, None, SWEEPS, &mut noise);
        return Ok(grid.save(&draws, path)?);
    }
    let n = n_classes * OF_EACH_CLASS;
    let draws = experiment.generate(n, experiment.classes_in_turn(n).as_deref(), SWEEPS, &mut noise);
    Ok(grid.columns(OF_EACH_CLASS).row_labels(0..n_classes).save(&draws, path)?)
}

/// Weights of the lowest layer.
fn filters(experiment: &DbnExperiment, folder: &RunFolder) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let weight = experiment.dbn.layers[0].weight.val();
    let [visible, hidden] = weight.dims();
    if visible != rows * columns {
        return Ok(());
    }
    let values: Vec<f32> = to_host(weight).into_iter().map(|w| w as f32).collect();
    let grid = FilterGrid::new(rows, columns).order(FilterOrder::Norm).caption("weights of the lowest layer");
    Ok(grid.save(&values, hidden, folder.files().named("filters.png"))?)
}

/// Reconstruction error layer by layer, and the errors of the classifier.
fn curves(folder: &RunFolder) -> Result<()> {
    let run = Curves::read(&folder.files().metrics())?;
    let control = Curves::read(&folder.files().named("control").join("metrics.jsonl")).unwrap_or_default();
    let mut figure = Figure::new(Axis::new("epoch"));
    let panel = |label: &str, series: Vec<gibbs_report::Series>| {
        (!series.is_empty()).then(|| series.into_iter().fold(Panel::new(Axis::new(label)), Panel::series))
    };
    let stack = panel(
        "squared error",
        run.series("reconstruction through the layers so far", "reconstruction_error"),
    );
    let bound = panel("bound + log Z (nats)", run.series("up-down", "bound_without_log_z"));
    let likelihood = [run.series("train", "train_log_prob"), run.series("valid", "valid_log_prob")].concat();
    let likelihood = panel("bound (nats)", likelihood);
    let start = run.first_epoch("cross_entropy");
    let both = |name: &str| -> Vec<gibbs_report::Series> {
        let control = control.shifted(start).series("from random weights", name);
        run.series("from the stack", name).into_iter().chain(control).collect()
    };
    let nll = panel("training cross-entropy (nats)", both("cross_entropy"));
    let error = panel("validation error (%)", both("valid_classification_error"));
    for panel in [stack, bound, likelihood, nll, error].into_iter().flatten() {
        figure = figure.panel(panel);
    }
    figure.save(folder.files().named("curves.png"))?;
    Ok(figure.save(folder.files().named("curves.svg"))?)
}
