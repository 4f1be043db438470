use gibbs_core::{Estimate, Kind};

use super::*;
use crate::{PhysicsError, hopfield};

fn config(loads: &[f64], instances: usize) -> RetrievalConfig {
    RetrievalConfig { n_spins: 120, loads: loads.to_vec(), instances, threshold: 0.9, max_steps: 100 }
}

fn hebb(patterns: &[Vec<i8>]) -> Result<DenseMemory, PhysicsError> {
    DenseMemory::new(patterns, Interaction::Power(2))
}

#[test]
fn patterns_are_retrieved_below_the_critical_load_and_lost_above() {
    let curve = retrieval_curve(&config(&[0.05, 0.13, 0.16, 0.2, 0.4], 60), hebb, &Noise::new(1, "capacity"))
        .unwrap();
    let [low, .., high] = curve.points.as_slice() else { panic!() };
    assert_eq!((low.patterns, low.load), (6, 0.05));
    assert!(low.overlap.value > 0.99 && low.retrieved.value > 0.95, "{low:?}");
    assert!(high.overlap.value < 0.6 && high.retrieved.value < 0.05, "{high:?}");
    let critical = critical_load(&curve).unwrap();
    assert!(critical.value > 0.1 && critical.value < 0.25 && critical.std_err < 0.01, "{critical}");
}

#[test]
fn a_curve_depends_on_its_noise_alone() {
    let noise = Noise::new(2, "capacity");
    let matrix = |patterns: &[Vec<i8>]| Ok(SpinDynamics::new(hopfield(patterns)?, Schedule::Asynchronous));
    let curve = retrieval_curve(&config(&[0.1, 0.2], 12), hebb, &noise).unwrap();
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let again = single.install(|| retrieval_curve(&config(&[0.2], 12), matrix, &noise)).unwrap();
    assert_eq!(again.points[0], curve.points[1]);
}

/// Counts that are a logistic curve are fitted exactly; the error is that of the binomial law.
#[test]
fn the_fit_recovers_a_logistic_curve_and_its_error() {
    let truth = |load: f64| 1.0 / (1.0 + ((load - 0.14) / 0.01).exp());
    let loads: Vec<f64> = (0..9).map(|k| 0.1 + 0.01 * f64::from(k)).collect();
    let curve = |fractions: Vec<f64>| RetrievalCurve {
        n_spins: 100,
        points: loads
            .iter()
            .zip(fractions)
            .map(|(load, value)| LoadPoint {
                patterns: 0,
                load: *load,
                overlap: Estimate::exact(0.0),
                retrieved: Estimate::sampled(value, 0.0, Kind::Unbiased, 200),
            })
            .collect(),
    };
    let exact = critical_load(&curve(loads.iter().map(|load| truth(*load)).collect())).unwrap();
    assert!((exact.value - 0.14).abs() < 1e-9, "{exact}");

    let mut noise = Noise::new(3, "counts");
    let mut draw = |p: f64| (0..200).filter(|_| noise.next_uniform() < p).count() as f64 / 200.0;
    let scores: Vec<f64> = (0..400)
        .map(|_| critical_load(&curve(loads.iter().map(|load| draw(truth(*load))).collect())).unwrap())
        .map(|found| (found.value - 0.14) / found.std_err)
        .collect();
    let (mean, variance) = gibbs_core::math::mean_and_variance(&scores);
    assert!(mean.abs() < 4.5 / 20.0, "{mean}");
    assert!((variance - 1.0).abs() < 4.5 * (2.0f64 / 400.0).sqrt(), "{variance}");
}

#[test]
fn extrapolation_is_the_line_through_the_sizes() {
    let at = |n: usize, std_err: f64| {
        (n, Estimate::sampled(0.138 + 1.5 / n as f64, std_err, Kind::Asymptotic, 10))
    };
    let limit = extrapolate(&[at(100, 1e-3), at(200, 2e-3), at(800, 3e-3)]).unwrap();
    assert!((limit.value - 0.138).abs() < 1e-12);
    assert_eq!(limit.samples, Some(30));
    // Two sizes n and 2n: the limit is 2 α(2n) - α(n).
    let pair = extrapolate(&[at(100, 1e-3), at(200, 2e-3)]).unwrap();
    assert!((pair.std_err - (4.0 * 4e-6 + 1e-6f64).sqrt()).abs() < 1e-12);
    assert_eq!(
        extrapolate(&[at(100, 1e-3), at(100, 1e-3)]).unwrap_err().to_string(),
        "1 different system sizes; an extrapolation needs at least 2"
    );
    assert!(extrapolate(&[at(100, 0.0), at(200, 1e-3)]).is_err());
}

#[test]
fn curves_without_a_loss_and_bad_settings_are_refused() {
    let noise = Noise::new(4, "capacity");
    let curve = retrieval_curve(&config(&[0.01, 0.02], 4), hebb, &noise).unwrap();
    assert_eq!(critical_load(&curve), Err(PhysicsError::NoCrossing { n_spins: 120 }));
    let message = |config| retrieval_curve(&config, hebb, &noise).unwrap_err().to_string();
    assert_eq!(message(config(&[0.1, f64::NAN], 4)), "load = NaN must be finite and above 0");
    assert_eq!(message(config(&[0.1], 1)), "instances = 1 must be at least 2");
    let settings = RetrievalConfig { threshold: 1.0, ..config(&[0.1], 4) };
    assert_eq!(message(settings), "threshold = 1 must be above -1 and below 1");
    assert_eq!(
        message(RetrievalConfig { n_spins: 0, ..config(&[0.1], 4) }),
        "a system needs at least one spin"
    );
}
