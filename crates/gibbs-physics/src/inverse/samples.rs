//! Configurations to learn from.

use gibbs_core::ConfigError;

use super::Moments;
use crate::PhysicsError;

/// Different configurations of spins ±1, each with its share of all samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    n_spins: usize,
    n_samples: usize,
    /// `[distinct, n]`, in ascending order.
    spins: Vec<i8>,
    /// `[distinct]`, with sum 1.
    weights: Vec<f64>,
}

impl Samples {
    /// Samples `[n, n_spins]`, row by row; equal ones are merged.
    ///
    /// # Errors
    /// If there are no spins or samples, the rows are not whole, or a value is not ±1.
    pub fn new(spins: &[i8], n_spins: usize) -> Result<Self, PhysicsError> {
        let share = spins.len().checked_div(n_spins).map_or(0.0, |n| 1.0 / n as f64);
        Self::weighted(spins, n_spins, |_| share)
    }

    /// Configurations `[n, n_spins]`, row by row, row `k` with the weight `weight(k)`: a distribution instead of samples. The weights are
    /// normalized.
    ///
    /// # Errors
    /// If there are no spins or samples, the rows are not whole, a value is not ±1, or the weights are negative, not finite
    /// or all zero.
    pub fn weighted(
        spins: &[i8],
        n_spins: usize,
        weight: impl Fn(usize) -> f64,
    ) -> Result<Self, PhysicsError> {
        if n_spins == 0 {
            return Err(PhysicsError::NoSpins);
        }
        if spins.is_empty() {
            return Err(PhysicsError::NoSamples);
        }
        if !spins.len().is_multiple_of(n_spins) {
            return Err(PhysicsError::Invalid(format!(
                "{entries} values are no whole number of samples of {n_spins} spins",
                entries = spins.len()
            )));
        }
        if let Some(at) = spins.iter().position(|s| s.abs() != 1) {
            return Err(PhysicsError::Invalid(format!(
                "spin {spin} of sample {sample} is {value}; samples are made of -1 and +1",
                sample = at / n_spins,
                spin = at % n_spins,
                value = spins[at]
            )));
        }
        let mut rows: Vec<(&[i8], f64)> =
            spins.chunks(n_spins).enumerate().map(|(k, row)| (row, weight(k))).collect();
        let total: f64 = rows.iter().map(|row| row.1).sum();
        let bad = rows.iter().map(|row| row.1).find(|w| !w.is_finite() || *w < 0.0);
        if let Some(value) = bad.or(Some(total).filter(|total| *total <= 0.0)) {
            let reason = "must be finite, at least 0, and not all 0";
            return Err(ConfigError::new("weight", value, reason).into());
        }
        let n_samples = rows.len();
        rows.sort_unstable_by_key(|row| row.0);
        let mut merged = Self { n_spins, n_samples, spins: Vec::new(), weights: Vec::new() };
        for equal in rows.chunk_by(|a, b| a.0 == b.0) {
            merged.spins.extend(equal[0].0);
            merged.weights.push(equal.iter().map(|row| row.1).sum::<f64>() / total);
        }
        Ok(merged)
    }

    /// Spins of a configuration.
    pub fn n_spins(&self) -> usize {
        self.n_spins
    }

    /// Samples, equal ones counted each.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Different samples.
    pub fn distinct(&self) -> usize {
        self.weights.len()
    }

    /// The different samples, each with its share.
    pub fn iter(&self) -> impl Iterator<Item = (&[i8], f64)> {
        self.spins.chunks(self.n_spins).zip(self.weights.iter().copied())
    }

    /// Means and correlations.
    pub fn moments(&self) -> Moments {
        let n = self.n_spins;
        let (mut means, mut correlations) = (vec![0.0; n], vec![0.0; n * n]);
        for (spins, weight) in self.iter() {
            for i in 0..n {
                let signed = weight * f64::from(spins[i]);
                means[i] += signed;
                for (sum, s) in correlations[i * n..i * n + i].iter_mut().zip(spins) {
                    *sum += signed * f64::from(*s);
                }
            }
        }
        for i in 0..n {
            correlations[i * n + i] = 1.0;
            for j in 0..i {
                correlations[j * n + i] = correlations[i * n + j];
            }
        }
        Moments { means, correlations, distinct: self.distinct() }
    }
}
