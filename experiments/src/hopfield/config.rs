//! Settings of an associative memory, and the presets.

use std::path::PathBuf;

use anyhow::Result;
use gibbs_core::ConfigError;
use gibbs_data::{Binarization, Splits};
use gibbs_physics::memory::{MemoryConfig, MemoryKind, RecallConfig, Updates};
use gibbs_train::training::LoopConfig;
use serde::{Deserialize, Serialize};

use super::{HopfieldRun, data};
use crate::{boltzmann::check_counts, cli::Preset, experiment::Length, fault::Fault};

/// Patterns of a set without labels: Hopfield's choice would be 0.15 of the number of pixels, more than a picture can show.
const PATTERNS: usize = 10;

/// The memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HopfieldModel {
    /// Which memory.
    pub kind: MemoryKind,
    /// Pixels of a pattern; `null` takes those of the data, 100 for `random`.
    pub n_visible: Option<usize>,
    /// Patterns stored; `null` takes one of each class, else ten, 15 for `random`.
    pub n_patterns: Option<usize>,
    /// The power of `dense_polynomial`.
    pub degree: u32,
    /// Inverse temperature of the attention of `continuous`; `null` takes one over the root of the number of pixels.
    pub beta: Option<f64>,
    /// Pictures (PNG) to store, for the data `images`.
    pub images: Vec<PathBuf>,
}

impl HopfieldModel {
    /// The configuration of the memory.
    ///
    /// # Errors
    /// Sizes that are not set.
    pub(super) fn memory(&self) -> Result<MemoryConfig> {
        let size = |value: Option<usize>, path: &str| {
            value.ok_or_else(|| Fault::usage(format!("{path} is not set: give that of the weights")))
        };
        let n_visible = size(self.n_visible, "model.n_visible")?;
        let n_patterns = size(self.n_patterns, "model.n_patterns")?;
        let default = MemoryConfig::new(self.kind, n_visible, n_patterns);
        Ok(MemoryConfig { degree: self.degree, beta: self.beta.unwrap_or(default.beta), ..default })
    }
}

/// How recall is measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corruption {
    /// Part of the spins that are flipped in a corrupted pattern.
    pub flip: f64,
    /// Corrupted copies of each pattern.
    pub copies: usize,
    /// Steps after which a recall is stopped.
    pub max_steps: usize,
}

/// Storing and measuring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HopfieldTrain {
    /// Logs and checkpoints. Patterns are stored in one epoch of a single step.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Order of the updates of recall.
    pub updates: Updates,
    /// How recall is measured.
    pub evaluation: Corruption,
}

impl Length for HopfieldTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

impl HopfieldTrain {
    /// Recall as it is measured: whole steps at temperature zero.
    pub(super) fn recall(&self) -> RecallConfig {
        let (updates, max_steps) = (self.updates, self.evaluation.max_steps);
        RecallConfig { updates, temperature: 0.0, parts: 1, max_steps }
    }
}

/// Settings to start from. Digits are too similar for Hebb's rule, random patterns are not.
pub(super) fn preset(preset: Preset, data: &str) -> (HopfieldModel, HopfieldTrain) {
    let is_of_1982 = preset == Preset::Paper || data == data::RANDOM;
    let model = HopfieldModel {
        kind: if is_of_1982 { MemoryKind::Hebb } else { MemoryKind::PseudoInverse },
        n_visible: None,
        n_patterns: None,
        degree: 3,
        beta: None,
        images: Vec::new(),
    };
    let copies = if preset == Preset::Tiny { 2 } else { 50 };
    let train = HopfieldTrain {
        run: LoopConfig::default(),
        updates: Updates::Asynchronous,
        evaluation: Corruption { flip: 0.25, copies, max_steps: 100 },
    };
    (model, train)
}

/// Completes binarization, shape and sizes, and checks the settings.
pub(super) fn settle(config: &mut HopfieldRun, data: &Splits) -> Result<()> {
    let (model, train) = (&mut config.model, &config.train);
    let has_states = model.kind == MemoryKind::Continuous || data.train.is_binary();
    let rule = if has_states { Binarization::None } else { Binarization::Threshold };
    if *config.data.binarization.get_or_insert(rule) == Binarization::None && !has_states {
        return Err(Fault::usage(format!(
            "data.binarization = none: patterns of {} are made of two values, {} has others; take threshold",
            model.kind,
            data.name()
        )));
    }
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    data.train.require_width(*model.n_visible.get_or_insert(data.width()))?;
    let (n_examples, n_patterns) = (data.train.len(), model.n_patterns.unwrap_or(default_patterns(data)));
    model.n_patterns = Some(n_patterns);
    let Corruption { flip, copies, max_steps } = train.evaluation;
    check_counts(&[("train.evaluation.copies", copies), ("train.evaluation.max_steps", max_steps)])?;
    let reason = format!("{} has {n_examples} examples to store", data.name());
    ConfigError::require(n_patterns <= n_examples, "model.n_patterns", n_patterns, reason)?;
    let memory = model.memory()?;
    memory.validate().map_err(|error| error.within("model"))?;
    if model.kind == MemoryKind::Continuous {
        model.beta = Some(memory.beta);
    }
    check_flip("train.evaluation.flip", flip)?;
    let epochs = train.run.epochs;
    ConfigError::require(epochs == 1, "train.epochs", epochs, "patterns are stored at once, in 1")?;
    Ok(())
}

/// Checks that a part of the pixels is one.
///
/// # Errors
/// A value outside \[0, 1\].
pub(super) fn check_flip(name: &str, flip: f64) -> Result<(), ConfigError> {
    let reason = "must lie in [0, 1], it is a part of the pixels";
    ConfigError::require((0.0..=1.0).contains(&flip), name, flip, reason)
}

/// One pattern of each class, else a few; all pictures that were given to be stored.
fn default_patterns(data: &Splits) -> usize {
    let examples = data.train.len();
    if [data::IMAGES, data::RANDOM].contains(&data.name()) {
        return examples;
    }
    let classes = data.train.labels().map(data::classes);
    classes.map_or(PATTERNS, |classes| classes.len()).min(examples)
}
