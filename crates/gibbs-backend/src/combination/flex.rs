//! Linear combinations on `flex` in f32 and f64.

use burn::backend::{Flex, TensorMetadata};
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::{CombinationOps, portable};
use crate::flex::{Scalar, readable, slice, with_number};
use crate::kernel;
use crate::tensors::Tensors;

impl CombinationOps for Flex {
    fn combination(tensors: Tensors<Self>, weights: Vec<f64>, with_start: bool) -> FlexTensor {
        with_number!(
            tensors.0[0].dtype(),
            T => combination::<T>(tensors, &weights, with_start),
            portable::<Self>(tensors, weights, with_start)
        )
    }
}

fn combination<T: Scalar>(Tensors(tensors): Tensors<Flex>, weights: &[f64], with_start: bool) -> FlexTensor {
    let tensors: Vec<_> = tensors.into_iter().map(readable).collect();
    let all: Vec<&[T]> = tensors.iter().map(slice).collect();
    let (start, terms) = all.split_at(usize::from(with_start));
    let values = kernel::combination::combination(start.first().copied(), terms, weights);
    FlexTensor::from_data(TensorData::new(values, tensors[0].shape()))
}
