//! Pictures of a finished run.

use super::{CnfExperiment, PLAIN};
use crate::{
    flow::{FlowSource, density, images_on_their_way, loss_or_log_prob_curves, snapshots, trajectories},
    pictures::Frame,
    prelude::*,
    source::first,
};

/// Draws in a picture of images, and points in one of points.
const SAMPLES: usize = 100;
const POINTS: usize = 2000;
/// Times at which points and velocities are shown.
const TIMES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Cells of a density along each axis.
const CELLS: usize = 150;

pub(super) fn draw(experiment: &CnfExperiment, source: &FlowSource, files: &RunFiles) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let (look, flow) = (experiment.look(), &experiment.model.model);
    let n = if look.is_of_points() { POINTS } else { SAMPLES };
    let samples = host(experiment.draw_plain(n, PLAIN, noise)?);
    let (seen, test) = match source {
        Source::Target(_) => (samples.clone(), None),
        Source::Data(data) => (first(&data.test, n), Some(&data.test)),
    };
    let test = test.filter(|_| experiment.target.is_none());
    save_samples(&look, &independent_draws(n), test, &samples, files)?;
    if let Some(shape) = look.pixels() {
        images_on_their_way(experiment, flow, shape, files)?;
    } else if experiment.n_visible() == 2 && experiment.model.n_context() == 0 {
        let frame = Frame::around(&seen, &look);
        let last = trajectories(experiment, flow, &frame)?;
        density(experiment, &frame, CELLS, &samples, last).save(files.named("density.png"))?;
        snapshots(experiment, flow, &frame, &TIMES)?.save(files.named("flow.png"))?;
    }
    match &experiment.target {
        Some(target) => save_figure(&target.report().curves(&Curves::read(&files.metrics())?), files),
        None => loss_or_log_prob_curves("loss of flow matching", files),
    }
}
