//! The continuous flow to play with: points of the base on their way to the data.

use gibbs_core::ConditionalLogProb;
use gibbs_flow::continuous::VelocityField;
use gibbs_serve::{
    Offer,
    playground::{Dice, Paths, PlayError, Playground},
};

use super::CnfExperiment;
use crate::{
    flow::moved_points,
    play::{self, error},
};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-cnf",
    title: "Continuous flow",
    about: "Carries a normal distribution through time into two moons. A few seconds.",
    command: &["cnf", "train"],
    settings: &["--data", "moons", "--preset", "tiny"],
};

/// Times at which points are computed; the page interpolates.
const TIMES: usize = 32;

impl Playground for CnfExperiment {
    fn paths(&self) -> Option<&dyn Paths> {
        (self.model.n_context() == 0 && self.model.model.field.n_variables() == 2).then_some(self)
    }
}

impl Paths for CnfExperiment {
    fn parts(&self) -> &'static str {
        "time"
    }

    fn paths(&self, n: usize, dice: Dice) -> Result<Vec<Vec<[f32; 2]>>, PlayError> {
        let states =
            moved_points(self, &self.model.model, (n, TIMES), &mut play::noise(dice)).map_err(error)?;
        Ok(states.iter().map(|points| points.as_chunks::<2>().0.to_vec()).collect())
    }
}
