//! Estimates against exact values: what is not marked as unreliable lies within its errors.

use burn::prelude::*;
use gibbs_autoregressive::{MadeConfig, OutputDistribution, Spins};
use gibbs_backend::Noise;
use gibbs_core::{Estimate, variational::Draws};
use gibbs_physics::{
    Boundary, Canonical, Lattice, exact, ising,
    monte_carlo::{Measurements, Observation},
};

use crate::support::density::made;

const SIDE: usize = 3;
const N: usize = SIDE * SIDE;

/// Networks that know nothing of the system, at temperatures from high, where their draws are good, to low.
#[test]
fn importance_sampling_and_its_chain_keep_their_errors_unless_marked() {
    let torus = ising(&Lattice::square(SIDE, Boundary::Periodic).unwrap(), 1.0, 0.0).unwrap();
    let config = MadeConfig::new(N, vec![12].into()).with_output(OutputDistribution::Bernoulli);
    let (mut kept, mut marked, mut missed) = (0, 0, Vec::new());
    for (seed, beta) in (0..80u64).map(|seed| (seed, [0.05, 0.15, 0.3, 0.6][seed as usize % 4])) {
        let model = Spins::new(made(&config, seed, &Device::flex()));
        let canonical = Canonical::new(&torus, beta).unwrap();
        let exact = exact::enumerate(&torus, beta).unwrap();
        let noise = &mut Noise::new(seed, "draws");
        let draws = Draws::from_model(&model, &canonical, 1000, 1000, noise, |_| ());
        let energies: Vec<f64> = draws.energy().iter().map(|energy| energy / beta).collect();
        let chain = draws.markov_chain(noise);
        let observe = |i: &usize| Observation { energy: energies[*i], magnetization: 0.0 };
        let visited = Measurements::new(beta, [chain.held.iter().map(observe).collect()]).energy().estimate;
        let energy = exact.thermodynamics.energy;
        let estimates: [(&str, Estimate, f64); 3] = [
            ("log Z", draws.log_z(), exact.thermodynamics.log_z),
            ("energy", draws.average(&energies), energy),
            ("energy of the chain", visited.or_unreliable(draws.spread().unreliable()), energy),
        ];
        for (name, estimate, exact) in estimates {
            match &estimate.unreliable {
                Some(_) => marked += 1,
                None => {
                    kept += 1;
                    if (estimate.value - exact).abs() > 4.0 * estimate.std_err {
                        missed.push(format!("{name} at β = {beta}, seed {seed}: {estimate} for {exact}"));
                    }
                }
            }
        }
    }
    assert!(kept > 80 && marked > 40, "{kept} kept, {marked} marked");
    assert!(missed.len() as f64 <= 0.05 * f64::from(kept), "{} of {kept}: {missed:#?}", missed.len());
}
