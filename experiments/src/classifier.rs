//! Fine-tuning of a stack of Boltzmann machines as a classifier: the last stage of a run, by the cross-entropy of labels.

use gibbs_boltzmann::ClassifierCrossEntropy;
use gibbs_core::nn::Mlp;
use gibbs_train::learner::BatchSource;

use crate::{prelude::*, source::require_labels};

/// Fine-tuning of a feed-forward network that starts from the stack, by the cross-entropy of labels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClassifierTrain {
    /// Epochs; 0 for no classifier.
    pub epochs: usize,
    /// Number of classes.
    pub n_classes: usize,
    /// Training examples whose labels are used, in equal parts of each class; `null` for all. The layers learn from all examples in any
    /// case. An epoch repeats the labeled ones until it has as many steps as with all.
    pub n_labels: Option<usize>,
    /// Fraction of the hidden units that is dropped in each step, in \[0, 1).
    pub dropout: f64,
    /// Fraction of the inputs that is dropped in each step, in \[0, 1).
    pub input_dropout: f64,
    /// Learning rate, optimizer, average of the weights, clipping.
    #[serde(flatten)]
    pub learner: LearnerConfig,
}

impl ClassifierTrain {
    /// The settings of all presets.
    pub fn new(epochs: usize, n_classes: usize) -> Self {
        Self {
            epochs,
            n_classes,
            n_labels: None,
            dropout: 0.4,
            input_dropout: 0.2,
            learner: LearnerConfig {
                average: AverageConfig { decay: 0.99, every: 10 },
                ..LearnerConfig::adam(Schedule::cosine(1e-3, 0.0))
            },
        }
    }

    /// Whether the settings suit these sets, the training one first, and a stack that itself learns labels of `own_classes`.
    ///
    /// # Errors
    /// The first setting that does not.
    pub fn validate(&self, sets: [&Dataset; 3], own_classes: usize) -> Result<()> {
        if self.epochs > 0 {
            require_labels(sets, self.n_classes.max(1), "train.classifier.epochs")?;
            ConfigError::at_least("n_classes", self.n_classes, 1).or_usage_at("train.classifier")?;
        }
        if let Some(n) = self.n_labels {
            let (least, most) = (self.n_classes, sets[0].len());
            require!(
                (least..=most).contains(&n) && n > 0,
                "train.classifier.n_labels = {n}: give a number from {least}, one of each class, to {most}, the training examples"
            );
            require!(
                own_classes == 0 && self.epochs > 0,
                "train.classifier.n_labels = {n}: this is for a classifier (train.classifier.epochs) of layers without labels of their \
                 own (model.n_classes = 0)"
            );
        }
        ConfigError::fraction("dropout", self.dropout)
            .and_then(|()| ConfigError::fraction("input_dropout", self.input_dropout))
            .and_then(|()| self.learner.validate())
            .or_usage_at("train.classifier")
    }

    /// The training examples whose labels are used, if not all are.
    pub fn labeled(&self, train: &Dataset) -> Option<Vec<usize>> {
        self.n_labels.map(|n| train.balanced_rows(n))
    }

    /// The network `start` in training. `measure` gives its errors on the validation examples in percent, and its cross-entropy in nats.
    ///
    /// # Errors
    /// Settings that are out of range.
    pub fn learner<'a>(
        &self,
        start: Mlp,
        batches: impl BatchSource + 'a,
        seed: u64,
        measure: impl Fn(&Mlp) -> Result<(f64, f64)> + 'a,
    ) -> Result<Learner<'a, Mlp, ClassifierCrossEntropy>> {
        let objective = ClassifierCrossEntropy { input_dropout: self.input_dropout };
        let noise = Noise::new(seed, "dropout");
        let learner = Learner::new(start.with_dropout(self.dropout), objective, &self.learner, noise);
        Ok(learner.or_usage_at("train.classifier")?.on_batches(batches).validate(move |network, _| {
            let (error, nll) = measure(network)?;
            let metrics =
                Metrics::new().with("valid_classification_error", error).with("valid_cross_entropy", nll);
            // Of two networks with as many errors the one with the better probabilities.
            Ok(Some(Validation { metrics, score: Some(-error - 1e-6 * nll) }))
        }))
    }
}
