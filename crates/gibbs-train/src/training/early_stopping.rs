//! Early stopping: a run ends when its validation score no longer improves.

use serde::{Deserialize, Serialize};

/// Counts validations without improvement. A higher score is better.
///
/// ```
/// use gibbs_train::training::EarlyStopping;
///
/// let mut stopping = EarlyStopping::new(Some(2), 0.0);
/// assert!(stopping.observe(-90.0));
/// assert!(!stopping.observe(-91.0));
/// assert!(!stopping.is_exhausted());
/// assert!(!stopping.observe(-90.0));
/// assert!(stopping.is_exhausted());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    patience: Option<usize>,
    min_delta: f64,
    best: Option<f64>,
    since_best: usize,
}

impl EarlyStopping {
    /// Stops after `patience` validations in a row whose score is at most `min_delta` above the best one. With `None` it
    /// never stops.
    pub fn new(patience: Option<usize>, min_delta: f64) -> Self {
        Self { patience, min_delta, best: None, since_best: 0 }
    }

    /// Counts a score and returns whether it is the best so far. A NaN or an infinity is never the best.
    pub fn observe(&mut self, score: f64) -> bool {
        let is_better = score.is_finite() && self.best.is_none_or(|best| score > best + self.min_delta);
        if is_better {
            self.best = Some(score);
            self.since_best = 0;
        } else {
            self.since_best += 1;
        }
        is_better
    }

    /// Whether the run has to stop.
    pub fn is_exhausted(&self) -> bool {
        self.patience.is_some_and(|patience| self.since_best >= patience.max(1))
    }

    /// The best score so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    /// Number of validations since the best one.
    pub fn since_best(&self) -> usize {
        self.since_best
    }

    /// Returns the same counts with other limits.
    #[must_use]
    pub fn with_limits(mut self, patience: Option<usize>, min_delta: f64) -> Self {
        (self.patience, self.min_delta) = (patience, min_delta);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops_at(scores: &[f64], patience: Option<usize>, min_delta: f64) -> Option<usize> {
        let mut stopping = EarlyStopping::new(patience, min_delta);
        scores.iter().position(|score| {
            stopping.observe(*score);
            stopping.is_exhausted()
        })
    }

    #[test]
    fn patience_counts_validations_since_the_best() {
        let scores = [1.0, 2.0, 1.5, 1.9, 2.1, 2.0, 2.1, 1.0];
        assert_eq!(stops_at(&scores, Some(1), 0.0), Some(2));
        assert_eq!(stops_at(&scores, Some(2), 0.0), Some(3));
        assert_eq!(stops_at(&scores, Some(3), 0.0), Some(7));
        assert_eq!(stops_at(&scores, Some(4), 0.0), None);
        assert_eq!(stops_at(&scores, None, 0.0), None);
    }

    #[test]
    fn improvements_below_the_minimum_do_not_count() {
        assert_eq!(stops_at(&[1.0, 1.05, 1.09, 1.2], Some(2), 0.1), Some(2));
        assert_eq!(stops_at(&[1.0, 1.05, 1.2, 1.2], Some(2), 0.1), None);
    }

    #[test]
    fn a_nan_is_never_the_best() {
        let mut stopping = EarlyStopping::new(Some(2), 0.0);
        assert!(!stopping.observe(f64::NAN));
        assert_eq!(stopping.best(), None);
        assert!(stopping.observe(-1e300));
        assert!(!stopping.observe(f64::NAN));
        assert!(!stopping.observe(f64::INFINITY));
        assert_eq!((stopping.best(), stopping.since_best()), (Some(-1e300), 2));
    }
}
