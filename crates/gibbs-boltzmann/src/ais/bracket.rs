//! Two estimates of the same `log Z`, and what their difference reveals.

use burn::prelude::*;
use gibbs_core::{Estimate, Kind};

/// Standard errors by which the lower estimate may lie above the upper one: a normal variable exceeds them in 2 % of the
/// cases.
const CROSSING: f64 = 2.0;

/// Standard errors by which two estimates of the same value may differ: a normal variable exceeds them in 0.3 % of the cases.
const DISAGREEMENT: f64 = 3.0;

/// How many reverse log-weights show states that annealing does not reach. Forward and reverse paths have the same log-weights, the
/// reverse ones weighted by `exp(log w)` (Crooks 1999): if a reverse chain would weigh more than `n` times the heaviest of `n`
/// forward chains, its states have a part of `Z` that no forward chain found.
pub(super) fn unreached(forward: &[f64], reverse: &[f64]) -> usize {
    let heaviest = forward.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let limit = heaviest + (forward.len() as f64).ln();
    reverse.iter().filter(|log_weight| -**log_weight > limit).count()
}

/// States from which the reverse direction starts, `[chains, visible]`.
#[derive(Clone, Debug)]
pub enum ReverseStart {
    /// Independent exact draws from the RBM. The reverse estimate is high in expectation.
    Exact(Tensor<2>),
    /// States of chains that are near their stationary distribution. The reverse estimate is asymptotic.
    Chains(Tensor<2>),
}

/// Log-weights of annealed chains, nats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogWeights {
    /// Of the chains from the base to the RBM; the mean of `exp` is `Z/Z_0`.
    pub forward: Vec<f64>,
    /// Of the chains from the RBM to the base; the mean of `exp` is `Z_0/Z`.
    pub reverse: Vec<f64>,
}

impl Extend<Self> for LogWeights {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, others: T) {
        for Self { forward, reverse } in others {
            self.forward.extend(forward);
            self.reverse.extend(reverse);
        }
    }
}

/// Estimates of `log Z` in both directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// Forward estimate: low in expectation. It is marked as unreliable if it lies above the upper one by more than 2 standard
    /// errors.
    pub lower: Estimate,
    /// Reverse estimate: an upper bound from exact draws, else asymptotic. It is marked in the same case. An asymptotic one is
    /// also marked if it differs from the lower one by more than 3 standard errors, or if annealing does not reach its states.
    pub upper: Estimate,
    /// `log Z`: the forward estimate, asymptotic. It is marked in all of these cases.
    pub log_z: Estimate,
}

impl Bracket {
    /// A forward and a reverse estimate, where `unreached` of the reverse chains are in states that annealing from the base
    /// does not reach.
    pub(super) fn new(lower: Estimate, upper: Estimate, unreached: usize) -> Self {
        let above = lower.errors_above(&upper);
        let both = format!("forward {:.3} and reverse {:.3}", lower.value, upper.value);
        let crossed =
            (above > CROSSING).then(|| format!("estimates of log Z cross: {both} by {above:.1} errors"));
        let apart = (above.abs() > DISAGREEMENT)
            .then(|| format!("estimates of log Z differ: {both} by {:.1} errors", above.abs()));
        let missed = (unreached > 0).then(|| {
            let chains = upper.samples.unwrap_or(0);
            format!("{unreached} of {chains} reverse chains are in states that annealing does not reach")
        });
        let doubt = crossed.clone().or(apart).or(missed);
        let log_z = lower.clone().with_kind(Kind::Asymptotic).or_unreliable(doubt.clone());
        let upper = match upper.kind {
            Kind::Asymptotic => upper.or_unreliable(doubt),
            _ => upper.or_unreliable(crossed.clone()),
        };
        Self { lower: lower.or_unreliable(crossed), upper, log_z }
    }
}
