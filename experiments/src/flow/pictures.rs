//! Densities of the plane.

use gibbs_core::LogProb;

use super::{FlowExperiment, FlowFamily};
use crate::{pictures::Frame, prelude::*};

/// Pixels of a panel.
pub const PANEL_WIDTH: u32 = 400;

/// The density on `cells` by `cells` points, with the one to be learned where it is known; draws from it; and a `last` panel.
pub fn density<F: FlowFamily>(
    flow: &FlowExperiment<F>,
    frame: &Frame,
    cells: usize,
    samples: &[f32],
    last: Panel,
) -> Figure {
    let points = frame.centers(cells, &flow.device);
    let mut panels = Vec::new();
    let log_prob = match &flow.target {
        Some(target) => {
            panels.push(frame.heat("density to be learned", target.log_prob(points.clone())));
            target.symmetrized(flow.model.clone()).log_prob(points)
        }
        None => flow.model.log_prob_given(points, None),
    };
    panels.extend([frame.heat("learned density", log_prob), frame.dots("draws", samples), last]);
    let figure = Figure::new(Axis::new("")).columns(panels.len()).width(PANEL_WIDTH * panels.len() as u32);
    panels.into_iter().fold(figure.share_limits(), Figure::panel)
}
