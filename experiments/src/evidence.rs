//! Halves of pictures as evidence for completion.

use clap::ValueEnum;

/// The half of each test picture that is known while the other half is sampled.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The upper half
    Upper,
    /// The lower half
    Lower,
    /// The left half
    Left,
    /// The right half
    Right,
}

impl Half {
    /// Whether each pixel is known, row by row, for pictures of this shape.
    pub fn pixels(self, (rows, columns): (usize, usize)) -> Vec<bool> {
        let is_known = |i: usize| match self {
            Self::Upper => 2 * (i / columns) < rows,
            Self::Lower => 2 * (i / columns) >= rows,
            Self::Left => 2 * (i % columns) < columns,
            Self::Right => 2 * (i % columns) >= columns,
        };
        (0..rows * columns).map(is_known).collect()
    }
}
