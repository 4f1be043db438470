//! Shift and scale of columns.

use serde::{Deserialize, Serialize};

use crate::math::mean_and_variance;

/// The quartiles of a normal distribution lie 1.349 standard deviations apart.
const STD_OF_QUARTILES: f64 = 1.0 / 1.348_979_500_392_163_5;

/// How the columns of a table are shifted and scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// By mean and standard deviation.
    #[default]
    Standard,
    /// By median and quartiles, which extreme values do not move. [Tails](super::Tails) follow.
    Robust,
    /// Columns keep their unit.
    None,
}

impl Scaling {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Robust, Self::None];

    /// Where logarithmic [tails](super::Tails) begin, in robust standard deviations: of a normal distribution one value in two
    /// million lies beyond.
    pub const ROBUST_TAILS: f64 = 5.0;

    /// The shift of a column, and what it is then divided by. A column without spread keeps its scale.
    pub fn of(self, column: &[f64]) -> (f64, f64) {
        let (shift, scale) = match self {
            Self::None => return (0.0, 1.0),
            Self::Standard => standard(column),
            Self::Robust => {
                let mut sorted = column.to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                let at = |quarter: usize| sorted.get(quarter * sorted.len() / 4).copied().unwrap_or(0.0);
                let scale = (at(3) - at(1)) * STD_OF_QUARTILES;
                // Half of the values may be equal.
                (at(2), if scale > 0.0 { scale } else { standard(column).1 })
            }
        };
        (shift, if scale > 0.0 { scale } else { 1.0 })
    }
}

fn standard(column: &[f64]) -> (f64, f64) {
    let (mean, variance) = mean_and_variance(column);
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robust_scales_are_those_of_the_quartiles_and_extremes_do_not_move_them() {
        // The uniform distribution on [0, 1] has its quartiles half apart.
        let mut column: Vec<f64> = (0..1001).map(|i| f64::from(i) / 1000.0).collect();
        let (shift, scale) = Scaling::Robust.of(&column);
        assert_eq!(shift, 0.5);
        assert!((scale - 0.5 / 1.34898).abs() < 2e-3);
        column[1000] = 1e9;
        assert_eq!(Scaling::Robust.of(&column), (shift, scale));
        assert!(Scaling::Standard.of(&column).1 > 1e7);
    }

    #[test]
    fn columns_without_spread_keep_their_scale() {
        assert_eq!(Scaling::Standard.of(&[4.0, 4.0]), (4.0, 1.0));
        assert_eq!(Scaling::Robust.of(&[4.0, 4.0, 4.0]), (4.0, 1.0));
        assert_eq!(Scaling::None.of(&[1.0, 5.0]), (0.0, 1.0));
        // Most values are equal: the standard deviation is all there is.
        let (shift, scale) = Scaling::Robust.of(&[0.0, 0.0, 0.0, 0.0, 0.0, 6.0]);
        assert!(shift == 0.0 && (scale - 6f64.sqrt()).abs() < 1e-12);
    }
}
