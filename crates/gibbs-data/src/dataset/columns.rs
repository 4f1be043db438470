//! The columns of a table: their labels, and noise for columns of discrete values.

use super::Dataset;
use crate::storage::{Rule, Storage};

impl Dataset {
    /// The same examples with uniform noise on some columns: `x + step·u` with `u` uniform on `(0, 1)`, with new draws in each epoch;
    /// 0 for columns without. A density of columns whose values are multiples of a step can then not concentrate on these values.
    /// Its mean logarithm, plus `Σ ln step`, is a lower bound of the log-probability of the discrete values (Theis, van den Oord and
    /// Bethge, *A note on the evaluation of generative models*, ICLR 2016, arXiv:1511.01844).
    ///
    /// # Panics
    ///
    /// If the number of steps is not the width of an example, or a step is negative or not finite.
    #[must_use]
    pub fn with_noise(mut self, steps: &[f64], seed: u64) -> Self {
        assert_eq!(steps.len(), self.width(), "steps of the columns of `{}`", self.name);
        assert!(steps.iter().all(|step| *step >= 0.0 && step.is_finite()), "steps {steps:?}");
        self.rule = Rule::Spread { seed, steps: steps.iter().map(|&step| step as f32).collect() };
        self
    }

    /// Whether the examples are gray values, which are stored as bytes.
    pub fn is_gray(&self) -> bool {
        matches!(self.values, Storage::Gray(_))
    }

    /// The name of value `k` of an example, or its number from 0.
    pub fn column_label(&self, k: usize) -> String {
        self.columns().and_then(|columns| columns.get(k).cloned()).unwrap_or_else(|| k.to_string())
    }

    /// The column of this name, or of this number where columns have no names.
    pub fn column_at(&self, label: &str) -> Option<usize> {
        match self.columns() {
            Some(columns) => columns.iter().position(|column| column == label),
            None => label.parse().ok().filter(|&k| k < self.width()),
        }
    }
}
