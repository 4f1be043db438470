//! Halves of pictures, given to be completed.

use clap::ValueEnum;

/// Part of each test picture that is given while the rest is sampled.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// The upper half
    Upper,
    /// The lower half
    Lower,
    /// The left half
    Left,
    /// The right half
    Right,
}

impl Given {
    /// Whether a pixel is given, in pictures of this shape.
    pub fn contains(self, (row, column): (usize, usize), (rows, columns): (usize, usize)) -> bool {
        match self {
            Self::Upper => 2 * row < rows,
            Self::Lower => 2 * row >= rows,
            Self::Left => 2 * column < columns,
            Self::Right => 2 * column >= columns,
        }
    }

    /// The same for all pixels of a picture, row by row.
    pub fn pixels(self, (rows, columns): (usize, usize)) -> Vec<bool> {
        let pixel = |i| self.contains((i / columns, i % columns), (rows, columns));
        (0..rows * columns).map(pixel).collect()
    }
}
