//! Storing patterns: one step in closed form.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_data::{Dataset, Splits};
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position, TrainTask},
    weights,
};

use super::{
    HopfieldRun, data,
    film::{Settings, recall},
    memory::{Memory, Weights, overlap},
};

/// Overlap from which on a pattern counts as one that stays as it is.
const STAYS: f64 = 1.0 - 1e-6;

/// Patterns to be stored.
pub(super) struct Storage {
    config: HopfieldRun,
    patterns: Vec<f32>,
    device: Device,
    weights: Option<Weights>,
}

impl Storage {
    pub(super) fn new(config: &HopfieldRun, data: &Splits, device: &Device) -> Result<Self> {
        let n_patterns = config.model.n_patterns.unwrap_or(data.train.len());
        let rows = data::stored_rows(&data.train, n_patterns, config.seed);
        let patterns = states(&data.train, &rows).concat();
        Ok(Self { config: config.clone(), patterns, device: device.clone(), weights: None })
    }

    fn store(&mut self) -> Result<()> {
        let width = self.patterns.len() / self.config.model.n_patterns.unwrap_or(1);
        self.weights = Some(Weights::store(&self.config.model, &self.patterns, width, &self.device)?);
        Ok(())
    }
}

/// Examples as states: 1 for white, -1 for black.
pub(super) fn states(data: &Dataset, rows: &[usize]) -> Vec<Vec<f32>> {
    let values = data.values(rows);
    values.chunks(data.width()).map(|row| row.iter().map(|x| 2.0 * x - 1.0).collect()).collect()
}

/// Values in \[0, 1\] of a state.
pub(super) fn pixels(state: &[f32]) -> impl Iterator<Item = f32> {
    state.iter().map(|s| (0.5 * (s + 1.0)).clamp(0.0, 1.0))
}

impl TrainTask for Storage {
    fn steps_per_epoch(&self) -> usize {
        1
    }

    fn step(&mut self, _at: &Position) -> Result<(), BoxError> {
        Ok(self.store()?)
    }

    /// The fraction of patterns that recall leaves as they are.
    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        let Some(weights) = &self.weights else { return Ok(Metrics::new()) };
        let memory = Memory::new(&self.config.model, weights, &self.device)?;
        let settings = Settings { max_steps: 1, ..Settings::of(&self.config) };
        let patterns = memory.patterns();
        let films = recall(&memory, patterns, &settings, &Noise::new(self.config.seed, "figures"))?;
        let stay = films.iter().zip(patterns).filter(|(film, pattern)| overlap(film.last(), pattern) > STAYS);
        let stable = stay.count() as f64 / patterns.len() as f64;
        Ok(Metrics::new().with("stable", stable).with("patterns", patterns.len() as f64))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        Ok(state.put("stored", &self.weights.is_some())?)
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        if state.get("stored")? {
            self.store()?;
        }
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        match &self.weights {
            Some(weights) => Ok(weights::to_bytes(weights)?),
            None => Err("nothing is stored yet".into()),
        }
    }
}
