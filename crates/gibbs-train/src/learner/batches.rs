//! Sources of batches.

use burn::tensor::Device;
use gibbs_core::{Batch, Position};
use gibbs_data::{Batches, DataError, Dataset, Epoch};

/// A source of batches. The batch of a step depends only on its position, so a resumed run gets the same batches as an
/// uninterrupted run.
pub trait BatchSource {
    /// Number of batches in an epoch, at least 1.
    fn steps_per_epoch(&self) -> usize;

    /// The batch of a step.
    fn batch(&mut self, at: &Position) -> Batch;
}

/// A pair of the number of batches in an epoch and a function of the position.
impl<F: FnMut(&Position) -> Batch> BatchSource for (usize, F) {
    fn steps_per_epoch(&self) -> usize {
        self.0
    }

    fn batch(&mut self, at: &Position) -> Batch {
        (self.1)(at)
    }
}

impl<B: BatchSource + ?Sized> BatchSource for Box<B> {
    fn steps_per_epoch(&self) -> usize {
        (**self).steps_per_epoch()
    }

    fn batch(&mut self, at: &Position) -> Batch {
        (**self).batch(at)
    }
}

/// A source without data, for objectives that draw their own examples. Its batches are empty.
pub struct NoData {
    /// Number of steps in an epoch.
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

/// Shuffled batches of a data set. A function converts each batch to the inputs of the model.
pub struct DataBatches<F> {
    batches: Batches,
    first_epoch: usize,
    epoch: Option<(usize, Epoch)>,
    encode: F,
    device: Device,
}

impl<F: FnMut(gibbs_data::Batch) -> Batch> DataBatches<F> {
    /// Batches of `batch_size` examples. `seed` and the epoch determine their order.
    ///
    /// # Errors
    /// [`DataError`] if the data set is empty or the batch size is zero.
    pub fn new(
        data: Dataset,
        batch_size: usize,
        seed: u64,
        device: &Device,
        encode: F,
    ) -> Result<Self, DataError> {
        let batches = Batches::new(data, batch_size)?.shuffled(seed);
        Ok(Self { batches, first_epoch: 0, epoch: None, encode, device: device.clone() })
    }

    /// Batches of these rows of the data set alone, with as many steps in an epoch; see [`Batches::only`].
    ///
    /// # Panics
    /// As [`Batches::only`].
    #[must_use]
    pub fn only(self, rows: Vec<usize>) -> Self {
        Self { batches: self.batches.only(rows), ..self }
    }

    /// The batches of a stage that begins with this epoch of the run.
    #[must_use]
    pub fn from_epoch(self, first_epoch: usize) -> Self {
        Self { first_epoch, ..self }
    }
}

impl<F: FnMut(gibbs_data::Batch) -> Batch> BatchSource for DataBatches<F> {
    fn steps_per_epoch(&self) -> usize {
        self.batches.len()
    }

    fn batch(&mut self, at: &Position) -> Batch {
        let epoch = match self.epoch.take() {
            Some((number, epoch)) if number == at.epoch => epoch,
            _ => self.batches.epoch((self.first_epoch + at.epoch) as u64),
        };
        let batch = epoch.batch(at.step_in_epoch, &self.device);
        self.epoch = Some((at.epoch, epoch));
        (self.encode)(batch)
    }
}
