//! Data sets as Burn's `Dataset`, for Burn's `DataLoader`.

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::DatasetError;
use burn::prelude::*;

use crate::{Batch, Dataset};

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The values, `[width]`.
    pub values: Vec<f32>,
    /// The label, if the set has labels.
    pub label: Option<u16>,
    /// The context, `[n_context]`, if the set has any.
    pub context: Option<Vec<f32>>,
    /// The weight, if the set has weights.
    pub weight: Option<f32>,
    /// The index of the example in the data set.
    pub index: usize,
}

/// Each item is an example as [`Dataset::values`] returns it. Burn's loader does not count epochs: for new draws in each epoch,
/// build a loader from [`Dataset::at_epoch`] for each epoch.
impl burn::data::dataset::Dataset<Example> for Dataset {
    fn get(&self, index: usize) -> Result<Example, DatasetError> {
        let label = self.labels().map(|labels| labels[index]);
        let width = self.context_columns().len();
        let context = self.context().map(|values| values[index * width..(index + 1) * width].to_vec());
        let weight = self.weights().map(|weights| weights[index]);
        Ok(Example { values: self.values(&[index]), label, context, weight, index })
    }

    fn len(&self) -> usize {
        Self::len(self)
    }
}

/// Makes a [`Batch`] from [`Example`]s.
///
/// ```
/// use burn::data::dataloader::DataLoaderBuilder;
/// use burn::tensor::Device;
/// use gibbs_data::{Dataset, ExampleBatcher};
///
/// let set = Dataset::from_bytes("ten", (0..10).collect(), &[1], None)?;
/// let loader = DataLoaderBuilder::new(ExampleBatcher)
///     .batch_size(4)
///     .shuffle(0)
///     .set_device(Device::flex())
///     .build(set);
/// let mut seen = 0;
/// for batch in loader.iter() {
///     seen += batch?.len();
/// }
/// assert_eq!(seen, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ExampleBatcher;

impl Batcher<Example, Batch> for ExampleBatcher {
    fn batch(&self, items: Vec<Example>, device: &Device) -> Batch {
        let width = items.first().map_or(0, |example| example.values.len());
        let shape = [items.len(), width];
        let labels = items.iter().map(|example| example.label).collect();
        let indices = items.iter().map(|example| example.index).collect();
        let context: Option<Vec<Vec<f32>>> = items.iter().map(|example| example.context.clone()).collect();
        let context = context.filter(|rows| !rows.is_empty()).map(|rows| {
            let shape = [rows.len(), rows[0].len()];
            Tensor::from_data(TensorData::new(rows.concat(), shape), device)
        });
        let weights: Option<Vec<f32>> = items.iter().map(|example| example.weight).collect();
        let weights = weights.map(|w| Tensor::from_data(TensorData::new(w, [items.len()]), device));
        let values: Vec<f32> = items.into_iter().flat_map(|example| example.values).collect();
        let x = Tensor::from_data(TensorData::new(values, shape), device);
        Batch { x, labels, context, weights, indices }
    }
}

#[cfg(test)]
mod tests {
    use burn::data::dataloader::DataLoaderBuilder;
    use gibbs_backend::device;

    use super::*;

    #[test]
    fn burns_loader_shows_each_example_once() {
        let (width, n) = (7, 100);
        let bytes = (0..n * width).map(|i| (i * 53 % 256) as u8).collect();
        let set =
            Dataset::from_bytes("set", bytes, &[width], Some((0..n).map(|i| i as u8).collect())).unwrap();
        for workers in [0, 2] {
            let loader = DataLoaderBuilder::new(ExampleBatcher)
                .batch_size(16)
                .shuffle(3)
                .num_workers(workers)
                .set_device(device("flex").unwrap())
                .build(set.clone());
            let mut seen = Vec::new();
            for batch in loader.iter() {
                let batch = batch.unwrap();
                assert_eq!(batch.x.dims(), [batch.len(), width]);
                assert_eq!(batch.x.to_data().try_to_vec::<f32>().unwrap(), set.values(&batch.indices));
                let labels: Vec<u16> = batch.indices.iter().map(|&i| i as u16).collect();
                assert_eq!(batch.labels, Some(labels));
                seen.extend(batch.indices);
            }
            assert_ne!(seen, (0..n).collect::<Vec<_>>());
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>());
        }
    }
}
