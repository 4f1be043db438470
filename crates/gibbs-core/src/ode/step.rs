//! One step of a method.

use super::State;

/// A step from `t` to `t + h`.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it begins.
    pub t: f64,
    /// How far it goes; negative backward in time.
    pub h: f64,
    /// The state at `t`.
    pub before: State,
    /// The state at `t + h`.
    pub after: State,
    /// Estimate of the error of `after`, where the method has one.
    pub error: Option<State>,
    /// Rates of the stages.
    pub(super) stages: Vec<State>,
}
