//! Bars and stripes: a small set of binary images with its exact distribution.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::{DataError, Dataset, Division, KnownDensity, Splits};

/// Allowed sides of the square: up to 8190 patterns.
pub const SIDES: RangeInclusive<usize> = 2..=12;

/// The distribution of bars and stripes: all images of `side × side` zeros and ones with constant rows (stripes) or
/// constant columns (bars), with equal probabilities.
///
/// ```text
/// 2^side + 2^side - 2 distinct images (the empty and the full image are both),   p(x) = 1 / (2^(side+1) - 2)
/// ```
///
/// The set is that of D. MacKay, *Information Theory, Inference, and Learning Algorithms* (2003), section 43.1. Some authors
/// draw the orientation first, which makes the empty and the full image twice as likely. Here all images are equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarsAndStripes {
    side: usize,
}

impl BarsAndStripes {
    /// The distribution for `side × side` images.
    ///
    /// # Errors
    ///
    /// [`DataError::BarsSide`] for a side outside [`SIDES`].
    pub fn new(side: usize) -> Result<Self, DataError> {
        if SIDES.contains(&side) { Ok(Self { side }) } else { Err(DataError::BarsSide { side }) }
    }

    /// Number of distinct images, `2^(side+1) - 2`.
    pub fn n_patterns(&self) -> usize {
        (2 << self.side) - 2
    }

    /// All distinct images, `[n_patterns, side, side]` row-major: first the stripes, then the bars that are not stripes.
    pub fn patterns(&self) -> Vec<u8> {
        let n = self.side;
        let bit = |code: usize, k: usize| (code >> k & 1) as u8;
        let stripes = (0..1 << n).flat_map(|code| (0..n * n).map(move |i| bit(code, i / n)));
        let bars = (1..(1 << n) - 1).flat_map(|code| (0..n * n).map(move |i| bit(code, i % n)));
        stripes.chain(bars).collect()
    }
}

impl KnownDensity for BarsAndStripes {
    fn log_prob(&self, x: &[f32]) -> f64 {
        let n = self.side;
        assert_eq!(
            x.len(),
            n * n,
            "bars and stripes of side {n}: an example has {} values, not {}",
            x.len(),
            n * n
        );
        let binary = x.iter().all(|&x| x == 0.0 || x == 1.0);
        let stripes = x.chunks(n).all(|row| row.iter().all(|&x| x == row[0]));
        let bars = x.chunks(n).all(|row| row == &x[..n]);
        if binary && (stripes || bars) { -self.entropy() } else { f64::NEG_INFINITY }
    }

    fn entropy(&self) -> f64 {
        (self.n_patterns() as f64).ln()
    }
}

/// Bars and stripes in three parts. Each part contains all images equally often, so that its mean is the exact expectation.
/// The largest possible mean `log_prob` is minus the entropy. `valid` and `test` contain each image once. `train` has about
/// 3000 examples (each image 100 times for side 4).
///
/// # Errors
///
/// [`DataError::BarsSide`] for a side outside [`SIDES`].
pub fn bars_and_stripes(side: usize) -> Result<Splits, DataError> {
    const TRAIN: usize = 3000;
    let distribution = BarsAndStripes::new(side)?;
    let n = distribution.n_patterns();
    let copies = (TRAIN / n).max(1);
    let name = format!("bars-and-stripes-{side}x{side}");
    let train = Dataset::from_bytes_as(true, &name, distribution.patterns().repeat(copies), &[side, side])?;
    let once = train.rows(0..n);
    let known_density: Arc<dyn KnownDensity> = Arc::new(distribution);
    let division = Division::Published;
    Ok(Splits { train, valid: once.clone(), test: once, known_density: Some(known_density), division })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_distribution_is_that_of_the_patterns() {
        for side in [2, 3, 4] {
            let distribution = BarsAndStripes::new(side).unwrap();
            let width = side * side;
            let patterns: HashSet<Vec<u8>> =
                distribution.patterns().chunks(width).map(<[u8]>::to_vec).collect();
            assert_eq!(patterns.len(), distribution.n_patterns());
            let mut total = 0.0;
            for code in 0..1u32 << width {
                let x: Vec<u8> = (0..width).map(|i| (code >> i & 1) as u8).collect();
                let p = distribution.log_prob(&x.iter().map(|&x| f32::from(x)).collect::<Vec<_>>()).exp();
                assert_eq!(p > 0.0, patterns.contains(&x), "{x:?}");
                total += p;
            }
            assert!((total - 1.0).abs() < 1e-12);
        }
        assert!((BarsAndStripes::new(4).unwrap().entropy() - 30f64.ln()).abs() < 1e-15);
        assert_eq!(BarsAndStripes::new(2).unwrap().log_prob(&[0.5; 4]), f64::NEG_INFINITY);
    }

    #[test]
    fn each_part_holds_each_pattern_equally_often() {
        let splits = bars_and_stripes(4).unwrap();
        assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (3000, 30, 30));
        let mut counts = std::collections::HashMap::new();
        for i in 0..3000 {
            let row: Vec<u8> = splits.train.values(&[i]).iter().map(|&x| x as u8).collect();
            *counts.entry(row).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 30);
        assert!(counts.values().all(|&count| count == 100));
        assert!(splits.train.is_binary());
    }

    #[test]
    fn sides_out_of_range() {
        for side in [0, 1, 13] {
            let error = bars_and_stripes(side).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("bars-and-stripes of side {side}: the side must be from 2 to 12")
            );
        }
    }
}
