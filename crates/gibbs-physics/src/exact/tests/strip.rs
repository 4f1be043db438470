use super::{super::*, assert_same};
use crate::{Axis, Lattice, ising};

#[test]
fn the_strip_is_enumeration_with_every_boundary_and_field() {
    let axes = |n| [Axis::open(n), Axis::periodic(n)];
    for (length, width) in [(2, 3), (3, 2), (4, 3), (5, 2)] {
        for length in axes(length) {
            for width in axes(width) {
                for (coupling, field, beta) in
                    [(1.0, 0.0, 0.44), (-1.0, 0.3, 0.7), (-1.0, -0.2, 40.0), (1.0, 0.5, 0.0)]
                {
                    let lattice = Lattice::hypercubic(&[length, width]).unwrap();
                    let system = ising(&lattice, coupling, field).unwrap();
                    let exact = enumerate(&system, beta).unwrap().thermodynamics;
                    assert_same(&strip(width, length, coupling, field, beta).unwrap(), &exact, 1e-12);
                }
            }
        }
    }
}

#[test]
fn a_chain_is_a_strip_of_width_one() {
    let beta = 0.7;
    let chain = strip(Axis::open(1), Axis::open(50), 1.0, 0.0, beta).unwrap();
    let log_z = 2f64.ln() + 49.0 * (2.0 * f64::cosh(beta)).ln();
    assert!((chain.log_z - log_z).abs() < 1e-12 * log_z);
    assert!((chain.energy + 49.0 * beta.tanh()).abs() < 1e-11);
    let ring = strip(Axis::open(1), Axis::periodic(50), 1.0, 0.0, beta).unwrap();
    let log_z = 50.0 * (2.0 * f64::cosh(beta)).ln() + beta.tanh().powi(50).ln_1p();
    assert!((ring.log_z - log_z).abs() < 1e-12 * log_z);
}

#[test]
fn the_strip_may_be_long_and_cold_and_either_side_may_come_first() {
    let cold = strip(Axis::periodic(6), Axis::open(400), 1.0, 0.0, 40.0).unwrap();
    let ground = 6.0 * 400.0 + 6.0 * 399.0;
    assert!((cold.log_z - 40.0 * ground - 2f64.ln()).abs() < 1e-15 * 40.0 * ground * 100.0);
    let (a, b) = (Axis::open(7), Axis::periodic(5));
    for beta in [0.3, 0.6] {
        let (one, other) = (strip(a, b, 1.0, 0.1, beta).unwrap(), strip(b, a, 1.0, 0.1, beta).unwrap());
        assert_same(&one, &other, 1e-12);
    }
}
