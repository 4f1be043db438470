//! The associative memory to play with: it recalls a damaged pattern step by step.

use gibbs_physics::memory::RecallConfig;
use gibbs_serve::{
    Offer,
    playground::{Dice, PlayError, Playground, Recall},
};

use super::{HopfieldExperiment, data::pixels};
use crate::play;

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-hopfield",
    title: "Hopfield memory",
    about: "Stores digits in one step. Damage one and watch it being recalled. A few seconds.",
    command: &["hopfield", "train"],
    settings: &["--data", "digits", "--preset", "tiny"],
};

/// States that are shown of a sweep, and the most sweeps.
const PARTS: usize = 12;
const SWEEPS: usize = 12;

impl Playground for HopfieldExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        Some(HopfieldExperiment::shape(self))
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        self.memory.patterns().iter().map(|pattern| pixels(pattern).collect()).collect()
    }

    fn recall(&self) -> Option<&dyn Recall> {
        Some(self)
    }
}

impl Recall for HopfieldExperiment {
    fn recall(&self, image: &[f32], dice: Dice) -> Result<Vec<(Vec<f32>, f64)>, PlayError> {
        let state: Vec<f32> = match self.memory.is_of_spins() {
            true => image.iter().map(|x| if *x > 0.5 { 1.0 } else { -1.0 }).collect(),
            false => image.iter().map(|x| 2.0 * x - 1.0).collect(),
        };
        let config = RecallConfig { parts: PARTS, max_steps: SWEEPS, ..self.config.train.recall() };
        let paths = self.memory.recall(&[state], &config, &play::noise(dice))?;
        let steps = paths.into_iter().flat_map(|path| path.states.into_iter().zip(path.energies));
        Ok(steps.map(|(state, energy)| (pixels(&state).collect(), energy)).collect())
    }
}
