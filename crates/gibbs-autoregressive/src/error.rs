//! Why a model cannot be built.

use thiserror::Error;

/// Why there is no model of this configuration.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Widths or functions that make no network.
    #[error(transparent)]
    Network(#[from] gibbs_core::ConfigError),
    /// An order of another number of variables.
    #[error("the order has {found} entries for {expected} variables; it must name each of 0 to {} once", .expected - 1)]
    OrderLength {
        /// Number of variables.
        expected: usize,
        /// Number of entries.
        found: usize,
    },
    /// An order that leaves variables out.
    #[error("the order is no permutation: entry {position} is {value}, {problem}")]
    NoPermutation {
        /// Where in the order, from 0.
        position: usize,
        /// The entry there.
        value: usize,
        /// Out of range, or a repetition.
        problem: String,
    },
    /// A number outside its range.
    #[error("{field} = {value} must be {must}")]
    Range {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: usize,
        /// What it must be.
        must: String,
    },
}

impl ConfigError {
    /// An error where `value` is below `least`.
    pub(crate) fn at_least(field: &'static str, value: usize, least: usize) -> Result<(), Self> {
        match value < least {
            true => Err(Self::Range { field, value, must: format!("at least {least}") }),
            false => Ok(()),
        }
    }
}

/// Values that the conditionals of a model do not have.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("the value {value} of variable {variable} in example {example} is not {expected}")]
pub struct ValueError {
    /// Index of the example, from 0.
    pub example: usize,
    /// Index of the variable, from 0.
    pub variable: usize,
    /// The value.
    pub value: f64,
    /// What would be one.
    pub expected: String,
}
