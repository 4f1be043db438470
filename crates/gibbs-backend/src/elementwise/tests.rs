#[cfg(feature = "flex")]
use burn::tensor::Device;
use burn::tensor::{DType, Tensor, TensorData};

use super::*;
use crate::{compiled, device};

/// A public function: its name, itself, and its value in f64 by another formula.
type Case = (&'static str, fn(Tensor<1>) -> Tensor<1>, fn(f64) -> f64);

fn functions() -> [Case; 6] {
    fn logistic(x: f64) -> f64 {
        x.exp() / (1.0 + x.exp())
    }
    [
        ("sigmoid", sigmoid, logistic),
        ("tanh", tanh, |x| ((2.0 * x).exp_m1()) / ((2.0 * x).exp_m1() + 2.0)),
        ("softplus", softplus, |x| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }),
        ("log_sigmoid", log_sigmoid, |x| if x < 0.0 { x - x.exp().ln_1p() } else { -(-x).exp().ln_1p() }),
        ("exp", exp, f64::exp),
        ("silu", silu, |x| x * logistic(x)),
    ]
}

fn grid() -> Vec<f64> {
    (-160..=160).map(|k| f64::from(k) * 0.05).chain([-30.0, -17.3, 17.3, 30.0]).collect()
}

/// Compositions lose digits where a sum cancels, and some drivers compute `tanh` and `ln(1 + x)` to absolute accuracy.
fn tolerance(backend: &str, truth: f64) -> f64 {
    if backend == "flex" { 3e-7 * truth.abs() } else { 4e-6 * truth.abs() + 1e-6 }
}

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

#[test]
fn values_on_every_device() {
    let x = grid();
    for name in compiled() {
        let device = device(name).unwrap();
        let argument = Tensor::<1>::from_data(TensorData::new(x.clone(), [x.len()]), (&device, DType::F32));
        for (function, on_device, truth) in functions() {
            let y = doubles(on_device(argument.clone()));
            for (&x, y) in x.iter().zip(y) {
                let expected = truth(f64::from(x as f32));
                let error = (y - expected).abs();
                assert!(error <= tolerance(name, expected), "{function}({x}) = {y} on {name}");
            }
        }
    }
}

#[test]
fn gradients_on_every_device() {
    let x = grid();
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        for (function, on_device, truth) in functions() {
            let data = TensorData::new(x.clone(), [x.len()]);
            let argument = Tensor::<1>::from_data(data, (&device, DType::F32)).require_grad();
            let weights = argument.clone().inner().mul_scalar(0.3).add_scalar(1.0);
            let value = on_device(argument.clone()) * Tensor::from_inner(weights.clone());
            let gradient = doubles(argument.grad(&value.sum().backward()).unwrap());
            for ((&x, weight), gradient) in x.iter().zip(doubles(weights)).zip(gradient) {
                let x = f64::from(x as f32);
                let expected = weight * (truth(x + 1e-5) - truth(x - 1e-5)) / 2e-5;
                let tolerance = 2e-6 * (1.0 + expected.abs()) * weight.abs().max(1.0);
                assert!((gradient - expected).abs() < tolerance, "{function}'({x}) on {name}: {gradient}");
            }
        }
    }
}

#[test]
fn rectified_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        let x = Tensor::<1>::from_floats([-2.5, -0.0, 0.0, 1e-30, 3.0], &device).require_grad();
        let y = relu(x.clone());
        let gradient = x.grad(&y.clone().mul_scalar(2.0).sum().backward()).unwrap();
        assert_eq!(doubles(y), [0.0, 0.0, 0.0, f64::from(1e-30_f32), 3.0], "{name}");
        assert_eq!(doubles(gradient), [0.0, 0.0, 0.0, 2.0, 2.0], "{name}");
    }
}

#[cfg(feature = "flex")]
mod on_flex {
    use burn::backend::Flex;
    use burn_flex::FlexTensor;

    use super::*;
    use crate::Noise;

    const FUNCTIONS: [Function; 7] = [
        Function::Relu,
        Function::Sigmoid,
        Function::Tanh,
        Function::Softplus,
        Function::LogSigmoid,
        Function::Exp,
        Function::Silu,
    ];

