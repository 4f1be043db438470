//! The pictures of a finished run.

use gibbs_report::HeatMap;

use super::BmExperiment;
use crate::{pictures::log_prob_curves, prelude::*};

/// Chains in the picture of samples, and their sweeps after cooling.
const SAMPLES: usize = 100;
const SWEEPS: usize = 200;

pub(super) fn draw(experiment: &BmExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let draws = experiment.draw(SAMPLES, SWEEPS, noise);
    let title = format!("{SAMPLES} chains after {SWEEPS} sweeps");
    save_samples(&experiment.look(), &title, Some(&data.test), &draws, files)?;
    couplings(experiment, files)?;
    log_prob_curves("log-likelihood (nats)", files)
}

/// The matrix of couplings.
fn couplings(experiment: &BmExperiment, files: &RunFiles) -> Result<()> {
    let (n, values) = (experiment.machine.n_units(), host(experiment.machine.couplings.val()));
    let largest = values.iter().fold(1e-6f32, |largest, value| largest.max(value.abs()));
    let ends = (0.5, n as f64 + 0.5);
    let map = HeatMap::new(&values, (n, n), ends, ends)
        .color_map(gibbs_report::ColorMap::CoolWarm)
        .limits(-f64::from(largest), f64::from(largest));
    let panel = Panel::new(Axis::new("unit, visible ones first").range(ends.0, ends.1))
        .x_axis(Axis::new("unit, visible ones first").range(ends.0, ends.1))
        .title(format!(
            "couplings of {} visible and {} hidden units",
            experiment.machine.n_visible(),
            experiment.machine.n_hidden()
        ))
        .heat_map(map)
        .equal();
    Ok(Figure::new(Axis::new("")).panel(panel).save(files.named("couplings.png"))?)
}
