//! Samplers with the exact score draw from the distribution: by their recursion for normal distributions, and by two-sample tests.

use gibbs_core::two_sample::{TwoSample, median_distance, two_sample_test};

use super::*;

/// Random exchanges of a test; with 1999 of them the least p-value is 0.0005.
const EXCHANGES: usize = 1999;

fn compared(a: &Tensor<2>, b: &Tensor<2>) -> TwoSample {
    two_sample_test(a, b, median_distance(a, b), EXCHANGES, &mut Noise::new(0, "exchanges"))
}

/// Checks that a test does not distinguish two sets of draws. A true hypothesis fails once in a thousand for another seed.
#[track_caller]
pub(super) fn assert_same(a: &Tensor<2>, b: &Tensor<2>, what: &str) {
    let found = compared(a, b);
    assert!(found.p_value > 1e-3, "{what}: {found:?}");
}

fn sampler(steps: usize, eta: f64, corrections: usize) -> DiffusionSampler {
    DiffusionSampler::new().with_steps(steps).with_eta(eta).with_corrections(corrections)
}

/// The variance after a chain, for a normal distribution with variance `v`, where each step is linear: `x̂ = αv/(α²v + σ²)·x`.
fn variance_after(schedule: &DiffusionSchedule, v: f64, steps: usize, eta: f64) -> f64 {
    let mut variance = 1.0;
    for step in 0..steps {
        let [from, to] =
            [step, step + 1].map(|step| schedule.at(schedule.time_at(step as f64 / steps as f64)));
        let c = 1.0 - (from.alpha * to.sigma / (from.sigma * to.alpha)).powi(2);
        let total = from.alpha.powi(2) * v + from.sigma.powi(2);
        let (data, noise) = (from.alpha * v / total, from.sigma / total);
        let factor = to.alpha * data + to.sigma * (1.0 - eta * eta * c).sqrt() * noise;
        variance = factor.powi(2) * variance + (to.sigma * eta).powi(2) * c;
    }
    variance
}

#[test]
fn variances_follow_the_recursion_of_the_steps() {
    let (std, n) = (0.5, 40_000);
    for kind in KINDS {
        let schedule = DiffusionSchedule::new(kind).with_sigma_min(0.02);
        let model = Exact::normal(std, usual(schedule)).model();
        for (steps, eta) in [(3, 1.0), (3, 0.0), (10, 0.5)] {
            let noise = &mut Noise::new(0, "chain");
            let x = model.sample_by(&sampler(steps, eta, 0), n / 2, None, 1.0, noise);
            let squares: Vec<f64> = to_host(x).into_iter().map(|x| x * x).collect();
            gibbs_testkit::check_mean(&squares, variance_after(&schedule, std * std, steps, eta));
        }
        // Many steps have the variance of the distribution.
        let at = schedule.at(1.0);
        let truth = (at.alpha * std).powi(2) + at.sigma.powi(2);
        for eta in [0.0, 1.0] {
            let errors = [50, 500].map(|steps| variance_after(&schedule, std * std, steps, eta) - truth);
            assert!(
                errors[1].abs() < 0.2 * errors[0].abs() && errors[1].abs() < 0.02 * truth,
                "{kind:?} {errors:?}"
            );
        }
    }
}

