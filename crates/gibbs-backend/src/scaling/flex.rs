//! Bounded affine maps on `flex` in f32 and f64.

use burn::backend::{Flex, TensorMetadata};
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::Scaling;
use super::extension::ScalingOps;
use crate::flex::{Scalar, readable, slice, with_number};
use crate::kernel::scaling as kernel;

impl ScalingOps for Flex {
    fn scaled(x: FlexTensor, parameters: FlexTensor, scaling: Scaling) -> Option<FlexTensor> {
        with_number!(x.dtype(), T => Some(scaled::<T>(x, parameters, &scaling)), None)
    }

    fn scaled_backward(
        x: FlexTensor,
        parameters: FlexTensor,
        gradient: FlexTensor,
        scaling: Scaling,
    ) -> Option<(FlexTensor, FlexTensor)> {
        with_number!(x.dtype(), T => Some(backward::<T>(x, parameters, gradient, &scaling)), None)
    }

    fn log_scale_sums(parameters: FlexTensor, bound: f64) -> Option<FlexTensor> {
        with_number!(parameters.dtype(), T => Some(sums::<T>(parameters, bound)), None)
    }

    fn log_scale_sums_backward(
        parameters: FlexTensor,
        gradient: FlexTensor,
        bound: f64,
    ) -> Option<FlexTensor> {
        with_number!(parameters.dtype(), T => Some(sums_backward::<T>(parameters, gradient, bound)), None)
    }
}

fn like<T: Scalar>(values: Vec<T>, tensor: &FlexTensor) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, tensor.shape()))
}

fn scaled<T: Scalar>(x: FlexTensor, parameters: FlexTensor, scaling: &Scaling) -> FlexTensor {
    let (x, parameters) = (readable(x), readable(parameters));
    like(kernel::forward::<T>(slice(&x), slice(&parameters), x.shape()[1], scaling), &x)
}

fn backward<T: Scalar>(
    x: FlexTensor,
    parameters: FlexTensor,
    gradient: FlexTensor,
    scaling: &Scaling,
) -> (FlexTensor, FlexTensor) {
    let (x, parameters, gradient) = (readable(x), readable(parameters), readable(gradient));
    let operands = [slice::<T>(&x), slice(&parameters), slice(&gradient)];
    let [of_x, of_parameters] = kernel::backward(operands, x.shape()[1], scaling);
    (like(of_x, &x), like(of_parameters, &parameters))
}

fn sums<T: Scalar>(parameters: FlexTensor, bound: f64) -> FlexTensor {
    let parameters = readable(parameters);
    let [n, width] = parameters.layout().shape().dims();
    let values = kernel::sums::<T>(slice(&parameters), [n, width / 2], bound);
    FlexTensor::from_data(TensorData::new(values, [n]))
}

fn sums_backward<T: Scalar>(parameters: FlexTensor, gradient: FlexTensor, bound: f64) -> FlexTensor {
    let (parameters, gradient) = (readable(parameters), readable(gradient));
    let values = kernel::sums_backward::<T>(slice(&parameters), slice(&gradient), bound);
    like(values, &parameters)
}
