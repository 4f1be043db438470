use burn::prelude::*;
use gibbs_core::math::to_host;
use gibbs_testkit::check_stationary;

use super::*;
use crate::{Canonical, Pairwise, exact, hopfield, sherrington_kirkpatrick};

#[test]
fn asynchronous_recall_never_raises_the_energy_and_ends_in_a_fixed_point() {
    let mut noise = Noise::new(1, "recall");
    for instance in 0..20 {
        let field = (0..40).map(|_| 0.3 * noise.next_normal()).collect();
        let system = sherrington_kirkpatrick(40, &mut noise).unwrap().with_field(field).unwrap();
        let dynamics = SpinDynamics::new(&system, Updates::Asynchronous);
        let start = random_patterns(40, 1, &mut noise).remove(0);
        let path = recall(&dynamics, start, 100, &mut noise);
        assert_eq!(path.end, End::FixedPoint, "{instance}");
        assert!(path.energies.windows(2).all(|pair| pair[1] < pair[0]));
        for (state, energy) in path.states.iter().zip(&path.energies) {
            assert_eq!(*energy, system.energy_of(state));
        }
        for (i, s) in path.last().iter().enumerate() {
            assert!(system.local_field(path.last(), i) * f64::from(*s) >= 0.0);
        }
    }
}

#[test]
fn synchronous_recall_ends_in_a_fixed_point_or_a_cycle() {
    let mut noise = Noise::new(2, "recall");
    let pair = Pairwise::from_bonds([(0, 1, 1.0)], vec![0.0; 2]).unwrap();
    let dynamics = SpinDynamics::new(&pair, Updates::Synchronous);
    let path = recall(&dynamics, vec![1, -1], 10, &mut noise);
    assert_eq!((path.end, path.energies), (End::TwoCycle, vec![1.0, 1.0]));
    assert_eq!(path.states, [[1, -1], [-1, 1]]);
    assert_eq!(recall(&dynamics, vec![1, 1], 10, &mut noise).end, End::FixedPoint);
    assert_eq!(recall(&dynamics, vec![1, -1], 1, &mut noise).end, End::StepLimit);

    let mut ends = [0, 0];
    for _ in 0..50 {
        let glass = sherrington_kirkpatrick(30, &mut noise).unwrap();
        let dynamics = SpinDynamics::new(&glass, Updates::Synchronous);
        let path = recall(&dynamics, random_patterns(30, 1, &mut noise).remove(0), 200, &mut noise);
        let after = dynamics.step(path.last().to_vec(), &mut noise);
        match path.end {
            End::FixedPoint => assert_eq!(after, path.last()),
            End::TwoCycle => assert_eq!(after, path.states[path.states.len() - 2]),
            End::StepLimit => panic!("synchronous dynamics has no other ends"),
        }
        ends[usize::from(path.end == End::TwoCycle)] += 1;
    }
    assert!(ends[0] > 0 && ends[1] > 0, "{ends:?}");
}

/// `0.1 + 0.2 - 0.3` is `5.6e-17` in floating point.
#[test]
fn ties_keep_the_spin() {
    let system = Pairwise::from_bonds([(0, 1, 0.1), (0, 2, 0.2), (0, 3, -0.3)], vec![0.0; 4]).unwrap();
    assert!(system.local_field(&[1; 4], 0) != 0.0);
    for updates in [Updates::Asynchronous, Updates::Synchronous] {
        let dynamics = SpinDynamics::new(&system, updates);
        for state in [vec![1, 1, 1, -1], vec![-1, -1, -1, 1]] {
            assert_eq!(dynamics.step(state.clone(), &mut Noise::new(0, "order")), state);
        }
    }
    let dynamics = SpinDynamics::new(&system, Updates::Synchronous);
    for first in [-1, 1] {
        assert_eq!(dynamics.step(vec![first, 1, 1, 1], &mut Noise::new(0, "order"))[0], first);
    }
}

/// One chain for each row.
fn kernel<'a>(dynamics: &'a SpinDynamics<&Pairwise>) -> impl FnMut(Tensor<2>, &mut Noise) -> Tensor<2> + 'a {
    |x, noise| {
        let (shape, device) = (x.dims(), x.device());
        let spins: Vec<i8> = to_host(x).iter().map(|s| *s as i8).collect();
        let moved: Vec<f32> = spins
            .chunks(shape[1])
            .flat_map(|row| dynamics.step(row.to_vec(), noise))
            .map(f32::from)
            .collect();
        Tensor::from_data(TensorData::new(moved, shape), &device)
    }
}

