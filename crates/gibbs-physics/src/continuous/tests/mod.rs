use burn::{prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::{Energy, Slope, math::log_sum_exp, math::to_host};
use gibbs_testkit::check_gradient;
use nalgebra::{Cholesky, DMatrix};

use super::*;
use crate::{Axis, Pairwise, sherrington_kirkpatrick};

mod dual;
mod partition;
mod sampling;

fn tensor(values: Vec<f64>, width: usize) -> Tensor<2> {
    let rows = values.len() / width;
    Tensor::from_data(TensorData::new(values, [rows, width]), (&Device::flex(), DType::F64))
}

/// The matrix of a quadratic energy, `E(x) = xᵀ A x / 2`, read off its values.
fn quadratic_form(energy: &impl Energy, n: usize) -> DMatrix<f64> {
    let at = |places: &[usize]| {
        let mut x = vec![0.0; n];
        places.iter().for_each(|i| x[*i] += 1.0);
        to_host(energy.energy(tensor(x, n)))[0]
    };
    DMatrix::from_fn(n, n, |i, j| at(&[i, j]) - at(&[i]) - at(&[j]))
}

/// `ln ∫ exp(-xᵀ A x / 2)`.
fn gaussian_log_z(matrix: &DMatrix<f64>) -> f64 {
    let log_determinant = Cholesky::new(matrix.clone()).expect("a positive form").ln_determinant();
    0.5 * (matrix.nrows() as f64 * std::f64::consts::TAU.ln() - log_determinant)
}

/// `ln ∫ exp(-E)` by the trapezoidal rule on a cubic grid of `width` dimensions, within `± far` of the origin.
fn grid_log_z(energy: &impl Energy, width: usize, far: f64, step: f64) -> f64 {
    let side = (2.0 * far / step) as usize + 1;
    let rows: Vec<f64> = (0..side.pow(width as u32))
        .flat_map(|point| {
            (0..width).map(move |axis| step * (point / side.pow(axis as u32) % side) as f64 - far)
        })
        .collect();
    let logs: Vec<f64> = to_host(energy.energy(tensor(rows, width))).into_iter().map(|e| -e).collect();
    log_sum_exp(&logs) + width as f64 * step.ln()
}

fn springs() -> Springs {
    Springs { mass: 0.5, coupling: 1.7, pinning: 0.3 }
}

/// A glass in a random field, with couplings strong enough for several deep states at `β = 1`.
fn glass(n: usize) -> Pairwise {
    let mut noise = Noise::new(1, "glass");
    let glass = sherrington_kirkpatrick(n, &mut noise).unwrap();
    let field = (0..n).map(|_| 0.3 * noise.next_normal()).collect();
    glass.with_field(field).unwrap()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    fn check(energy: &impl Slope, width: usize) {
        let x: Vec<f64> = (0..width).map(|i| (1.0 + 1.7 * i as f64).sin() * 1.5).collect();
        let at = tensor(x.clone(), width).autodiff().require_grad();
        let gradients = energy.energy(at.clone()).sum().backward();
        let slope = to_host(at.grad(&gradients).unwrap());
        check_gradient(&slope, &x, 1e-7, |x| to_host(energy.energy(tensor(x.to_vec(), width)))[0]);
        for (closed, slope) in to_host(energy.slope(tensor(x, width))).into_iter().zip(slope) {
            assert!((closed - slope).abs() < 1e-12 * slope.abs().max(1.0), "{closed}, not {slope}");
        }
    }
    check(&HarmonicChain::new(5, Ends::Walls, springs(), 0.8).unwrap(), 5);
    check(&HarmonicChain::new(4, Ends::Ring, springs(), 0.8).unwrap(), 4);
    check(&HarmonicChain::new(2, Ends::Ring, springs(), 0.8).unwrap(), 2);
    check(&HarmonicChain::new(1, Ends::Walls, springs(), 0.8).unwrap(), 1);
    check(&Ring::default(), 2);
    check(&DoubleWell::default(), 2);
    check(&DoubleWell::steep(), 2);
    check(&PhiFour::new(&[Axis::open(3), Axis::periodic(4), Axis::periodic(2)], -1.0, 0.7).unwrap(), 24);
    check(&DualIsing::new(&glass(7), 0.9, 0.3).unwrap(), 7);
}

#[test]
fn both_precisions_agree() {
    fn check(energy: &impl Energy, width: usize) {
        let x = tensor((0..4 * width).map(|i| (1.0 + 1.7 * i as f64).sin() * 2.0).collect(), width);
        let single = to_host(energy.energy(x.clone().cast(DType::F32)));
        for (single, double) in single.into_iter().zip(to_host(energy.energy(x))) {
            // The terms are up to some hundreds, of both signs.
            assert!((single - double).abs() < 1e-4 * double.abs().max(10.0), "{single} {double}");
        }
    }
    check(&HarmonicChain::new(9, Ends::Walls, springs(), 0.8).unwrap(), 9);
    check(&Ring::default(), 2);
    check(&DoubleWell::default(), 2);
    check(&PhiFour::new(&[Axis::periodic(5); 2], -1.0, 0.7).unwrap(), 25);
    check(&DualIsing::new(&glass(12), 0.9, 0.3).unwrap(), 12);
}

#[test]
fn the_center_of_the_ring_has_an_energy_and_no_slope() {
    let center = tensor(vec![0.0, 0.0], 2).autodiff().require_grad();
    let energy = Ring::default().energy(center.clone());
    assert!((to_host(energy.clone())[0] - 12.5).abs() < 1e-12);
    assert_eq!(to_host(center.grad(&energy.backward()).unwrap()), [0.0, 0.0]);
    assert_eq!(to_host(Ring::default().slope(tensor(vec![0.0, 0.0], 2))), [0.0, 0.0]);
}

#[test]
fn the_top_of_a_barrier_divides_the_wells() {
    for wells in [DoubleWell::default(), DoubleWell::steep(), DoubleWell::new(2.0, 5.0, 2.0, 1.0).unwrap()] {
        let top = wells.top().unwrap();
        let slope = to_host(wells.slope(tensor(vec![top, 0.0], 2)));
        assert!(slope[0].abs() < 1e-12, "{slope:?}");
        assert!([-1e-3, 1e-3].iter().all(|step| wells.along(top + step) < wells.along(top)));
        let (left, right) = (1..4000).map(|i| 1e-3 * f64::from(i)).fold((0.0, 0.0), |(left, right), far| {
            (left + (-wells.along(top - far)).exp(), right + (-wells.along(top + far)).exp())
        });
        // The trapezoidal rule but for half of the smallest value, that at the top.
        let half = 0.5 * (-wells.along(top)).exp();
        let expected = ((left + half) / (right + half)).ln();
        assert!((wells.difference().unwrap() - expected).abs() < 1e-7, "{expected}");
    }
    assert!(DoubleWell::new(1.0, -1.0, 0.0, 1.0).unwrap().top().is_none());
    assert!(DoubleWell::new(1.0, 1.0, 1.0, 1.0).unwrap().difference().is_none());
}

#[test]
fn bad_constants_are_named() {
    let message = |result: Result<HarmonicChain, crate::PhysicsError>| result.unwrap_err().to_string();
    let chain = |ends, springs, beta| HarmonicChain::new(4, ends, springs, beta);
    assert_eq!(
        message(chain(Ends::Ring, Springs { pinning: 0.0, ..springs() }, 1.0)),
        "pinning = 0: must be finite and above 0"
    );
    assert_eq!(
        message(chain(Ends::Walls, Springs { pinning: -1.0, ..springs() }, 1.0)),
        "pinning = -1: must be finite and at least 0"
    );
    assert_eq!(message(chain(Ends::Walls, springs(), 0.0)), "beta = 0: must be finite and above 0");
    assert!(HarmonicChain::new(1, Ends::Ring, springs(), 1.0).is_err());
    let phi_four = |mass_squared, coupling| PhiFour::new(&[Axis::periodic(4)], mass_squared, coupling);
    assert_eq!(
        phi_four(-1.0, 0.0).unwrap_err().to_string(),
        "mass_squared = -1: must be above 0 where the coupling is 0"
    );
    assert_eq!(
        phi_four(1.0, -0.5).unwrap_err().to_string(),
        "coupling = -0.5: must be finite and at least 0"
    );
    assert_eq!(phi_four(f64::NAN, 1.0).unwrap_err().to_string(), "mass_squared = NaN: must be finite");
    assert_eq!(Ring::new(1.0, 0.0).unwrap_err().to_string(), "width = 0: must be finite and above 0");
    assert!(DoubleWell::new(0.0, 1.0, 1.0, 1.0).is_err() && DoubleWell::new(1.0, 1.0, 1.0, -1.0).is_err());
    assert_eq!(
        DualIsing::new(&glass(3), 1.0, 0.0).unwrap_err().to_string(),
        "margin = 0: must be finite and above 0"
    );
    assert!(DualIsing::new(&glass(3), -1.0, 0.1).is_err());
}
