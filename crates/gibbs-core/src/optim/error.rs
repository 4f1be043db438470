//! Why an optimizer cannot run.

use std::fmt;

/// A field of an optimizer's config that is out of range.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfRange {
    /// Name of the field.
    pub field: &'static str,
    /// Its value.
    pub value: f64,
    /// What it must be.
    pub must: &'static str,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, must } = self;
        write!(f, "{field} = {value} must be {must}")
    }
}

impl std::error::Error for OutOfRange {}
