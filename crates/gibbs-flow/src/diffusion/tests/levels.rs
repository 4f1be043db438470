//! Data with finitely many values have probabilities, and both bounds reach them.

use gibbs_core::Estimate;

use super::*;
use crate::continuous::Levels;

/// Probabilities of eight levels in [-1, 1].
const PROBS: [f64; 8] = [0.5, 0.02, 0.03, 0.05, 0.1, 0.1, 0.05, 0.15];

/// The network without error for these levels, with noise of this part of their distance.
fn exact(kind: ScheduleKind, part: f64) -> (Levels, Exact) {
    let levels = Levels::of_signed(PROBS.len()).unwrap();
    let schedule = DiffusionSchedule::new(kind)
        .with_sigma_min(part * levels.spacing)
        .with_alpha_min(1e-3)
        .with_beta_max(30.0);
    let components: Vec<([f64; 1], f64, f64)> = PROBS
        .iter()
        .enumerate()
        .map(|(k, p)| ([levels.first + k as f64 * levels.spacing], 0.0, *p))
        .collect();
    (levels, Exact::new(&components, usual(schedule)))
}

/// Levels as often as they are likely, and the log-probability of each.
fn data(levels: &Levels, n: usize) -> (Tensor<2>, Vec<f64>) {
    let states = gibbs_testkit::draw_states(&PROBS, n, &mut Noise::new(0, "levels"));
    let truth = states.iter().map(|k| PROBS[*k].ln()).collect();
    (rows(states.iter().map(|k| levels.first + *k as f64 * levels.spacing).collect(), 1), truth)
}

#[test]
fn decoders_are_normalized_and_values_have_their_nearest_level() {
    let (levels, exact) = exact(ScheduleKind::Cosine, 0.4);
    let schedule = exact.parametrization.schedule;
    for noisy in [-1.3, -0.4, 0.05, 0.99] {
        let all = rows((0..8).map(|k| levels.first + f64::from(k) * levels.spacing).collect(), 1);
        let found = to_host(schedule.noisy(levels).log_decoder(rows(vec![noisy; 8], 1), &all).exp());
        let at = schedule.at(1.0);
        let weight = |x: f64| (-0.5 * ((noisy - at.alpha * x) / at.sigma).powi(2)).exp();
        let total: f64 = to_host(all.clone()).into_iter().map(weight).sum();
        let expected: Vec<f64> = to_host(all).into_iter().map(|x| weight(x) / total).collect();
        assert_close(&found, &expected, 1e-9, "decoder");
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{found:?}");
    }
    let found = to_host(levels.nearest(rows(vec![-5.0, -0.99, -0.74, 0.01, 1.0], 1)));
    assert_close(&found, &[-0.875, -0.875, -0.625, 0.125, 0.875], 1e-12, "nearest");
    assert!(Levels::of_signed(1).unwrap_err().to_string().contains("levels = 1"));
}

/// Little noise: the levels are certain, and both bounds are the log-probability. More noise: the decoder, which does not know how
/// often a level is, loses some.
#[test]
fn bounds_reach_the_log_probability_of_levels() {
    for kind in KINDS {
        let gaps = [0.1, 0.5].map(|part| {
            let (levels, exact) = exact(kind, part);
            let (x, truth) = data(&levels, 3000);
            let model = exact.model();
            let noise = &mut Noise::new(0, "bound");
            let noisy = model.parametrization().schedule.noisy(levels);
            let (by_flow, _) = noisy.try_log_prob(&model.flow(), x.clone(), None, noise).unwrap();
            let bound = Bound::new().with_evaluations(64);
            let by_chain = bound.estimate(&model.denoiser(None), x, Some(&levels), noise);
            [by_flow, by_chain].map(|found| {
                let gaps: Vec<f64> =
                    truth.iter().zip(to_host(found)).map(|(truth, found)| truth - found).collect();
                let gap = Estimate::mean(&gaps);
                (gap.value, gap.std_err)
            })
        });
        for (gap, error) in gaps[0] {
            assert!(gap.abs() < 4.5 * error + 1e-3, "{kind:?}: {gaps:?}");
        }
        for (gap, error) in gaps[1] {
            assert!(gap > 4.5 * error, "{kind:?}: {gaps:?}");
        }
    }
}
