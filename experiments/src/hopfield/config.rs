//! Settings of an associative memory, and the presets.

use gibbs_physics::memory::{MemoryConfig, MemoryKind, RecallConfig, Updates};

use super::{HopfieldExperiment, HopfieldRun, data};
use crate::{prelude::*, usage::check_counts};

/// Patterns of a set without labels: Hopfield's choice would be 0.15 of the number of pixels, more than a picture can show.
const PATTERNS: usize = 10;

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HopfieldModel {
    /// The memory.
    #[serde(flatten)]
    pub memory: MemoryConfig,
    /// Pictures (PNG) to store, for the data `images`.
    pub images: Vec<PathBuf>,
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
    /// Examples that are measured of each set; `null` for as many as a minute allows.
    #[serde(default)]
    pub examples: Option<usize>,
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
pub(super) fn preset(request: &Request, info: &SourceInfo) -> Settings<HopfieldExperiment> {
    let is_of_1982 =
        request.preset == Preset::Paper || request.or("data.name", String::new()) == data::RANDOM;
    let default = if is_of_1982 { MemoryKind::Hebb } else { MemoryKind::PseudoInverse };
    let kind = request.or("model.kind", default);
    let memory = MemoryConfig::new(kind, info.width, default_patterns(info));
    let has_states = kind == MemoryKind::Continuous || info.is_binary();
    let train = HopfieldTrain {
        run: LoopConfig::default(),
        updates: Updates::Asynchronous,
        evaluation: Corruption {
            flip: 0.25,
            copies: request.by_preset([2, 50, 50]),
            max_steps: 100,
            examples: request.by_preset([Some(500), None, None]),
        },
    };
    Settings {
        binarization: if has_states { Binarization::None } else { Binarization::Threshold },
        model: HopfieldModel { memory, images: Vec::new() },
        train,
    }
}

/// Checks the settings, and that the data fit them.
pub(super) fn validate(config: &HopfieldRun, data: &Splits) -> Result<()> {
    let (memory, train) = (&config.model.memory, &config.train);
    let has_states = memory.kind == MemoryKind::Continuous || data.train.is_binary();
    require!(
        has_states || config.data()?.binarization != Binarization::None,
        "data.binarization = none: patterns of {} are made of two values, {} has others; take threshold",
        memory.kind,
        data.name()
    );
    data.train.require_width(memory.n_visible).or_usage()?;
    let Corruption { flip, copies, max_steps, examples } = train.evaluation;
    check_counts(&[
        ("train.evaluation.copies", copies),
        ("train.evaluation.max_steps", max_steps),
        ("train.evaluation.examples", examples.unwrap_or(1)),
    ])?;
    let (n_examples, n_patterns) = (data.train.len(), memory.n_patterns);
    let reason = format!("{} has {n_examples} examples to store", data.name());
    ConfigError::require(n_patterns <= n_examples, "model.n_patterns", n_patterns, reason).or_usage()?;
    memory.validate().or_usage_at("model")?;
    check_flip("train.evaluation.flip", flip).or_usage()?;
    let epochs = train.run.epochs;
    ConfigError::require(epochs == 1, "train.epochs", epochs, "patterns are stored at once, in 1").or_usage()
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
fn default_patterns(info: &SourceInfo) -> usize {
    let Some(data) = info.data else { return PATTERNS };
    let examples = data.train.len();
    if [data::IMAGES, data::RANDOM].contains(&data.name()) {
        return examples;
    }
    let classes = data.train.labels().map(data::classes);
    classes.map_or(PATTERNS, |classes| classes.len()).min(examples)
}
