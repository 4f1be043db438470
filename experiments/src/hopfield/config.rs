//! Settings of an associative memory, and the presets.

use std::{fmt, path::PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use gibbs_data::{Binarization, Splits};
use gibbs_physics::memory::Updates;
use gibbs_train::training::LoopConfig;
use serde::{Deserialize, Serialize};

use super::{HopfieldRun, data};
use crate::{boltzmann::check_counts, cli::Preset, experiment::Length, fault::Fault};

/// Patterns of a set without labels, unless the settings say otherwise: Hopfield's choice would be 0.15 of the number of
/// pixels, more than a picture of them can show.
const PATTERNS: usize = 10;

/// What the memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// Couplings by Hebb's rule.
    Hebb,
    /// Couplings that project on the patterns.
    PseudoInverse,
    /// Couplings by Storkey's rule.
    Storkey,
    /// Energy of a power of the overlaps.
    DensePolynomial,
    /// Energy exponential in the overlaps.
    DenseExponential,
    /// Continuous states.
    Continuous,
}

impl MemoryKind {
    /// Whether the memory is a matrix of couplings.
    pub(super) fn is_pairwise(self) -> bool {
        matches!(self, Self::Hebb | Self::PseudoInverse | Self::Storkey)
    }
}

impl fmt::Display for MemoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hebb => "hebb",
            Self::PseudoInverse => "pseudo_inverse",
            Self::Storkey => "storkey",
            Self::DensePolynomial => "dense_polynomial",
            Self::DenseExponential => "dense_exponential",
            Self::Continuous => "continuous",
        })
    }
}

/// Which spins are updated together.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One after the other, in random order
    Asynchronous,
    /// All at once
    Synchronous,
}

impl From<Order> for Updates {
    fn from(order: Order) -> Self {
        match order {
            Order::Asynchronous => Self::Asynchronous,
            Order::Synchronous => Self::Synchronous,
        }
    }
}

/// The memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HopfieldModel {
    /// What it is.
    pub kind: MemoryKind,
    /// Pixels of a pattern; `null` takes what the data have, 100 for `random`.
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

/// How recall is measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corruption {
    /// Part of the spins that are turned over in a corrupted pattern.
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
    pub updates: Order,
    /// How recall is measured.
    pub evaluation: Corruption,
}

impl Length for HopfieldTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

/// Settings to start from. Digits are far too much alike for Hebb's rule, random patterns are not.
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
        updates: Order::Asynchronous,
        evaluation: Corruption { flip: 0.25, copies, max_steps: 100 },
    };
    (model, train)
}

/// Fills in binarization, shape, width and number of patterns, and checks the rest.
pub(super) fn settle(config: &mut HopfieldRun, data: &Splits) -> Result<()> {
    let (model, train) = (&mut config.model, &config.train);
    let is_continuous = model.kind == MemoryKind::Continuous;
    let is_plain = is_continuous || data.train.is_binary();
    let rule = if is_plain { Binarization::None } else { Binarization::Threshold };
    if *config.data.binarization.get_or_insert(rule) == Binarization::None && !is_plain {
        return Err(Fault::usage(format!(
            "data.binarization = none: patterns of {} are made of two values, {} has others; take threshold",
            model.kind,
            data.name()
        )));
    }
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    let width = *model.n_visible.get_or_insert(data.width());
    data.train.require_width(width)?;
    let n_examples = data.train.len();
    let n_patterns = *model.n_patterns.get_or_insert_with(|| default_patterns(data));
    let counts = [
        ("model.n_patterns", n_patterns),
        ("train.evaluation.copies", train.evaluation.copies),
        ("train.evaluation.max_steps", train.evaluation.max_steps),
    ];
    check_counts(&counts)?;
    if n_patterns > n_examples {
        return Err(Fault::usage(format!(
            "model.n_patterns = {n_patterns}: {} has {n_examples} examples to store",
            data.name()
        )));
    }
    if model.kind == MemoryKind::PseudoInverse && n_patterns >= width {
        return Err(Fault::usage(format!(
            "model.n_patterns = {n_patterns}: the pseudo-inverse rule stores fewer patterns than there are pixels, {width}; \
             take fewer, or a dense memory"
        )));
    }
    if model.degree < 2 || !(width as f64).powf(f64::from(model.degree)).is_finite() {
        return Err(Fault::usage(format!(
            "model.degree = {}: must be at least 2, and {width}^degree a finite number",
            model.degree
        )));
    }
    if is_continuous {
        let beta = *model.beta.get_or_insert((width as f64).sqrt().recip());
        if !(beta.is_finite() && beta > 0.0) {
            return Err(Fault::usage(format!("model.beta = {beta}: must be finite and above 0")));
        }
    }
    check_flip("train.evaluation.flip", train.evaluation.flip)?;
    if train.run.epochs != 1 {
        return Err(Fault::usage(format!(
            "train.epochs = {}: patterns are stored at once, in 1",
            train.run.epochs
        )));
    }
    Ok(())
}

/// Whether a part of the spins is one.
///
/// # Errors
/// A value outside \[0, 1\], by name.
pub(super) fn check_flip(name: &str, flip: f64) -> Result<()> {
    match (0.0..=1.0).contains(&flip) {
        true => Ok(()),
        false => {
            Err(Fault::usage(format!("{name} = {flip}: must lie in [0, 1], it is a part of the pixels")))
        }
    }
}

/// One of each class, else a few; all pictures that were given to be stored.
fn default_patterns(data: &Splits) -> usize {
    let examples = data.train.len();
    if [data::IMAGES, data::RANDOM].contains(&data.name()) {
        return examples;
    }
    let classes = data.train.labels().map(data::classes);
    classes.map_or(PATTERNS, |classes| classes.len()).min(examples)
}
