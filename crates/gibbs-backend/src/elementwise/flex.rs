//! Element-wise operations on `flex`: one pass each in f32 and f64, the portable form for other types.

use burn::backend::Flex;
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::ElementwiseOps;
use super::function::{BernoulliParam, Function};
use super::portable;
use crate::flex::{Scalar, readable, slice, with_map, with_number, writable};
use crate::kernel::draws::{Draw, Logits, Probs, draw};
use crate::kernel::functions::Map;
use crate::kernel::loops;
use crate::noise::philox::Cursor;

impl ElementwiseOps for Flex {
    fn map(function: Function, x: FlexTensor) -> FlexTensor {
        with_number!(
            x.dtype(),
            T => with_map!(function, F => map::<F, T>(x)),
            portable::map::<Self>(function, x)
        )
    }

    fn map_backward(function: Function, saved: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        with_number!(
            gradient.dtype(),
            T => with_map!(function, F => map_backward::<F, T>(saved, gradient)),
            portable::map_backward::<Self>(function, saved, gradient)
        )
    }

    fn bce_rows(logits: FlexTensor, targets: FlexTensor) -> FlexTensor {
        with_number!(
            logits.dtype(),
            T => bce_rows::<T>(logits, targets),
            portable::bce_rows::<Self>(logits, targets)
        )
    }

    fn bce_rows_backward(logits: FlexTensor, targets: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        with_number!(
            logits.dtype(),
            T => bce_rows_backward::<T>(logits, targets, gradient),
            portable::bce_rows_backward::<Self>(logits, targets, gradient)
        )
    }

    fn bernoulli(param: BernoulliParam, x: FlexTensor, cursor: Cursor) -> FlexTensor {
        with_number!(
            x.dtype(),
            T => match param {
                BernoulliParam::Logits => bits::<Logits, T>(x, cursor),
                BernoulliParam::Probs => bits::<Probs, T>(x, cursor),
            },
            portable::bernoulli::<Self>(param, x, cursor)
        )
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
