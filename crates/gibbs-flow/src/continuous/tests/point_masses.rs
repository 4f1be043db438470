//! Velocities of variables that often have the same value, against the distributions that they carry the base to.

use burn::module::Param;
use gibbs_core::math::{LN_SQRT_TAU, to_host};
use gibbs_testkit::check_mean;

use super::*;

const AT: [f64; 2] = [-0.7, 0.9];
const SPREAD: f64 = 0.1;
const PIXELS: usize = 16;

/// A field whose network has the same outputs for each pixel: `u`, and the log-odds of the point masses.
fn constant(u: f64, log_odds: [f64; 2]) -> ContinuousFlow {
    let config = ImageFieldConfig::new(4, 4, [1, 1]).with_point_masses(AT.to_vec()).with_point_std(SPREAD);
    let Field::Image(field) = wide_field(&FieldConfig::Image(config), 0.0, 0) else { unreachable!() };
    let said = [u, log_odds[0], log_odds[1]].repeat(4);
    let bias = Tensor::<1>::from_data(said.as_slice(), (&Device::flex(), DType::F64));
    let mut field = field;
    field.leave.bias = Param::from_tensor(bias);
    // Pixels do not depend on each other, so that any direction of signs gives the exact trace.
    let trace = Trace::Hutchinson(Probe::Rademacher);
    let solver = Solver::new(Method::Tsitouras).with_tolerance(1e-8);
    ContinuousFlow::new(Field::Image(field), solver, trace).unwrap()
}

/// The mean velocity carries the base to the mixture of what each velocity alone carries it to.
#[test]
fn the_flow_of_point_masses_is_their_mixture() {
    // Odds so large that no other value has a probability above 0.
    let (common, odds) = (60.0, [0.25, 0.75]);
    let flow = constant(5.0, odds.map(|p: f64| common + p.ln()));
    let x: Vec<f64> = (0..PIXELS).map(|i| -1.0 + 2.0 * i as f64 / (PIXELS - 1) as f64).collect();
    let truth: f64 = x
        .iter()
        .map(|x| {
            let of = |(at, p): (&f64, f64)| p * (-0.5 * ((x - at) / SPREAD).powi(2)).exp() / SPREAD;
            AT.iter().zip(odds).map(of).sum::<f64>().ln() - LN_SQRT_TAU
        })
        .sum();
    let x = Tensor::<2>::from_data(TensorData::new(x, [1, PIXELS]), (&Device::flex(), DType::F64));
    let (log_prob, _) = flow.try_log_prob(x, None, None).unwrap();
    let found = to_host(log_prob)[0];
    // Some hundred steps with an error of 1e-8 each, which grows between the point masses as their velocities differ.
    assert!((found - truth).abs() < 1e-4, "{found} instead of {truth}");
}

/// The probability of other values is 1 minus that of the point masses.
#[test]
fn pixels_are_point_masses_as_often_as_their_odds() {
    let flow = constant(0.0, [60.0, 60.0 + 3f64.ln()]);
    let draws = to_host(flow.sample_given(200, None, 1.0, &mut Noise::new(0, "sample")).unwrap());
    let upper: Vec<f64> = draws.iter().map(|x| f64::from(*x > 0.1)).collect();
    check_mean(&upper, 0.75);
    let place: Vec<f64> = draws.iter().filter(|x| **x > 0.1).map(|x| (x - AT[1]) / SPREAD).collect();
    check_mean(&place, 0.0);
    check_mean(&place.iter().map(|z| z * z).collect::<Vec<_>>(), 1.0);
}

/// The flow of two levels with noise, learned without error: their log-probability to the tolerance of the solver, whatever the noise.
#[test]
fn levels_have_the_log_probability_of_their_odds() {
    let odds: [f64; 2] = [0.25, 0.75];
    let flow = constant(0.0, odds.map(|p| 60.0 + p.ln()));
    let levels = Levels { count: 2, first: AT[0], spacing: AT[1] - AT[0] };
    let states: Vec<usize> = (0..PIXELS).map(|i| i % 3 % 2).collect();
    let x: Vec<f64> = states.iter().map(|k| AT[*k]).collect();
    let x = Tensor::<2>::from_data(TensorData::new(x, [1, PIXELS]), (&Device::flex(), DType::F64));
    let truth: f64 = states.iter().map(|k| odds[*k].ln()).sum();
    for seed in 0..3 {
        let noisy = levels.with_noise(1.0, SPREAD);
        let noise = &mut Noise::new(seed, "levels");
        let (found, _) = noisy.try_log_prob(&flow, x.clone(), None, noise).unwrap();
        let found = to_host(found)[0];
        assert!((found - truth).abs() < 1e-4, "{found} instead of {truth}");
    }
}

/// Flow matching receives the nearest levels with their noise.
#[test]
fn matching_learns_levels_with_noise() {
    let levels = Levels { count: 2, first: AT[0], spacing: AT[1] - AT[0] }.with_noise(1.0, SPREAD);
    let matching = Matching { loss: FlowMatching::new(), levels: Some(levels) };
    let x = Tensor::<2>::full([4000, 1], AT[1] - 0.3, (&Device::flex(), DType::F64));
    let drawn = to_host(matching.variables(x.clone(), &mut Noise::new(0, "levels")));
    let place: Vec<f64> = drawn.iter().map(|x| (x - AT[1]) / SPREAD).collect();
    check_mean(&place, 0.0);
    check_mean(&place.iter().map(|z| z * z).collect::<Vec<_>>(), 1.0);
    let without = Matching { levels: None, ..matching };
    assert_eq!(to_host(without.variables(x.clone(), &mut Noise::new(0, "levels"))), to_host(x));
}

/// Far from the point masses, at the end of the path, only the network matters.
#[test]
fn elsewhere_the_network_tells_the_velocity() {
    let flow = constant(0.3, [0.0, 0.0]);
    let x = Tensor::<2>::full([1, PIXELS], 3.0, (&Device::flex(), DType::F64));
    let v = flow.field.velocity(None).at(&time(1.0, &x), x);
    assert!(to_host(v).iter().all(|v| (v - 0.3).abs() < 1e-12));
}
