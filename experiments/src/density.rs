//! Metrics of a density of continuous variables on data.

use anyhow::Result;
use gibbs_core::{Estimate, Kind, preprocess::PreprocessorConfig};
use gibbs_data::{Dataset, Splits, bits_per_dim};

use crate::{
    cli::Part, columns::ColumnSettings, config::RunConfig, evaluation::Evaluation, look::Look,
    source::require_labels, usage::OrUsage, variational::SymmetrizedTarget,
};

/// How draws of a density of `width` variables are shown: as fields of its target, else as the data of the run.
pub fn look<M, T>(
    config: &RunConfig<M, T>,
    target: Option<&SymmetrizedTarget>,
    preprocessing: &PreprocessorConfig,
    width: usize,
) -> Look {
    let kind = if preprocessing.is_gray() { gibbs_data::Kind::Gray } else { gibbs_data::Kind::Real };
    target.map_or_else(|| config.look(width, kind), SymmetrizedTarget::look)
}

/// The data on which a density is measured, and what the metrics depend on.
pub struct Measured<'a> {
    /// The data.
    pub data: &'a Splits,
    /// Which part of them.
    pub part: Part,
    /// Number of variables of the model.
    pub n_visible: usize,
    /// Number of classes on which it is conditioned, 0 for none.
    pub n_classes: usize,
    /// Whether the values are dequantized grey levels.
    pub is_grey: bool,
    /// Whether the model learns their logits.
    pub is_logit: bool,
    /// `Σ ln step` of the discrete columns, where there are any.
    pub log_cell: Option<f64>,
}

/// Log-densities of examples, nats.
pub struct LogProbs {
    /// In the coordinates of the model.
    pub within: Vec<f64>,
    /// In the coordinates of the data.
    pub of_data: Vec<f64>,
    /// Exact, or unbiased. The error of the mean of unbiased estimates is found from their spread, which includes that of the
    /// examples.
    pub kind: Kind,
}

impl LogProbs {
    /// Adds those of further examples.
    pub fn extend(&mut self, other: Self) {
        self.within.extend(other.within);
        self.of_data.extend(other.of_data);
    }

    fn mean_of(&self, values: &[f64]) -> Estimate {
        match self.kind {
            Kind::Exact => Estimate::exact_mean(values),
            kind => Estimate::mean(values).with_kind(kind).over_examples(values),
        }
    }
}

impl<'a> Measured<'a> {
    /// A part of the data, for a model of `n_visible` variables and `n_classes` classes behind this preprocessing.
    pub fn new(
        data: &'a Splits,
        part: Part,
        n_visible: usize,
        n_classes: usize,
        preprocessing: &PreprocessorConfig,
        columns: &ColumnSettings,
    ) -> Self {
        let (is_grey, is_logit) = (preprocessing.is_gray(), preprocessing.is_logit());
        let log_cell = columns.has_discrete().then(|| columns.log_cell());
        Self { data, part, n_visible, n_classes, is_grey, is_logit, log_cell }
    }

    /// The sets that are measured.
    ///
    /// # Errors
    /// Data of another width, or without the labels that are needed.
    pub fn sets(&self) -> Result<Vec<&Dataset>> {
        let sets: Vec<&Dataset> = self.part.splits().iter().map(|split| self.data.get(*split)).collect();
        sets.iter().try_for_each(|set| set.require_width(self.n_visible)).or_usage()?;
        require_labels(sets.iter().copied(), self.n_classes, "model.n_classes")?;
        Ok(sets)
    }

    /// Log-density in the coordinates of the data, with that of the true distribution where it is known; bits for grey values.
    ///
    /// # Errors
    /// As [`sets`](Self::sets).
    pub fn metrics(&self, mut log_probs: LogProbs) -> Result<Evaluation> {
        let mut evaluation = Evaluation::default();
        match self.log_cell {
            None => evaluation.add("log_prob", &log_probs.mean_of(&log_probs.of_data), "nats"),
            // Over the draws of the noise, in expectation.
            Some(log_cell) => {
                log_probs.of_data.iter_mut().for_each(|log_prob| *log_prob += log_cell);
                let of_data = &log_probs.of_data;
                let bound = Estimate::mean(of_data).with_kind(Kind::LowerBound).over_examples(of_data);
                evaluation.add("log_prob", &bound, "nats");
                evaluation.note("log_prob", "bounds", "probability of discrete columns, density of others");
            }
        }
        evaluation.note("log_prob", "binarization", "none");
        if self.n_classes > 0 {
            let is_real = self.data.test.context_columns().len() == self.n_classes;
            evaluation.note("log_prob", "given", if is_real { "context" } else { "class" });
        }
        if let Some(known) = &self.data.known_density {
            let mut truth = Vec::new();
            for set in self.sets()? {
                let rows: Vec<usize> = (0..set.len()).collect();
                truth.extend(set.values(&rows).chunks(set.width()).map(|x| known.log_prob(x)));
            }
            evaluation.add_mean("log_prob_true", &truth, "nats");
        }
        if self.is_logit {
            evaluation.add("log_prob_logit", &log_probs.mean_of(&log_probs.within), "nats");
        }
        if self.is_grey {
            evaluation.note("log_prob", "coordinates", "values in [0, 1], dequantized");
            // The density of dequantized values bounds the probability of the grey ones, in expectation over the draws. The error is
            // that of a mean over examples.
            let bits: Vec<f64> =
                log_probs.of_data.iter().map(|log_prob| bits_per_dim(*log_prob, self.n_visible)).collect();
            let bits = Estimate::mean(&bits).with_kind(Kind::UpperBound).over_examples(&bits);
            evaluation.add("bits_per_dim", &bits, "bits");
        }
        evaluation.per_example = log_probs.of_data;
        Ok(evaluation)
    }
}
