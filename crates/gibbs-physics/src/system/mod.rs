//! Systems by their settings: serializable configurations of Hamiltonians, and what is known exactly about them.
//!
//! A configuration is flat: it has the fields of every kind. A field that a kind does not use has its default value, and another one is
//! refused; a size that a kind does not have is `None`.

mod continuous;
mod reference;
mod slow;
mod spins;
#[cfg(test)]
mod tests;

pub use continuous::{ContinuousKind, ContinuousSystemConfig, Potential, TargetDensity};
pub use reference::Reference;
pub use slow::SlowCoordinate;
pub use spins::{SpinSystem, SpinSystemConfig, SpinSystemKind};

use std::fmt::Display;

use gibbs_core::ConfigError;
use serde::Serialize;

/// Checks that a kind of system has a size exactly where it needs one.
fn require_size(
    field: &str,
    value: Option<String>,
    needed: bool,
    kind: impl Display,
    reason: &str,
) -> Result<(), ConfigError> {
    let verb = if needed { "needs it," } else { "has" };
    let is_right = value.is_some() == needed;
    ConfigError::require(is_right, field, value.unwrap_or("null".into()), format!("{kind} {verb} {reason}"))
}

/// Checks that the settings that a kind does not use, all but `used` and the sizes, have their default values.
fn require_defaults<T: Serialize>(
    config: &T,
    default: &T,
    kind: impl Display,
    used: &[&str],
) -> Result<(), ConfigError> {
    let [config, default] = [config, default].map(|config| serde_json::to_value(config).unwrap_or_default());
    let fields = config.as_object().into_iter().flatten();
    fields.filter(|(field, _)| !used.contains(&field.as_str())).try_for_each(|(field, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        ConfigError::require(
            default.get(field) == Some(value),
            field,
            text,
            format!("{kind} does not use it"),
        )
    })
}

/// A number with six significant digits.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
