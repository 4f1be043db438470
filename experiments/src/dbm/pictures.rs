//! The pictures of a finished run.

use gibbs_report::{FilterGrid, FilterOrder};

use super::DbmExperiment;
use crate::{
    evidence::Half,
    pictures::{completions, of_baseline, save_filters},
    prelude::*,
};

/// Chains in the picture of samples, and their sweeps after annealing.
const SAMPLES: usize = 100;
const SWEEPS: usize = 1000;
/// Draws of each class.
const OF_EACH_CLASS: usize = 12;
/// Completed test examples, completions of each, and the sweeps of one.
const COMPLETED: usize = 10;
const COMPLETIONS: usize = 8;
const COMPLETION_SWEEPS: usize = 300;

pub(super) fn draw(experiment: &DbmExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    if experiment.config.train.run.epochs > 0 {
        samples(experiment, data, files)?;
        if let Some(shape) = experiment.look().image() {
            filters(experiment, shape, files)?;
            completion(experiment, shape, data, files)?;
        }
    }
    curves(files)
}

/// Draws, or a row of draws for each class.
fn samples(experiment: &DbmExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let (look, n_classes) = (experiment.look(), experiment.dbm.n_classes());
    let n = if n_classes == 0 { SAMPLES } else { n_classes * OF_EACH_CLASS };
    let draws = experiment.generate(n, None, SWEEPS, &mut Noise::new(experiment.config.seed, "pictures"))?;
    let title = format!("{} after {SWEEPS} sweeps of all layers", experiment.config.visible().mean_name());
    match look.image() {
        Some((rows, columns)) if n_classes > 0 => {
            let grid = ImageGrid::new(rows, columns).columns(OF_EACH_CLASS).row_labels(0..n_classes);
            Ok(grid.title(title).save(&draws, files.named("samples.png"))?)
        }
        _ => save_samples(&look, &title, Some(&data.test), &draws, files),
    }
}

/// The weights of the lowest layer, and what each further layer combines of them.
fn filters(experiment: &DbmExperiment, shape: (usize, usize), files: &RunFiles) -> Result<()> {
    let mut layers = experiment.dbm.layers.iter().map(|layer| layer.weight.val());
    let Some(mut weight) = layers.next() else { return Ok(()) };
    save_filters(shape, weight.clone(), "weights of the lowest hidden layer", files)?;
    for (k, layer) in layers.enumerate() {
        weight = weight.matmul(layer);
        let caption = format!("hidden layer {}: weights times those of the layers below", k + 2);
        let grid = FilterGrid::new(shape.0, shape.1).order(FilterOrder::Norm).caption(caption);
        grid.save(&host(weight.clone()), weight.dims()[1], files.named(&format!("filters-{}.png", k + 2)))?;
    }
    Ok(())
}

/// Test examples, their known halves, and several completions.
fn completion(
    experiment: &DbmExperiment,
    shape: (usize, usize),
    data: &Splits,
    files: &RunFiles,
) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "completions");
    let v = experiment.config.visible().spread(&data.test, COMPLETED, &experiment.device);
    let mut sets = vec![host(v.clone())];
    for k in 0..COMPLETIONS {
        let (known, completed) = experiment.completed_half(v.clone(), Half::Upper, COMPLETION_SWEEPS, noise);
        if k == 0 {
            sets.push(known);
        }
        sets.push(completed);
    }
    Ok(completions(shape, &sets)?.save_png(files.named("inpainting.png"))?)
}

/// Metrics of each stage that was run, next to those of the baseline.
fn curves(files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    let baseline = of_baseline(files, &run, "cross_entropy");
    let both = |axis: &str, name: &str| {
        let series = baseline.series("from random weights", name).into_iter();
        (name.to_string(), series.fold(run.panel(axis, &[("from the machine", name)]), Panel::series))
    };
    let own = |axis: &str, label: &str, name: &str| (name.to_string(), run.panel(axis, &[(label, name)]));
    let bound = [("train", "train_log_prob_bound"), ("valid", "valid_log_prob_bound")];
    let panels = [
        own("squared error", "reconstruction", "reconstruction_error"),
        ("valid_log_prob_bound".into(), run.panel("bound (nats)", &bound)),
        both("training cross-entropy (nats)", "cross_entropy"),
        both("validation error (%)", "valid_classification_error"),
    ];
    let logged = panels.into_iter().filter(|(name, _)| run.has(name)).map(|(_, panel)| panel);
    save_figure(&logged.fold(Figure::new(Axis::new("epoch")), Figure::panel), files)
}
