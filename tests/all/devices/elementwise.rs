//! Element-wise functions and the cross-entropy against f64.

use burn::prelude::*;
use gibbs_backend::{Noise, bce_with_logits, exp, log_sigmoid, sigmoid, silu, softplus, tanh};
use gibbs_core::math::to_host;

use super::devices;
use crate::support::assert_close;

/// A function on tensors, and its value in f64 by another formula.
type Case = (&'static str, fn(Tensor<1>) -> Tensor<1>, fn(f64) -> f64);

fn functions() -> [Case; 6] {
    fn logistic(x: f64) -> f64 {
        if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
    }
    fn softened(x: f64) -> f64 {
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    }
    [
        ("sigmoid", sigmoid, logistic),
        ("tanh", tanh, f64::tanh),
        ("softplus", softplus, softened),
        ("log_sigmoid", log_sigmoid, |x| -softened(-x)),
        ("exp", exp, f64::exp),
        ("silu", silu, |x| x * logistic(x)),
    ]
}

/// The distance of neighboring f32 numbers around the value.
fn ulp(value: f64) -> f64 {
    2f64.powf(value.abs().log2().floor().clamp(-126.0, 127.0) - 23.0)
}

#[test]
fn functions_agree_with_double_precision() {
    let x: Vec<f32> = (-2000..=2000).map(|k| k as f32 * 0.0513).collect();
    for (name, device) in devices() {
        for (function, on_device, truth) in functions() {
            let y = to_host(on_device(Tensor::from_floats(x.as_slice(), &device)));
            for (&x, y) in x.iter().zip(y) {
                let expected = truth(f64::from(x));
                if expected > f64::from(f32::MAX) {
                    assert!(name != "flex" || y == f64::INFINITY, "{function}({x}) = {y} on {name}");
                    continue;
                }
                // Elsewhere they are composed of the device's own operations: sums that cancel lose digits, and a
                // shader's exponential may be off by 3 + 2|x| units in the last place.
                let relative = 4e-6 + 2.4e-7 * f64::from(x.abs());
                let ulps = if function == "silu" { 3.0 } else { 2.0 };
                let tolerance =
                    if name == "flex" { ulps * ulp(expected) } else { relative * expected.abs() + 3e-7 };
                assert!((y - expected).abs() <= tolerance, "{function}({x}) = {y} on {name}, not {expected}");
            }
        }
    }
}

#[test]
fn gradients_agree_with_double_precision() {
    let x: Vec<f32> = (-300..=300).map(|k| k as f32 * 0.0537).collect();
    for (name, device) in devices() {
        for (function, on_device, truth) in functions() {
            let argument = Tensor::<1>::from_floats(x.as_slice(), &device.clone().autodiff()).require_grad();
            let gradients = on_device(argument.clone()).sum().backward();
            let found = to_host(argument.grad(&gradients).unwrap());
            for (&x, found) in x.iter().zip(found) {
                let x = f64::from(x);
                let expected = (truth(x + 1e-5) - truth(x - 1e-5)) / 2e-5;
                let tolerance = 1e-5 * (1.0 + expected.abs());
                assert!(
                    (found - expected).abs() < tolerance,
                    "{function}'({x}) = {found} on {name}, not {expected}"
                );
            }
        }
    }
}

/// `Σ_j [softplus(x_j) - t_j·x_j]` of each row, in f64.
#[test]
fn cross_entropies_agree_with_double_precision() {
    const SHAPE: [usize; 2] = [31, 784];
    let count = SHAPE[0] * SHAPE[1];
    let logits: Vec<f32> = Noise::new(0, "logits").normal_vec(count).iter().map(|x| 4.0 * x).collect();
    let targets = Noise::new(0, "targets").uniform_vec(count);
    let rows = logits.chunks(SHAPE[1]).zip(targets.chunks(SHAPE[1]));
    let expected: Vec<f64> = rows
        .map(|(x, t)| {
            let terms = x.iter().zip(t).map(|(&x, &t)| (f64::from(x), f64::from(t)));
            terms.map(|(x, t)| x.max(0.0) + (-x.abs()).exp().ln_1p() - t * x).sum()
        })
        .collect();
    for (name, device) in devices() {
        let tensor = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), SHAPE), &device);
        let found = to_host(bce_with_logits(tensor(&logits), tensor(&targets)));
        let relative: Vec<f64> =
            found.iter().zip(&expected).map(|(found, expected)| found / expected).collect();
        assert_close(&relative, &[1.0; SHAPE[0]], 4e-6, name);
    }
}
