//! The diffusion to play with: points of noise on their way to the data.

use gibbs_core::ConditionalLogProb;
use gibbs_serve::{
    Offer,
    playground::{Dice, Paths, PlayError, Playground},
};

use super::DiffusionExperiment;
use crate::{
    flow::moved_points,
    play::{self, error},
};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-diffusion",
    title: "Diffusion",
    about: "Learns to remove noise from two moons. A few seconds.",
    command: &["diffusion", "train"],
    settings: &["--data", "moons", "--preset", "tiny"],
};

/// Times at which points are computed; the page interpolates.
const TIMES: usize = 32;

impl Playground for DiffusionExperiment {
    fn paths(&self) -> Option<&dyn Paths> {
        (self.model.n_context() == 0 && self.n_visible() == 2).then_some(self)
    }
}

impl Paths for DiffusionExperiment {
    fn parts(&self) -> &'static str {
        "time"
    }

    fn paths(&self, n: usize, dice: Dice) -> Result<Vec<Vec<[f32; 2]>>, PlayError> {
        let flow = self.model.model.flow();
        let states = moved_points(self, &flow, (n, TIMES), &mut play::noise(dice)).map_err(error)?;
        Ok(states.iter().map(|points| points.as_chunks::<2>().0.to_vec()).collect())
    }
}