    fn flex(values: &[f32]) -> FlexTensor {
        FlexTensor::from_data(TensorData::new(values.to_vec(), [values.len()]))
    }

    fn singles(tensor: FlexTensor) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    /// Central differences with an error of about 1e-10 against the backward pass in f64.
    #[test]
    fn gradients_in_double_precision() {
        let device = Device::flex().autodiff();
        let x = grid();
        let tensor =
            |x: Vec<f64>| Tensor::<1>::from_data(TensorData::new(x, [grid().len()]), (&device, DType::F64));
        for (name, function, truth) in functions() {
            let argument = tensor(x.clone()).require_grad();
            let value = function(argument.clone());
            for (y, &x) in doubles(value.clone()).into_iter().zip(&x) {
                assert!((y - truth(x)).abs() <= 1e-14 * (1.0 + y.abs()), "{name}({x}) = {y}");
            }
            let gradient = doubles(argument.grad(&value.powi_scalar(2).sum().backward()).unwrap());
            let step = 1e-5;
            let at = |shift: f64| doubles(function(tensor(x.iter().map(|x| x + shift).collect())));
            for (((&x, g), up), down) in x.iter().zip(gradient).zip(at(step)).zip(at(-step)) {
                let expected = (up * up - down * down) / (2.0 * step);
                let tolerance = 1e-8 * (1.0 + expected.abs() + up * up);
                assert!((g - expected).abs() < tolerance, "{name}: gradient {g} at {x}, not {expected}");
            }
        }
    }

    #[test]
    fn kernels_agree_with_the_portable_form() {
        let x: Vec<f32> = (-4000..4000).map(|k| k as f32 * 0.01).collect();
        let gradient: Vec<f32> = (0..8000).map(|k| (k as f32 * 0.37).sin()).collect();
        let close = |a: Vec<f32>, b: Vec<f32>, what: &str| {
            for (i, (a, b)) in a.into_iter().zip(b).enumerate() {
                assert!((a - b).abs() <= 1e-5 * b.abs() + 3e-7, "{what} at {}: {a} and {b}", x[i]);
            }
        };
        for function in FUNCTIONS {
            let y = Flex::map(function, flex(&x));
            let portable = portable::map::<Flex>(function, flex(&x));
            close(singles(y.clone()), singles(portable), &format!("{function:?}"));
            let saved = if function.derivative_from_result() { y } else { flex(&x) };
            let fused = Flex::map_backward(function, saved.clone(), flex(&gradient));
            let portable = portable::map_backward::<Flex>(function, saved, flex(&gradient));
            close(singles(fused), singles(portable), &format!("gradient of {function:?}"));
        }
    }

    #[test]
    fn gradients_have_their_limits_at_infinity() {
        let device = Device::flex().autodiff();
        let limits = [[0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, f64::INFINITY], [0.0, 1.0]];
        for ((name, function, _), limits) in functions().into_iter().zip(limits) {
            for dtype in [DType::F32, DType::F64] {
                let ends = TensorData::from([f64::NEG_INFINITY, f64::INFINITY, f64::NAN]);
                let x = Tensor::<1>::from_data(ends, (&device, dtype)).require_grad();
                let gradient = doubles(x.grad(&function(x.clone()).sum().backward()).unwrap());
                assert_eq!(gradient[..2], limits, "{name}");
                assert!(gradient[2].is_nan(), "{name}");
            }
        }
    }

    #[test]
    fn fused_and_portable_bits_are_the_same_up_to_ties() {
        let (rows, width) = (2000, 784);
        let logits = Noise::new(0, "logits").normal([rows, width], &Device::flex()).mul_scalar(4.0);
        let logits: Vec<f32> = logits.into_data().try_into_vec().unwrap();
        for param in [BernoulliParam::Logits, BernoulliParam::Probs] {
            let cursor = Cursor { key: 5, stream: 9, position: 3 };
            let fused = singles(Flex::bernoulli(param, flex(&logits), cursor));
            let portable = singles(portable::bernoulli::<Flex>(param, flex(&logits), cursor));
            let differing = fused.iter().zip(&portable).filter(|(a, b)| a != b).count();
            // Each disagreement is a uniform number within rounding of its probability: 2^-24 or so of the bits.
            assert!(
                differing as f64 <= 1e-6 * logits.len() as f64,
                "{param:?}: {differing} of {}",
                logits.len()
            );
            assert!(param == BernoulliParam::Logits || differing == 0);
        }
    }

