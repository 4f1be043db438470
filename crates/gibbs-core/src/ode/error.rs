//! Why an equation has no numerical solution.

use thiserror::Error;

/// Why a solve ended before its time.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SolveError {
    /// The state or its rate of change left the finite numbers.
    #[error(
        "the solution at time {t:.6} is no longer finite after a step of {step:.3e} (norm {norm}): the field grows too fast \
         there; take smaller steps, or a smaller learning rate where it is being trained"
    )]
    NotFinite {
        /// Where the step began.
        t: f64,
        /// The step.
        step: f64,
        /// Root mean square of the state after it.
        norm: f64,
    },
    /// The step that the tolerance asks for is below the smallest one allowed.
    #[error(
        "at time {t:.6} the tolerance {tolerance:e} asks for a step of {step:.3e}, below the smallest one, {min_step:.3e} (error \
         {error:.3e} tolerances): the field is stiff there; take a larger tolerance, fixed steps, or a smaller learning rate where it is \
         being trained"
    )]
    StepTooSmall {
        /// Where the step would begin.
        t: f64,
        /// The step asked for.
        step: f64,
        /// The smallest one allowed.
        min_step: f64,
        /// Norm of the error of the last step that was tried, in units of what is allowed.
        error: f64,
        /// The tolerance.
        tolerance: f64,
    },
    /// Too many steps.
    #[error(
        "{steps} steps have led to time {t:.6} only, the last one {step:.3e} long (norm {norm:.3e}): the field is stiff there; take a \
         larger tolerance, more steps (max_steps), or a smaller learning rate where it is being trained"
    )]
    TooManySteps {
        /// Where the solve was.
        t: f64,
        /// The last step.
        step: f64,
        /// Root mean square of the state.
        norm: f64,
        /// How many there were.
        steps: usize,
    },
}
