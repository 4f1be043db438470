//! Widths of hidden layers in a config.

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// Widths of hidden layers: a number for one layer, or a list with one number for each layer.
///
/// ```
/// use gibbs_core::nn::Widths;
///
/// let widths: Widths = serde_json::from_str("[500, 200]")?;
/// assert_eq!(widths.list(), [500, 200]);
/// assert_eq!(Widths::from(500).list(), [500]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Widths {
    /// One layer.
    One(usize),
    /// Any number of layers, possibly none.
    Many(Vec<usize>),
}

impl Widths {
    /// The width of each layer, inputs first.
    pub fn list(&self) -> &[usize] {
        match self {
            Self::One(width) => std::slice::from_ref(width),
            Self::Many(widths) => widths,
        }
    }

    /// Checks that each width is at least 1.
    ///
    /// # Errors
    /// Names `field` if a width is 0.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        let value = format!("{:?}", self.list());
        ConfigError::require(!self.list().contains(&0), field, value, "each width must be at least 1")
    }
}

impl From<usize> for Widths {
    fn from(width: usize) -> Self {
        Self::One(width)
    }
}

impl From<Vec<usize>> for Widths {
    fn from(widths: Vec<usize>) -> Self {
        Self::Many(widths)
    }
}

/// Checks the widths of a network, inputs first.
pub(super) fn check(widths: &[usize]) -> Result<(), ConfigError> {
    let holds = widths.len() >= 2 && !widths.contains(&0);
    let value = format!("{widths:?}");
    ConfigError::require(holds, "widths", value, "a network needs at least two widths, each at least 1")
}
