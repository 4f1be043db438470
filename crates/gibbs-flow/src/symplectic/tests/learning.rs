//! A transformation finds normal modes.

use std::sync::Arc;

use burn::optim::ModuleOptimizer;
use gibbs_core::{
    Batch, Objective, Position,
    optim::Adam,
    symmetry::SymmetryGroup,
    variational::{Draws, FreeEnergy, PathGradientObjective},
};

use super::*;

/// Two coupled oscillators `E = (q₁² + q₂² + 3 (q₁ - q₂)²)/2` have the frequencies 1 and √7.
fn coupled(q: Tensor<2>) -> Tensor<1> {
    let [first, second] = [0, 1].map(|k| q.clone().narrow(1, k, 1));
    let apart = first.clone() - second.clone();
    row_sums(first.clone() * first + second.clone() * second + apart.clone() * apart * 3.0) * 0.5
}

#[test]
fn two_oscillators_have_their_normal_modes() {
    let config = CanonicalConfig::new(2, 0);
    let mut flow = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap().train();
    let mut objective = PathGradientObjective {
        energy: PhaseSpace { energy: coupled },
        group: Arc::new(SymmetryGroup::trivial(4)),
        free_energy: FreeEnergy { n_sites: 2, beta: 1.0, log_z_offset: 0.0 },
        annealing: 0.0,
        n_draws: 64,
    };
    let (steps, noise) = (2000, &mut Noise::new(2, "training"));
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for step in 0..steps {
        let at = Position::new(step, steps, 1);
        let output = objective.step(&flow, Batch::empty(&Device::flex()), &at, noise).unwrap();
        let rate = 0.03 * (1.0 - step as f64 / steps as f64);
        flow = optimizer.step(rate, flow, output.gradients);
    }
    let flow = flow.valid();
    let mut frequencies = flow.frequencies();
    frequencies.sort_by(f64::total_cmp);
    for (found, exact) in frequencies.into_iter().zip([1.0, 7f64.sqrt()]) {
        assert!((found / exact - 1.0).abs() < 1e-3, "{found}, not {exact}");
    }
    let energy = PhaseSpace { energy: coupled };
    let draws = Draws::from_model(&flow, &energy, 1000, 500, &mut Noise::new(3, "draws"), |_| ());
    // det of the matrix of E is 1·7.
    let exact = 2.0 * std::f64::consts::TAU.ln() - 0.5 * 7f64.ln();
    assert!((draws.log_z_bound().value - exact).abs() < 1e-3, "{:?}, not {exact}", draws.log_z_bound());
}
