//! Choosing the number of components and the tails.
//!
//! ```text
//! BIC = -2 Σ_i ln p(x_i) + P ln n,     P = K·(1 + D + D(D+1)/2) - 1, and one for finite ν
//! ```
//!
//! The Bayesian information criterion chooses on the training examples. Another candidate takes its place if it is better on the
//! validation examples by more than the standard error of the difference: few validation examples then decide nothing.
//!
//! References: Schwarz, Ann. Statist. 6:461 (1978), doi:10.1214/aos/1176344136; Breiman et al., "Classification and regression
//! trees", 1984, section 3.4.3, for the rule of one standard error.

use gibbs_backend::Noise;

use super::{MixtureConfig, MixtureFit};

/// Numbers of components that are tried.
const COMPONENTS: [usize; 13] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48];
/// Degrees of freedom that are tried: normal, moderate and heavy tails.
const TAILS: [Option<usize>; 3] = [None, Some(8), Some(3)];
/// Least number of examples for each number in the means of the components.
const EXAMPLES: usize = 4;
/// The most products `n·K·D²` of one iteration: about half a second.
const WORK: usize = 400_000_000;
/// Larger numbers of components are tried until this many have not helped on the validation examples.
const FAILURES: usize = 2;

/// A mixture that was chosen for data.
#[derive(Clone, Debug)]
pub struct MixtureChoice {
    /// The mixture.
    pub fit: MixtureFit,
    /// Its mean log-density of the validation examples, nats.
    pub valid_log_prob: f64,
    /// That of one normal distribution.
    pub valid_log_prob_normal: f64,
}

struct Candidate {
    fit: MixtureFit,
    criterion: f64,
    valid: Vec<f64>,
}

/// Chooses a mixture of at most `most` components for the examples `train`, rows of `width` numbers, by the criterion above and the
/// examples `valid`. Each fit begins with a copy of `noise`, as a later fit of the chosen configuration does.
///
/// # Panics
/// If there are no examples in `train`, or a number is not finite.
pub fn choose_mixture(
    train: &[f64],
    valid: &[f64],
    width: usize,
    most: usize,
    noise: &Noise,
) -> MixtureChoice {
    let mut candidates = Vec::new();
    for degrees_of_freedom in TAILS {
        let start = MixtureConfig::new(1).with_degrees_of_freedom(degrees_of_freedom);
        candidates.extend(of_all_sizes(start, [train, valid], width, most, noise));
    }
    let best = best_of(&candidates).fit.config();
    for prior in [1.0, width as f64 + 2.0] {
        candidates.extend(of_all_sizes(best.with_prior(prior), [train, valid], width, most, noise));
    }
    let (normal, chosen) = (mean(&candidates[0].valid), best_of(&candidates));
    MixtureChoice {
        valid_log_prob: mean(&chosen.valid),
        valid_log_prob_normal: normal,
        fit: chosen.fit.clone(),
    }
}

/// Mixtures like `start` with more and more components, as long as they help.
fn of_all_sizes(
    start: MixtureConfig,
    [train, valid]: [&[f64]; 2],
    width: usize,
    most: usize,
    noise: &Noise,
) -> Vec<Candidate> {
    let n = train.len() / width;
    let (mut candidates, mut best, mut failures) = (Vec::new(), f64::NEG_INFINITY, 0);
    for components in COMPONENTS {
        let fits = components * width * EXAMPLES <= n && components * n * width * width <= WORK;
        if components > 1 && !(fits && components <= most) || failures == FAILURES {
            break;
        }
        let fit = MixtureConfig { components, ..start }.fit(train, width, &mut noise.clone());
        let (valid, criterion) = (fit.log_prob(valid), criterion(&fit, train, width));
        let score = if valid.is_empty() { -criterion } else { mean(&valid) };
        failures = if score > best { 0 } else { failures + 1 };
        best = best.max(score);
        candidates.push(Candidate { fit, criterion, valid });
    }
    candidates
}

/// The candidate with the least criterion, or one that is better on the validation examples beyond the error.
fn best_of(candidates: &[Candidate]) -> &Candidate {
    let first = candidates.iter().min_by(|a, b| a.criterion.total_cmp(&b.criterion));
    let Some(first) = first else { unreachable!("one component is always a candidate") };
    let gain = |candidate: &Candidate| gain_less_error(&candidate.valid, &first.valid);
    let better = candidates.iter().filter(|candidate| gain(candidate) > 0.0);
    better.max_by(|a, b| gain(a).total_cmp(&gain(b))).unwrap_or(first)
}

fn criterion(fit: &MixtureFit, train: &[f64], width: usize) -> f64 {
    let config = fit.config();
    let parameters = config.components * (1 + width + width * (width + 1) / 2) - 1
        + usize::from(config.degrees_of_freedom.is_some());
    let n = (train.len() / width) as f64;
    parameters as f64 * n.ln() - 2.0 * fit.log_prob(train).iter().sum::<f64>()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean of `values - reference` less its standard error, for scores of the same examples: a difference that it makes positive is
/// hardly chance. NaN for fewer than two examples.
pub fn gain_less_error(values: &[f64], reference: &[f64]) -> f64 {
    let gains: Vec<f64> = values.iter().zip(reference).map(|(value, reference)| value - reference).collect();
    let (mean, variance) = gibbs_core::math::mean_and_variance(&gains);
    mean - (variance / gains.len() as f64).sqrt()
}
