//! The operations on `flex`: one pass each for f32 and f64, the portable form for narrower types.

use burn::backend::Flex;
use burn::tensor::{DType, TensorData};
use burn_flex::FlexTensor;

use super::extension::{ElementwiseOps, Law};
use super::function::Function;
use super::portable;
use crate::flex::{Scalar, readable, slice, with_kernel, writable};
use crate::kernel::draws::{Draw, Logits, Probs, draw};
use crate::kernel::functions::Map;
use crate::kernel::loops;
use crate::noise::philox::Cursor;

impl ElementwiseOps for Flex {
    fn map(function: Function, x: FlexTensor) -> FlexTensor {
        match x.dtype() {
            DType::F32 => with_kernel!(function, map::<_, f32>(x)),
            DType::F64 => with_kernel!(function, map::<_, f64>(x)),
            _ => portable::map::<Self>(function, x),
        }
    }

    fn map_backward(function: Function, saved: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        match gradient.dtype() {
            DType::F32 => with_kernel!(function, map_backward::<_, f32>(saved, gradient)),
            DType::F64 => with_kernel!(function, map_backward::<_, f64>(saved, gradient)),
            _ => portable::map_backward::<Self>(function, saved, gradient),
        }
    }

    fn bce_rows(logits: FlexTensor, targets: FlexTensor) -> FlexTensor {
        match logits.dtype() {
            DType::F32 => bce_rows::<f32>(logits, targets),
            DType::F64 => bce_rows::<f64>(logits, targets),
            _ => portable::bce_rows::<Self>(logits, targets),
        }
    }

    fn bce_rows_backward(logits: FlexTensor, targets: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        match logits.dtype() {
            DType::F32 => bce_rows_backward::<f32>(logits, targets, gradient),
            DType::F64 => bce_rows_backward::<f64>(logits, targets, gradient),
            _ => portable::bce_rows_backward::<Self>(logits, targets, gradient),
        }
    }

    fn bernoulli(law: Law, x: FlexTensor, cursor: Cursor) -> FlexTensor {
        match (x.dtype(), law) {
            (DType::F32, Law::Logits) => bits::<Logits, f32>(x, cursor),
            (DType::F32, Law::Probs) => bits::<Probs, f32>(x, cursor),
            (DType::F64, Law::Logits) => bits::<Logits, f64>(x, cursor),
            (DType::F64, Law::Probs) => bits::<Probs, f64>(x, cursor),
            _ => portable::bernoulli::<Self>(law, x, cursor),
        }
    }
}

fn map<F: Map, T: Scalar>(x: FlexTensor) -> FlexTensor {
    let mut x = readable(x);
    let offsets = x.layout().contiguous_offsets();
    if let (Some((start, end)), Some(storage)) = (offsets, x.try_storage_mut::<T>()) {
        loops::map_in_place::<F, T>(&mut storage[start..end]);
        return x;
    }
    let values = loops::map::<F, T>(slice(&x));
    FlexTensor::from_data(TensorData::new(values, x.layout().shape().clone()))
}

fn map_backward<F: Map, T: Scalar>(saved: FlexTensor, gradient: FlexTensor) -> FlexTensor {
    let (saved, mut gradient) = (readable(saved), writable(gradient));
    loops::map_backward::<F, T>(slice(&saved), gradient.storage_mut());
    gradient
}

fn bce_rows<T: Scalar>(logits: FlexTensor, targets: FlexTensor) -> FlexTensor {
    let (logits, targets) = (readable(logits), readable(targets));
    let [rows, width] = logits.layout().shape().dims();
    let loss = loops::bce_rows::<T>(slice(&logits), slice(&targets), rows, width);
    FlexTensor::from_data(TensorData::new(loss, [rows]))
}

fn bce_rows_backward<T: Scalar>(logits: FlexTensor, targets: FlexTensor, gradient: FlexTensor) -> FlexTensor {
    let [_, width] = logits.layout().shape().dims();
    let (mut logits, targets, gradient) = (writable(logits), readable(targets), readable(gradient));
    loops::bce_rows_backward::<T>(logits.storage_mut(), slice(&targets), slice(&gradient), width);
    logits
}

fn bits<D: Draw<T>, T: Scalar>(x: FlexTensor, cursor: Cursor) -> FlexTensor {
    let mut x = writable(x);
    draw::<D, T>(x.storage_mut(), cursor);
    x
}
