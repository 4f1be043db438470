//! Element-wise operations as compositions of Burn's operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata, get_device_settings};
use burn::tensor::{DType, FloatDType, Shape, TensorData};

use super::function::{BernoulliParam, Function};
use crate::kernel::draws::{Uniform, draw};
use crate::noise::philox::Cursor;

pub(crate) fn map<B: Backend>(function: Function, x: FloatTensor<B>) -> FloatTensor<B> {
    match function {
        Function::Relu => B::relu(x),
        Function::Sigmoid => sigmoid::<B>(x),
        Function::Tanh => B::float_tanh(x),
        Function::Softplus => softplus::<B>(x),
        Function::LogSigmoid => B::float_neg(softplus::<B>(B::float_neg(x))),
        Function::Exp => B::float_exp(x),
        Function::Silu => B::float_mul(x.clone(), sigmoid::<B>(x)),
    }
}

pub(crate) fn map_backward<B: Backend>(
    function: Function,
    saved: FloatTensor<B>,
    gradient: FloatTensor<B>,
) -> FloatTensor<B> {
    let derivative = match function {
        Function::Relu => B::float_sign(saved),
        Function::Sigmoid => B::float_mul(saved.clone(), one_minus::<B>(saved)),
        Function::Tanh => one_minus::<B>(B::float_mul(saved.clone(), saved)),
        Function::Softplus => sigmoid::<B>(saved),
        Function::LogSigmoid => sigmoid::<B>(B::float_neg(saved)),
        Function::Exp => saved,
        Function::Silu => {
            let s = sigmoid::<B>(saved.clone());
            let slope = B::float_mul(saved, one_minus::<B>(s.clone()));
            B::float_mul(s, B::float_add_scalar(slope, 1.0.into()))
        }
    };
    B::float_mul(gradient, derivative)
}

pub(crate) fn bce_rows<B: Backend>(logits: FloatTensor<B>, targets: FloatTensor<B>) -> FloatTensor<B> {
    let rows = logits.shape()[0];
    // The bracket (max(x, 0) - t·x) is exact for targets 0 and 1.
    let linear = B::float_sub(B::relu(logits.clone()), B::float_mul(targets, logits.clone()));
    let loss = B::float_add(linear, log1p_exp_neg_abs::<B>(logits));
    B::float_reshape(B::float_sum_dim(loss, 1), Shape::from([rows]))
}

pub(crate) fn bce_rows_backward<B: Backend>(
    logits: FloatTensor<B>,
    targets: FloatTensor<B>,
    gradient: FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_mul(B::float_sub(sigmoid::<B>(logits), targets), column::<B>(gradient))
}

/// `[n]` to `[n, 1]`.
pub(crate) fn column<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let rows = x.shape()[0];
    B::float_reshape(x, Shape::from([rows, 1]))
}

pub(crate) fn bernoulli<B: Backend>(
    param: BernoulliParam,
    x: FloatTensor<B>,
    cursor: Cursor,
) -> FloatTensor<B> {
    let (shape, dtype, device) = (x.shape(), x.dtype(), x.device());
    let count = shape.num_elements();
    // Narrow types are compared as f32: a uniform number could be rounded to 1 in their precision.
    let (x, uniform) = if dtype == DType::F64 {
        let mut values = vec![0f64; count];
        draw::<Uniform, f64>(&mut values, cursor);
        (x, TensorData::new(values, shape))
    } else {
        let mut values = vec![0f32; count];
        draw::<Uniform, f32>(&mut values, cursor);
        (B::float_cast(x, FloatDType::F32), TensorData::new(values, shape))
    };
    let probs = match param {
        BernoulliParam::Probs => x,
        BernoulliParam::Logits => sigmoid::<B>(x),
    };
    let settings = get_device_settings::<B>(&device);
    let bits = B::float_lower(B::float_from_data(uniform, &device), probs, settings.bool_dtype);
    B::bool_into_float(bits, dtype.into())
}

fn sigmoid<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_recip(B::float_add_scalar(B::float_exp(B::float_neg(x)), 1.0.into()))
}

/// `max(x, 0) + ln(1 + exp(-|x|))`, without overflow or cancellation.
fn softplus<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add(B::relu(x.clone()), log1p_exp_neg_abs::<B>(x))
}

fn log1p_exp_neg_abs<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_log1p(B::float_exp(B::float_neg(B::float_abs(x))))
}

fn one_minus<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add_scalar(B::float_neg(x), 1.0.into())
}
