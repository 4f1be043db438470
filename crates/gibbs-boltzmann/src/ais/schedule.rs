//! Inverse temperatures of an annealing.

use std::cmp::Ordering;

use thiserror::Error;

/// Inverse temperatures that are no schedule.
#[derive(Debug, Error, PartialEq)]
#[error("a schedule must increase from 0 to 1 with at least 2 values; {0}")]
pub struct ScheduleError(String);

/// Inverse temperatures `0 = β_0 < … < β_K = 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct AisSchedule(Vec<f64>);

impl AisSchedule {
    /// A schedule of given inverse temperatures.
    ///
    /// # Errors
    /// If the values do not increase strictly from 0 to 1.
    pub fn new(betas: Vec<f64>) -> Result<Self, ScheduleError> {
        let ends = (betas.first().copied(), betas.last().copied());
        if betas.len() < 2 || ends != (Some(0.0), Some(1.0)) {
            return Err(ScheduleError(format!("{} values from {:?} to {:?}", betas.len(), ends.0, ends.1)));
        }
        match betas.windows(2).find(|pair| pair[0].partial_cmp(&pair[1]) != Some(Ordering::Less)) {
            Some(pair) => Err(ScheduleError(format!("{} follows {}", pair[1], pair[0]))),
            None => Ok(Self(betas)),
        }
    }

    /// A schedule of `intervals` equal steps.
    ///
    /// # Panics
    /// If `intervals` is zero.
    pub fn linear(intervals: usize) -> Self {
        assert!(intervals > 0, "a schedule needs at least one interval");
        Self((0..=intervals).map(|k| k as f64 / intervals as f64).collect())
    }

    /// The schedule of Salakhutdinov & Murray (2008), section 4.2, with its 14500 steps scaled to
    /// `intervals`: 500 of them up to β = 0.5, 4000 up to 0.9, 10000 up to 1.
    ///
    /// # Panics
    /// If `intervals` is below 29, so that a part would be empty.
    pub fn salakhutdinov_murray(intervals: usize) -> Self {
        assert!(intervals >= 29, "the three parts need at least 29 intervals, not {intervals}");
        let first = intervals / 29;
        let second = intervals * 8 / 29;
        let parts = [(0.0, 0.5, first), (0.5, 0.9, second), (0.9, 1.0, intervals - first - second)];
        let mut betas: Vec<f64> = parts
            .iter()
            .flat_map(|&(from, to, n)| (0..n).map(move |k| from + (to - from) * k as f64 / n as f64))
            .collect();
        betas.push(1.0);
        Self(betas)
    }

    /// The inverse temperatures.
    pub fn betas(&self) -> &[f64] {
        &self.0
    }

    /// Number of steps between temperatures.
    pub fn intervals(&self) -> usize {
        self.0.len() - 1
    }
}
