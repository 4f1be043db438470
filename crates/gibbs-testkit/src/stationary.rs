//! Checks that a Markov kernel leaves a distribution invariant.

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::distribution::{check_follows, draw_states};

/// Checks that `kernel` leaves the distribution `probs` invariant after 1, 4 and 16 applications. The `chains` chains start
/// from exact draws.
///
/// `states [n_states, width]` lists the states in the order of `probs`. The check notices a wrong kernel only if the
/// distribution is far from uniform: choose strong couplings.
///
/// # Panics
/// If the distribution changes by more than the Monte-Carlo error, or if the kernel moves to a state that is not listed.
pub fn check_stationary(
    probs: &[f64],
    states: &[Vec<f64>],
    device: &Device,
    chains: usize,
    noise: &mut Noise,
    mut kernel: impl FnMut(Tensor<2>, &mut Noise) -> Tensor<2>,
) {
    let width = states[0].len();
    for applications in [1, 4, 16] {
        let start = draw_states(probs, chains, noise);
        let values: Vec<f64> = start.iter().flat_map(|&state| states[state].iter().copied()).collect();
        let mut x: Tensor<2> = Tensor::from_data(TensorData::new(values, [chains, width]), device);
        for _ in 0..applications {
            x = kernel(x, noise);
        }
        check_follows(&numbers(x, states), probs);
    }
}

/// The index of each row in the list of states.
fn numbers(x: Tensor<2>, states: &[Vec<f64>]) -> Vec<usize> {
    let width = states[0].len();
    let values = gibbs_core::math::to_host(x);
    let key = |row: &[f64]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let index: std::collections::HashMap<_, _> =
        states.iter().enumerate().map(|(number, state)| (key(state), number)).collect();
    values
        .chunks(width)
        .map(|row| match index.get(&key(row)) {
            Some(&number) => number,
            None => panic!("the kernel moved to {row:?}, which is not a state"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two states with probabilities 0.9 and 0.1. `leave` is the probability to leave the rare one.
    fn check_two_states(leave: f64) {
        let device = Device::flex();
        let mut noise = Noise::new(3, "two states");
        check_stationary(&[0.9, 0.1], &[vec![0.0], vec![1.0]], &device, 4000, &mut noise, |x, noise| {
            let rare = x.clone() * (1.0 - leave) + (x.neg() + 1.0) * (leave / 9.0);
            noise.bernoulli(rare)
        });
    }

    #[test]
    fn a_kernel_in_detailed_balance_passes() {
        check_two_states(0.9);
    }

    #[test]
    #[should_panic(expected = "χ²")]
    fn a_kernel_of_another_distribution_fails() {
        let device = Device::flex();
        let mut noise = Noise::new(3, "two states");
        check_stationary(&[0.9, 0.1], &[vec![0.0], vec![1.0]], &device, 4000, &mut noise, |x, noise| {
            noise.bernoulli(x * 0.5 + 0.08)
        });
    }
}
