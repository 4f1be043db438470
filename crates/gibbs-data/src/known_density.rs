//! The exact distribution of a generated set.

use std::fmt;

/// The exact distribution of the examples of a generated set.
pub trait KnownDensity: fmt::Debug + Send + Sync {
    /// Log probability (discrete set) or log density (real-valued set) of one example, in nats; `-inf` if it is impossible.
    ///
    /// # Panics
    ///
    /// If the width of `x` is not that of the set.
    fn log_prob(&self, x: &[f32]) -> f64;

    /// Entropy (discrete set) or differential entropy (real-valued set), in nats. The expected `log_prob` of a model is at
    /// most minus this value.
    fn entropy(&self) -> f64;
}
