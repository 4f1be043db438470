//! Autoregressive models of spins with the symmetries of a Hamiltonian.

use burn::prelude::*;
use gibbs_autoregressive::{Made, MadeConfig, OrderConfig, OutputDistribution, Spins};
use gibbs_backend::Noise;
use gibbs_core::{
    Energy, LogProb, Sample,
    math::{log_sum_exp, to_host},
    symmetry::Symmetrized,
    variational::Draws,
};
use gibbs_physics::{Boundary, Canonical, Lattice, Pairwise, exact, ising};
use gibbs_testkit::{check_follows, check_normalized};

use crate::support::{assert_close, density::made};

const SIDE: usize = 3;
const N: usize = SIDE * SIDE;
const BETA: f64 = 0.4;

/// A torus and a network that knows nothing of it.
fn system() -> (Lattice, Pairwise, Spins<Made>) {
    let lattice = Lattice::square(SIDE, Boundary::Periodic).unwrap();
    let torus = ising(&lattice, 1.0, 0.0).unwrap();
    let config = MadeConfig::new(N, vec![12].into())
        .with_output(OutputDistribution::Bernoulli)
        .with_order(OrderConfig::Random);
    (lattice, torus, Spins::new(made(&config, 3, &Device::flex())))
}

/// All configurations, bit `d` of the number of each up in spin `d`.
fn states() -> Tensor<2> {
    let spins = (0..1usize << N)
        .flat_map(|state| (0..N).map(move |d| if state >> d & 1 == 1 { 1.0 } else { -1.0f32 }));
    Tensor::from_data(TensorData::new(spins.collect(), [1 << N, N]), &Device::flex())
}

#[test]
fn probabilities_sum_to_one_and_are_those_of_all_images() {
    let (lattice, torus, network) = system();
    let group = torus.symmetry_group(Some(&lattice));
    let model = Symmetrized::new(network.clone(), group.clone());
    let log_probs = to_host(model.log_prob(states()));
    check_normalized(&log_probs, 1e-5);
    for element in group.elements() {
        assert_close(&to_host(model.log_prob(element.apply(states()))), &log_probs, 1e-5, "an image");
    }
    let single = to_host(network.log_prob(states()));
    let unlike = single.iter().zip(&log_probs).any(|(a, b)| (a - b).abs() > 0.1);
    assert!(unlike, "the network was symmetric before");
    let divergence = |log_q: &[f64]| -> f64 {
        let energies = to_host(Canonical::new(&torus, BETA).unwrap().energy(states()));
        log_q.iter().zip(energies).map(|(log_q, energy)| log_q.exp() * (log_q + energy)).sum()
    };
    assert!(divergence(&log_probs) < divergence(&single));
}

#[test]
fn draws_follow_the_symmetric_distribution() {
    let (lattice, torus, network) = system();
    let model = Symmetrized::new(network, torus.symmetry_group(Some(&lattice)));
    let probs: Vec<f64> = to_host(model.log_prob(states())).iter().map(|log_prob| log_prob.exp()).collect();
    let draws = to_host(model.sample(20_000, &mut Noise::new(5, "draws")));
    let state = |s: &[f64]| (0..N).map(|d| usize::from(s[d] > 0.0) << d).sum();
    check_follows(&draws.chunks_exact(N).map(state).collect::<Vec<usize>>(), &probs);
}

#[test]
fn importance_weights_are_unbiased_and_estimates_agree_with_enumeration() {
    let (lattice, torus, network) = system();
    let exact = exact::enumerate(&torus, BETA).unwrap();
    let canonical = Canonical::new(&torus, BETA).unwrap();
    let model = Symmetrized::new(network, torus.symmetry_group(Some(&lattice)));
    let energies = to_host(canonical.energy(states()));
    let all = Draws::new(to_host(model.log_prob(states())), energies);
    let terms: Vec<f64> =
        all.log_q().iter().zip(all.log_weights()).map(|(log_q, log_w)| log_q + log_w).collect();
    assert!((log_sum_exp(&terms) - exact.thermodynamics.log_z).abs() < 1e-5);

    let draws = Draws::from_model(&model, &canonical, 20_000, 999, &mut Noise::new(6, "draws"), |_| ());
    let (bound, log_z) = (draws.log_z_bound(), draws.log_z());
    assert!((log_z.value - exact.thermodynamics.log_z).abs() < 4.0 * log_z.std_err, "{log_z}");
    assert!(bound.value < exact.thermodynamics.log_z);
    let energies: Vec<f64> = draws.energy().iter().map(|energy| energy / BETA).collect();
    let energy = draws.average(&energies);
    assert!((energy.value - exact.thermodynamics.energy).abs() < 4.0 * energy.std_err, "{energy}");
}
