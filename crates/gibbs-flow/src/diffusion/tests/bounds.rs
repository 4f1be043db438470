//! The variational bound: closed form of a normal distribution, growth with the steps, below the log-density.

use super::*;

/// The mean of the bound over a normal distribution with variance `v`, for each variable: the expected squared error of the noise is
/// `v·e^λ/(v·e^λ + 1)`.
fn mean_bound(schedule: &DiffusionSchedule, v: f64, steps: Option<usize>) -> f64 {
    let [noise, data] = schedule.log_snr_range();
    let error = |log_snr: f64| v * log_snr.exp() / (v * log_snr.exp() + 1.0);
    let diffusion = match steps {
        Some(steps) => {
            let width = (data - noise) / steps as f64;
            (0..steps).map(|i| 0.5 * width.exp_m1() * error(noise + i as f64 * width)).sum()
        }
        None => 0.5 * ((v * data.exp()).ln_1p() - (v * noise.exp()).ln_1p()),
    };
    let first = schedule.at(0.0);
    let variance = first.sigma.powi(2);
    let prior = 0.5 * (first.alpha.powi(2) * v + variance - 1.0 - variance.ln());
    // ln(σ/α) at the end is -λ/2.
    -(LN_SQRT_TAU + 0.5) + 0.5 * data - prior - diffusion
}

/// `E ln p` of it.
fn mean_log_prob(v: f64) -> f64 {
    -(LN_SQRT_TAU + 0.5 + 0.5 * v.ln())
}

#[test]
fn the_bound_of_a_normal_distribution_has_its_closed_form() {
    let std = 0.6;
    for kind in KINDS {
        let schedule = DiffusionSchedule::new(kind).with_sigma_min(0.01);
        let exact = Exact::normal(std, usual(schedule));
        let model = exact.model();
        let x = normal("data", [3000, 2]) * std;
        for steps in [Some(1), Some(4), Some(30), None] {
            let bound = Bound::new().with_steps(steps).with_evaluations(steps.unwrap_or(20).min(10));
            let noise = &mut Noise::new(0, "bound");
            let found = to_host(bound.estimate(&model.denoiser(None), x.clone(), None, noise));
            gibbs_testkit::check_mean(&found, 2.0 * mean_bound(&schedule, std * std, steps));
        }
    }
}

/// In closed form: below the log-density for any number of steps, and at it for infinitely many without noise in the data.
#[test]
fn bounds_grow_to_the_log_density() {
    let v = 0.36;
    for kind in KINDS {
        let schedule =
            DiffusionSchedule::new(kind).with_sigma_min(1e-4).with_alpha_min(1e-4).with_beta_max(40.0);
        let steps = [1, 3, 10, 30, 100, 300, 3000];
        let bounds: Vec<f64> = steps.iter().map(|steps| mean_bound(&schedule, v, Some(*steps))).collect();
        assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{kind:?}: {bounds:?}");
        let limit = mean_bound(&schedule, v, None);
        // The distance falls as 1/T.
        let [coarse, fine] = [bounds[5], bounds[6]].map(|bound| limit - bound);
        assert!(fine > 0.0 && (9.0..11.0).contains(&(coarse / fine)), "{kind:?}: {bounds:?} {limit}");
        let truth = mean_log_prob(v);
        assert!(limit < truth && truth - limit < 1e-4, "{kind:?}: {limit}, the log-density is {truth}");
    }
}

#[test]
fn bounds_of_a_mixture_grow_to_its_log_density() {
    let schedule = DiffusionSchedule::new(ScheduleKind::Cosine);
    let exact = Exact::clouds(usual(schedule));
    let x = exact.draws(1.0, 4000, &mut Noise::new(0, "data"));
    let truth = to_host(exact.log_prob_at(1.0, &x));
    let model = exact.model();
    let gap = |steps: Option<usize>, evaluations: usize| {
        let bound = Bound::new().with_steps(steps).with_evaluations(evaluations);
        let found =
            to_host(bound.estimate(&model.denoiser(None), x.clone(), None, &mut Noise::new(0, "bound")));
        let gaps: Vec<f64> = truth.iter().zip(found).map(|(truth, bound)| truth - bound).collect();
        gibbs_core::Estimate::mean(&gaps)
    };
    let gaps = [(Some(8), 8), (Some(32), 32), (Some(128), 64)].map(|(steps, n)| gap(steps, n));
    for pair in gaps.windows(2) {
        assert!(pair[0].errors_above(&pair[1]) > 4.5, "{gaps:?}");
    }
    assert!(gaps.iter().all(|gap| gap.value > 4.5 * gap.std_err), "{gaps:?}");
    let limit = gap(None, 64);
    assert!(limit.value.abs() < 4.5 * limit.std_err + 1e-3, "{limit:?}");
}
