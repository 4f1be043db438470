//! Each exact method against the others.

use super::{jet::Jet, *};
use crate::{Axis, Pairwise, PhysicsError};

mod enumeration;
mod mean_field;
mod plane;
mod strip;
mod torus;

/// Both sides of the critical point, the point itself and both ends.
const BETAS: [f64; 7] = [0.0, 0.01, 0.3, CRITICAL_BETA, 0.5, 1.0, 3.0];

/// Relative to the size of the terms that are summed.
fn assert_same(a: &Thermodynamics, b: &Thermodynamics, tolerance: f64) {
    let scale = a.log_z.abs().max(a.energy.abs()).max(1.0);
    let capacity = (a.beta * a.energy).powi(2).max(a.heat_capacity).max(1.0);
    assert!((a.log_z - b.log_z).abs() < tolerance * scale, "{a:?} {b:?}");
    assert!((a.energy - b.energy).abs() < tolerance * scale, "{a:?} {b:?}");
    assert!((a.heat_capacity - b.heat_capacity).abs() < tolerance * capacity, "{a:?} {b:?}");
}

#[test]
fn questions_without_an_exact_answer_are_refused() {
    let system = |n| Pairwise::from_bonds([], vec![0.0; n]).unwrap();
    let too_many = enumerate(&system(33), 1.0).unwrap_err().to_string();
    assert_eq!(too_many, "33 spins have too many states to enumerate; at most 32 spins");
    let wide = strip(Axis::open(17), Axis::open(4), 1.0, 0.0, 1.0).unwrap_err().to_string();
    assert!(wide.starts_with("a strip of width 17 is too wide for the transfer matrix; at most 16"));
    let four = Axis::open(4);
    assert_eq!(
        strip(Axis::open(0), four, 1.0, 0.0, 1.0),
        Err(PhysicsError::AxisLength { axis: 1, length: 0 })
    );
    assert!(strip(four, Axis::periodic(1), 1.0, 0.0, 1.0).is_err());
    assert!(strip(four, four, f64::NAN, 0.0, 1.0).is_err());
    assert!(strip(four, four, 1.0, f64::INFINITY, 1.0).is_err());
    assert_eq!(kaufman(1, 4, 0.5), Err(PhysicsError::AxisLength { axis: 0, length: 1 }));
    assert!(kaufman(4, 1, 0.5).is_err());
    assert_eq!(curie_weiss(0, 1.0, 0.0, 1.0), Err(PhysicsError::NoSpins));
    assert!(curie_weiss(3, f64::NAN, 0.0, 1.0).is_err());
    assert!(curie_weiss_limit(1.0, f64::NAN, 1.0).is_err());
    for beta in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(enumerate(&system(3), beta).is_err());
        assert!(strip(four, four, 1.0, 0.0, beta).is_err());
        assert!(kaufman(4, 4, beta).is_err());
        assert!(onsager(beta).is_err());
        assert!(yang(beta).is_err());
        assert!(curie_weiss(3, 1.0, 0.0, beta).is_err());
        assert!(curie_weiss_limit(1.0, 0.0, beta).is_err());
    }
}

/// A jet of `ln Z` is what the thermodynamics are made of; its free energy and entropy follow.
#[test]
fn thermodynamic_potentials_fit_together() {
    let one = Thermodynamics::from_log_z(2.0, Jet::new(3.0, -0.5, 0.25));
    assert_eq!((one.energy, one.heat_capacity), (0.5, 1.0));
    assert_eq!((one.free_energy(), one.entropy()), (-1.5, 4.0));
    assert_eq!(one.energy - one.entropy() / one.beta, one.free_energy());
    assert_eq!(one.per_spin(2), Thermodynamics { beta: 2.0, log_z: 1.5, energy: 0.25, heat_capacity: 0.5 });
}
