//! Tensors of the backend `flex` as slices and matrices of numbers.

use burn::tensor::Element;
use burn_flex::FlexTensor;
use bytemuck::Pod;

use crate::kernel::matrix::Matrix;
use crate::kernel::real::Number;

/// An element type with kernels.
pub(crate) trait Scalar: Number + Element + Pod {}

impl Scalar for f32 {}
impl Scalar for f64 {}

/// `with_number!(dtype, T => kernel, portable)`: the expression `kernel` with `T` = f32 or f64, else `portable`.
macro_rules! with_number {
    ($dtype:expr, $number:ident => $kernel:expr, $portable:expr) => {
        match $dtype {
            burn::tensor::DType::F32 => {
                type $number = f32;
                $kernel
            }
            burn::tensor::DType::F64 => {
                type $number = f64;
                $kernel
            }
            _ => $portable,
        }
    };
}
pub(crate) use with_number;

/// `with_map!(function, F => kernel)`: the expression `kernel` with `F` = the [`Map`](crate::kernel::functions::Map) of a
/// function.
macro_rules! with_map {
    ($function:expr, $map:ident => $kernel:expr) => {
        with_map!($function, $map => $kernel, Relu, Sigmoid, Tanh, Softplus, LogSigmoid, Exp, Silu)
    };
    ($function:expr, $map:ident => $kernel:expr, $($name:ident),*) => {
        match $function {
            $($crate::Function::$name => {
                type $map = $crate::kernel::functions::$name;
                $kernel
            })*
        }
    };
}
pub(crate) use with_map;

/// The tensor in row-major order. It may be a part of a larger buffer.
pub(crate) fn readable(x: FlexTensor) -> FlexTensor {
    if x.is_contiguous() { x } else { writable(x) }
}

/// The tensor in row-major order in a buffer of the same size. A tensor with one owner still has one owner and can be written
/// in place.
pub(crate) fn writable(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}

/// The elements of a tensor that is [`readable`].
pub(crate) fn slice<T: Scalar>(x: &FlexTensor) -> &[T] {
    x.as_slice().expect("the tensor is in row-major order and has this type")
}

/// The tensor with one stride equal to 1 and the other positive.
pub(crate) fn viewable(x: FlexTensor) -> FlexTensor {
    let strides = x.layout().strides();
    let fits = (strides[0] == 1 || strides[1] == 1) && strides[0] > 0 && strides[1] > 0;
    if fits { x } else { x.to_contiguous() }
}

/// A tensor that is [`viewable`].
pub(crate) fn matrix<T: Scalar>(x: &FlexTensor) -> Matrix<'_, T> {
    let [rows, columns] = x.layout().shape().dims();
    let [row_stride, column_stride] = [0, 1].map(|dim| x.layout().strides()[dim] as usize);
    let values = &x.storage::<T>()[x.layout().start_offset()..];
    Matrix { values, rows, columns, row_stride, column_stride }
}
