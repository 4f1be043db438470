//! A flow in training by the variational bound of a Hamiltonian, with the path gradient.

use anyhow::Result;
use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Energy, Sample, variational::path_gradient};
use gibbs_flow::Flow;
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Figures, Position, Trainee, Validation},
    weights,
};

use super::{
    RealNvpRun,
    hamiltonian::{self, Target},
};
use crate::backprop::Backprop;

/// A flow in training on a Hamiltonian.
pub(super) struct VariationalTrainee {
    config: RealNvpRun,
    target: Target,
    training: Backprop<Flow>,
}

impl VariationalTrainee {
    pub(super) fn new(config: &RealNvpRun, target: Target, device: &Device) -> Result<Self> {
        let train = &config.train;
        let flow = config.model.flow()?.init(device, &mut Noise::new(config.seed, "init"))?;
        let flow = match hamiltonian::starts_from_fields(&config.model) {
            true => target.fitted(flow, device, &mut Noise::new(config.seed, "fields")),
            false => flow,
        };
        let training = Backprop::new(flow, train.adam().init()?, train.average, device).clipped(train.clip);
        Ok(Self { training, target, config: config.clone() })
    }
}

impl Trainee for VariationalTrainee {
    fn steps_per_epoch(&self) -> usize {
        self.config.train.variational.steps_per_epoch
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let (train, target) = (&self.config.train, &self.target);
        let rate = train.learning_rate.at(at.step, at.total_steps);
        let part = train.variational.annealed(at.step, at.total_steps);
        let noise = &mut Noise::new(self.config.seed, format!("draws/{}", at.step));
        let flow = self.training.network();
        let x = target.group.scramble(flow.sample(train.batch_size, noise), noise);
        let law = |x: Tensor<2>| target.law.potential.energy(x) * part;
        let path = path_gradient(x, &target.symmetrized(flow.clone().no_grad()), &law);
        let bound = target.free_energy().bound((path.log_q + path.energy * part.recip()).mean());
        self.training.figures.add("free_energy", bound);
        self.training.descend(at, rate, "surrogate", path.loss);
        Ok(())
    }

    fn figures(&mut self) -> Result<Figures, BoxError> {
        Ok(self.training.take_figures())
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let noise = &mut Noise::new(self.config.seed, format!("valid/{}", at.step));
        let n = self.config.train.variational.valid_samples;
        let draws = self.target.draws(&self.training.measured(), n, noise);
        Ok(Some(Validation { figures: self.target.free_energy().figures(&draws), score: None }))
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
