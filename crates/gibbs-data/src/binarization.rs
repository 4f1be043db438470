//! Binarization of gray values.

use serde::{Deserialize, Serialize};

use crate::names::named;

/// The rule that makes zeros and ones from gray values `x` in `[0, 1]`. Likelihoods with different rules are not comparable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binarization {
    /// No change.
    #[default]
    None,
    /// 1 if `x > 1/2` (bytes from 128 on), else 0.
    Threshold,
    /// 1 with probability `x`, with new draws in each epoch (Salakhutdinov and Murray, ICML 2008, doi:10.1145/1390156.1390266).
    Stochastic,
    /// 1 with probability `x`, drawn once: the same values in each epoch.
    Fixed,
}

impl Binarization {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::None, Self::Threshold, Self::Stochastic, Self::Fixed];

    /// The name, as in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Threshold => "threshold",
            Self::Stochastic => "stochastic",
            Self::Fixed => "fixed",
        }
    }
}

named!(Binarization, "binarization");
