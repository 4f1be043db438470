//! One run of a method: steps, metrics, checkpoint.

use gibbs_data::Split;
use gibbs_physics::{
    Pairwise, PhysicsError,
    inverse::{InverseEstimator, InverseMethod, IterativeEstimator, Samples, coupling_error},
    system::SpinSystemConfig,
};
use gibbs_train::training::ParameterTooLarge;

use super::{Couplings, IsingRun, IsingTrain, config};
use crate::prelude::*;

/// Starts a method on samples, with the noise of chains of a run with this seed.
pub(super) fn estimator(
    method: InverseMethod,
    samples: Samples,
    train: &IsingTrain,
    seed: u64,
) -> Result<InverseEstimator> {
    let noise = Noise::new(seed, "chains");
    InverseEstimator::new(method, samples, &train.estimator, &noise).map_err(|error| match error {
        PhysicsError::Config(error) => usage!("{}", error.within("model")),
        other => usage!("{other}"),
    })
}

/// A method at work on the training samples.
pub(super) struct IsingTask {
    estimator: InverseEstimator,
    truth: Option<Pairwise>,
    steps: usize,
    gradient: f64,
    device: Device,
}

impl IsingTask {
    pub(super) fn new(config: &IsingRun, source: &Source<SpinSystemConfig>, device: &Device) -> Result<Self> {
        let spins = config::spins(config, source, Split::Train)?;
        let samples = Samples::new(&spins, config.model.n_spins)?;
        Ok(Self {
            estimator: estimator(config.model.kind, samples, &config.train, config.seed)?,
            truth: config::truth(config)?,
            steps: 0,
            gradient: f64::INFINITY,
            device: device.clone(),
        })
    }

    /// Takes a step, unless the end is reached.
    fn advance(&mut self) -> Result<(), BoxError> {
        if self.gradient > self.estimator.tolerance() {
            self.gradient = self.estimator.step()?;
            self.steps += 1;
        }
        Ok(())
    }
}

impl TrainTask for IsingTask {
    fn steps_per_epoch(&self) -> usize {
        self.estimator.max_steps()
    }

    fn step(&mut self, _at: &Position) -> Result<(), BoxError> {
        self.advance()
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        let couplings = self.estimator.couplings()?;
        let largest = couplings.bonds().fold(0.0f64, |largest, (_, _, coupling)| largest.max(coupling.abs()));
        ParameterTooLarge::check("couplings", largest, 1.0)?;
        let metrics = Metrics::new().with("gradient", self.gradient).with("steps_taken", self.steps as f64);
        let Some(truth) = &self.truth else { return Ok(metrics) };
        Ok(metrics.with("coupling_error", coupling_error(&couplings, truth).relative))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        state.put("steps", &self.steps)?;
        if let Some(chains) = self.estimator.state() {
            state.put("gradient", &self.gradient)?;
            state.put("chains", chains)?;
        }
        Ok(())
    }

    /// The steps of methods without chains are few and depend on the samples alone: they are taken again.
    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        let steps = state.get("steps")?;
        if self.estimator.state().is_some() {
            self.estimator.set_state(state.get("chains")?);
            (self.steps, self.gradient) = (steps, state.get("gradient")?);
        }
        while self.steps < steps {
            self.advance()?;
        }
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&Couplings::of(&self.estimator.couplings()?, &self.device))?)
    }
}
