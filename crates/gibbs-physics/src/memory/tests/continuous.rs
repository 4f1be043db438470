use burn::{prelude::*, tensor::DType};
use gibbs_core::{Energy, math::to_host};
use gibbs_testkit::check_gradient;

use super::*;

fn tensor(values: &[f64], width: usize) -> Tensor<2> {
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (&Device::flex(), DType::F64))
}

fn normals(n: usize, noise: &mut Noise) -> Vec<f64> {
    (0..n).map(|_| noise.next_normal()).collect()
}

#[test]
fn an_update_is_the_weighted_mean_and_the_energy_its_definition() {
    let mut noise = Noise::new(1, "continuous");
    let (d, p, beta) = (4, 3, 0.7);
    let (x, state) = (normals(p * d, &mut noise), normals(d, &mut noise));
    let memory = ContinuousMemory::new(tensor(&x, d), beta).unwrap();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let weights: Vec<f64> = x.chunks(d).map(|row| (beta * dot(row, &state)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let updated = to_host(memory.step(tensor(&state, d)));
    for (i, value) in updated.iter().enumerate() {
        let expected = (0..p).map(|mu| weights[mu] / total * x[mu * d + i]).sum::<f64>();
        assert!((value - expected).abs() < 1e-14);
    }
    let largest = x.chunks(d).map(|row| dot(row, row)).fold(0.0, f64::max);
    let expected = -total.ln() / beta + 0.5 * dot(&state, &state) + (p as f64).ln() / beta + 0.5 * largest;
    assert!((to_host(memory.energy(tensor(&state, d)))[0] - expected).abs() < 1e-13);
}

#[test]
fn updates_lower_the_energy_which_is_not_negative() {
    let mut noise = Noise::new(2, "continuous");
    let (d, batch) = (6, 50);
    for beta in [0.1, 1.0, 10.0] {
        let memory = ContinuousMemory::new(tensor(&normals(8 * d, &mut noise), d), beta).unwrap();
        let mut state = tensor(&normals(batch * d, &mut noise), d) * 2.0;
        let mut energies = to_host(memory.energy(state.clone()));
        for _ in 0..10 {
            state = memory.step(state);
            let next = to_host(memory.energy(state.clone()));
            for (new, old) in next.iter().zip(&energies) {
                assert!(*new >= 0.0 && *new <= old + 1e-13, "{beta}: {old} {new}");
            }
            energies = next;
        }
    }
}

/// `∂E/∂ξ = ξ - X softmax(β Xᵀ ξ)`.
#[test]
fn the_gradient_of_the_energy_is_the_state_less_its_update() {
    let mut noise = Noise::new(3, "continuous");
    let (d, p) = (5, 4);
    let (x, state) = (normals(p * d, &mut noise), normals(d, &mut noise));
    let device = Device::flex().autodiff();
    let place = |values: &[f64]| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), [values.len() / d, d]), (&device, DType::F64))
    };
    let memory = ContinuousMemory::new(place(&x), 1.3).unwrap();
    let at = place(&state).require_grad();
    let gradients = memory.energy(at.clone()).sum().backward();
    let gradient = to_host(at.grad(&gradients).unwrap());
    let residual = to_host(at.clone() - memory.step(at));
    for (one, other) in gradient.iter().zip(&residual) {
        assert!((one - other).abs() < 1e-13, "{one} {other}");
    }
    let plain = ContinuousMemory::new(tensor(&x, d), 1.3).unwrap();
    check_gradient(&gradient, &state, 1e-7, |s| to_host(plain.energy(tensor(s, d)))[0]);
}

/// With the query nearer to one pattern by `Δ = 16 · 0.8` in the product, all others together weigh at most
/// `p exp(-β Δ)`.
#[test]
fn separated_patterns_are_recalled_in_one_step() {
    let patterns: Vec<f64> = orthogonal(16, 8).concat().iter().map(|x| f64::from(*x)).collect();
    let memory = ContinuousMemory::new(tensor(&patterns, 16), 2.0).unwrap();
    let start = tensor(&patterns[48..64], 16) * 0.8;
    let off = 2.0 * 8.0 * (-2.0 * 16.0 * 0.8f64).exp();
    for (value, xi) in to_host(memory.step(start.clone())).iter().zip(&patterns[48..64]) {
        assert!((value - xi).abs() < off);
    }
    assert!(1.0 - to_host(memory.attention(start))[3] < off);
    // A small β mixes: orthogonal patterns and the state 0 have their mean.
    let mean: f64 = to_host(memory.step(tensor(&[0.0; 16], 16)))[1];
    assert!((mean - patterns.iter().skip(1).step_by(16).sum::<f64>() / 8.0).abs() < 1e-14);
}

#[test]
fn bad_memories_are_refused() {
    let none = Tensor::<2>::zeros([0, 4], &Device::flex());
    let message = |patterns, beta| ContinuousMemory::new(patterns, beta).unwrap_err().to_string();
    assert_eq!(message(none, 1.0), "a Hopfield network needs at least one pattern");
    for (beta, shown) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN")] {
        assert_eq!(message(tensor(&[1.0], 1), beta), format!("beta = {shown}: must be finite and above 0"));
    }
}
