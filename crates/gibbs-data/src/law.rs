//! The exact law of a generated set.

use std::fmt;

/// The exact law that the examples of a generated set follow.
pub trait Law: fmt::Debug + Send + Sync {
    /// Log probability (discrete set) or log density (real-valued set) of one example, nats; `-inf` where it is impossible.
    ///
    /// # Panics
    ///
    /// If `x` has not the width of the set.
    fn log_prob(&self, x: &[f32]) -> f64;

    /// Entropy (discrete set) or differential entropy (real-valued set), nats: no model reaches a mean `log_prob` above
    /// minus this value.
    fn entropy(&self) -> f64;
}