#[test]
fn both_dynamics_leave_their_distributions_as_they_are() {
    let mut noise = Noise::new(3, "distributions");
    let (n, beta) = (5, 0.8);
    let field = (0..n).map(|_| 0.4 * noise.next_normal()).collect();
    let system = hopfield(&random_patterns(n, 2, &mut noise)).unwrap().with_field(field).unwrap();
    let states: Vec<Vec<f64>> =
        (0..1 << n).map(|k| (0..n).map(|i| if k >> i & 1 == 1 { 1.0 } else { -1.0 }).collect()).collect();
    let spins: Vec<Vec<i8>> = states.iter().map(|s| s.iter().map(|x| *x as i8).collect()).collect();

    let log_z = exact::enumerate(&system, beta).unwrap().thermodynamics.log_z;
    let boltzmann: Vec<f64> = spins.iter().map(|s| (-beta * system.energy_of(s) - log_z).exp()).collect();
    let weight = |s: &Vec<i8>| {
        (0..n)
            .map(|i| {
                let external = (beta * system.field()[i] * f64::from(s[i])).exp();
                external * 2.0 * (beta * system.local_field(s, i)).cosh()
            })
            .product::<f64>()
    };
    let total: f64 = spins.iter().map(weight).sum();
    let peretto: Vec<f64> = spins.iter().map(|s| weight(s) / total).collect();
    let apart: f64 = boltzmann.iter().zip(&peretto).map(|(a, b)| (a - b).abs()).sum();
    assert!(apart > 0.1, "{apart}");

    for (updates, distribution) in [(Updates::Asynchronous, boltzmann), (Updates::Synchronous, peretto)] {
        let dynamics = SpinDynamics::new(&system, updates).at(beta).unwrap();
        check_stationary(&distribution, &states, &Device::flex(), 20_000, &mut noise, kernel(&dynamics));
    }
}

#[test]
fn warm_recall_runs_on() {
    let system = hopfield(&orthogonal(16, 2)).unwrap();
    let dynamics = SpinDynamics::new(&system, Updates::Asynchronous).at(50.0).unwrap();
    let path = recall(&dynamics, orthogonal(16, 1).remove(0), 7, &mut Noise::new(0, "warm"));
    assert_eq!((path.states.len(), path.end), (8, End::StepLimit));
    assert_eq!(path.last(), orthogonal(16, 1)[0]);
    let message = SpinDynamics::new(&system, Updates::Synchronous).at(-1.0).unwrap_err().to_string();
    assert_eq!(message, Canonical::new(&system, -1.0).unwrap_err().to_string());
}

/// Parts of a step are the step seen more often: the same noise gives the same end.
#[test]
fn parts_of_a_step_are_the_same_recall_seen_more_often() {
    let mut noise = Noise::new(4, "parts");
    let patterns = random_patterns(50, 5, &mut noise);
    let system = hopfield(&patterns).unwrap();
    let start = random_patterns(50, 1, &mut noise).remove(0);
    let dense = DenseMemory::new(&patterns, Interaction::Power(3)).unwrap();
    let spins = SpinDynamics::new(&system, Updates::Asynchronous);
    let warm = spins.clone().at(1.0).unwrap();
    let synchronous = SpinDynamics::new(&system, Updates::Synchronous);
    let cases: [(&dyn Dynamics, usize); 4] = [(&spins, 6), (&warm, 6), (&dense, 6), (&synchronous, 1)];
    for (dynamics, parts) in cases {
        let [whole, fine] = [1, 6]
            .map(|parts| recall_in_parts(dynamics, start.clone(), parts, 20, &mut Noise::new(5, "order")));
        let every: Vec<_> = fine.states.iter().step_by(parts).cloned().collect();
        assert_eq!((every, fine.end), (whole.states.clone(), whole.end));
        assert_eq!(fine.states.len(), parts * (whole.states.len() - 1) + 1);
        assert_eq!(fine.energies.len(), fine.states.len());
    }
    let path = recall_in_parts(&spins, start, 6, 20, &mut Noise::new(5, "order"));
    assert!(path.energies.windows(2).all(|pair| pair[1] <= pair[0]));
}
