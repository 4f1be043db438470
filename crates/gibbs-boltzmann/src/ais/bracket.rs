//! Two estimates of the same `log Z`, and what their difference reveals.

use burn::prelude::*;
use gibbs_core::{Estimate, Kind};

/// Standard errors by which the lower estimate may lie above the upper one: a normal variable exceeds them in 2 % of the
/// cases.
const CROSSING: f64 = 2.0;

/// Standard errors by which two estimates of the same value may differ: a normal variable exceeds them in 0.3 % of the cases.
const DISAGREEMENT: f64 = 3.0;

/// States from which the reverse direction starts, `[chains, visible]`.
#[derive(Clone, Debug)]
pub enum ReverseStart {
    /// Independent exact draws from the RBM. The reverse estimate is high in expectation.
    Exact(Tensor<2>),
    /// States of chains that are near their stationary distribution. The reverse estimate is asymptotic.
    Chains(Tensor<2>),
}

/// Estimates of `log Z` in both directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// Forward estimate: low in expectation.
    pub lower: Estimate,
    /// Reverse estimate: an upper bound from exact draws, else asymptotic.
    pub upper: Estimate,
}

impl Bracket {
    /// A forward and a reverse estimate. Both are marked if the lower one lies above the upper one by more than 2 standard
    /// errors. An asymptotic upper one is also marked if it lies above the lower one by more than 3.
    pub fn new(lower: Estimate, upper: Estimate) -> Self {
        let errors = lower.errors_above(&upper);
        let crossed = (errors > CROSSING).then(|| {
            format!(
                "the lower estimate {:.3} lies above the upper one {:.3} by {errors:.1} errors",
                lower.value, upper.value
            )
        });
        let lower = lower.or_unreliable(crossed.clone());
        let apart = match upper.kind {
            Kind::Asymptotic => Self::disagreement(&lower, &upper),
            _ => None,
        };
        let upper = upper.or_unreliable(crossed).or_unreliable(apart);
        Self { lower, upper }
    }

    /// `log Z`: the forward estimate, asymptotic. It is marked if the reverse one differs from it by more than 3 standard errors.
    pub fn log_z(&self) -> Estimate {
        let estimate = self.lower.clone().with_kind(Kind::Asymptotic);
        estimate.or_unreliable(Self::disagreement(&self.lower, &self.upper))
    }

    fn disagreement(lower: &Estimate, upper: &Estimate) -> Option<String> {
        let errors = upper.errors_above(lower);
        (errors.abs() > DISAGREEMENT).then(|| {
            format!(
                "forward and reverse estimate, {:.3} and {:.3}, differ by {errors:.1} errors",
                lower.value, upper.value
            )
        })
    }
}
