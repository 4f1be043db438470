//! How long a step may be.
//!
//! ```text
//! h_{n+1} = h_n · 0.9 · ε_n^{-(1/q - 3β/4)} · ε_{n-1}^{β},   within a factor of 0.2 and 10
//! ```
//!
//! with the error `ε` in units of what is allowed, the order `q` of the method and `β = 0.2/q`: a proportional-integral controller,
//! which does not swing where stability limits the step.
//!
//! References: Gustafsson, ACM Trans. Math. Softw. 17:533 (1991), doi:10.1145/210232.210242; all constants are those of the code
//! DOPRI5 of Hairer, Nørsett & Wanner, "Solving Ordinary Differential Equations I", 1993 (`β = 0.04` for its order 5), and the first
//! step is that of section II.4 there.

/// Part of the step that would just be allowed.
const SAFETY: f64 = 0.9;
/// Least and largest factor between two steps.
const FACTORS: (f64, f64) = (0.2, 10.0);
/// The least error that is remembered: a lucky step does not shorten the one after it.
const LEAST_ERROR: f64 = 1e-4;

/// The memory of the controller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control {
    order: f64,
    last_error: f64,
    was_rejected: bool,
}

impl Control {
    pub(super) fn new(order: usize) -> Self {
        Self { order: order as f64, last_error: LEAST_ERROR, was_rejected: false }
    }

    /// Whether a step with this error is taken, and the factor from its length to that of the next try.
    pub(super) fn judge(&mut self, error: f64) -> (bool, f64) {
        let beta = 0.2 / self.order;
        let proportional = error.max(f64::MIN_POSITIVE).powf(0.75 * beta - 1.0 / self.order);
        let accepts = error <= 1.0;
        let factor = match accepts {
            true => proportional * self.last_error.powf(beta),
            false => proportional,
        };
        let most = if !accepts || self.was_rejected { 1.0 } else { FACTORS.1 };
        if accepts {
            self.last_error = error.max(LEAST_ERROR);
        }
        self.was_rejected = !accepts;
        (accepts, (SAFETY * factor).clamp(FACTORS.0, most))
    }
}

/// The first step from the sizes of state, rate and change of the rate after a trial step, each in units of what is allowed.
pub(super) fn trial(state: f64, rate: f64) -> f64 {
    if state < 1e-5 || rate < 1e-5 { 1e-6 } else { 0.01 * state / rate }
}

/// See [`trial`], whose result is `trial`; `curvature` is the change of the rate divided by it.
pub(super) fn first(trial: f64, rate: f64, curvature: f64, order: usize) -> f64 {
    let size = rate.max(curvature);
    let by_error =
        if size <= 1e-15 { (trial * 1e-3).max(1e-6) } else { (0.01 / size).powf(1.0 / order as f64) };
    by_error.min(100.0 * trial)
}
