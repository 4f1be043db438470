//! The step of columns whose values are multiples of one.

use serde::{Deserialize, Serialize};

/// Values `origin + k·step` with whole `k`.
///
/// ```
/// use gibbs_data::check::Grid;
///
/// let grid = Grid::of(&[0.5, 1.0, 2.5, 3.0]).unwrap();
/// assert_eq!(grid, Grid { origin: 0.0, step: 0.5 });
/// assert!(grid.holds(17.5) && !grid.holds(17.6));
/// assert_eq!(grid.floor(1.7), 1.5);
/// let roots: Vec<f64> = (1..40).map(|n| f64::from(n).sqrt()).collect();
/// assert!(Grid::of(&roots).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// The value of `k = 0`, from 0 to below a step.
    pub origin: f64,
    /// The distance of neighbors, above 0.
    pub step: f64,
}

/// The error of a difference of two values in f32, as a fraction of the larger one: each is rounded by at most 2^-24 of itself.
/// Twice that is allowed.
const ROUNDING: f64 = 4.0 / 16_777_216.0;

/// A step must be this many rounding errors long: shorter ones cannot be distinguished from noise.
const RESOLVED: f64 = 50.0;

/// How far from its place a value may be, as a part of the step.
const OFF: f64 = 0.01;

impl Grid {
    /// The widest grid that holds all of the ascending, distinct `values`, which were stored in f32. `None` for fewer than two, and
    /// for values without a common step.
    pub fn of(values: &[f64]) -> Option<Self> {
        let (first, last) = (*values.first()?, *values.last()?);
        let error = ROUNDING * first.abs().max(last.abs());
        let gaps = values.windows(2).map(|pair| pair[1] - pair[0]);
        let step = gaps.fold(0.0, |step, gap| greatest_common_divisor(gap, step, RESOLVED * error));
        if step <= RESOLVED * error {
            return None;
        }
        // The longest distance gives the most digits of the step; a decimal one is taken as written.
        let exact = (last - first) / ((last - first) / step).round();
        let decimal: f64 = format!("{exact:.4e}").parse().ok()?;
        [decimal, exact]
            .into_iter()
            .map(|step| Self::from(first, step, error))
            .find(|grid| values.iter().all(|&x| grid.distance(x) <= OFF * grid.step + error))
    }

    fn from(first: f64, step: f64, error: f64) -> Self {
        let origin = first - (first / step).floor() * step;
        let is_whole = origin.min(step - origin) <= OFF * step + error;
        Self { origin: if is_whole { 0.0 } else { origin }, step }
    }

    fn distance(&self, x: f64) -> f64 {
        let place = (x - self.origin) / self.step;
        (place - place.round()).abs() * self.step
    }

    /// Whether a value that was stored in f32 is one of the grid.
    pub fn holds(&self, x: f64) -> bool {
        self.distance(x) <= OFF * self.step + ROUNDING * x.abs()
    }

    /// The grid of values that are larger by `offset`.
    #[must_use]
    pub fn shifted(self, offset: f64) -> Self {
        if offset == 0.0 {
            self
        } else {
            Self::from(self.origin + offset, self.step, ROUNDING * offset.abs())
        }
    }

    /// The value of the grid at `x` or below it.
    pub fn floor(&self, x: f64) -> f64 {
        self.origin + ((x - self.origin) / self.step).floor() * self.step
    }
}

/// Euclid's algorithm on two lengths that are known up to an error.
fn greatest_common_divisor(mut a: f64, mut b: f64, error: f64) -> f64 {
    while b > error {
        (a, b) = (b, (a - b * (a / b).round()).abs());
    }
    a
}
