//! Errors of systems and methods.

use gibbs_core::ConfigError;
use thiserror::Error;

/// A system that is not valid, or a method that does not apply to it.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PhysicsError {
    /// A setting that is out of its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No spins.
    #[error("a system needs at least one spin")]
    NoSpins,
    /// An axis that is too short.
    #[error("axis {axis} has length {length}; an open axis needs at least 1 site, a periodic one at least 2")]
    AxisLength {
        /// Index of the axis.
        axis: usize,
        /// Its length.
        length: usize,
    },
    /// Couplings, fields, patterns or samples that are not valid.
    #[error("{0}")]
    Invalid(String),
    /// A system that the method does not handle.
    #[error("{0}")]
    Unsupported(String),
    /// Data that leave no finite answer.
    #[error("{0}")]
    NoSolution(String),
    /// No patterns to store.
    #[error("a Hopfield network needs at least one pattern")]
    NoPatterns,
    /// Nothing to learn from.
    #[error("no samples; learning couplings needs at least one")]
    NoSamples,
}

/// Checks that a number satisfies a condition, and returns it.
pub(crate) fn require(
    holds: bool,
    field: &'static str,
    value: f64,
    reason: &'static str,
) -> Result<f64, ConfigError> {
    ConfigError::require(holds, field, value, reason).map(|()| value)
}

/// Returns `value` if it is finite.
pub(crate) fn finite(field: &'static str, value: f64) -> Result<f64, ConfigError> {
    require(value.is_finite(), field, value, "must be finite")
}

/// Returns `beta` if it is an inverse temperature.
pub(crate) fn inverse_temperature(beta: f64) -> Result<f64, ConfigError> {
    non_negative("beta", beta)
}

/// Returns `value` if it is finite and above zero.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<f64, ConfigError> {
    require(value.is_finite() && value > 0.0, field, value, "must be finite and above 0")
}

/// Returns `value` if it is finite and not negative.
pub(crate) fn non_negative(field: &'static str, value: f64) -> Result<f64, ConfigError> {
    ConfigError::not_negative(field, value).map(|()| value)
}
