//! Systems by their settings: serializable configurations of Hamiltonians, and what is known exactly about them.
//!
//! A configuration is flat: it has the fields of every kind. A field that a kind does not use has its default value; a size
//! that a kind does not have is `None`.

mod continuous;
mod reference;
mod spins;
#[cfg(test)]
mod tests;

pub use continuous::{ContinuousKind, ContinuousSystemConfig, Potential, TargetDensity};
pub use reference::Reference;
pub use spins::{SpinSystem, SpinSystemConfig, SpinSystemKind};

use gibbs_core::ConfigError;

/// Checks that a kind of system has a size exactly where it needs one.
fn require_size<T: ToString>(
    field: &str,
    value: Option<&T>,
    needed: bool,
    kind: &str,
    reason: &str,
) -> Result<(), ConfigError> {
    match value {
        None if needed => Err(ConfigError::new(field, "null", format!("{kind} needs it, {reason}"))),
        Some(value) if !needed => {
            Err(ConfigError::new(field, value.to_string(), format!("{kind} has {reason}")))
        }
        _ => Ok(()),
    }
}

/// A number with six significant digits.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
