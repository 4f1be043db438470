//! The figures of a model with a density of continuous variables.

use anyhow::Result;
use gibbs_core::{Estimate, Kind};
use gibbs_data::{Dataset, Splits, bits_per_dim};

use crate::{
    cli::Part,
    coordinates::{Coordinates, require_labels},
    evaluation::{Evaluation, mean},
};

/// What the figures depend on beside the densities.
pub struct Measured<'a> {
    /// The data.
    pub data: &'a Splits,
    /// Which part of them.
    pub part: Part,
    /// Number of variables of the model.
    pub n_variables: usize,
    /// Classes on which it is conditioned, 0 for none.
    pub n_classes: usize,
    /// What it is a law of.
    pub coordinates: Option<Coordinates>,
}

/// Log-densities of examples in the coordinates of the model and of the data, nats, and what they are.
pub struct LogProbs {
    /// In those of the model.
    pub within: Vec<f64>,
    /// In those of the data.
    pub of_data: Vec<f64>,
    /// Exact or unbiased.
    kind: Kind,
}

impl LogProbs {
    /// Exact ones, in both coordinates.
    pub fn exact((within, of_data): (Vec<f64>, Vec<f64>)) -> Self {
        Self { within, of_data, kind: Kind::Exact }
    }

    /// Unbiased estimates, in both coordinates. The error of their mean is found from their spread, which has that of the examples in
    /// it.
    pub fn unbiased((within, of_data): (Vec<f64>, Vec<f64>)) -> Self {
        Self { within, of_data, kind: Kind::Unbiased }
    }

    fn mean_of(&self, values: &[f64]) -> Estimate {
        match self.kind {
            Kind::Exact => Estimate::exact(mean(values)),
            kind => Estimate::mean(values).with_kind(kind),
        }
    }
}

impl Measured<'_> {
    /// The sets that are measured.
    ///
    /// # Errors
    /// Data of another width, or without the labels that are needed.
    pub fn sets(&self) -> Result<Vec<&Dataset>> {
        let sets: Vec<&Dataset> = self.part.splits().iter().map(|split| self.data.get(*split)).collect();
        for set in &sets {
            set.require_width(self.n_variables)?;
            require_labels(set, self.n_classes)?;
        }
        Ok(sets)
    }

    /// Log-density in the coordinates of the data, beside that of their law where it is known; bits for grey values.
    ///
    /// # Errors
    /// As [`sets`](Self::sets).
    pub fn figures(&self, log_probs: LogProbs) -> Result<Evaluation> {
        let mut of_law = Vec::new();
        if let Some(law) = &self.data.known_density {
            for set in self.sets()? {
                let rows: Vec<usize> = (0..set.len()).collect();
                of_law.extend(set.values(&rows).chunks(set.width()).map(|x| law.log_prob(x)));
            }
        }
        let mut evaluation = Evaluation::default();
        evaluation.add("log_prob", &log_probs.mean_of(&log_probs.of_data), "nats");
        evaluation.note("log_prob", "binarization", "none");
        if self.n_classes > 0 {
            evaluation.note("log_prob", "given", "class");
        }
        if !of_law.is_empty() {
            evaluation.add("log_prob_law", &Estimate::exact(mean(&of_law)), "nats");
        }
        if self.coordinates == Some(Coordinates::Logit) {
            evaluation.add("log_prob_logit", &log_probs.mean_of(&log_probs.within), "nats");
        }
        if self.coordinates.is_some_and(Coordinates::are_grey) {
            evaluation.note("log_prob", "coordinates", "values in [0, 1], dequantized");
            // The density of dequantized values bounds the probability of the grey ones, in expectation over the draws. The error is
            // that of a mean over examples.
            let bits: Vec<f64> =
                log_probs.of_data.iter().map(|log_prob| bits_per_dim(*log_prob, self.n_variables)).collect();
            evaluation.add("bits_per_dim", &Estimate::mean(&bits).with_kind(Kind::UpperBound), "bits");
        }
        evaluation.per_example = log_probs.of_data;
        Ok(evaluation)
    }
}
