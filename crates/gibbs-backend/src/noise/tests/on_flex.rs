//! What only the flex backend has: fused draws, two precisions, any layout; and initial values.

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::Init;

#[test]
fn infinite_logits_are_certain_and_nan_is_zero() {
    let device = Device::flex();
    let x = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 90.0, -90.0, -1e9];
    for dtype in [DType::F32, DType::F64] {
        let logits = Tensor::<2>::from_data(TensorData::from([x]), (&device, dtype)).expand([1000, x.len()]);
        let bits = noise("edges").bernoulli_logits(logits.clone());
        assert_eq!(bits.dtype(), dtype);
        let expected = Tensor::<2>::from_floats([[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]], &device);
        let bits = bits.cast(DType::F32);
        assert_eq!(values((bits - expected).abs().sum()), [0.0]);
        let nan = noise("edges").bernoulli(logits.mul_scalar(f32::NAN));
        assert_eq!(values(nan.cast(DType::F32).sum()), [0.0]);
    }
}

#[test]
fn bits_do_not_depend_on_split_layout_or_autodiff() {
    let device = Device::flex();
    let logits = noise("logits").normal([173, 301], &device);
    let mut stream = noise("bits");
    let whole = stream.bernoulli_logits(logits.clone());
    let mut parts = noise("bits");
    let top = parts.bernoulli_logits(logits.clone().narrow(0, 0, 41));
    let bottom = parts.bernoulli_logits(logits.clone().narrow(0, 41, 132));
    assert_eq!(values(whole.clone()), values(Tensor::cat(vec![top, bottom], 0)));
    assert_eq!(stream, parts);

    let strided = logits.clone().transpose().reshape([301, 173]).transpose();
    assert_eq!(values(whole.clone()), values(noise("bits").bernoulli_logits(strided)));

    let tracked = Tensor::from_inner(logits.clone()).require_grad();
    let bits = noise("bits").bernoulli_logits(tracked.clone());
    assert_eq!(bits.device(), tracked.device());
    assert!(!bits.is_require_grad());
    assert_eq!(values(whole.clone()), values(bits.clone().inner()));
    let grads = (tracked.clone() * bits).sum().backward();
    assert_eq!(values(tracked.grad(&grads).unwrap()), values(whole));
}

#[test]
fn single_and_double_precision_bits_are_the_same_up_to_rounding() {
    let device = Device::flex();
    let logits = noise("logits").normal([1000, 784], &device).mul_scalar(3.0);
    let single = noise("bits").bernoulli_logits(logits.clone());
    let double = noise("bits").bernoulli_logits(logits.cast(DType::F64)).cast(DType::F32);
    let differing = values((single - double).abs().sum())[0];
    assert!(differing <= 5.0, "{differing} of 784000 bits differ");
}

#[test]
fn narrow_types_work() {
    let p = Tensor::<1>::full([30_000], 0.25, (&Device::flex(), DType::BF16));
    let bits = noise("narrow").bernoulli(p);
    assert_eq!(bits.dtype(), DType::BF16);
    let ones = values(bits.cast(DType::F32).sum())[0];
    assert!((ones - 7500.0).abs() < 4.5 * 75.0, "{ones}");
}

#[test]
fn initial_values_have_the_standard_deviation_of_their_distribution() {
    let device = Device::flex();
    let shape = [300, 200];
    let cases = [
        (Init::Normal { std: 0.01 }, 0.01, f64::INFINITY),
        (Init::Uniform { low: -0.5, high: 0.5 }, 1.0 / 12f64.sqrt(), 0.5),
        (Init::GlorotUniform, (2.0 / 500f64).sqrt(), (6.0 / 500f64).sqrt()),
        (Init::GlorotNormal, (2.0 / 500f64).sqrt(), f64::INFINITY),
        (Init::HeUniform, (2.0 / 300f64).sqrt(), (6.0 / 300f64).sqrt()),
        (Init::HeNormal, (2.0 / 300f64).sqrt(), f64::INFINITY),
    ];
    for (init, deviation, bound) in cases {
        let mut stream = noise("init");
        let x: Tensor<2> = init.tensor(shape, (&device, DType::F64), &mut stream);
        let x: Vec<f64> = x.into_data().try_into_vec().unwrap();
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let square = x.iter().map(|x| x * x).sum::<f64>() / n;
        assert!(mean.abs() < 4.5 * deviation / n.sqrt(), "{init:?}: mean {mean}");
        // The relative error of a variance is at most √(2/n), for the normal distribution.
        let error = square / (deviation * deviation) - 1.0;
        assert!(error.abs() < 4.5 * (2.0 / n).sqrt(), "{init:?}: variance off by {error}");
        assert!(x.iter().all(|x| x.abs() <= bound), "{init:?}");
        assert_eq!(stream.position(), 60_000);
    }
    let mut stream = noise("init");
    assert_eq!(values(Init::Constant(2.5).tensor([3], &device, &mut stream)), [2.5; 3]);
    assert_eq!(values(Init::Zeros.tensor([2], &device, &mut stream)), [0.0; 2]);
    assert_eq!(stream.position(), 0);
}

#[test]
fn a_parameter_is_drawn_at_once_and_trainable() {
    let mut stream = noise("init");
    let param = Init::GlorotUniform.param([4, 3], &Device::flex().autodiff(), &mut stream);
    assert_eq!(stream.position(), 12);
    assert!(param.val().is_require_grad());
}
