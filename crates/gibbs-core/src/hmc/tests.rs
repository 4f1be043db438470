use burn::tensor::DType;
use gibbs_testkit::{SIGMAS, check_mean};

use super::*;
use crate::math::to_host;

/// The precision of a Gaussian, `[[A, B], [B, A]]`.
const A: f64 = 5.0;
const B: f64 = -4.5;

/// A strongly correlated Gaussian in the plane.
fn gaussian(x: Tensor<2>) -> Tensor<1> {
    let swapped = x.clone().flip([1]);
    (x.clone() * (x * A + swapped * B)).sum_dim(1).squeeze_dim(1) * 0.5
}

/// `E = x⁴ - 2x²`: two wells.
fn quartic(x: Tensor<2>) -> Tensor<1> {
    let square = x.clone() * x;
    (square.clone() * (square - 2.0)).sum_dim(1).squeeze_dim(1)
}

fn zeros(n: usize, width: usize) -> Tensor<2> {
    Tensor::zeros([n, width], (&Device::flex(), DType::F64))
}

/// `∫ f exp(-E) / ∫ exp(-E)` for the quartic energy: the trapezoidal rule of an analytic function that decays at both ends.
fn quartic_mean(f: impl Fn(f64) -> f64) -> f64 {
    let points = (-4000..=4000).map(|i| f64::from(i) * 1e-3);
    let (mut sum, mut total) = (0.0, 0.0);
    for x in points {
        let weight = (2.0 * x * x - x.powi(4)).exp();
        sum += weight * f(x);
        total += weight;
    }
    sum / total
}

