//! One run of a method: steps, figures, checkpoint.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_data::Splits;
use gibbs_physics::{
    Pairwise,
    inverse::{ChainsState, coupling_error},
};
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position, TrainTask},
    weights,
};

use super::{Couplings, IsingRun, data, methods::Work};

/// A method at work on the training samples.
pub(super) struct IsingTask {
    work: Work,
    max_steps: usize,
    tolerance: f64,
    truth: Option<Pairwise>,
    steps: usize,
    gradient: f64,
    device: Device,
}

impl IsingTask {
    pub(super) fn new(config: &IsingRun, data: &Splits, device: &Device) -> Result<Self> {
        let samples = data::samples(&data.train)?;
        let noise = Noise::new(config.seed, "chains");
        let work = Work::new(config.model.kind, samples, &config.train, &noise)?;
        Ok(Self {
            max_steps: work.max_steps(&config.train),
            tolerance: work.tolerance(&config.train),
            work,
            truth: data::truth(config)?,
            steps: 0,
            gradient: f64::INFINITY,
            device: device.clone(),
        })
    }

    /// A step, unless the end is reached.
    fn advance(&mut self) -> Result<(), BoxError> {
        if self.gradient > self.tolerance {
            self.gradient = self.work.step()?;
            self.steps += 1;
        }
        Ok(())
    }
}

impl TrainTask for IsingTask {
    fn steps_per_epoch(&self) -> usize {
        self.max_steps
    }

    fn step(&mut self, _at: &Position) -> Result<(), BoxError> {
        self.advance()
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        let figures = Metrics::new().with("gradient", self.gradient).with("steps_taken", self.steps as f64);
        Ok(match &self.truth {
            Some(truth) => {
                figures.with("coupling_error", coupling_error(&self.work.couplings()?, truth).relative)
            }
            None => figures,
        })
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        state.put("steps", &self.steps)?;
        if let Work::Chains(chains) = &self.work {
            let ChainsState { steps: _, parameters, average, gradient, chains } = chains.state();
            state.put("gradient_now", &self.gradient)?;
            state.put("parameters", parameters)?;
            state.put("average", average)?;
            state.put("gradient", gradient)?;
            state.put("spins", &chains.iter().map(|(spins, _)| spins).collect::<Vec<_>>())?;
            state.put("noise", &chains.iter().map(|(_, noise)| noise).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// The steps without chains are few and depend on the samples alone: they are taken again.
    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        let steps = state.get("steps")?;
        if let Work::Chains(chains) = &mut self.work {
            let (spins, noise): (Vec<Vec<i8>>, Vec<Noise>) = (state.get("spins")?, state.get("noise")?);
            chains.set_state(ChainsState {
                steps,
                parameters: state.get("parameters")?,
                average: state.get("average")?,
                gradient: state.get("gradient")?,
                chains: spins.into_iter().zip(noise).collect(),
            });
            (self.steps, self.gradient) = (steps, state.get("gradient_now")?);
        }
        while self.steps < steps {
            self.advance()?;
        }
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&Couplings::of(&self.work.couplings()?, &self.device))?)
    }
}
