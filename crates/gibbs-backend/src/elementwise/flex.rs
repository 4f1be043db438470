//! The operations on `flex`: one pass each for f32 and f64, the portable form for narrower types.

use burn::backend::Flex;
use burn::tensor::{DType, Element, TensorData};
use burn_flex::FlexTensor;
use bytemuck::Pod;

use super::extension::{ElementwiseOps, Law};
use super::function::Function;
use super::portable;
use crate::kernel::draws::{Draw, Logits, Probs, draw};
use crate::kernel::functions::{Exp, LogSigmoid, Map, Sigmoid, Silu, Softplus, Tanh};
use crate::kernel::loops;
use crate::kernel::real::Number;
use crate::noise::philox::Cursor;

/// `call::<F>(arguments)` with the kernel of a function for `F`.
macro_rules! with_kernel {
    ($function:expr, $call:ident::<_, $number:ty>($($argument:expr),*)) => {
        match $function {
            Function::Sigmoid => $call::<Sigmoid, $number>($($argument),*),
            Function::Tanh => $call::<Tanh, $number>($($argument),*),
            Function::Softplus => $call::<Softplus, $number>($($argument),*),
            Function::LogSigmoid => $call::<LogSigmoid, $number>($($argument),*),
            Function::Exp => $call::<Exp, $number>($($argument),*),
            Function::Silu => $call::<Silu, $number>($($argument),*),
        }
    };
}

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

/// An element type with kernels.
trait Scalar: Number + Element + Pod {}

impl Scalar for f32 {}
impl Scalar for f64 {}

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

/// The tensor in row-major order, possibly a window of a larger buffer.
fn readable(x: FlexTensor) -> FlexTensor {
    if x.is_contiguous() { x } else { writable(x) }
}

/// The tensor in row-major order and filling its buffer. The argument ends here, so that a tensor with one owner
/// comes back with one owner and is written in place.
fn writable(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}

fn slice<T: Scalar>(x: &FlexTensor) -> &[T] {
    x.as_slice().expect("the tensor is in row-major order and of the type it was matched for")
}
