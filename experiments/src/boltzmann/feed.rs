//! Batches of training data, in the order that the position in a run gives.

use anyhow::Result;
use burn::prelude::*;
use gibbs_data::{Batch, Batches, Dataset, Epoch};
use gibbs_train::training::Position;

/// The batches of a run. What comes at a position depends on the data, the seed and the position alone.
pub struct Feed {
    batches: Batches,
    epoch: Option<(usize, Epoch)>,
    device: Device,
}

impl Feed {
    /// Shuffled batches.
    ///
    /// # Errors
    /// An empty set or a batch size of zero.
    pub fn new(data: Dataset, batch_size: usize, seed: u64, device: &Device) -> Result<Self> {
        let batches = Batches::new(data, batch_size)?.shuffled(seed);
        Ok(Self { batches, epoch: None, device: device.clone() })
    }

    /// Batches in an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.batches.len()
    }

    /// The examples.
    pub fn data(&self) -> &Dataset {
        self.batches.data()
    }

    /// The batch of a step.
    pub fn batch(&mut self, at: &Position) -> Batch {
        let epoch = match self.epoch.take() {
            Some((number, epoch)) if number == at.epoch => epoch,
            _ => self.batches.epoch(at.epoch as u64),
        };
        let batch = epoch.batch(at.step_in_epoch, &self.device);
        self.epoch = Some((at.epoch, epoch));
        batch
    }
}
