//! L-BFGS: quasi-Newton directions from the last few steps.
//!
//! ```text
//! s_k = x_{k+1} - x_k,    y_k = g_{k+1} - g_k,    ρ_k = 1 / y_k·s_k
//! d_k = -H_k·g_k,    H_k from H_k⁰ = (s·y / y·y)·I by the BFGS update with the last m pairs (s, y)
//! x_{k+1} = x_k + α_k·d_k,    α_k by line search, 1 first
//! ```
//!
//! References: Nocedal, Math. Comp. 35:773 (1980), doi:10.1090/S0025-5718-1980-0572855-7; Nocedal & Wright, Numerical
//! Optimization, 2nd edition (2006), algorithms 7.4 and 7.5.
//!
//! Cost: each line search needs one to two evaluations of loss and gradient, and `4m` products of vectors. Memory: `2m + 4`
//! vectors of the size of the parameters.

use std::collections::VecDeque;

use burn::config::Config;
use burn::module::Module;
use burn::optim::GradientsParams;

use super::directions::Direction;
use super::minimize::{Rule, Step, minimize};
use super::{LineSearch, Minimized};
use crate::ConfigError;

/// L-BFGS on the loss of a fixed batch.
///
/// Burn's own `LBFGS` has two problems: its line search takes a longer step after a NaN loss, and it fails for a module with a
/// frozen parameter, because its vector of gradients is then shorter than its vector of parameters.
#[derive(Config, Debug, PartialEq)]
pub struct Lbfgs {
    /// Number of line searches per call, at least 1.
    #[config(default = 3)]
    pub searches: usize,
    /// Number of stored steps m, at least 1 (3 to 20 in Nocedal & Wright, section 7.2).
    #[config(default = 10)]
    pub history: usize,
    /// Conditions and budget of a line search.
    #[config(default = "LineSearch::new(0.9)")]
    pub line_search: LineSearch,
}

impl Lbfgs {
    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("searches", self.searches, 1)?;
        ConfigError::at_least("history", self.history, 1)?;
        self.line_search.validate()
    }

    /// Minimizes the loss by [`searches`](Self::searches) line searches that start at `module`. Returns the new module and a
    /// summary. The contract is that of [`ConjugateGradient::minimize`](super::ConjugateGradient::minimize).
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails, or the module has no parameters.
    pub fn minimize<M: Module>(
        &self,
        module: M,
        evaluate: impl FnMut(&M) -> (f64, GradientsParams),
    ) -> (M, Minimized) {
        self.validate().unwrap_or_else(|error| panic!("{error}"));
        let curvature = 0.5 * (1.0 - self.line_search.curvature);
        let memory = Memory { pairs: VecDeque::new(), size: self.history, curvature };
        minimize(self.searches, &self.line_search, memory, module, evaluate)
    }
}

/// A stored step.
struct Pair {
    s: Direction,
    y: Direction,
    /// `s·y`.
    sy: f64,
}

/// The last steps, oldest first.
struct Memory {
    pairs: VecDeque<Pair>,
    size: usize,
    /// Steps with less curvature than this fraction of their slope are not stored. The fraction is half the guarantee of the
    /// Wolfe conditions, so this excludes only steps that violate them.
    curvature: f64,
}

impl Memory {
    fn remember(&mut self, gradient: &Direction, last: &Step) {
        let s = last.direction.clone().scaled(last.step);
        let y = gradient.clone().plus(-1.0, &last.gradient);
        let sy = s.dot(&y);
        if sy >= -self.curvature * last.step * last.slope {
            if self.pairs.len() == self.size {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { s, y, sy });
        }
    }
}

impl Rule for Memory {
    fn direction(&mut self, gradient: &Direction, last: &Step) -> Direction {
        self.remember(gradient, last);
        let mut r = gradient.clone();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for Pair { s, y, sy } in self.pairs.iter().rev() {
            let alpha = s.dot(&r) / sy;
            r = r.plus(-alpha, y);
            alphas.push(alpha);
        }
        if let Some(Pair { y, sy, .. }) = self.pairs.back() {
            r = r.scaled(sy / y.dot(y));
        }
        for (Pair { s, y, sy }, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = y.dot(&r) / sy;
            r = r.plus(alpha - beta, s);
        }
        r.scaled(-1.0)
    }

    fn first_step(&self, _: f64, _: &Step) -> f64 {
        1.0
    }

    fn restart(&mut self) {
        self.pairs.clear();
    }
}