    #[test]
    fn the_argument_is_left_alone_and_any_layout_is_understood() {
        let device = Device::flex();
        let x = Noise::new(1, "x").normal([150, 140], &device);
        let before = doubles(x.clone());
        let y = sigmoid(x.clone());
        assert_eq!(doubles(x.clone()), before);
        let in_place = sigmoid(x.clone().add_scalar(0.0));
        assert_eq!(doubles(in_place), doubles(y.clone()));
        assert_eq!(doubles(sigmoid(x.clone().transpose()).transpose()), doubles(y.clone()));
        assert_eq!(doubles(sigmoid(x.clone().flip([1])).flip([1])), doubles(y.clone()));
        let window = sigmoid(x.clone().narrow(0, 7, 20));
        assert_eq!(doubles(window), doubles(y.clone().narrow(0, 7, 20)));
        let repeated = sigmoid(x.narrow(0, 3, 1).expand([4, 140]));
        assert_eq!(doubles(repeated), doubles(y.narrow(0, 3, 1).expand([4, 140])));
        assert_eq!(sigmoid(Tensor::<2>::zeros([0, 5], &device)).dims(), [0, 5]);
    }

    /// The gradient of a sum arrives as one number expanded to the shape.
    #[test]
    fn gradients_of_any_layout_are_understood() {
        let device = Device::flex().autodiff();
        let x = Noise::new(1, "x").normal([30, 40], &device).require_grad();
        let expanded = tanh(x.clone()).sum().backward();
        let dense = (tanh(x.clone()) * Tensor::ones([30, 40], &device)).sum().backward();
        let turned = (tanh(x.clone()).transpose() * Tensor::ones([40, 30], &device)).sum().backward();
        let reference = doubles(x.grad(&dense).unwrap());
        assert_eq!(doubles(x.grad(&expanded).unwrap()), reference);
        assert_eq!(doubles(x.grad(&turned).unwrap()), reference);
        // A value used twice sends back the sum of two gradients.
        let y = tanh(x.clone());
        let twice = doubles(x.grad(&(y.clone() + y).sum().backward()).unwrap());
        assert!(twice.iter().zip(&reference).all(|(a, b)| (a - 2.0 * b).abs() < 1e-6));
    }

    #[test]
    fn rectified_nan_is_nan() {
        for dtype in [DType::F32, DType::F64] {
            let y =
                doubles(relu(Tensor::<1>::from_data([f64::NAN, f64::INFINITY], (&Device::flex(), dtype))));
            assert!(y[0].is_nan() && y[1] == f64::INFINITY);
        }
    }

    #[test]
    fn narrow_types_take_the_portable_form() {
        let x = Tensor::<1>::from_data([-3.0, 0.0, 1.5], (&Device::flex(), DType::F16));
        let y = silu(x);
        assert_eq!(y.dtype(), DType::F16);
        for (y, expected) in doubles(y).into_iter().zip([-0.142278, 0.0, 1.226361]) {
            assert!((y - expected).abs() < 2e-3, "{y}");
        }
    }
}

/// `Σ softplus(x) - t·x` in f64, stable.
fn cross_entropy(x: &[f64], t: &[f64], width: usize) -> Vec<f64> {
    let term = |(&x, &t): (&f64, &f64)| x.max(0.0) - t * x + (-x.abs()).exp().ln_1p();
    x.chunks(width).zip(t.chunks(width)).map(|(x, t)| x.iter().zip(t).map(term).sum()).collect()
}

