//! Affine layers on `flex`: bias and function right behind the product, in f32 and f64.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, TensorData};
use burn_flex::FlexTensor;

use super::extension::{AffineOps, portable};
use crate::Function;
use crate::elementwise::extension::ElementwiseOps;
use crate::flex::{Scalar, matrix, readable, slice, viewable, with_kernel, writable};
use crate::kernel::functions::{Identity, Map};
use crate::kernel::{affine, dense};

impl AffineOps for Flex {
    fn affine(function: Option<Function>, x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        match (x.dtype(), function) {
            (DType::F32, None) => layer::<Identity, f32>(x, weight, bias),
            (DType::F64, None) => layer::<Identity, f64>(x, weight, bias),
            (DType::F32, Some(function)) => with_kernel!(function, layer::<_, f32>(x, weight, bias)),
            (DType::F64, Some(function)) => with_kernel!(function, layer::<_, f64>(x, weight, bias)),
            _ => portable::affine::<Self>(function, x, weight, bias),
        }
    }

    fn slopes(function: Function, saved: FlexTensor, gradient: FlexTensor) -> (FlexTensor, FlexTensor) {
        match gradient.dtype() {
            DType::F32 => with_kernel!(function, slopes::<_, f32>(saved, gradient)),
            DType::F64 => with_kernel!(function, slopes::<_, f64>(saved, gradient)),
            _ => {
                let slopes = Self::map_backward(function, saved, gradient);
                (slopes.clone(), portable::sums::<Self>(slopes))
            }
        }
    }

    fn sums(gradient: FlexTensor) -> FlexTensor {
        match gradient.dtype() {
            DType::F32 => sums::<f32>(gradient),
            DType::F64 => sums::<f64>(gradient),
            _ => portable::sums::<Self>(gradient),
        }
    }

    fn product(x: FlexTensor, y: FlexTensor) -> FlexTensor {
        match x.dtype() {
            DType::F32 => product::<f32>(x, y, |_, _| ()),
            DType::F64 => product::<f64>(x, y, |_, _| ()),
            _ => Self::float_matmul(x, y),
        }
    }
}

fn product<T: Scalar>(x: FlexTensor, y: FlexTensor, finish: impl Fn(usize, &mut [T]) + Sync) -> FlexTensor {
    let (x, y) = (viewable(x), viewable(y));
    let (left, right) = (matrix::<T>(&x), matrix::<T>(&y));
    let shape = [left.rows, right.columns];
    FlexTensor::from_data(TensorData::new(dense::product(left, right, finish), shape))
}

fn layer<F: Map, T: Scalar>(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
    let bias = readable(bias);
    let bias = slice::<T>(&bias);
    product::<T>(x, weight, |first, row| {
        affine::add_and_map::<F, T>(row, &bias[first..first + row.len()]);
    })
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
