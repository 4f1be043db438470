//! Symplecticity, trajectories, partition functions.

mod learning;
mod positions;

use burn::{
    module::Module,
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, Energy, LogProb, Sample,
    math::{row_sums, to_host},
    params::cast,
};
use gibbs_testkit::perturbed;

use super::*;
use crate::continuous::PotentialConfig;

fn wide(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

fn normal(shape: [usize; 2], seed: u64) -> Tensor<2> {
    Noise::new(seed, "points").normal(shape, (&Device::flex(), DType::F64))
}

/// A transformation of all kinds of layers in f64, with all parameters moved.
fn moved(n: usize, std: f64) -> CanonicalFlow {
    let config = CanonicalConfig::new(n, 2).with_n_hidden(7).with_points(n > 1);
    let flow = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    perturbed(cast(flow, FloatDType::F64), std, Noise::new(1, "stir"))
}

/// One far from the identity.
fn transformation(n: usize) -> CanonicalFlow {
    moved(n, 0.2)
}

/// `∂z/∂x` of each row by autodiff, `[2n, 2n]` row-major.
fn jacobians(map: &impl Bijection, x: &Tensor<2>) -> Vec<Vec<f64>> {
    let [batch, width] = x.dims();
    let map = map.clone().fork(&Device::flex().autodiff());
    let mut jacobians = vec![vec![0.0; width * width]; batch];
    for output in 0..width {
        let x = x.clone().autodiff().require_grad();
        let gradients = map.forward(x.clone(), None).0.narrow(1, output, 1).sum().backward();
        let slopes = to_host(x.grad(&gradients).unwrap());
        for (jacobian, row) in jacobians.iter_mut().zip(slopes.chunks(width)) {
            jacobian[output * width..(output + 1) * width].copy_from_slice(row);
        }
    }
    jacobians
}

/// `max |Jᵀ Ω J - Ω|`.
fn defect(jacobian: &[f64], width: usize) -> f64 {
    let (n, at) = (width / 2, |i: usize, j: usize| jacobian[i * width + j]);
    let form =
        |i: usize, j: usize| (0..n).map(|k| at(k, i) * at(k + n, j) - at(k + n, i) * at(k, j)).sum::<f64>();
    let omega = |i: usize, j: usize| match () {
        () if j == i + n => 1.0,
        () if i == j + n => -1.0,
        () => 0.0,
    };
    let pairs = (0..width).flat_map(|i| (0..width).map(move |j| (i, j)));
    pairs.map(|(i, j)| (form(i, j) - omega(i, j)).abs()).fold(0.0, f64::max)
}

#[test]
fn every_layer_keeps_the_symplectic_form() {
    for n in [1, 2, 5] {
        let (flow, x) = (transformation(n), normal([4, 2 * n], 2));
        for layer in &flow.chain.layers {
            let jacobians = jacobians(layer, &x);
            let is_moved = jacobians.iter().flatten().enumerate().any(|(i, j)| {
                let identity = f64::from(u8::from(i % (4 * n * n) % (2 * n + 1) == 0));
                (j - identity).abs() > 0.01
            });
            assert!(is_moved, "{layer:?}");
            for jacobian in jacobians {
                assert!(defect(&jacobian, 2 * n) <= 1e-12, "{}", defect(&jacobian, 2 * n));
            }
        }
        for jacobian in jacobians(&flow, &x) {
            assert!(defect(&jacobian, 2 * n) <= 1e-12, "{}", defect(&jacobian, 2 * n));
        }
    }
}

/// A map that only keeps the volume has a defect.
#[test]
fn a_squeeze_of_positions_alone_is_noticed() {
    let jacobian = [2.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    assert!((defect(&jacobian, 4) - 1.0).abs() < 1e-15);
}

#[test]
fn volumes_stay_and_every_map_goes_back() {
    for n in [1, 3] {
        let (flow, x) = (transformation(n), normal([6, 2 * n], 3));
        gibbs_testkit::check_bijection(&flow, x.clone(), None, 1e-11);
        for layer in &flow.chain.layers {
            gibbs_testkit::check_bijection(layer, x.clone(), None, 1e-11);
            assert_eq!(to_host(layer.forward(x.clone(), None).1), [0.0; 6]);
        }
    }
}

#[test]
fn the_exponential_is_that_of_known_generators() {
    let rotation = |angle: f64| {
        let mut map = cast(LinearSymplectic::new(1, &Device::flex()), FloatDType::F64);
        map.generator = burn::module::Param::from_tensor(wide(vec![angle, 0.0, 0.0, angle], [2, 2]));
        to_host(map.forward(wide(vec![1.0, 0.0], [1, 2]), None).0)
    };
    // Ω S = angle Ω: (q, p) turns to (cos, -sin).
    for angle in [0.3, 2.0, -20.0] {
        let found = rotation(angle);
        assert!(
            (found[0] - angle.cos()).abs() < 1e-11 && (found[1] + angle.sin()).abs() < 1e-11,
            "{found:?}"
        );
    }
    let mut map = cast(LinearSymplectic::new(1, &Device::flex()), FloatDType::F64);
    map.generator = burn::module::Param::from_tensor(wide(vec![0.0, 0.7, 0.7, 0.0], [2, 2]));
    // Ω S = diag(0.7, -0.7): a squeeze.
    let found = to_host(map.forward(wide(vec![1.0, 1.0], [1, 2]), None).0);
    assert!(
        (found[0] - 0.7f64.exp()).abs() < 1e-13 && (found[1] - (-0.7f64).exp()).abs() < 1e-13,
        "{found:?}"
    );
}

/// With `H = K ∘ T` the transformation is perfect: Hamilton's equations in `x`, solved by a method of fourth order, lead to where
/// the oscillators turn, up to the error of the method.
#[test]
fn trajectories_of_both_hamiltonians_are_the_same() {
    let n = 2;
    let flow = transformation(n);
    let (x, t) = (normal([3, 2 * n], 4) * 0.5, 1.0);
    let turned = flow.turned(flow.forward(x.clone(), None).0, t);
    let expected = to_host(flow.inverse(turned, None).0);
    let watched = flow.clone().fork(&Device::flex().autodiff());
    let velocity = |x: Tensor<2>| {
        let at = x.autodiff().require_grad();
        let gradients = watched.oscillators(watched.forward(at.clone(), None).0).sum().backward();
        let (of_q, of_p) = halves(at.grad(&gradients).unwrap());
        joined(of_p, of_q.neg())
    };
    let error = |steps: usize| {
        let h = t / steps as f64;
        let end = (0..steps).fold(x.clone(), |x, _| {
            let first = velocity(x.clone());
            let second = velocity(x.clone() + first.clone() * (0.5 * h));
            let third = velocity(x.clone() + second.clone() * (0.5 * h));
            let fourth = velocity(x.clone() + third.clone() * h);
            x + (first + (second + third) * 2.0 + fourth) * (h / 6.0)
        });
        to_host(end).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let errors = [50, 100].map(error);
    assert!(errors[1] < 1e-4, "{errors:?}");
    let order = (errors[0] / errors[1]).log2();
    assert!((order - 4.0).abs() < 0.4, "{order} from {errors:?}");
}

#[test]
fn oscillators_turn_at_their_frequencies() {
    let flow = transformation(3);
    let z = normal([4, 6], 5);
    let period = std::f64::consts::TAU / flow.frequencies()[1];
    let after = flow.turned(z.clone(), period);
    let [before, after] = [z.clone(), after].map(|z| to_host(z.narrow(1, 1, 1)));
    before.iter().zip(&after).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
    let energies = [z.clone(), flow.turned(z, 0.7)].map(|z| to_host(flow.oscillators(z)));
    energies[0].iter().zip(&energies[1]).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
    let slowest: Vec<f64> = flow.slowest().into_iter().map(|k| flow.frequencies()[k]).collect();
    assert!(slowest.is_sorted());
}

/// `∫ exp(-H) dq dp = Z_q (2π)^(n/2)`, and the density of the flow is normalized: both by importance sampling of the other.
#[test]
fn phase_space_has_the_partition_function_of_positions_and_momenta() {
    let energy = |q: Tensor<2>| row_sums(q.clone() * q.clone() + q.powi_scalar(4) * 0.1);
    let log_z = 2.0
        * (-4000..=4000)
            .map(|i| f64::from(i) * 1e-3)
            .map(|q| (-q * q - 0.1 * q.powi(4)).exp() * 1e-3)
            .sum::<f64>()
            .ln();
    let space = PhaseSpace { energy };
    // Wider than the target, so that weights have a variance.
    let mut flow = moved(2, 0.05);
    flow.log_frequencies = burn::module::Param::from_tensor(wide(vec![-0.4, -0.2], [1, 2]).squeeze_dim(0));
    let x = flow.sample(40_000, &mut Noise::new(6, "draws"));
    let expected = log_z + std::f64::consts::TAU.ln();
    let log_weights = to_host(space.energy(x.clone()).neg() - flow.log_prob(x));
    let weights: Vec<f64> = log_weights.iter().map(|log_weight| (log_weight - expected).exp()).collect();
    gibbs_testkit::check_mean(&weights, 1.0);
}

#[test]
fn a_shear_is_along_a_gradient_of_its_own_variables() {
    let potential = PotentialConfig::new(3, 5.into()).with_output_gain(1.0);
    for moves_positions in [false, true] {
        let shear =
            Shear::new(&potential, moves_positions, &Device::flex(), &mut Noise::new(7, "init")).unwrap();
        let x = Noise::new(8, "x").normal([4, 6], &Device::flex());
        let (q, p) = halves(x.clone());
        let (new_q, new_p) = halves(shear.forward(x, None).0);
        let (kept, same) = if moves_positions { (p, new_p) } else { (q, new_q) };
        assert_eq!(to_host(kept), to_host(same));
    }
}

#[test]
fn what_makes_no_transformation_is_refused() {
    let message = |config: CanonicalConfig| config.validate().unwrap_err().to_string();
    assert!(message(CanonicalConfig::new(0, 1)).starts_with("n_visible = 0"));
    assert!(message(CanonicalConfig::new(1, 1)).contains("points=false"));
    assert!(message(CanonicalConfig::new(2, 1).with_n_hidden(0)).starts_with("n_hidden = 0"));
    assert!(message(CanonicalConfig::new(2, 0).with_linear(false)).contains("needs a layer"));
    assert!(CanonicalConfig::new(1, 0).validate().is_ok());
}

#[test]
#[should_panic(expected = "not 3 variables")]
fn an_odd_phase_space_is_a_mistake() {
    halves(normal([2, 3], 9));
}
