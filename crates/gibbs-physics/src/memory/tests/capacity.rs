use gibbs_core::{Estimate, Kind};

use super::*;
use crate::{PhysicsError, hopfield};

fn config(loads: &[f64], instances: usize) -> RetrievalConfig {
    RetrievalConfig { n_spins: 120, loads: loads.to_vec(), instances, max_steps: 100 }
}

fn hebb(patterns: &[Vec<i8>]) -> Result<DenseMemory, PhysicsError> {
    DenseMemory::new(patterns, Interaction::Power(2))
}

#[test]
fn patterns_are_retrieved_below_the_critical_load_and_lost_above() {
    let curve =
        retrieval_curve(&config(&[0.05, 0.15, 0.2, 0.25, 0.4], 100), hebb, &Noise::new(1, "capacity"))
            .unwrap();
    let [low, .., high] = curve.points.as_slice() else { panic!() };
    assert_eq!((low.patterns, low.load), (6, 0.05));
    assert!(low.overlap().value > 0.99 && low.retrieved(0.9).value > 0.95, "{low:?}");
    assert!(high.overlap().value < 0.6 && high.retrieved(0.9).value < 0.05, "{high:?}");
    let critical = critical_load(&curve, 0.9).unwrap();
    // Above the limit 0.138, as all small networks.
    assert!(critical.value > 0.15 && critical.value < 0.3 && critical.std_err < 0.01, "{critical}");
}

#[test]
fn a_curve_depends_on_its_noise_alone() {
    let noise = Noise::new(2, "capacity");
    let matrix = |patterns: &[Vec<i8>]| Ok(SpinDynamics::new(hopfield(patterns)?, Updates::Asynchronous));
    let curve = retrieval_curve(&config(&[0.1, 0.2], 12), hebb, &noise).unwrap();
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let again = single.install(|| retrieval_curve(&config(&[0.2], 12), matrix, &noise)).unwrap();
    assert_eq!(again.points[0], curve.points[1]);
}

const LOADS: [f64; 9] = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18];
const INSTANCES: usize = 200;

/// A curve of which `retrieved` patterns of each load have an overlap of 1, the others of 0.
fn counts(retrieved: impl FnMut(f64) -> usize) -> RetrievalCurve {
    let mut retrieved = retrieved;
    let point = |load: f64| {
        let k = retrieved(load);
        let overlaps = (0..INSTANCES).map(|i| f64::from(u8::from(i < k))).collect();
        LoadPoint { patterns: 0, load, overlaps }
    };
    RetrievalCurve { n_spins: 100, points: LOADS.map(point).into() }
}

/// Retrieval that falls from 1 to 0 over `width` around `center`.
fn loss(load: f64, center: f64, width: f64) -> f64 {
    1.0 / (1.0 + ((load - center) / width).exp())
}

fn binomial(p: f64, noise: &mut Noise) -> usize {
    (0..INSTANCES).filter(|_| noise.next_uniform() < p).count()
}

/// Mean 0 and variance 1 of deviations in units of their errors, within 4.5 of their own errors.
#[track_caller]
fn assert_standard(scores: &[f64]) {
    let (mean, variance) = gibbs_core::math::mean_and_variance(scores);
    let n = scores.len() as f64;
    assert!(mean.abs() < 4.5 / n.sqrt(), "{mean}");
    assert!((variance - 1.0).abs() < 4.5 * (2.0 / n).sqrt(), "{variance}");
}

#[test]
fn the_fit_recovers_a_logistic_curve_and_its_error() {
    // Counts as symmetric about 0.14 as the curve.
    let even = |load: f64| (INSTANCES as f64 * loss(load, 0.14, 0.01)).round() as usize;
    let exact = critical_load(&counts(even), 0.9).unwrap();
    assert!((exact.value - 0.14).abs() < 1e-9, "{exact}");

    let mut noise = Noise::new(3, "counts");
    let scores: Vec<f64> = (0..400)
        .map(|_| critical_load(&counts(|load| binomial(loss(load, 0.14, 0.01), &mut noise)), 0.9).unwrap())
        .map(|found| (found.value - 0.14) / found.std_err)
        .collect();
    assert_standard(&scores);
}

/// Log-odds `(0.16 - α) / 0.02` and `(0.15 - α) / 0.01` are equal at 0.14.
#[test]
fn the_crossing_of_two_logistic_curves_is_found_with_its_error() {
    let mut noise = Noise::new(5, "counts");
    let scores: Vec<f64> = (0..400)
        .map(|_| {
            let small = counts(|load| binomial(loss(load, 0.16, 0.02), &mut noise));
            let large = counts(|load| binomial(loss(load, 0.15, 0.01), &mut noise));
            let found = crossing(&small, &large, 0.9).unwrap();
            (found.value - 0.14) / found.std_err
        })
        .collect();
    assert_standard(&scores);

    let [small, large] = [(0.16, 0.02), (0.15, 0.01)].map(|(center, width)| {
        counts(|load| (INSTANCES as f64 * loss(load, center, width)).round() as usize)
    });
    assert!(crossing(&small, &large, 0.9).is_ok());
    assert!(crossing(&large, &small, 0.9).is_err(), "the larger network must lose retrieval faster");
    assert!(crossing(&small, &counts(|_| INSTANCES), 0.9).is_err());
}

