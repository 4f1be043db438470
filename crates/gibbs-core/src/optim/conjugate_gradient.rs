//! Nonlinear conjugate gradients.
//!
//! ```text
//! d_0 = -g_0,    d_k = -g_k + β_k·d_{k-1}
//! β_k = max(0, g_k·(g_k - g_{k-1}) / g_{k-1}·g_{k-1})        Polak-Ribière+
//! x_{k+1} = x_k + α_k·d_k,    α_k by line search
//! ```
//!
//! References: Polak & Ribière, Rev. Fr. Inform. Rech. Opér. 16:35 (1969); Gilbert & Nocedal, SIAM J. Optim. 2:21 (1992),
//! doi:10.1137/0802003, for β ≥ 0, an automatic restart; Nocedal & Wright, Numerical Optimization, 2nd edition (2006),
//! section 5.2. Hinton & Salakhutdinov, Science 313:504 (2006), train autoencoders with three line searches on each batch.
//!
//! Cost: each line search needs two to three evaluations of loss and gradient on well-scaled problems. Memory: four vectors
//! of the size of the parameters.

use burn::config::Config;
use burn::module::Module;
use burn::optim::GradientsParams;

use super::directions::Direction;
use super::minimize::{Rule, Step, minimize};
use super::{LineSearch, Minimized};
use crate::ConfigError;

/// Nonlinear conjugate gradients on the loss of a fixed batch.
#[derive(Config, Debug, PartialEq)]
pub struct ConjugateGradient {
    /// Number of line searches per call, at least 1 (3 in Hinton & Salakhutdinov 2006).
    #[config(default = 3)]
    pub searches: usize,
    /// Conditions and budget of a line search.
    #[config(default = "LineSearch::new(0.1)")]
    pub line_search: LineSearch,
}

impl ConjugateGradient {
    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("searches", self.searches, 1)?;
        self.line_search.validate()
    }

    /// Minimizes the loss by [`searches`](Self::searches) line searches that start at `module`. Returns the new module and a
    /// summary.
    ///
    /// `evaluate` returns the loss of a module and its gradients. It must use the same batch in each call. If `module` is on an
    /// autodiff device, `evaluate` receives modules on this device and may use a backward pass:
    ///
    /// ```text
    /// |model| {
    ///     let loss = objective(model, &batch);
    ///     let gradients = GradientsParams::from_grads(loss.backward(), model);
    ///     (loss.into_scalar(), gradients)
    /// }
    /// ```
    ///
    /// Parameters without a gradient do not change. All parameters keep their `ParamId`s. A call keeps no memory of earlier
    /// calls and begins with steepest descent. The loss never rises. If a step gives an infinite or NaN loss, a shorter step
    /// follows.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails, or the module has no parameters.
    pub fn minimize<M: Module>(
        &self,
        module: M,
        evaluate: impl FnMut(&M) -> (f64, GradientsParams),
    ) -> (M, Minimized) {
        self.validate().unwrap_or_else(|error| panic!("{error}"));
        minimize(self.searches, &self.line_search, PolakRibiere, module, evaluate)
    }
}

struct PolakRibiere;

impl Rule for PolakRibiere {
    fn direction(&mut self, gradient: &Direction, last: &Step) -> Direction {
        let change = gradient.clone().plus(-1.0, &last.gradient);
        let beta = gradient.dot(&change) / last.gradient.dot(&last.gradient);
        last.direction.clone().scaled(beta.max(0.0)).plus(-1.0, gradient)
    }

    /// The step with the same first-order change as the last step (Nocedal & Wright, section 3.5).
    fn first_step(&self, slope: f64, last: &Step) -> f64 {
        last.step * last.slope / slope
    }
}
