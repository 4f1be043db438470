//! Minibatches. The seed and the number of the epoch determine their order.

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::{DataError, Dataset};

/// Some examples, on the device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The values, `[batch, width]`.
    pub x: Tensor<2>,
    /// The labels `[batch]`, if the set has labels.
    pub labels: Option<Vec<u16>>,
    /// The contexts `[batch, n_context]`, if the set has any: the real numbers on which each example depends.
    pub context: Option<Tensor<2>>,
    /// The weights `[batch]`, if the set has weights. A mean over the batch is `Σ w f / Σ w`.
    pub weights: Option<Tensor<1>>,
    /// The index of each example in the data set.
    pub indices: Vec<usize>,
}

impl Batch {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether the batch has no example.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The labels `[batch]` on the device of the values.
    pub fn label_tensor(&self) -> Option<Tensor<1, Int>> {
        let labels: Vec<i32> = self.labels.as_ref()?.iter().map(|&label| i32::from(label)).collect();
        let n = labels.len();
        Some(Tensor::from_data(TensorData::new(labels, [n]), &self.x.device()))
    }
}

/// A data set in minibatches.
///
/// Batch `k` of epoch `e` depends only on the data set, the seed, `e` and `k`. A run that resumes in the middle of an epoch
/// therefore has the same batches as an uninterrupted run.
///
/// ```
/// use burn::tensor::Device;
/// use gibbs_data::{Batches, Dataset};
///
/// let set = Dataset::from_bytes("ten", (0..10).collect(), &[1], None)?;
/// let batches = Batches::new(set, 4)?.shuffled(7);
/// let epoch = batches.epoch(0);
/// assert_eq!((epoch.len(), epoch.indices(2).len()), (3, 2));
/// let batch = epoch.batch(1, &Device::flex());
/// assert_eq!(batch.x.dims(), [4, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    data: Dataset,
    batch_size: usize,
    shuffle: Option<u64>,
    drop_last: bool,
    rows: Option<Vec<usize>>,
}

impl Batches {
    /// Batches of `batch_size` examples in the order of `data`. The last batch of an epoch may be smaller.
    ///
    /// # Errors
    ///
    /// [`DataError::BatchSize`] for 0, [`DataError::Empty`] without examples.
    pub fn new(data: Dataset, batch_size: usize) -> Result<Self, DataError> {
        if batch_size == 0 {
            return Err(DataError::BatchSize);
        }
        if data.is_empty() {
            return Err(DataError::Empty { name: data.name().to_owned() });
        }
        Ok(Self { data, batch_size, shuffle: None, drop_last: false, rows: None })
    }

    /// Puts the examples into a random order, which is different in each epoch.
    #[must_use]
    pub fn shuffled(self, seed: u64) -> Self {
        Self { shuffle: Some(seed), ..self }
    }

    /// Takes the examples of these rows alone, in turn, until an epoch has as many examples as the data set.
    ///
    /// # Panics
    ///
    /// If there are no rows, or one is not below the number of examples.
    #[must_use]
    pub fn only(self, rows: Vec<usize>) -> Self {
        let n = self.data.len();
        assert!(!rows.is_empty() && rows.iter().all(|&row| row < n), "rows of {n} examples");
        Self { rows: Some(rows), ..self }
    }

    /// Omits the last batch of an epoch if it is smaller than the others. A set smaller than one batch still has one batch.
    #[must_use]
    pub fn drop_last(self, drop_last: bool) -> Self {
        Self { drop_last, ..self }
    }

    /// Number of batches in an epoch.
    pub fn len(&self) -> usize {
        let n = self.data.len();
        if self.drop_last { (n / self.batch_size).max(1) } else { n.div_ceil(self.batch_size) }
    }

    /// Always false: there is at least one batch.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The examples.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// Epoch `number` (from 0), with its order of the examples and its random draws.
    pub fn epoch(&self, number: u64) -> Epoch {
        let n = self.data.len();
        let mut order = match self.shuffle {
            Some(seed) => Noise::new(seed, format!("shuffle/epoch-{number}")).permutation(n),
            None => (0..n).collect(),
        };
        if let Some(rows) = &self.rows {
            order.iter_mut().for_each(|row| *row = rows[*row % rows.len()]);
        }
        Epoch { data: self.data.at_epoch(number), order, batch_size: self.batch_size, len: self.len() }
    }
}

/// One pass through the examples; see [`Batches::epoch`].
#[derive(Clone, Debug)]
pub struct Epoch {
    data: Dataset,
    order: Vec<usize>,
    batch_size: usize,
    len: usize,
}

