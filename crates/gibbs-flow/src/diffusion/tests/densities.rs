//! The density of the probability-flow equation is that of the distribution whose score it follows.

use gibbs_core::{Bijection, LogProb, Sample};

use super::*;

/// With the exact score the flow carries `p_1` to `p_0`: `ln p_1(x) = ln p_0(z) + ln |det ∂z/∂x|` within the tolerance of the solver.
#[test]
fn the_flow_of_the_exact_score_has_the_exact_density() {
    let x = normal("x", [8, 2]) * 0.8;
    for kind in KINDS {
        let exact = Exact::clouds(usual(DiffusionSchedule::new(kind)));
        let (z, ladj) = exact.clone().model().flow().forward(x.clone(), None);
        let found = exact.log_prob_at(0.0, &z) + ladj;
        assert_close(&to_host(found), &to_host(exact.log_prob_at(1.0, &x)), 1e-6, &format!("{kind:?}"));
    }
}

/// The model starts from a normal distribution instead of `p_0`. Signal that remains in the noise, `α(0)`, is the whole error.
#[test]
fn the_density_differs_by_the_signal_in_the_noise() {
    let x = normal("x", [8, 2]) * 0.8;
    for kind in KINDS {
        let gap = |alpha_min: f64, beta_max: f64| {
            let schedule = DiffusionSchedule::new(kind).with_alpha_min(alpha_min).with_beta_max(beta_max);
            let exact = Exact::clouds(usual(schedule));
            let truth = to_host(exact.log_prob_at(1.0, &x));
            let found = to_host(exact.model().log_prob(x.clone()));
            truth.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let (coarse, fine) = (gap(1e-1, 9.0), gap(1e-3, 40.0));
        assert!(fine < 1e-5 && coarse > 10.0 * fine, "{kind:?}: {coarse} {fine}");
    }
}

#[test]
fn draws_of_the_flow_are_draws_of_the_distribution() {
    let exact = Exact::clouds(usual(DiffusionSchedule::new(ScheduleKind::Cosine)));
    let n = 800;
    let truth = exact.draws(1.0, n, &mut Noise::new(0, "truth"));
    let model = exact.model();
    let (field, parametrization) = (model.field.clone(), model.parametrization());
    let solver = Solver::new(Method::Tsitouras).with_tolerance(1e-5);
    let model = Diffusion::new(field, parametrization, solver, Trace::Exact).unwrap();
    let draws = model.sample(n, &mut Noise::new(0, "draws"));
    samplers::assert_same(&draws, &truth, "flow");
}
