//! Splines on `flex` in f32 and f64.

use burn::backend::Flex;
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::{Pass, SplineOps};
use crate::flex::{Scalar, readable, slice, with_number};
use crate::kernel;

impl SplineOps for Flex {
    fn spline(x: FlexTensor, parameters: FlexTensor, pass: Pass) -> Option<FlexTensor> {
        with_number!(x.dtype(), T => Some(spline::<T>(x, parameters, pass)), None)
    }

    fn spline_backward(
        x: FlexTensor,
        parameters: FlexTensor,
        gradient: FlexTensor,
        pass: Pass,
    ) -> Option<(FlexTensor, FlexTensor)> {
        with_number!(x.dtype(), T => Some(backward::<T>(x, parameters, gradient, pass)), None)
    }
}

fn spline<T: Scalar>(x: FlexTensor, parameters: FlexTensor, pass: Pass) -> FlexTensor {
    let (x, parameters) = (readable(x), readable(parameters));
    let [n, width] = x.layout().shape().dims();
    let values = kernel::spline::forward::<T>(slice(&x), slice(&parameters), [n, width], pass);
    FlexTensor::from_data(TensorData::new(values, [n, width + 1]))
}

fn backward<T: Scalar>(
    x: FlexTensor,
    parameters: FlexTensor,
    gradient: FlexTensor,
    pass: Pass,
) -> (FlexTensor, FlexTensor) {
    let (x, parameters, gradient) = (readable(x), readable(parameters), readable(gradient));
    let [n, width] = x.layout().shape().dims();
    let operands = (slice(&x), slice(&parameters));
    let (by_x, by_parameters) =
        kernel::spline::backward::<T>(operands.0, operands.1, slice(&gradient), [n, width], pass);
    let of = |values, like: &FlexTensor| {
        FlexTensor::from_data(TensorData::new(values, like.layout().shape().clone()))
    };
    (of(by_x, &x), of(by_parameters, &parameters))
}
