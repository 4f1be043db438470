//! Tensors of the backend `flex` as slices and matrices of numbers.

use burn::tensor::Element;
use burn_flex::FlexTensor;
use bytemuck::Pod;

use crate::kernel::products::Matrix;
use crate::kernel::real::Number;

/// An element type with kernels.
pub(crate) trait Scalar: Number + Element + Pod {}

impl Scalar for f32 {}
impl Scalar for f64 {}

/// `call::<F, T>(arguments)` with the kernel of a function for `F`.
macro_rules! with_kernel {
    ($function:expr, $call:ident::<_, $number:ty>($($argument:expr),*)) => {
        match $function {
            $crate::Function::Relu => $call::<$crate::kernel::functions::Relu, $number>($($argument),*),
            $crate::Function::Sigmoid => $call::<$crate::kernel::functions::Sigmoid, $number>($($argument),*),
            $crate::Function::Tanh => $call::<$crate::kernel::functions::Tanh, $number>($($argument),*),
            $crate::Function::Softplus => $call::<$crate::kernel::functions::Softplus, $number>($($argument),*),
            $crate::Function::LogSigmoid => $call::<$crate::kernel::functions::LogSigmoid, $number>($($argument),*),
            $crate::Function::Exp => $call::<$crate::kernel::functions::Exp, $number>($($argument),*),
            $crate::Function::Silu => $call::<$crate::kernel::functions::Silu, $number>($($argument),*),
        }
    };
}
pub(crate) use with_kernel;

/// The tensor in row-major order, possibly a window of a larger buffer.
pub(crate) fn readable(x: FlexTensor) -> FlexTensor {
    if x.is_contiguous() { x } else { writable(x) }
}

/// The tensor in row-major order and filling its buffer. The argument ends here, so that a tensor with one owner
/// comes back with one owner and is written in place.
pub(crate) fn writable(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}

/// The elements of a tensor that is [`readable`].
pub(crate) fn slice<T: Scalar>(x: &FlexTensor) -> &[T] {
    x.as_slice().expect("the tensor is in row-major order and of the type it was matched for")
}

/// The tensor with one of its strides 1 and the other positive.
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
