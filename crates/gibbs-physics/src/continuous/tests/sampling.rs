use gibbs_core::hmc::{Hmc, HmcState};
use gibbs_testkit::{check_follows, check_mean};

use super::*;
use crate::{Hamiltonian, exact, monte_carlo::TimeAverage};

/// `exp(-β H) / Z` of each state; bit `i` is spin `i` up.
fn distribution(spins: &Pairwise, beta: f64) -> Vec<f64> {
    let n = spins.n_spins();
    let spin = |state: usize, i: usize| if state >> i & 1 == 1 { 1 } else { -1 };
    let energies =
        (0..1 << n).map(|state| spins.energy_of(&(0..n).map(|i| spin(state, i)).collect::<Vec<_>>()));
    let log_z = exact::enumerate(spins, beta).unwrap().thermodynamics.log_z;
    energies.map(|energy| (-beta * energy - log_z).exp()).collect()
}

#[test]
fn trajectories_leave_the_distribution_of_the_fields_and_so_of_the_spins_unchanged() {
    let (spins, beta, n) = (glass(6), 1.5, 6);
    let dual = DualIsing::new(&spins, beta, 0.2).unwrap();
    // Long steps, so that a good part is rejected.
    let hmc = Hmc::new(0.6, 4).with_jitter(0.2);
    let noise = &mut Noise::new(7, "dual");
    for steps in [1, 4, 16] {
        let start = exact::draw(&spins, beta, 20_000, noise).unwrap().into_iter().map(f64::from).collect();
        let mut state = HmcState::new(&dual, dual.fields(tensor(start, n), noise));
        let mut accepted = 0.0;
        for _ in 0..steps {
            let (next, transition) = hmc.step(&dual, state, noise);
            accepted = to_host(transition.accepted.mean())[0];
            state = next;
        }
        assert!((0.3..0.9).contains(&accepted), "{accepted}");
        let drawn = to_host(dual.spins(state.x().clone(), noise));
        let number = |row: &[f64]| (0..n).filter(|i| row[*i] > 0.0).map(|i| 1 << i).sum();
        check_follows(&drawn.chunks(n).map(number).collect::<Vec<usize>>(), &distribution(&spins, beta));
    }
}

#[test]
fn a_phi_four_ring_has_the_field_of_its_transfer_operator() {
    let (axis, mass_squared, coupling) = (Axis::periodic(8), -1.0, 1.0);
    let field = PhiFour::new(&[axis], mass_squared, coupling).unwrap();
    let (hmc, noise, chains) = (Hmc::new(0.2, 6).with_jitter(0.3), &mut Noise::new(8, "field"), 50);
    let mut state = HmcState::new(&field, noise.normal([chains, 8], (&Device::flex(), DType::F64)));
    let mut squares = vec![Vec::new(); chains];
    for step in 0..320 {
        state = hmc.step(&field, state, noise).0;
        if step >= 20 {
            for (series, row) in squares.iter_mut().zip(to_host(state.x().clone()).chunks(8)) {
                series.push(row.iter().map(|x| x * x).sum::<f64>() / 8.0);
            }
        }
    }
    // ⟨φ²⟩ = -∂ ln Z / ∂m² a site.
    let log_z = |shift: f64| exact::phi_four_chain(axis, mass_squared + shift, coupling).unwrap();
    let square = (log_z(-1e-3) - log_z(1e-3)) / 2e-3 / 8.0;
    let TimeAverage { estimate, time, .. } = TimeAverage::mean(&squares);
    assert!(
        estimate.std_err < 0.01 && (estimate.value - square).abs() < 4.5 * estimate.std_err,
        "{estimate}"
    );
    assert!(time.value > 0.1 && time.value < 5.0, "{time}");
}

#[test]
fn each_mode_of_a_chain_has_half_of_the_thermal_energy() {
    let (n, count) = (6, 4000);
    let chain = HarmonicChain::new(n, Ends::Walls, springs(), 0.8).unwrap();
    let noise = &mut Noise::new(9, "chain");
    let mut state = HmcState::new(&chain, Tensor::zeros([count, n], (&Device::flex(), DType::F64)));
    for _ in 0..40 {
        state = Hmc::new(0.5, 4).with_jitter(0.3).step(&chain, state, noise).0;
    }
    let modes = tensor(chain.modes(), n).transpose();
    let amplitudes = to_host(state.x().clone().matmul(modes));
    for (k, omega) in chain.frequencies().into_iter().enumerate() {
        let thermal = |a: f64| 0.5 * 0.8 * springs().mass * omega * omega * a * a;
        check_mean(&amplitudes.iter().skip(k).step_by(n).map(|a| thermal(*a)).collect::<Vec<_>>(), 0.5);
    }
    check_mean(&to_host(state.energy().clone()), chain.mean_energy());
}
