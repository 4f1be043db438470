//! Convolutions on `flex` in f32 and f64.

use burn::backend::Flex;
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::ConvolutionOps;
use super::{Window, portable};
use crate::Function;
use crate::flex::{Scalar, readable, slice, with_map, with_number};
use crate::kernel::convolution::{self, Maps};
use crate::kernel::functions::{Identity, Map};

impl ConvolutionOps for Flex {
    fn convolution(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        window: Window,
        function: Option<Function>,
    ) -> FlexTensor {
        with_number!(
            x.dtype(),
            T => match function {
                None => layer::<Identity, T>(x, weight, bias, window),
                Some(function) => with_map!(function, F => layer::<F, T>(x, weight, bias, window)),
            },
            portable::convolution::<Self>(x, weight, bias, window, function)
        )
    }

    fn convolution_weight_gradient(x: FlexTensor, slopes: FlexTensor, window: Window) -> FlexTensor {
        with_number!(
            x.dtype(),
            T => weight_gradient::<T>(x, slopes, window),
            portable::weight_gradient::<Self>(x, slopes, window)
        )
    }
}

fn maps<T: Scalar>(x: &FlexTensor) -> Maps<'_, T> {
    let [_, rows, columns, channels] = x.layout().shape().dims();
    Maps { values: slice(x), rows, columns, channels }
}

fn layer<F: Map, T: Scalar>(
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    window: Window,
) -> FlexTensor {
    let (x, weight, bias) = (readable(x), readable(weight), readable(bias));
    let bias = slice::<T>(&bias);
    let values = convolution::convolution::<F, T>(maps(&x), slice(&weight), bias, window);
    let shape = [values.len() / bias.len(), bias.len()];
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn weight_gradient<T: Scalar>(x: FlexTensor, slopes: FlexTensor, window: Window) -> FlexTensor {
    let (x, slopes) = (readable(x), readable(slopes));
    let [_, n_out] = slopes.layout().shape().dims();
    let values = convolution::weight_gradient::<T>(maps(&x), slice(&slopes), n_out, window);
    let shape = [values.len() / n_out, n_out];
    FlexTensor::from_data(TensorData::new(values, shape))
}
