//! The error of every configuration.

use std::fmt;

/// An invalid field of a configuration: its name, its value, and the reason.
///
/// ```
/// use gibbs_core::ConfigError;
///
/// let error = ConfigError::at_least("n_hidden", 0, 1).unwrap_err();
/// assert_eq!(error.to_string(), "n_hidden = 0: must be at least 1");
/// assert_eq!(error.within("layers.2").to_string(), "layers.2.n_hidden = 0: must be at least 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Name of the field.
    pub field: String,
    /// Value of the field, as text.
    pub value: String,
    /// What a valid value must satisfy.
    pub reason: String,
}

impl ConfigError {
    /// The error of a field with a value.
    pub fn new(field: impl Into<String>, value: impl ToString, reason: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_string(), reason: reason.into() }
    }

    /// Checks a condition on a field.
    ///
    /// # Errors
    /// The error of [`new`](Self::new) if `holds` is false.
    pub fn require(
        holds: bool,
        field: impl Into<String>,
        value: impl ToString,
        reason: impl Into<String>,
    ) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::new(field, value, reason)) }
    }

    /// Checks that a count is at least `least`.
    ///
    /// # Errors
    /// If the count is smaller.
    pub fn at_least(field: impl Into<String>, value: usize, least: usize) -> Result<(), Self> {
        Self::require(value >= least, field, value, format!("must be at least {least}"))
    }

    /// Checks that a number lies in \[0, 1).
    ///
    /// # Errors
    /// If it does not.
    pub fn fraction(field: impl Into<String>, value: f64) -> Result<(), Self> {
        Self::require((0.0..1.0).contains(&value), field, value, "must lie in [0, 1)")
    }

    /// Checks that a number is finite and at least 0.
    ///
    /// # Errors
    /// If it is not.
    pub fn not_negative(field: impl Into<String>, value: f64) -> Result<(), Self> {
        Self::require(value.is_finite() && value >= 0.0, field, value, "must be finite and at least 0")
    }

    /// Returns the error for a field inside another field: `field` becomes `outer.field`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self { field: format!("{outer}.{}", self.field), ..self }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.field, self.value, self.reason)
    }
}

impl std::error::Error for ConfigError {}
