//! Validation by log-probabilities, and which weights of a run are kept.

use std::{cell::Cell, rc::Rc};

use burn::module::ModuleDisplay;
use gibbs_core::preprocess::Preprocessed;
use gibbs_flow::gain_less_error;
use gibbs_train::weights::WeightsError;

use crate::{prelude::*, preprocessed};

/// The validation of a model by lower bounds of the mean log-likelihood of the validation examples and of as many training examples.
pub fn of_bounds([valid, train]: [f64; 2]) -> Validation {
    let metrics = Metrics::new().with("valid_log_prob_bound", valid).with("train_log_prob_bound", train);
    Validation { metrics, score: Some(valid) }
}

/// How the weights of a run are selected by log-densities of validation examples.
#[derive(Clone)]
pub struct Selection(Option<Rc<Start>>);

/// A model before its first step.
struct Start {
    log_probs: Vec<f64>,
    weights: Vec<u8>,
    /// Whether the model of the last validation is better.
    is_beaten: Cell<bool>,
}

impl Selection {
    /// The best mean.
    pub fn by_mean() -> Self {
        Self(None)
    }

    /// The best mean less the standard error of its gain over the start, where that is a gain; else the start. The best of many
    /// validations on few examples is often one by chance.
    pub fn from_start(log_probs: Vec<f64>, weights: Vec<u8>) -> Self {
        Self(Some(Rc::new(Start { log_probs, weights, is_beaten: Cell::new(true) })))
    }

    /// The validation of a model by the log-densities of the validation examples and of as many training examples.
    ///
    /// # Errors
    /// Those of `log_probs`.
    pub fn validation<E>(
        &self,
        [valid, like_valid]: [&Dataset; 2],
        log_probs: impl Fn(&Dataset) -> Result<Vec<f64>, E>,
    ) -> Result<Validation, E> {
        let train_log_prob = mean(&log_probs(like_valid)?);
        Ok(self.of_log_probs(&log_probs(valid)?, train_log_prob))
    }

    fn of_log_probs(&self, log_probs: &[f64], train_log_prob: f64) -> Validation {
        let valid = mean(log_probs);
        let metrics = Metrics::new().with("valid_log_prob", valid).with("train_log_prob", train_log_prob);
        let Some(start) = &self.0 else { return Validation { metrics, score: Some(valid) } };
        let (before, gain) = (mean(&start.log_probs), gain_less_error(log_probs, &start.log_probs));
        // The error of a single example is not known.
        let gain = if log_probs.len() > 1 { gain } else { valid - before };
        start.is_beaten.set(gain > 0.0);
        let score = if valid.is_finite() { before + gain.max(0.0) } else { valid };
        Validation { metrics: metrics.with("valid_log_prob_less_error", score), score: Some(score) }
    }

    /// The weights to keep: those of the model, or of the start if the last validation found it better.
    ///
    /// # Errors
    /// Those of the format.
    pub fn weights<M: Module + ModuleDisplay>(
        &self,
        model: &Preprocessed<M>,
    ) -> Result<Vec<u8>, WeightsError> {
        match &self.0 {
            Some(start) if !start.is_beaten.get() => Ok(start.weights.clone()),
            _ => preprocessed::to_bytes(model),
        }
    }
}

#[cfg(test)]
mod tests {
    use gibbs_core::preprocess::PreprocessorConfig;
    use gibbs_flow::{Flow, FlowFamilyConfig, FlowKind};

    use super::*;

    fn flow() -> Preprocessed<Flow> {
        let config = FlowFamilyConfig::of_data(FlowKind::SplineMaf, 2, 0, None).flow().unwrap();
        let model = config.init(&Device::default(), &mut Noise::new(0, "init")).unwrap();
        Preprocessed { preprocessor: PreprocessorConfig::Identity.init(2).unwrap(), model }
    }

    #[test]
    fn a_start_that_is_not_beaten_beyond_the_error_is_kept() {
        let start = [-1.0, -2.0, -3.0, -4.0];
        let selection = Selection::from_start(start.to_vec(), vec![7]);
        let score = |gains: [f64; 4]| {
            let values: Vec<f64> = start.iter().zip(gains).map(|(start, gain)| start + gain).collect();
            selection.of_log_probs(&values, 0.0).score.unwrap()
        };
        // Gains of mean 1 and standard deviation 2.3, which is an error of 1.2; and of mean -1.
        for gains in [[3.0, -1.0, 3.0, -1.0], [-1.0; 4]] {
            assert_eq!(score(gains), -2.5);
            assert_eq!(selection.weights(&flow()).unwrap(), [7]);
        }
        assert!((score([1.0; 4]) + 1.5).abs() < 1e-12);
        assert_ne!(selection.weights(&flow()).unwrap(), [7]);
        assert!(score([f64::NAN; 4]).is_nan());
        let by_mean = Selection::by_mean().of_log_probs(&start, 0.0);
        assert_eq!(by_mean.score, Some(-2.5));
    }
}