/// The step with `η = 1` is a draw from `q(x_s | x_t, x)`, whose mean and variance are those of conditional normal variables.
#[test]
fn an_ancestral_step_has_the_moments_of_the_posterior() {
    struct Known(DiffusionSchedule, f64);
    impl Denoiser for Known {
        fn schedule(&self) -> &DiffusionSchedule {
            &self.0
        }
        fn denoise(&self, t: &[f64], x: &Tensor<2>) -> Denoised {
            let at = self.0.at(t[0]);
            let data = x.zeros_like() + self.1;
            Denoised { noise: (x.clone() - data.clone() * at.alpha) / at.sigma, data }
        }
    }
    let (data, start, n) = (0.7, 0.4, 40_000);
    for kind in KINDS {
        // Two steps: from the noise to the middle, of which the first is checked.
        let schedule =
            DiffusionSchedule::new(kind).with_sigma_min(0.2).with_alpha_min(0.3).with_beta_max(6.0);
        let x = rows(vec![start; n], 1);
        let (states, _) =
            sampler(2, 1.0, 0).states(&Known(schedule, data), x, &mut Noise::new(0, "step"), &[1]);
        let [t, s] = [0.0, 0.5].map(|u| schedule.at(schedule.time_at(u)));
        // x_t = a·x_s + noise of variance b: Bayes' theorem for x_s ~ N(α_s·x, σ_s²).
        let a = t.alpha / s.alpha;
        let b = t.sigma.powi(2) - (a * s.sigma).powi(2);
        let precision = s.sigma.powi(-2) + a * a / b;
        let mean = (s.alpha * data / s.sigma.powi(2) + a * start / b) / precision;
        let found = to_host(states[0].clone());
        gibbs_testkit::check_mean(&found, mean);
        let squares: Vec<f64> = found.iter().map(|x| (x - mean).powi(2)).collect();
        gibbs_testkit::check_mean(&squares, precision.recip());
    }
}

#[test]
fn every_sampler_draws_from_the_distribution() {
    let n = 800;
    for kind in KINDS {
        let exact = Exact::clouds(usual(DiffusionSchedule::new(kind)));
        let truth = exact.draws(1.0, n, &mut Noise::new(0, "truth"));
        let model = exact.model();
        for (name, chain) in [
            ("ancestral", sampler(300, 1.0, 0)),
            ("DDIM", sampler(300, 0.0, 0)),
            ("between", sampler(300, 0.5, 0)),
            ("predictor-corrector", sampler(100, 1.0, 2)),
            ("DDIM with Langevin", sampler(100, 0.0, 2)),
        ] {
            let draws = model.sample_by(&chain, n, None, 1.0, &mut Noise::new(1, name));
            assert_same(&draws, &truth, &format!("{kind:?}, {name}"));
        }
        // The test notices few steps, and other data.
        let few = model.sample_by(&sampler(3, 1.0, 0), n, None, 1.0, &mut Noise::new(1, "few"));
        assert!(compared(&few, &truth).p_value < 1e-3);
    }
}

/// Langevin dynamics of size `r` on a normal distribution with variance `v` has the stationary variance `v/(1 - δ/(2v))`, `δ = (rσ)²`.
#[test]
fn langevin_dynamics_is_stationary() {
    let (std, t, size, n) = (0.5, 0.6, 0.4, 20_000);
    for kind in KINDS {
        let schedule = DiffusionSchedule::new(kind);
        let exact = Exact::normal(std, usual(schedule));
        let at = schedule.at(t);
        let variance = (at.alpha * std).powi(2) + at.sigma.powi(2);
        let stationary = variance / (1.0 - 0.5 * (size * at.sigma).powi(2) / variance);
        let model = exact.model();
        let x = normal("start", [n, 2]) * stationary.sqrt();
        let noise = &mut Noise::new(0, "langevin");
        let after = langevin(&model.denoiser(None), x, t, 30, size, noise);
        let squares: Vec<f64> = to_host(after).into_iter().map(|x| x * x).collect();
        gibbs_testkit::check_mean(&squares, stationary);
    }
    let exact = Exact::clouds(usual(DiffusionSchedule::new(ScheduleKind::Cosine)));
    let [start, truth] = ["start", "truth"].map(|name| exact.draws(t, 800, &mut Noise::new(0, name)));
    let model = exact.model();
    let after = langevin(&model.denoiser(None), start, t, 60, 0.1, &mut Noise::new(0, "langevin"));
    assert_same(&after, &truth, "Langevin dynamics from the distribution");
    // From elsewhere it comes there.
    let far = normal("far", [800, 2]) + 2.0;
    assert!(compared(&far, &truth).p_value < 1e-3);
    let after = langevin(&model.denoiser(None), far, t, 800, 0.15, &mut Noise::new(0, "langevin"));
    assert_same(&after, &truth, "Langevin dynamics from elsewhere");
}