/// Logits and targets of which some are 0 or 1.
fn bce_case(rows: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let mut noise = crate::Noise::new(2, "bce");
    let x = noise.normal_vec(rows * width).into_iter().map(|x| f64::from(x) * 5.0).collect();
    let t = noise.uniform_vec(rows * width).into_iter().map(|u| (1.6 * f64::from(u) - 0.3).clamp(0.0, 1.0));
    (x, t.collect())
}

#[test]
fn cross_entropy_on_every_device() {
    for (rows, width) in [(1, 1), (3, 7), (5, 16), (40, 784), (2, 20_000)] {
        let (x, t) = bce_case(rows, width);
        let single = |values: &[f64]| values.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let exact = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        let (x, t) = (single(&x), single(&t));
        let truth = cross_entropy(&exact(&x), &exact(&t), width);
        for name in compiled() {
            let device = device(name).unwrap();
            let tensor = |values: &[f32]| {
                Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, width]), (&device, DType::F32))
            };
            let loss = doubles(bce_with_logits(tensor(&x), tensor(&t)));
            assert_eq!(loss.len(), rows);
            for (loss, truth) in loss.into_iter().zip(&truth) {
                assert!(
                    (loss - truth).abs() <= 3e-6 * truth + 1e-6,
                    "{name}, width {width}: {loss}, not {truth}"
                );
            }
        }
    }
}

#[test]
fn cross_entropy_of_sure_predictions_does_not_cancel() {
    for name in compiled() {
        let device = device(name).unwrap();
        let x = Tensor::<2>::from_floats([[20.0], [-20.0], [20.0], [-200.0]], &device);
        let t = Tensor::<2>::from_floats([[1.0], [0.0], [0.0], [1.0]], &device);
        let tiny = (-20f64).exp().ln_1p();
        for (loss, truth) in doubles(bce_with_logits(x, t)).into_iter().zip([tiny, tiny, 20.0 + tiny, 200.0])
        {
            assert!((loss - truth).abs() <= tolerance(name, truth), "{name}: {loss}, not {truth}");
        }
    }
}

#[cfg(feature = "flex")]
#[test]
fn cross_entropy_gradients_in_double_precision() {
    let (rows, width) = (3, 50);
    let (x, t) = bce_case(rows, width);
    let device = Device::flex().autodiff();
    let tensor = |values: &[f64]| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, width]), (&device, DType::F64))
    };
    let weights = [0.5, -2.0, 1.0];
    let weigh = |loss: Tensor<1>| (loss * Tensor::from_data(weights, (&device, DType::F64))).sum();
    let (logits, targets) = (tensor(&x).require_grad(), tensor(&t).require_grad());
    let grads = weigh(bce_with_logits(logits.clone(), targets.clone())).backward();
    let by_logits = doubles(logits.grad(&grads).unwrap());
    let by_targets = doubles(targets.grad(&grads).unwrap());
    let total = |x: &[f64], t: &[f64]| doubles(weigh(bce_with_logits(tensor(x), tensor(t))))[0];
    let shifted = |values: &[f64], index: usize, shift: f64| {
        let mut values = values.to_vec();
        values[index] += shift;
        values
    };
    let step = 1e-5;
    for index in 0..rows * width {
        let slope = |up: f64, down: f64| (up - down) / (2.0 * step);
        let expected = slope(total(&shifted(&x, index, step), &t), total(&shifted(&x, index, -step), &t));
        assert!((by_logits[index] - expected).abs() < 1e-7, "logit {index}");
        let expected = slope(total(&x, &shifted(&t, index, step)), total(&x, &shifted(&t, index, -step)));
        assert!((by_targets[index] - expected).abs() < 1e-7, "target {index}");
    }
    // With constant targets the same gradient comes from the pass over one operand.
    let constant = weigh(bce_with_logits(logits.clone(), tensor(&t))).backward();
    assert_eq!(doubles(logits.grad(&constant).unwrap()), by_logits);
}

#[cfg(feature = "flex")]
#[test]
#[should_panic(expected = "targets of shape [2, 4], logits of shape [2, 3]")]
fn cross_entropy_needs_equal_shapes() {
    let device = Device::flex();
    bce_with_logits(Tensor::zeros([2, 3], &device), Tensor::zeros([2, 4], &device));
}