/// Independent draws of the quartic distribution by inversion of sums over cells, uniform within a cell of width 1e-3.
fn quartic_draws(n: usize, noise: &mut Noise) -> Tensor<2> {
    let cells: Vec<f64> = (-3000..3000).map(|i| (f64::from(i) + 0.5) * 1e-3).collect();
    let weights: Vec<f64> = cells.iter().map(|x| (2.0 * x * x - x.powi(4)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let probs: Vec<f64> = weights.iter().map(|w| w / total).collect();
    let x: Vec<f64> = gibbs_testkit::draw_states(&probs, n, noise)
        .into_iter()
        .map(|cell| cells[cell] + (noise.next_uniform() - 0.5) * 1e-3)
        .collect();
    Tensor::from_data(TensorData::new(x, [n, 1]), (&Device::flex(), DType::F64))
}

#[test]
fn exact_draws_stay_exact() {
    // Every third of these long trajectories is rejected. Without rejections the distribution would be wrong.
    let hmc = Hmc::new(0.45, 4).with_jitter(0.2);
    let mut noise = Noise::new(0, "quartic");
    for steps in [1, 4, 16] {
        let mut state = HmcState::new(&quartic, quartic_draws(20_000, &mut noise));
        let mut accepted = 0.0;
        for _ in 0..steps {
            let (next, transition) = hmc.step(&quartic, state, &mut noise);
            accepted = to_host(transition.accepted.mean())[0];
            state = next;
        }
        assert!((0.5..0.9).contains(&accepted), "{accepted}");
        let x = to_host(state.x().clone());
        let moment =
            |f: fn(f64) -> f64| check_mean(&x.iter().map(|x| f(*x)).collect::<Vec<_>>(), quartic_mean(f));
        moment(|x| x);
        moment(|x| x * x);
        moment(|x| x.powi(4));
        moment(|x| x.powi(6));
    }
}

#[test]
fn chains_reach_a_correlated_gaussian() {
    // The slowest period is 2π / √(A + B) = 8.9: quarter periods decorrelate.
    let hmc = Hmc::new(0.3, 7).with_jitter(0.3);
    let mut noise = Noise::new(1, "gaussian");
    let mut state = HmcState::new(&gaussian, zeros(4000, 2));
    for _ in 0..30 {
        state = hmc.step(&gaussian, state, &mut noise).0;
    }
    let x = to_host(state.x().clone());
    let rows = || x.chunks(2);
    let determinant = A * A - B * B;
    check_mean(&rows().map(|x| x[0] * x[0]).collect::<Vec<_>>(), A / determinant);
    check_mean(&rows().map(|x| x[0] * x[1]).collect::<Vec<_>>(), -B / determinant);
    // Equipartition: half of kT for each variable.
    check_mean(&to_host(state.energy().clone()), 1.0);
}

#[test]
fn the_state_carries_energy_and_slope_of_its_place() {
    let mut noise = Noise::new(2, "state");
    let mut state = HmcState::new(&quartic, noise.normal([50, 3], (&Device::flex(), DType::F64)));
    for _ in 0..3 {
        state = Hmc::new(0.5, 3).step(&quartic, state, &mut noise).0;
    }
    let again = HmcState::new(&quartic, state.x().clone());
    assert_eq!(to_host(state.energy().clone()), to_host(again.energy().clone()));
    assert_eq!(to_host(state.slope().clone()), to_host(again.slope().clone()));
    for (x, slope) in to_host(state.x().clone()).into_iter().zip(to_host(state.slope().clone())) {
        assert!((slope - (4.0 * x.powi(3) - 4.0 * x)).abs() < 1e-12 * (1.0 + x.abs().powi(3)));
    }
}

#[test]
fn trajectories_run_back_to_where_they_began() {
    let mut noise = Noise::new(3, "trajectory");
    let options = (&Device::flex(), DType::F64);
    let (start, momentum) = (noise.normal([20, 2], options), noise.normal([20, 2], options));
    let hmc = Hmc::new(0.1, 25);
    let sizes = Tensor::<2>::full([20, 1], 0.1, options);
    let state = HmcState::new(&quartic, start.clone());
    let (end, turned) = hmc.leapfrog(&quartic, state, momentum.clone(), sizes.clone());
    let moved = to_host((end.x().clone() - start.clone()).abs().max())[0];
    assert!(moved > 1.0);
    let (back, last) = hmc.leapfrog(&quartic, end, turned.neg(), sizes);
    // 25 steps there and back, each with rounding errors that the dynamics stretches a little.
    assert!(to_host((back.x().clone() - start).abs().max())[0] < 1e-11);
    assert!(to_host((last + momentum).abs().max())[0] < 1e-11);
}

#[test]
fn the_error_of_the_energy_falls_with_the_square_of_the_step() {
    let mut noise = Noise::new(4, "order");
    let x = noise.normal([500, 2], (&Device::flex(), DType::F64));
    let error = |step_size: f64, steps: usize| {
        let state = HmcState::new(&quartic, x.clone());
        let (_, transition) = Hmc::new(step_size, steps).step(&quartic, state, &mut Noise::new(0, "momenta"));
        assert!(step_size > 1e-3 || to_host(transition.accepted.clone()).iter().all(|a| *a == 1.0));
        to_host(transition.energy_error.abs().mean())[0]
    };
    let ratio = error(0.02, 10) / error(0.01, 20);
    assert!((ratio - 4.0).abs() < 0.05, "{ratio}");
    assert!(error(1e-4, 10) < 1e-7);
}

#[test]
fn weights_of_the_errors_average_to_one() {
    let mut noise = Noise::new(5, "errors");
    let state = HmcState::new(&quartic, quartic_draws(40_000, &mut noise));
    let (_, transition) = Hmc::new(0.3, 3).step(&quartic, state, &mut noise);
    let weights: Vec<f64> =
        to_host(transition.energy_error).into_iter().map(|error| (-error).exp()).collect();
    check_mean(&weights, 1.0);
}

#[test]
fn trajectories_that_run_away_are_rejected() {
    let start = Tensor::<2>::from_data([[1.0], [2.0]], (&Device::flex(), DType::F64));
    let state = HmcState::new(&quartic, start.clone());
    let (state, transition) = Hmc::new(50.0, 10).step(&quartic, state, &mut Noise::new(6, "away"));
    assert_eq!(to_host(state.x().clone()), to_host(start));
    assert_eq!(to_host(transition.accepted.clone()), [0.0, 0.0]);
    assert_eq!(to_host(transition.acceptance()), [0.0]);
    assert!(to_host(transition.energy_error).iter().all(|error| !error.is_finite()));
}

#[test]
fn dual_averaging_finds_the_acceptance_asked_for() {
    let (target, n) = (0.8, 500);
    let mut adaptation = DualAveraging::new(1e-3, target);
    let mut noise = Noise::new(7, "adaptation");
    let mut state = HmcState::new(&gaussian, zeros(n, 2));
    let hmc = Hmc::new(1.0, 5).with_jitter(0.1);
    for _ in 0..100 {
        let (next, transition) = hmc.with_step_size(adaptation.trial()).step(&gaussian, state, &mut noise);
        adaptation.update(to_host(transition.acceptance())[0]);
        state = next;
    }
    let mut measured = Vec::new();
    for _ in 0..20 {
        let kernel = hmc.with_step_size(adaptation.step_size());
        let (next, transition) = kernel.step(&gaussian, state, &mut noise);
        measured.extend(to_host(transition.energy_error).into_iter().map(|error| (-error).exp().min(1.0)));
        state = next;
    }
    let (mean, _) = crate::math::mean_and_variance(&measured);
    // Each trial has an error of at most 0.5/√n, and late ones enter the average with small weights.
    assert!((mean - target).abs() < SIGMAS * 0.5 / (n as f64).sqrt(), "{mean}");
}

#[test]
fn single_precision_gives_the_same_distribution() {
    let mut noise = Noise::new(8, "f32");
    let mut state = HmcState::new(&gaussian, Tensor::zeros([4000, 2], &Device::flex()));
    for _ in 0..30 {
        state = Hmc::new(0.3, 7).with_jitter(0.3).step(&gaussian, state, &mut noise).0;
    }
    assert_eq!(state.x().dtype(), DType::F32);
    check_mean(&to_host(state.energy().clone()), 1.0);
}

#[test]
#[should_panic(expected = "a step size of -1")]
fn a_negative_size_is_a_mistake() {
    Hmc::new(-1.0, 1);
}
