//! From intervals and half-lines to the real line, column by column.
//!
//! ```text
//! [a, b]    z = ln(x - a) - ln(b - x)    ln ∂z/∂x = ln(b - a) - ln(x - a) - ln(b - x)
//! [a, ∞)    z = ln(x - a)                ln ∂z/∂x = -ln(x - a)
//! (-∞, b]   z = -ln(b - x)               ln ∂z/∂x = -ln(b - x)
//! no bound  z = x                        ln ∂z/∂x = 0
//! ```
//!
//! References: Stan Reference Manual, chapter "Constraint transforms".
//!
//! Differences from the manual: upper bounds have `z = -ln(b - x)`, which increases with `x`.

use burn::{module::Module, prelude::*};
use gibbs_backend::{log_sigmoid, sigmoid};

use super::maps::row;
use crate::{Bijection, ConfigError, math::row_sums};

/// The bounds of each column.
#[derive(Module, Debug)]
pub struct Bounds {
    #[module(skip)]
    low: Vec<Option<f64>>,
    #[module(skip)]
    high: Vec<Option<f64>>,
}

impl Bounds {
    /// The lower and upper bounds of `width` columns; `None` for a column without one.
    ///
    /// # Errors
    /// Unless both lists have `width` entries, all bounds are finite, and each lower one is below the upper one.
    pub fn new(width: usize, low: &[Option<f64>], high: &[Option<f64>]) -> Result<Self, ConfigError> {
        for (field, ends) in [("low", low), ("high", high)] {
            let holds = ends.len() == width && ends.iter().flatten().all(|x| x.is_finite());
            let reason = format!("must be {width} finite numbers or null");
            ConfigError::require(holds, field, format!("{ends:?}"), reason)?;
        }
        let bounds = Self { low: low.to_vec(), high: high.to_vec() };
        let holds = bounds.intervals().all(|length| length > 0.0);
        ConfigError::require(holds, "low", format!("{low:?}"), format!("must be below high = {high:?}"))?;
        Ok(bounds)
    }

    /// The lengths of the intervals, of the columns with two bounds.
    fn intervals(&self) -> impl Iterator<Item = f64> {
        self.low.iter().zip(&self.high).filter_map(|(low, high)| Some((*high)? - (*low)?))
    }

    /// A row with a number for each column, which depends on its bounds.
    fn row(&self, like: &Tensor<2>, f: impl Fn(Option<f64>, Option<f64>) -> f64) -> Tensor<2> {
        row(&self.low.iter().zip(&self.high).map(|(low, high)| f(*low, *high)).collect::<Vec<_>>(), like)
    }

    /// `Σ ln(b - a)`.
    fn log_intervals(&self) -> f64 {
        self.intervals().map(f64::ln).sum()
    }
}

/// `z` of a single `x`, which lies between its bounds.
pub(super) fn unbounded(x: f64, low: Option<f64>, high: Option<f64>) -> f64 {
    match (low, high) {
        (None, None) => x,
        _ => low.map_or(0.0, |low| (x - low).ln()) - high.map_or(0.0, |high| (high - x).ln()),
    }
}

fn indicator(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

impl Bijection for Bounds {
    /// A row with a value on a bound or beyond it has the log-determinant -∞.
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        // Distances from the bounds, 1 in columns without them.
        let from_low = self.row(&x, |low, _| indicator(low.is_some())) * x.clone()
            + self.row(&x, |low, _| low.map_or(1.0, |low| -low));
        let to_high = self.row(&x, |_, high| high.map_or(1.0, |high| high))
            - self.row(&x, |_, high| indicator(high.is_some())) * x.clone();
        let outside = from_low.clone().lower_equal_elem(0.0).bool_or(to_high.clone().lower_equal_elem(0.0));
        // The least normal f32: its logarithm is finite in f32 and f64.
        let log = |distance: Tensor<2>| distance.clamp_min(f64::from(f32::MIN_POSITIVE)).log();
        let (log_low, log_high) = (log(from_low), log(to_high));
        let free = self.row(&x, |low, high| indicator(low.is_none() && high.is_none())) * x;
        let volumes = (log_low.clone() + log_high.clone()).mask_fill(outside, f64::INFINITY);
        (free + log_low - log_high, row_sums(volumes).neg() + self.log_intervals())
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let of = |f: fn(bool, bool) -> bool| self.row(&z, |a, b| indicator(f(a.is_some(), b.is_some())));
        let (half, other_half) = (of(|low, high| low && !high), of(|low, high| high && !low));
        let (interval, free) = (of(|low, high| low && high), of(|low, high| !low && !high));
        let end = self.row(&z, |low, high| low.or(high).unwrap_or(0.0));
        let length = self.row(&z, |low, high| low.zip(high).map_or(0.0, |(low, high)| high - low));
        let (up, down) = (z.clone() * half.clone(), z.clone() * other_half.clone());
        let x = end + z.clone() * free + up.clone().exp() * half - down.clone().neg().exp() * other_half
            + sigmoid(z.clone()) * length;
        let of_intervals = (log_sigmoid(z.clone()) + log_sigmoid(-z)) * interval;
        (x, row_sums(up - down + of_intervals) + self.log_intervals())
    }
}
