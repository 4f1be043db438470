//! Pictures of a finished run.

use super::{DiffusionExperiment, Sampler, SamplerFlags};
use crate::{
    flow::{FlowSource, density, images_on_their_way, loss_or_log_prob_curves, snapshots, trajectories},
    pictures::Frame,
    prelude::*,
    source::first,
};

/// Draws in a picture of images, and points in one of points.
const SAMPLES: usize = 100;
const POINTS: usize = 2000;
/// Parts of the range of the log-SNR at whose times points are shown: the data appear where half of the noise is gone, in the middle of
/// the range and after.
const PARTS: [f64; 5] = [0.0, 0.5, 0.625, 0.75, 1.0];
/// Cells of a density along each axis.
const CELLS: usize = 150;

pub(super) fn draw(experiment: &DiffusionExperiment, source: &FlowSource, files: &RunFiles) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let (look, flow, test) = (experiment.look(), experiment.model.model.flow(), &source.data()?.test);
    let n = if look.is_of_points() { POINTS } else { SAMPLES };
    let samples = host(experiment.draw_plain(n, SamplerFlags::plain(Sampler::Ode), noise)?);
    save_samples(&look, &independent_draws(n), Some(test), &samples, files)?;
    if let Some(shape) = look.pixels() {
        images_on_their_way(experiment, &flow, shape, files)?;
    } else if experiment.n_visible() == 2 && experiment.model.n_context() == 0 {
        let frame = Frame::around(&first(test, n), &look);
        let last = trajectories(experiment, &flow, &frame)?;
        density(experiment, &frame, CELLS, &samples, last).save(files.named("density.png"))?;
        let times = PARTS.map(|part| experiment.model.model.parametrization().schedule.time_at(part));
        snapshots(experiment, &flow, &frame, &times)?.save(files.named("flow.png"))?;
    }
    loss_or_log_prob_curves("denoising loss", files)
}
