//! Which variables a coupling keeps.

use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::partition::Partition;

/// The variables that a coupling keeps and conditions on; it changes the others. Images are stored channel by channel, each row by
/// row: variable `(channel·rows + row)·columns + column`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CouplingMask {
    /// The first half (rounded down) is kept (NICE).
    #[default]
    Half,
    /// Variables 0, 2, 4, … are kept.
    Alternating,
    /// Pixels with an even sum of row and column are kept, in all channels (Real NVP, figure 3).
    Checkerboard {
        /// Rows of the image.
        rows: usize,
        /// Columns of the image.
        columns: usize,
    },
    /// The first half of the channels (rounded down) is kept (Real NVP, figure 3).
    Channels {
        /// Number of channels.
        channels: usize,
    },
    /// The low modes of a periodic lattice ([`Hartley`](crate::Hartley)) are kept: those with wave numbers up to `largest` along each
    /// axis, in either direction. These are `(2·largest + 1)^d` modes in `d` dimensions, for 0 the mean alone.
    LowModes {
        /// Numbers of sites along the axes.
        lengths: Vec<usize>,
        /// Largest wave number.
        largest: usize,
    },
    /// As listed: true for a variable that is kept.
    Given {
        /// One entry for each variable.
        keeps: Vec<bool>,
    },
}

impl CouplingMask {
    /// The two groups of `n_variables`; `flipped` changes those that are otherwise kept, and the reverse.
    pub(crate) fn partition(
        &self,
        n_variables: usize,
        flipped: bool,
        has_context: bool,
    ) -> Result<Partition, ConfigError> {
        let error = |reason: String| {
            let flipped = if flipped { ", flipped" } else { "" };
            Err(ConfigError::new("mask", format!("{self:?}{flipped}"), reason))
        };
        let is_multiple = |unit: usize| unit > 0 && n_variables.is_multiple_of(unit);
        let misfit = match self {
            Self::Checkerboard { rows, columns } if !is_multiple(rows * columns) => {
                Some(format!("they are no whole number of {rows} by {columns} pixels"))
            }
            Self::Channels { channels } if !is_multiple(*channels) => {
                Some(format!("they are no {channels} equal channels"))
            }
            Self::LowModes { lengths, .. } if lengths.iter().product::<usize>() != n_variables => {
                Some("they are not the modes of such a lattice".into())
            }
            Self::Given { keeps } if keeps.len() != n_variables => {
                Some(format!("the mask has {} entries", keeps.len()))
            }
            _ => None,
        };
        if let Some(misfit) = misfit {
            return error(format!("does not fit {n_variables} variables: {misfit}"));
        }
        let keeps: Vec<bool> =
            (0..n_variables).map(|variable| self.keeps(variable, n_variables) != flipped).collect();
        let partition = Partition::new(&keeps);
        match (partition.kept.len(), partition.changed.len()) {
            (_, 0) => error(format!(
                "keeps all of the {n_variables} variables; a coupling changes at least one (for a single variable take an \
                 element-wise or autoregressive layer)"
            )),
            (0, _) if !has_context => error(format!(
                "changes all of the {n_variables} variables and there is no context, so nothing is left to condition on; keep at \
                 least one variable, or take an element-wise layer"
            )),
            _ => Ok(partition),
        }
    }

    fn keeps(&self, variable: usize, n_variables: usize) -> bool {
        match self {
            Self::Half => variable < n_variables / 2,
            Self::Alternating => variable.is_multiple_of(2),
            Self::Checkerboard { rows, columns } => {
                (variable / columns % rows + variable % columns).is_multiple_of(2)
            }
            Self::Channels { channels } => variable / (n_variables / channels) < channels / 2,
            Self::LowModes { lengths, largest } => {
                let mut rest = variable;
                lengths.iter().rev().all(|length| {
                    let wave = rest % length;
                    rest /= length;
                    wave.min(length - wave) <= *largest
                })
            }
            Self::Given { keeps } => keeps[variable],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(mask: &CouplingMask, n: usize, flipped: bool) -> Vec<usize> {
        mask.partition(n, flipped, false).unwrap().kept
    }

    #[test]
    fn each_mask_keeps_what_it_says_and_flipped_the_rest() {
        let cases = [
            (CouplingMask::Half, 5, vec![0, 1]),
            (CouplingMask::Alternating, 5, vec![0, 2, 4]),
            (CouplingMask::Checkerboard { rows: 2, columns: 3 }, 6, vec![0, 2, 4]),
            (CouplingMask::Checkerboard { rows: 2, columns: 2 }, 8, vec![0, 3, 4, 7]),
            (CouplingMask::Channels { channels: 3 }, 6, vec![0, 1]),
            (CouplingMask::LowModes { lengths: vec![2, 5], largest: 0 }, 10, vec![0]),
            (CouplingMask::LowModes { lengths: vec![5, 2], largest: 1 }, 10, vec![0, 1, 2, 3, 8, 9]),
            (CouplingMask::Given { keeps: vec![false, true, true] }, 3, vec![1, 2]),
        ];
        for (mask, n, expected) in cases {
            assert_eq!(kept(&mask, n, false), expected, "{mask:?}");
            let rest: Vec<usize> = (0..n).filter(|variable| !expected.contains(variable)).collect();
            assert_eq!(kept(&mask, n, true), rest, "{mask:?}");
        }
    }

    #[test]
    fn masks_that_do_not_fit_are_named() {
        let message =
            |mask: CouplingMask, n, flipped| mask.partition(n, flipped, false).unwrap_err().to_string();
        assert!(
            message(CouplingMask::Checkerboard { rows: 2, columns: 3 }, 8, false).contains("2 by 3 pixels")
        );
        let modes = CouplingMask::LowModes { lengths: vec![2, 2], largest: 0 };
        assert!(message(modes, 8, false).contains("not the modes of such a lattice"));
        assert!(message(CouplingMask::Channels { channels: 3 }, 8, false).contains("no 3 equal channels"));
        assert!(
            message(CouplingMask::Given { keeps: vec![true] }, 8, false).contains("the mask has 1 entries")
        );
        assert!(message(CouplingMask::Alternating, 1, false).contains("keeps all of the 1 variables"));
        assert!(message(CouplingMask::Half, 1, false).contains("nothing is left to condition on"));
        let all = CouplingMask::Given { keeps: vec![true; 3] };
        assert!(message(all.clone(), 3, false).contains("changes at least one"));
        assert!(message(all.clone(), 3, true).contains("no context"));
        assert_eq!(all.partition(3, true, true).unwrap().changed[..], [0, 1, 2]);
    }
}
