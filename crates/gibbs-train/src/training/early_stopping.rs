//! Early stopping: a run ends when its validation score no longer improves.

use serde::{Deserialize, Serialize};

/// Counts validations without improvement. A higher score is better.
///
/// ```
/// use gibbs_train::training::EarlyStopping;
///
/// let mut stopping = EarlyStopping::new(Some(2), 20, 0.0);
/// assert!(stopping.observe(-90.0, 10));
/// assert!(!stopping.observe(-91.0, 20));
/// assert!(!stopping.is_exhausted());
/// assert!(!stopping.observe(-90.0, 30));
/// assert!(stopping.is_exhausted());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    patience: Option<usize>,
    #[serde(default)]
    patience_steps: usize,
    min_delta: f64,
    best: Option<f64>,
    since_best: usize,
    #[serde(default)]
    steps: Steps,
}

/// Steps done at the best validation and at the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Steps {
    best: usize,
    last: usize,
}

impl EarlyStopping {
    /// Stops after `patience` validations in a row, over at least `patience_steps` steps, whose score is at most `min_delta`
    /// above the best one. With `None` it never stops.
    pub fn new(patience: Option<usize>, patience_steps: usize, min_delta: f64) -> Self {
        Self { patience, patience_steps, min_delta, best: None, since_best: 0, steps: Steps::default() }
    }

    /// Counts the score of a validation after `step` steps, and returns whether it is the best so far. A NaN or an infinity is
    /// never the best.
    pub fn observe(&mut self, score: f64, step: usize) -> bool {
        let is_better = score.is_finite() && self.best.is_none_or(|best| score > best + self.min_delta);
        self.steps.last = step;
        if is_better {
            self.best = Some(score);
            self.since_best = 0;
            self.steps.best = step;
        } else {
            self.since_best += 1;
        }
        is_better
    }

    /// Whether the run has to stop.
    pub fn is_exhausted(&self) -> bool {
        let steps = self.steps.last - self.steps.best;
        self.patience.is_some_and(|patience| self.since_best >= patience.max(1))
            && steps >= self.patience_steps
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
    pub fn with_limits(self, patience: Option<usize>, patience_steps: usize, min_delta: f64) -> Self {
        Self { patience, patience_steps, min_delta, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops_at(scores: &[f64], patience: Option<usize>, min_delta: f64) -> Option<usize> {
        let mut stopping = EarlyStopping::new(patience, 0, min_delta);
        (0..scores.len()).find(|&k| {
            stopping.observe(scores[k], k);
            stopping.is_exhausted()
        })
    }

    #[test]
    fn it_waits_for_the_least_number_of_steps() {
        for (patience_steps, expected) in [(0, 8), (4, 8), (5, 10), (12, 16)] {
            let mut stopping = EarlyStopping::new(Some(2), patience_steps, 0.0);
            let ends = (2..).step_by(2).find(|&step| {
                stopping.observe(if step == 4 { 1.0 } else { 0.0 }, step);
                stopping.is_exhausted()
            });
            assert_eq!(ends, Some(expected), "{patience_steps}");
        }
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
        let mut stopping = EarlyStopping::new(Some(2), 0, 0.0);
        assert!(!stopping.observe(f64::NAN, 1));
        assert_eq!(stopping.best(), None);
        assert!(stopping.observe(-1e300, 2));
        assert!(!stopping.observe(f64::NAN, 3));
        assert!(!stopping.observe(f64::INFINITY, 4));
        assert_eq!((stopping.best(), stopping.since_best()), (Some(-1e300), 2));
    }
}
