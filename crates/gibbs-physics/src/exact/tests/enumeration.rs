use gibbs_backend::Noise;
use gibbs_core::math::log_sum_exp;

use super::{super::*, assert_same};
use crate::{Hamiltonian, Pairwise, hopfield, sherrington_kirkpatrick};

/// Energies and weights of all states, one by one.
fn plain(system: &Pairwise, beta: f64) -> (Vec<Vec<i8>>, Vec<f64>, Vec<f64>, f64) {
    let n = system.n_spins();
    let states: Vec<Vec<i8>> =
        (0..1 << n).map(|s: usize| (0..n).map(|i| if s >> i & 1 == 1 { 1 } else { -1 }).collect()).collect();
    let energies: Vec<f64> = states.iter().map(|s| system.energy_of(s)).collect();
    let logs: Vec<f64> = energies.iter().map(|energy| -beta * energy).collect();
    let log_z = log_sum_exp(&logs);
    (states, energies, logs.iter().map(|x| (x - log_z).exp()).collect(), log_z)
}

#[test]
fn enumeration_is_the_plain_sum_over_states() {
    let mut noise = Noise::new(1, "systems");
    for n in [1, 2, 7, 10, 11, 13] {
        let field = (0..n).map(|_| 0.4 * noise.next_normal()).collect();
        let system = sherrington_kirkpatrick(n, &mut noise).unwrap().with_field(field).unwrap();
        for beta in [0.0, 0.8, 40.0] {
            let exact = enumerate(&system, beta).unwrap();
            let (states, energies, p, log_z) = plain(&system, beta);
            let mean = |f: &dyn Fn(usize) -> f64| (0..p.len()).map(|k| p[k] * f(k)).sum::<f64>();
            let m = |k: usize| states[k].iter().map(|s| f64::from(*s)).sum::<f64>() / n as f64;
            let energy = mean(&|k| energies[k]);
            let expected = Thermodynamics {
                beta,
                log_z,
                energy,
                heat_capacity: beta * beta * mean(&|k| (energies[k] - energy).powi(2)),
            };
            assert_same(&exact.thermodynamics, &expected, 1e-13);
            let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
            assert!((exact.ground_energy - lowest).abs() < 1e-13);
            let moments = [mean(&m), mean(&|k| m(k).abs()), mean(&|k| m(k).powi(2)), mean(&|k| m(k).powi(4))];
            let found = exact.magnetization;
            for (a, b) in [found.mean, found.abs, found.second, found.fourth].iter().zip(moments) {
                assert!((a - b).abs() < 1e-12, "{n} {beta}: {a} {b}");
            }
            for i in 0..n {
                assert!((exact.means[i] - mean(&|k| f64::from(states[k][i]))).abs() < 1e-12);
                for j in 0..n {
                    let pair = mean(&|k| f64::from(states[k][i] * states[k][j]));
                    assert!((exact.correlations[i * n + j] - pair).abs() < 1e-12, "{n} {beta} {i} {j}");
                }
            }
        }
    }
}

#[test]
fn a_large_beta_leaves_the_ground_states() {
    let patterns = vec![(0..14).map(|i| if i % 3 == 0 { 1 } else { -1 }).collect()];
    let exact = enumerate(&hopfield(&patterns).unwrap(), 1e4).unwrap();
    assert!((exact.ground_energy + 6.5).abs() < 1e-13);
    assert!((exact.thermodynamics.log_z - 6.5e4 - 2f64.ln()).abs() < 1e-10);
    assert!(exact.thermodynamics.heat_capacity.abs() < 1e-10);
    assert!((exact.thermodynamics.entropy() - 2f64.ln()).abs() < 1e-10);
    assert!((exact.correlations[1] + 1.0).abs() < 1e-14);
}
