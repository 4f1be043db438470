//! A sampler in training by the variational bound of a Hamiltonian, with the path gradient.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Energy, LogProb, Sample, variational::path_gradient};
use gibbs_train::{
    checkpoint::State,
    schedule::Schedule,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
    weights,
};

use crate::{backprop::Backprop, hamiltonian::Target, variational::Variational};

/// A sampler whose draws are functions of its parameters, in training on a Hamiltonian.
pub struct PathTraining<M> {
    /// What it is to be like.
    pub target: Target,
    /// The sampler.
    pub training: Backprop<M>,
    /// Annealing, validation.
    pub variational: Variational,
    /// Learning rate of Adam.
    pub learning_rate: Schedule,
    /// Draws of a step.
    pub batch_size: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl<M: Module + LogProb + Sample> TrainTask for PathTraining<M> {
    fn steps_per_epoch(&self) -> usize {
        self.variational.steps_per_epoch
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let target = &self.target;
        let rate = self.learning_rate.at(at.step, at.total_steps);
        let part = self.variational.annealed(at.step, at.total_steps);
        let noise = &mut Noise::new(self.seed, format!("draws/{}", at.step));
        let model = self.training.network();
        let x = target.group.scramble(model.sample(self.batch_size, noise), noise);
        let law = |x: Tensor<2>| target.law.potential.energy(x) * part;
        let path = path_gradient(x, &target.symmetrized(model.clone().no_grad()), &law);
        let bound = target.free_energy().bound((path.log_q + path.energy * part.recip()).mean());
        self.training.figures.add("free_energy", bound);
        self.training.descend(at, rate, "surrogate", path.loss);
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        Ok(self.training.take_metrics())
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let noise = &mut Noise::new(self.seed, format!("valid/{}", at.step));
        let n = self.variational.valid_samples;
        let draws = self.target.draws(&self.training.measured(), n, noise);
        Ok(Some(Validation { metrics: self.target.free_energy().figures(&draws), score: None }))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        self.training.save(state)
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.training.load(state)
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&self.training.measured())?)
    }
}
