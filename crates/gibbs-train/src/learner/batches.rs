//! Where the batches of a run come from.

use burn::tensor::Device;
use gibbs_core::{Batch, Position};
use gibbs_data::{Batches, DataError, Dataset, Epoch};

/// A source of batches. The batch of a step depends on its position alone, so that a resumed run sees what the uninterrupted
/// run saw.
pub trait BatchSource {
    /// Batches in an epoch, at least 1.
    fn steps_per_epoch(&self) -> usize;

    /// The batch of a step.
    fn batch(&mut self, at: &Position) -> Batch;
}

/// A function of the position, with the number of batches in an epoch.
impl<F: FnMut(&Position) -> Batch> BatchSource for (usize, F) {
    fn steps_per_epoch(&self) -> usize {
        self.0
    }

    fn batch(&mut self, at: &Position) -> Batch {
        (self.1)(at)
    }
}

/// No data: objectives that draw their own examples, over epochs of a chosen length.
pub struct NoData {
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Device of the empty batches.
    pub device: Device,
}

impl BatchSource for NoData {
    fn steps_per_epoch(&self) -> usize {
        self.steps_per_epoch
    }

    fn batch(&mut self, _: &Position) -> Batch {
        Batch::empty(&self.device)
    }
}

/// Shuffled batches of a data set, each passed through a function that makes model inputs of it.
pub struct DataBatches<F> {
    batches: Batches,
    epoch: Option<(usize, Epoch)>,
    encode: F,
    device: Device,
}

impl<F: FnMut(gibbs_data::Batch) -> Batch> DataBatches<F> {
    /// Batches of `batch_size` in an order that `seed` and the epoch give.
    ///
    /// # Errors
    /// An empty set or a batch size of zero.
    pub fn new(
        data: Dataset,
        batch_size: usize,
        seed: u64,
        device: &Device,
        encode: F,
    ) -> Result<Self, DataError> {
        let batches = Batches::new(data, batch_size)?.shuffled(seed);
        Ok(Self { batches, epoch: None, encode, device: device.clone() })
    }
}

impl<F: FnMut(gibbs_data::Batch) -> Batch> BatchSource for DataBatches<F> {
    fn steps_per_epoch(&self) -> usize {
        self.batches.len()
    }

    fn batch(&mut self, at: &Position) -> Batch {
        let epoch = match self.epoch.take() {
            Some((number, epoch)) if number == at.epoch => epoch,
            _ => self.batches.epoch(at.epoch as u64),
        };
        let batch = epoch.batch(at.step_in_epoch, &self.device);
        self.epoch = Some((at.epoch, epoch));
        (self.encode)(batch)
    }
}
