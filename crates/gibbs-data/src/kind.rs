//! What the numbers of a data set mean.

pub(crate) mod offset;

use serde::{Deserialize, Serialize};

use crate::{Array, content::Content, names::named};

/// What the numbers of a data set mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Zeros and ones.
    Binary,
    /// Whole numbers 0 to 255, which mean gray levels `number / 255`.
    Gray,
    /// Gray levels in `[0, 1]`, multiples of 1/255.
    UnitGray,
    /// Real numbers.
    Real,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Binary, Self::Gray, Self::UnitGray, Self::Real];

    /// The name, as in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Gray => "gray",
            Self::UnitGray => "unit_gray",
            Self::Real => "real",
        }
    }

    /// A description in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Binary => "zeros and ones",
            Self::Gray => "gray values 0 to 255, scaled to [0, 1]",
            Self::UnitGray => "gray values, multiples of 1/255 in [0, 1]",
            Self::Real => "real values",
        }
    }
}

named!(Kind, "kind");

/// Whether a number is a whole number from 0 to 255.
pub(crate) fn is_byte(x: f64) -> bool {
    (0.0..=255.0).contains(&x) && x.fract() == 0.0
}

/// Whether a number is a multiple of 1/255 in `[0, 1]`, up to the rounding of single precision.
pub(crate) fn is_level(x: f64) -> bool {
    /// Single precision rounds `255 x` by at most 2⁻²⁴·255, and the division that made `x` by as much again.
    const ROUNDING: f64 = 255.0 / (1 << 22) as f64;
    (0.0..=1.0).contains(&x) && (255.0 * x - (255.0 * x).round()).abs() <= ROUNDING
}

/// The kind of the numbers of files, by their values: zeros and ones are binary in any format. Bytes, and the pictures (two
/// axes or more) whose values are whole numbers 0 to 255 or multiples of 1/255, are gray. All else is real.
pub(crate) fn recognize(files: &[&Content]) -> Kind {
    let all = |is: fn(f64) -> bool| files.iter().all(|file| file.values.position(|x| !is(x)).is_none());
    let are_pictures = files.iter().all(|file| file.is_picture());
    if files.iter().all(|file| file.is_gray) {
        return Kind::Gray;
    }
    if all(|x| x == 0.0 || x == 1.0) {
        return Kind::Binary;
    }
    if files.iter().all(|file| matches!(file.values, Array::U8(_))) || (are_pictures && all(is_byte)) {
        return Kind::Gray;
    }
    if are_pictures && all(is_level) { Kind::UnitGray } else { Kind::Real }
}
