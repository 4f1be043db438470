//! The pictures of a finished run.

use super::DbnExperiment;
use crate::{
    pictures::{of_baseline, save_filters},
    prelude::*,
};

/// Chains in the picture of samples, and their sweeps after annealing.
const SAMPLES: usize = 100;
const SWEEPS: usize = 1000;
/// Draws of each class.
const OF_EACH_CLASS: usize = 12;

pub(super) fn draw(experiment: &DbnExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    samples(experiment, data, files)?;
    if let Some(shape) = experiment.look().image() {
        save_filters(shape, experiment.dbn.layers[0].weight.val(), "weights of the lowest layer", files)?;
    }
    curves(files)
}

/// Draws, or a row of draws for each class.
fn samples(experiment: &DbnExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let (look, n_classes) = (experiment.look(), experiment.dbn.n_classes());
    let n = if n_classes == 0 { SAMPLES } else { n_classes * OF_EACH_CLASS };
    let draws = experiment.generate(n, None, SWEEPS, &mut Noise::new(experiment.config.seed, "pictures"))?;
    let title = format!("{} after {SWEEPS} sweeps of the top RBM", experiment.visible().mean_name());
    match look.image() {
        Some((rows, columns)) if n_classes > 0 => {
            let grid = ImageGrid::new(rows, columns).columns(OF_EACH_CLASS).row_labels(0..n_classes);
            Ok(grid.title(title).save(&draws, files.named("samples.png"))?)
        }
        _ => save_samples(&look, &title, Some(&data.test), &draws, files),
    }
}

/// Errors of each stage that was run, next to those of the baseline.
fn curves(files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    let baseline = of_baseline(files, &run, "cross_entropy");
    let both = |axis: &str, name: &str| {
        let series = baseline.series("from random weights", name).into_iter();
        (name.to_string(), series.fold(run.panel(axis, &[("from the stack", name)]), Panel::series))
    };
    let own = |axis: &str, label: &str, name: &str| (name.to_string(), run.panel(axis, &[(label, name)]));
    let likelihood = [("train", "train_log_prob"), ("valid", "valid_log_prob")];
    let panels = [
        own("squared error", "reconstruction through the layers so far", "reconstruction_error"),
        own("bound + log Z (nats)", "up-down", "bound_without_log_z"),
        ("valid_log_prob".into(), run.panel("bound (nats)", &likelihood)),
        both("training cross-entropy (nats)", "cross_entropy"),
        both("validation error (%)", "valid_classification_error"),
    ];
    let logged = panels.into_iter().filter(|(name, _)| run.has(name)).map(|(_, panel)| panel);
    save_figure(&logged.fold(Figure::new(Axis::new("epoch")), Figure::panel), files)
}
