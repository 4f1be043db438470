//! Checks of distributions on finitely many states.

use gibbs_backend::Noise;
use gibbs_core::math::{log_sum_exp, mean_and_variance};

/// Allowed deviation of a sampled quantity in standard errors: two-sided probability 7e-6 for a normal distribution.
pub const SIGMAS: f64 = 4.5;

/// Cells with a smaller expected count are joined before the χ² statistic is computed, the usual rule for its asymptotic
/// distribution (Cochran, Biometrics 10:417, 1954).
const SMALLEST_EXPECTATION: f64 = 5.0;

/// Checks that probabilities given as logarithms sum to one within `tolerance`.
///
/// # Panics
/// If they do not.
pub fn check_normalized(log_probs: &[f64], tolerance: f64) {
    let total = log_sum_exp(log_probs).exp();
    assert!((total - 1.0).abs() <= tolerance, "probabilities sum to {total}, off by more than {tolerance}");
}

/// Draws `n` independent states with these probabilities, by inversion.
pub fn draw_states(probs: &[f64], n: usize, noise: &mut Noise) -> Vec<usize> {
    let cumulative: Vec<f64> = probs
        .iter()
        .scan(0.0, |sum, p| {
            *sum += p;
            Some(*sum)
        })
        .collect();
    let last = probs.len() - 1;
    (0..n)
        .map(|_| {
            let u = noise.next_uniform();
            cumulative.partition_point(|c| *c <= u).min(last)
        })
        .collect()
}

/// Checks by Pearson's χ² that independent draws (indices of states) have the probabilities `probs`.
///
/// The bound is the [`SIGMAS`] quantile of χ² by Wilson & Hilferty (PNAS 17:684, 1931).
///
/// # Panics
/// If they do not, or if a state of probability zero occurs.
pub fn check_follows(draws: &[usize], probs: &[f64]) {
    let mut counts = vec![0u64; probs.len()];
    for &draw in draws {
        counts[draw] += 1;
    }
    let n = draws.len() as f64;
    let (mut statistic, mut cells) = (0.0, 0usize);
    let (mut rest_expected, mut rest_count) = (0.0, 0.0);
    for (&count, &p) in counts.iter().zip(probs) {
        let (count, expected) = (count as f64, n * p);
        assert!(p > 0.0 || count == 0.0, "a state of probability zero was drawn {count} times");
        if expected < SMALLEST_EXPECTATION {
            rest_expected += expected;
            rest_count += count;
        } else {
            statistic += (count - expected).powi(2) / expected;
            cells += 1;
        }
    }
    if rest_expected >= SMALLEST_EXPECTATION {
        statistic += (rest_count - rest_expected).powi(2) / rest_expected;
        cells += 1;
    }
    assert!(cells > 1, "{n} draws are too few to test probabilities of {} states", probs.len());
    let freedom = (cells - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    let bound = freedom * (1.0 - spread + SIGMAS * spread.sqrt()).powi(3);
    assert!(statistic <= bound, "χ² = {statistic:.1} for {freedom} degrees of freedom, above {bound:.1}");
}

/// Checks that the mean of independent samples is `expected` within [`SIGMAS`] of its own standard errors.
///
/// # Panics
/// If it is not, or if the mean is not finite.
pub fn check_mean(samples: &[f64], expected: f64) {
    let (mean, variance) = mean_and_variance(samples);
    let bound = SIGMAS * (variance / samples.len() as f64).sqrt();
    assert!((mean - expected).abs() <= bound, "mean {mean} is not {expected} within {bound}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBS: [f64; 4] = [0.4, 0.3, 0.2, 0.1];

    #[test]
    fn draws_have_their_probabilities() {
        check_follows(&draw_states(&PROBS, 20_000, &mut Noise::new(1, "draws")), &PROBS);
    }

    #[test]
    #[should_panic(expected = "χ²")]
    fn slightly_different_probabilities_are_noticed() {
        let draws = draw_states(&PROBS, 20_000, &mut Noise::new(1, "draws"));
        check_follows(&draws, &[0.38, 0.32, 0.2, 0.1]);
    }

    #[test]
    #[should_panic(expected = "probability zero")]
    fn an_impossible_state_is_noticed() {
        check_follows(&[0, 1, 1, 2], &[0.5, 0.5, 0.0]);
    }

    #[test]
    #[should_panic(expected = "sum to")]
    fn a_sum_that_misses_a_thousandth_is_noticed() {
        check_normalized(&[0.5f64.ln(), 0.499f64.ln()], 1e-6);
    }

    #[test]
    #[should_panic(expected = "mean")]
    fn a_nan_mean_is_noticed() {
        check_mean(&[0.0, f64::NAN], 0.0);
    }
}
