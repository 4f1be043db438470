//! Examples as `f32` values and as tensors.

use burn::prelude::*;
use rayon::prelude::*;

use super::Dataset;
use crate::Batch;
use crate::storage::Rule;

impl Dataset {
    /// The values of the examples at `indices`, one after the other.
    ///
    /// # Panics
    ///
    /// If an index is not below the number of examples.
    pub fn values(&self, indices: &[usize]) -> Vec<f32> {
        /// With fewer values a single thread is faster.
        const MANY: usize = 1 << 16;
        let width = self.width();
        let noise = self.rule.noise(&self.origin, self.epoch);
        let read = |(out, &index): (&mut [f32], &usize)| {
            assert!(index < self.len(), "example {index}: `{}` has {} examples", self.name, self.len());
            let start = (self.rows.start + index) * width;
            self.values.copy(start, out);
            self.rule.apply(noise.as_ref(), start, out);
        };
        let mut values = vec![0.0; indices.len() * width];
        if values.len() < MANY {
            values.chunks_mut(width).zip(indices).for_each(read);
        } else {
            values.par_chunks_mut(width).zip(indices).for_each(read);
        }
        values
    }

    /// The examples at `indices` on `device`, `[indices, width]`.
    ///
    /// # Panics
    ///
    /// If an index is not below the number of examples.
    pub fn tensor(&self, indices: &[usize], device: &Device) -> Tensor<2> {
        let shape = [indices.len(), self.width()];
        Tensor::from_data(TensorData::new(self.values(indices), shape), device)
    }

    /// The examples at `indices` with their labels, contexts and weights.
    ///
    /// # Panics
    ///
    /// If an index is not below the number of examples.
    pub fn batch(&self, indices: &[usize], device: &Device) -> Batch {
        let labels = self.labels().map(|labels| indices.iter().map(|&i| labels[i]).collect());
        let context = self.context().map(|values| {
            let width = self.context_columns().len();
            let rows = indices.iter().flat_map(|&i| &values[i * width..(i + 1) * width]);
            let rows: Vec<f32> = rows.copied().collect();
            Tensor::from_data(TensorData::new(rows, [indices.len(), width]), device)
        });
        let weights = self.weights().map(|weights| {
            let weights: Vec<f32> = indices.iter().map(|&i| weights[i]).collect();
            Tensor::from_data(TensorData::new(weights, [indices.len()]), device)
        });
        Batch { x: self.tensor(indices, device), labels, context, weights, indices: indices.to_vec() }
    }

    /// The mean of each of the `width` values over all examples. If they have new draws in each epoch, it is the expected mean.
    pub fn mean(&self) -> Vec<f64> {
        const PART: usize = 256;
        let expected = match self.rule {
            Rule::Draw { per_epoch: true, .. } | Rule::Dequantize { .. } | Rule::Spread { .. } => {
                self.plain()
            }
            _ => self.clone(),
        };
        let width = self.width();
        let parts: Vec<Vec<f64>> = (0..self.len().div_ceil(PART))
            .into_par_iter()
            .map(|part| {
                let rows: Vec<usize> = (part * PART..self.len().min((part + 1) * PART)).collect();
                let mut sum = vec![0.0; width];
                for row in expected.values(&rows).chunks(width) {
                    sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
                }
                sum
            })
            .collect();
        let mut mean = vec![0.0; width];
        for part in parts {
            mean.iter_mut().zip(part).for_each(|(mean, sum)| *mean += sum);
        }
        let n = self.len() as f64;
        mean.iter_mut().for_each(|mean| *mean /= n);
        match &self.rule {
            Rule::Dequantize { .. } => mean.iter_mut().for_each(|mean| *mean = (*mean * 255.0 + 0.5) / 256.0),
            Rule::Spread { steps, .. } => {
                mean.iter_mut().zip(steps.iter()).for_each(|(mean, step)| *mean += 0.5 * f64::from(*step));
            }
            _ => {}
        }
        mean
    }

    /// The examples as they are stored: gray values scaled to `[0, 1]`, neither binarized nor dequantized.
    pub(crate) fn plain(&self) -> Self {
        Self { rule: Rule::Plain, ..self.clone() }
    }
}
