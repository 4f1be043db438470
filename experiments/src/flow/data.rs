//! Flows on data: their training, and the metrics of their densities.

use gibbs_core::Kind;
use gibbs_data::bits_per_dim;

use super::{Flow, FlowExperiment, FlowFamily, FlowRun};
use crate::{
    prelude::*,
    preprocessed::{self, with_classes},
    source::{head, require_labels, rows},
    usage::of_step,
    validation::Selection,
};

/// A flow in training on data by an objective. A flow with a base keeps its start if no validation is better.
///
/// # Errors
/// Settings that are out of range, or an equation that cannot be solved.
pub fn learner<'a, F: FlowFamily>(
    config: &'a FlowRun<F>,
    model: Flow<F>,
    objective: impl Objective<Flow<F>> + 'a,
    data: &'a Splits,
    device: &Device,
) -> Task<'a> {
    let (train, seed, n_context) = (&config.train, config.seed, model.n_context());
    let batches = DataBatches::new(data.train.clone(), train.batch_size, seed, device, move |batch| {
        with_classes(batch, n_context)
    });
    let valid = head(&data.valid, F::VALIDATED);
    let (like_valid, log_cell) = (head(&data.train, valid.len()), config.density().log_cell());
    let device = device.clone();
    let log_probs = {
        let device = device.clone();
        move |model: &Flow<F>, set: &Dataset| -> Result<Vec<f64>, BoxError> {
            let log_probs = F::log_probs(config, model, set, &device)?;
            Ok(by_weights(set, log_probs.into_iter().map(|log_prob| log_prob + log_cell).collect()))
        }
    };
    let selection = match config.model.base {
        Some(_) => {
            let start = log_probs(&model, &valid).map_err(of_step)?;
            Selection::from_start(start, preprocessed::to_bytes(&model)?)
        }
        None => Selection::by_mean(),
    };
    let kept = selection.clone();
    let learner = Learner::new(model, objective, &train.learner, StepNoise::each_step(seed, "step"))
        .or_usage_at("train")?
        .on_batches(batches.or_usage()?)
        .validate(move |model, at| {
            if let Some(loss) = F::validation_loss(config, model, &valid, &device) {
                let metrics = Metrics::new().with("valid_loss", loss);
                return Ok(Some(Validation { metrics, score: Some(-loss) }));
            }
            let is_measured = F::is_measured_at(config, at);
            is_measured
                .then(|| selection.validation([&valid, &like_valid], |set| log_probs(model, set)))
                .transpose()
        })
        .export(move |model| Ok(kept.weights(model)?))
        .import(|model, bytes| Ok(preprocessed::from_bytes(model, bytes)?));
    Ok(Box::new(learner))
}

/// Log-densities of examples, nats.
#[derive(Default)]
pub struct LogProbs {
    /// In the coordinates of the flow.
    pub within: Vec<f64>,
    /// In the coordinates of the data.
    pub of_data: Vec<f64>,
}

impl LogProbs {
    /// Adds those of further examples.
    pub fn extend(&mut self, other: Self) {
        self.within.extend(other.within);
        self.of_data.extend(other.of_data);
    }
}

/// The metrics of log-densities: in the coordinates of the data, with that of the true distribution where it is known; bits for
/// gray values. `log_probs` gives those of a set: exact, or unbiased. The error of the mean of unbiased estimates is found from
/// their spread, which includes that of the examples.
///
/// # Errors
/// Data of another width, or without the labels that are needed.
pub fn measure<F: FlowFamily>(
    flow: &FlowExperiment<F>,
    data: &Splits,
    sets: &[&Dataset],
    kind: Kind,
    mut log_probs: impl FnMut(&Dataset) -> Result<LogProbs>,
) -> Result<Evaluation> {
    let (n_visible, n_context) = (flow.n_visible(), flow.model.n_context());
    sets.iter().try_for_each(|set| set.require_width(n_visible)).or_usage()?;
    require_labels(sets.iter().copied(), n_context, "model.n_classes")?;
    let mut all = LogProbs::default();
    for set in sets {
        all.extend(log_probs(set)?);
    }
    let preprocessing = &flow.config.model.preprocessing;
    let mut evaluation = Evaluation::default();
    evaluation.add_log_prob(all.of_data, kind, &flow.config.density());
    evaluation.note("log_prob", "binarization", "none");
    if n_context > 0 {
        let is_real = data.test.context_columns().len() == n_context;
        evaluation.note("log_prob", "given", if is_real { "context" } else { "class" });
    }
    if let Some(known) = &data.known_density {
        let of_set = |set: &&Dataset| {
            let values = set.values(&rows(set));
            values.chunks(set.width()).map(|x| known.log_prob(x)).collect::<Vec<f64>>()
        };
        evaluation.add_mean("log_prob_true", &sets.iter().flat_map(of_set).collect::<Vec<_>>(), "nats");
    }
    if preprocessing.is_logit() {
        evaluation.add_mean_of("log_prob_logit", kind, &all.within, "nats");
    }
    if preprocessing.is_gray() {
        evaluation.note("log_prob", "coordinates", "values in [0, 1], dequantized");
        // The density of dequantized values bounds the probability of the gray ones, in expectation over the draws. The error is
        // that of a mean over examples.
        let bits = evaluation.per_example.iter().map(|log_prob| bits_per_dim(*log_prob, n_visible));
        let bits: Vec<f64> = bits.collect();
        evaluation.add_mean_of("bits_per_dim", Kind::UpperBound, &bits, "bits");
    }
    Ok(evaluation)
}