impl Epoch {
    /// Number of batches.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Always false: there is at least one batch.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The indices in the data set of the examples of batch `k`.
    ///
    /// # Panics
    ///
    /// If `k` is not below the number of batches.
    pub fn indices(&self, k: usize) -> &[usize] {
        assert!(k < self.len, "batch {k}: the epoch has {} batches", self.len);
        let start = k * self.batch_size;
        &self.order[start..self.order.len().min(start + self.batch_size)]
    }

    /// Batch `k` on `device`.
    ///
    /// # Panics
    ///
    /// If `k` is not below the number of batches.
    pub fn batch(&self, k: usize, device: &Device) -> Batch {
        self.data.batch(self.indices(k), device)
    }

    /// The batches in turn.
    pub fn iter<'a>(&'a self, device: &'a Device) -> impl Iterator<Item = Batch> + 'a {
        (0..self.len).map(|k| self.batch(k, device))
    }
}

#[cfg(test)]
mod tests {
    use gibbs_backend::device;

    use super::*;
    use crate::Binarization;

    fn gray(n: usize) -> Dataset {
        let bytes = (0..n * 6).map(|i| (i * 91 % 256) as u8).collect();
        Dataset::from_bytes("gray", bytes, &[6], Some((0..n).map(|i| i as u8).collect())).unwrap()
    }

    #[test]
    fn an_epoch_shows_each_example_once_in_another_order_each_time() {
        let batches = Batches::new(gray(53), 10).unwrap().shuffled(1);
        let seen = |number| {
            let epoch = batches.epoch(number);
            assert_eq!(epoch.len(), 6);
            (0..epoch.len()).flat_map(|k| epoch.indices(k).to_vec()).collect::<Vec<_>>()
        };
        let (first, second) = (seen(0), seen(1));
        assert_ne!(first, second);
        assert_eq!(first, seen(0));
        for mut order in [first, second] {
            order.sort_unstable();
            assert_eq!(order, (0..53).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_batch_needs_no_replay_of_those_before_it() {
        let device = device("flex").unwrap();
        let data = gray(40).binarized(Binarization::Stochastic, 5).unwrap();
        let batches = Batches::new(data, 8).unwrap().shuffled(5);
        let values = |batch: Batch| batch.x.into_data().try_to_vec::<f32>().unwrap();
        let through: Vec<_> =
            (0..3).flat_map(|e| batches.epoch(e).iter(&device).map(values).collect::<Vec<_>>()).collect();
        let resumed = batches.clone().epoch(2);
        assert_eq!(values(resumed.batch(3, &device)), through[2 * 5 + 3]);
        assert_ne!(through[3], through[2 * 5 + 3]);
    }

    #[test]
    fn labels_go_with_their_examples() {
        let device = device("flex").unwrap();
        let batch = Batches::new(gray(40), 16).unwrap().shuffled(2).epoch(0).batch(1, &device);
        let labels = batch.label_tensor().unwrap().into_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!(labels, batch.indices.iter().map(|&i| i as i64).collect::<Vec<_>>());
        assert_eq!(batch.x.into_data().try_to_vec::<f32>().unwrap(), gray(40).values(&batch.indices));
    }

    #[test]
    fn some_rows_fill_an_epoch() {
        let batches = Batches::new(gray(53), 10).unwrap().shuffled(1).only(vec![3, 50, 7]);
        let epoch = batches.epoch(0);
        assert_eq!(epoch.len(), 6);
        let seen: Vec<usize> = (0..epoch.len()).flat_map(|k| epoch.indices(k).to_vec()).collect();
        let count = |row| seen.iter().filter(|&&found| found == row).count();
        assert_eq!([count(3), count(50), count(7)], [18, 18, 17]);
        assert_ne!(seen[..3], batches.epoch(1).indices(0)[..3]);
    }

    #[test]
    fn the_last_batch_may_be_dropped() {
        let sizes = |n, drop| {
            let epoch = Batches::new(gray(n), 10).unwrap().drop_last(drop).epoch(0);
            (0..epoch.len()).map(|k| epoch.indices(k).len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(23, false), [10, 10, 3]);
        assert_eq!(sizes(23, true), [10, 10]);
        assert_eq!(sizes(7, true), [7]);
    }

    #[test]
    fn empty_batches_are_refused() {
        assert!(matches!(Batches::new(gray(4), 0), Err(DataError::BatchSize)));
        assert!(matches!(Batches::new(gray(4).rows(2..2), 1), Err(DataError::Empty { .. })));
    }
}
