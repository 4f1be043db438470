//! Adaptation of the step size by dual averaging.

/// Finds the step size with a chosen probability of acceptance, during burn-in.
///
/// ```text
/// h <- (1 - 1/(t + t₀)) h + (δ - a_t) / (t + t₀)         a_t the acceptance of step t
/// ln ε <- μ - √t / γ · h,   μ = ln 10ε₀                   the next trial
/// ln ε̄ <- t^-κ ln ε + (1 - t^-κ) ln ε̄                    the result
/// ```
///
/// with `γ = 0.05, t₀ = 10, κ = 0.75`. The adaptation breaks detailed balance. Measure only after it, with the constant
/// [`step_size`](Self::step_size).
///
/// Reference: Hoffman & Gelman, "The No-U-Turn Sampler", J. Mach. Learn. Res. 15:1593 (2014), arXiv:1111.4246, section 3.2
/// and algorithm 5. They take `δ = 0.65` for trajectories of fixed length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DualAveraging {
    target: f64,
    /// `μ`.
    center: f64,
    /// `h`.
    shortfall: f64,
    /// `ln ε`.
    log_trial: f64,
    /// `ln ε̄`.
    log_average: f64,
    /// `t`.
    updates: u32,
}

impl DualAveraging {
    /// Starts at the step size `ε₀`. `target` is the probability of acceptance `δ`.
    ///
    /// # Panics
    /// If `step_size` is not positive and finite, or if `target` is not between 0 and 1.
    pub fn new(step_size: f64, target: f64) -> Self {
        assert!(step_size.is_finite() && step_size > 0.0, "a step size of {step_size}");
        assert!(target > 0.0 && target < 1.0, "an acceptance of {target}");
        let log = step_size.ln();
        Self {
            target,
            center: 10f64.ln() + log,
            shortfall: 0.0,
            log_trial: log,
            log_average: log,
            updates: 0,
        }
    }

    /// The step size of the next trial.
    pub fn trial(&self) -> f64 {
        self.log_trial.exp()
    }

    /// The result: an average of the trials. Before the first update it is `ε₀`.
    pub fn step_size(&self) -> f64 {
        self.log_average.exp()
    }

    /// Updates the step sizes. `acceptance` is the probability of acceptance at the step size [`trial`](Self::trial).
    pub fn update(&mut self, acceptance: f64) {
        self.updates += 1;
        let t = f64::from(self.updates);
        let share = 1.0 / (t + 10.0);
        self.shortfall += share * (self.target - acceptance - self.shortfall);
        self.log_trial = self.center - t.sqrt() / 0.05 * self.shortfall;
        self.log_average += t.powf(-0.75) * (self.log_trial - self.log_average);
    }
}