#[test]
fn extrapolation_is_the_line_through_the_sizes() {
    let at = |n: usize, exponent: f64, std_err: f64| {
        let value = 0.138 + 1.5 * (n as f64).powf(-exponent);
        (n, Estimate::sampled(value, std_err, Kind::Asymptotic, 10))
    };
    for x in [0.5, 1.0] {
        let sizes = [at(100, x, 1e-3), at(200, x, 2e-3), at(800, x, 3e-3)];
        let fit = extrapolate(&sizes, x).unwrap();
        assert!((fit.limit.value - 0.138).abs() < 1e-12 && (fit.slope - 1.5).abs() < 1e-10, "{fit:?}");
        assert_eq!((fit.limit.samples, fit.freedom), (Some(30), 1));
        assert!(fit.chi_squared < 1e-15);
        assert!(extrapolate(&sizes, 2.0 * x).unwrap().chi_squared > 0.1);
    }
    // Two sizes n and 2n: the limit is 2 α(2n) - α(n).
    let pair = extrapolate(&[at(100, 1.0, 1e-3), at(200, 1.0, 2e-3)], 1.0).unwrap();
    assert!((pair.limit.std_err - (4.0 * 4e-6 + 1e-6f64).sqrt()).abs() < 1e-12);

    let message = |sizes: [(usize, Estimate); 2], x| extrapolate(&sizes, x).unwrap_err().to_string();
    let same = [at(100, 1.0, 1e-3), at(100, 1.0, 1e-3)];
    assert_eq!(message(same, 1.0), "1 different system sizes; an extrapolation needs at least 2");
    let certain = [at(100, 1.0, 0.0), at(200, 1.0, 1e-3)];
    assert_eq!(message(certain, 1.0), "standard error = 0: must be finite and above 0");
    let sizes = [at(100, 1.0, 1e-3), at(200, 1.0, 1e-3)];
    assert_eq!(message(sizes, -1.0), "exponent = -1: must be finite and above 0");
}

/// The interval of the profile is that of the linearized fit of `α_c`, `c` and `x`, for small errors.
#[test]
fn a_free_exponent_is_found_and_widens_the_error() {
    let (x, c, std_err) = (0.6, 1.5, 1e-5);
    let sizes = [100, 200, 400, 800, 1600];
    let at =
        |n: usize| (n, Estimate::sampled(0.138 + c * (n as f64).powf(-x), std_err, Kind::Asymptotic, 10));
    let critical = sizes.map(at);
    let exponents: Vec<f64> = (0..=4000).map(|k| 0.58 + 1e-5 * f64::from(k)).collect();
    let fit = extrapolate_over(&critical, &exponents).unwrap();
    assert!((fit.exponent - x).abs() < 1e-9 && (fit.limit.value - 0.138).abs() < 1e-9, "{fit:?}");
    assert_eq!(fit.freedom, 2);

    // Rows of the Jacobian; the variance of the first parameter is that of what the others leave of it.
    let columns: [Vec<f64>; 3] = [
        vec![1.0; 5],
        sizes.iter().map(|n| (*n as f64).powf(-x)).collect(),
        sizes.iter().map(|n| c * (*n as f64).powf(-x) * (*n as f64).ln()).collect(),
    ];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let without = |a: &[f64], b: &[f64]| {
        let along = dot(a, b) / dot(b, b);
        a.iter().zip(b).map(|(x, y)| x - along * y).collect::<Vec<f64>>()
    };
    let third = without(&columns[2], &columns[1]);
    let rest = without(&without(&columns[0], &columns[1]), &third);
    let expected = std_err / dot(&rest, &rest).sqrt();
    assert!((fit.limit.std_err / expected - 1.0).abs() < 0.05, "{} {expected}", fit.limit.std_err);
    assert!(fit.limit.std_err > 2.0 * extrapolate(&critical, x).unwrap().limit.std_err);

    let message = extrapolate_over(&critical[..3], &exponents).unwrap_err().to_string();
    assert!(message.starts_with("3 critical loads and 4001 exponents;"), "{message}");
    assert!(extrapolate_over(&critical, &[]).is_err());
}

#[test]
fn curves_without_a_loss_and_bad_settings_are_refused() {
    let noise = Noise::new(4, "capacity");
    let curve = retrieval_curve(&config(&[0.01, 0.02], 4), hebb, &noise).unwrap();
    assert!(
        critical_load(&curve, 0.9).unwrap_err().to_string().starts_with("120 spins: retrieval is not lost")
    );
    let message = |config| retrieval_curve(&config, hebb, &noise).unwrap_err().to_string();
    assert_eq!(message(config(&[0.1, f64::NAN], 4)), "load = NaN: must be finite and above 0");
    assert_eq!(message(config(&[0.1], 1)), "instances = 1: must be at least 2");
    assert_eq!(
        message(RetrievalConfig { n_spins: 0, ..config(&[0.1], 4) }),
        "a system needs at least one spin"
    );
}
