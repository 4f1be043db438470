//! Affine layers on `flex` in f32 and f64. Bias and function are part of the product, which skips masked blocks.

use burn::backend::{Flex, TensorMetadata};
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::{AffineOps, portable};
use crate::flex::{Scalar, matrix, readable, slice, viewable, with_map, with_number, writable};
use crate::kernel::functions::{Identity, Map};
use crate::kernel::masked::{self, Masked};
use crate::kernel::{affine, dense};
use crate::{Function, Pattern};

impl AffineOps for Flex {
    fn affine(
        function: Option<Function>,
        pattern: Option<Pattern>,
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
    ) -> FlexTensor {
        with_number!(
            x.dtype(),
            T => match function {
                None => layer::<Identity, T>(pattern, x, weight, bias),
                Some(function) => with_map!(function, F => layer::<F, T>(pattern, x, weight, bias)),
            },
            portable::affine::<Self>(function, pattern, x, weight, bias)
        )
    }

    fn slopes(function: Function, saved: FlexTensor, gradient: FlexTensor) -> (FlexTensor, FlexTensor) {
        with_number!(
            gradient.dtype(),
            T => with_map!(function, F => slopes::<F, T>(saved, gradient)),
            portable::slopes::<Self>(function, saved, gradient)
        )
    }

    fn sums(gradient: FlexTensor) -> FlexTensor {
        with_number!(gradient.dtype(), T => sums::<T>(gradient), portable::sums::<Self>(gradient))
    }

    fn weight_gradient(pattern: Option<Pattern>, x: FlexTensor, slopes: FlexTensor) -> FlexTensor {
        with_number!(
            x.dtype(),
            T => weight_gradient::<T>(pattern, x, slopes),
            portable::weight_gradient::<Self>(pattern, x, slopes)
        )
    }

    fn input_gradient(pattern: Option<Pattern>, slopes: FlexTensor, weight: FlexTensor) -> FlexTensor {
        with_number!(
            slopes.dtype(),
            T => input_gradient::<T>(pattern, slopes, weight),
            portable::input_gradient::<Self>(pattern, slopes, weight)
        )
    }
}

fn layer<F: Map, T: Scalar>(
    pattern: Option<Pattern>,
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
) -> FlexTensor {
    let (x, bias) = (viewable(x), readable(bias));
    let (left, bias) = (matrix::<T>(&x), slice::<T>(&bias));
    let finish = |first: usize, row: &mut [T]| {
        affine::add_and_map::<F, T>(row, &bias[first..first + row.len()]);
    };
    let shape = [left.rows, bias.len()];
    let values = match pattern {
        Some(pattern) => {
            let weight = readable(weight);
            masked::product(left, Masked::new(matrix(&weight), &pattern), finish)
        }
        None => {
            let weight = viewable(weight);
            dense::product(left, matrix(&weight), finish)
        }
    };
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn weight_gradient<T: Scalar>(pattern: Option<Pattern>, x: FlexTensor, slopes: FlexTensor) -> FlexTensor {
    let (x, slopes) = (viewable(x), viewable(slopes));
    let (left, right) = (matrix::<T>(&x), matrix::<T>(&slopes));
    let shape = [left.columns, right.columns];
    let values = match pattern {
        Some(pattern) => masked::outer(left, right, &pattern),
        None => dense::product(left.transposed(), right, |_, _| ()),
    };
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn input_gradient<T: Scalar>(pattern: Option<Pattern>, slopes: FlexTensor, weight: FlexTensor) -> FlexTensor {
    let slopes = viewable(slopes);
    let left = matrix::<T>(&slopes);
    let shape = [left.rows, weight.shape()[0]];
    let values = match pattern {
        Some(pattern) => {
            let weight = readable(weight);
            masked::product(left, Masked::new(matrix(&weight), &pattern).transposed(), |_, _| ())
        }
        None => {
            let weight = viewable(weight);
            dense::product(left, matrix(&weight).transposed(), |_, _| ())
        }
    };
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn slopes<F: Map, T: Scalar>(saved: FlexTensor, gradient: FlexTensor) -> (FlexTensor, FlexTensor) {
    let (saved, mut gradient) = (readable(saved), writable(gradient));
    let [_, width] = gradient.layout().shape().dims();
    let sums = affine::slopes_and_sums::<F, T>(slice(&saved), gradient.storage_mut(), width);
    (gradient, FlexTensor::from_data(TensorData::new(sums, [width])))
}

fn sums<T: Scalar>(gradient: FlexTensor) -> FlexTensor {
    let gradient = readable(gradient);
    let [_, width] = gradient.layout().shape().dims();
    FlexTensor::from_data(TensorData::new(affine::sums::<T>(slice(&gradient), width), [width]))
}
