//! Settings of a continuous flow, and the presets.

use std::fmt;

use anyhow::{Context, Result};
use gibbs_backend::Noise;
use gibbs_core::{nn::Activation, optim::AdamConfig};
use gibbs_data::{Binarization, Splits};
use gibbs_flow::{
    FlowMatching,
    continuous::{FieldConfig, ImageFieldConfig, PerceptronConfig, PotentialConfig, Probe, TimeInput, Trace},
    ode::{Method, Solver},
};
use gibbs_train::{clip::Clip, schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::{CnfRun, hamiltonian::LatticeSizes};
use crate::{
    boltzmann::{check_counts, check_part, check_rate, layer::Average},
    cli::Preset,
    coordinates::{self, Coordinates},
    experiment::Length,
    fault::Fault,
    made::{Widths, given},
    standardization::Standardization,
    system::{Continuous, HAMILTONIAN},
    variational::{Symmetrization, Variational},
};

/// Which velocity field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A perceptron.
    Perceptron,
    /// The gradient of a potential: the flow of Monge and Ampère.
    Potential,
    /// Convolutions on two scales.
    Image,
    /// Convolutions as wide as a periodic lattice, with its symmetries.
    Lattice,
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Perceptron => "perceptron",
            Self::Potential => "potential",
            Self::Image => "image",
            Self::Lattice => "lattice",
        })
    }
}

/// How a field is trained on data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// Maximum likelihood, through the steps of the solver.
    Likelihood,
    /// Maximum likelihood with gradients by the adjoint equation.
    Adjoint,
    /// Flow matching.
    Matching,
}

/// Convolutions.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSizes {
    /// Channels of the finer scale.
    pub channels: usize,
    /// Blocks on either side of the finer scale, and on the coarser one.
    pub blocks: [usize; 2],
}

/// The flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnfModel {
    /// The Hamiltonian, where the run has no data.
    pub system: Continuous,
    /// Which field; `null` takes convolutions for pictures, those of a lattice for its Hamiltonians, a potential for chains, and else a
    /// perceptron.
    pub kind: Option<FieldKind>,
    /// Columns of the data; `null` takes what the data have.
    pub n_visible: Option<usize>,
    /// Hidden units, a number or a list; `null` takes what the width needs.
    pub n_hidden: Option<Widths>,
    /// Sizes of convolutions.
    pub image: ImageSizes,
    /// Sizes of convolutions on a periodic lattice.
    pub lattice: LatticeSizes,
    /// Function of the hidden units; `null` takes that of the kind.
    pub activation: Option<Activation>,
    /// How a perceptron is told the time.
    pub time: TimeInput,
    /// Waves in the time beside the time itself; not for potentials.
    pub frequencies: usize,
    /// Waves of the variables that a perceptron sees beside these; `null` takes them for few columns and many examples.
    pub waves: Option<usize>,
    /// Standard deviation of the initial frequencies of these waves (`train` of the coordinates).
    pub wave_scale: f64,
    /// Whether a potential depends on time.
    pub timed: bool,
    /// Symmetries of a potential, where a Hamiltonian is learned.
    pub invariance: Symmetrization,
    /// Classes on which the flow is conditioned, 0 for none.
    pub n_classes: usize,
    /// What the flow is a law of; `null` takes grey values from -1 to 1, for a potential their logits, and else standardized
    /// columns.
    pub coordinates: Option<Coordinates>,
    /// Distance that logits keep from 0 and 1 (1e-6 in Papamakarios et al. 2017).
    pub margin: f64,
    /// Shift and scale of the columns; `null` takes those of the training data.
    pub standardization: Option<Standardization>,
    /// How the trained flow is solved.
    pub solver: Solver,
    /// How traces are found; `null` takes exact ones where they cost little.
    pub trace: Option<Trace>,
    /// Symmetries of the flow as it is measured and sampled, where it learns a Hamiltonian.
    pub symmetry: Symmetrization,
}

/// Training.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnfTrain {
    /// Length, logs, validation, checkpoints. No epochs (0) means as many as make `steps` steps.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// How the field is trained on data; `null` takes flow matching for wide data, and else likelihood.
    pub objective: Option<Training>,
    /// Steps of a run whose number of epochs is left open; `null` takes what the objective needs.
    pub steps: Option<usize>,
    /// Examples of a step; `null` takes what the objective and the width need.
    pub batch_size: Option<usize>,
    /// Learning rate of Adam; `null` takes what the width needs.
    pub learning_rate: Option<Schedule>,
    /// Part of the weights that a step at learning rate 1 takes away.
    pub weight_decay: f64,
    /// Average of the weights, which is what is measured and saved.
    pub average: Average,
    /// Bound of the gradient.
    pub clip: Clip,
    /// Flow matching.
    pub matching: FlowMatching,
    /// How the flow is solved in training.
    pub solver: Solver,
    /// Part by which each batch may be solved in more steps than `solver.steps`, so that a field cannot learn the errors of one
    /// grid of times.
    pub spread: f64,
    /// Weight of the kinetic energy.
    pub kinetic: f64,
    /// Weight of the squared Frobenius norm of the Jacobian.
    pub jacobian: f64,
    /// What only a run on a Hamiltonian has.
    #[serde(flatten)]
    pub variational: Variational,
}

impl Length for CnfTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

impl CnfTrain {
    /// The optimizer's constants.
    pub(super) fn adam(&self) -> AdamConfig {
        AdamConfig::new().with_weight_decay(self.weight_decay)
    }

    /// The learning rate.
    ///
    /// # Errors
    /// If it is still open.
    pub(super) fn rate(&self) -> Result<Schedule> {
        given(self.learning_rate.clone(), "train.learning_rate")
    }

    /// Fills in the learning rate: few columns bear a large one.
    pub(super) fn settle(&mut self, is_narrow: bool) {
        let rate = if is_narrow { 5e-3 } else { 2e-3 };
        self.learning_rate.get_or_insert(Schedule::cosine(rate, 0.0).with_warmup(100));
    }

    /// The solver of one batch: that of training, with more steps as [`spread`](Self::spread) has it. Random times against learned
    /// errors as in Ghosh et al., "STEER", NeurIPS 2020, arXiv:2006.10711, who vary the end of the solve instead.
    pub(super) fn solver_of_a_batch(&self, noise: &mut Noise) -> Solver {
        let more =
            |steps: usize| steps + (noise.next_uniform() * (self.spread * steps as f64 + 1.0)) as usize;
        Solver { steps: self.solver.steps.map(more), ..self.solver }
    }

    /// Weights of the regularizers, where there are any.
    pub(super) fn regularizers(&self) -> Option<[f64; 2]> {
        let weights = [self.kinetic, self.jacobian];
        (weights != [0.0; 2]).then_some(weights)
    }
}

/// Columns up to which a table is taken for one of few.
pub(super) const FEW_COLUMNS: usize = 60;

/// Settings to start from. What depends on the width of the data is left open.
pub(super) fn preset(preset: Preset, data: &str) -> (CnfModel, CnfTrain) {
    let has_data = data != HAMILTONIAN;
    let is_tiny = preset == Preset::Tiny;
    let model = CnfModel {
        system: Continuous::default(),
        kind: None,
        n_visible: None,
        n_hidden: is_tiny.then_some(Widths::Many(vec![16, 16])),
        image: match preset {
            Preset::Tiny => ImageSizes { channels: 4, blocks: [1, 1] },
            Preset::Default => ImageSizes { channels: 32, blocks: [1, 2] },
            Preset::Paper => ImageSizes { channels: 128, blocks: [2, 4] },
        },
        lattice: LatticeSizes::preset(preset),
        activation: None,
        time: TimeInput::Gated,
        frequencies: 4,
        waves: None,
        wave_scale: 2.0,
        timed: true,
        invariance: Symmetrization::Reversal,
        n_classes: 0,
        coordinates: None,
        margin: 1e-6,
        standardization: None,
        solver: Solver::new(Method::DormandPrince).with_tolerance(1e-4),
        trace: None,
        symmetry: Symmetrization::None,
    };
    let train = CnfTrain {
        run: LoopConfig {
            epochs: 0,
            select_best: has_data,
            patience: has_data.then_some(30),
            ..LoopConfig::default()
        },
        objective: None,
        steps: match preset {
            Preset::Tiny => Some(100),
            Preset::Default => None,
            Preset::Paper => Some(200_000),
        },
        batch_size: None,
        learning_rate: None,
        weight_decay: 0.0,
        average: Average { decay: 0.999, every: 1 },
        clip: Clip::GlobalNorm { limit: 1.0 },
        matching: FlowMatching::new(),
        // The same grid of times for all batches has errors that the field learns: with 8 steps and `train.spread=0` the loss of
        // `cnf train --data checkerboard` falls below the entropy of the data after 1500 steps, and the density with it. Bounds of
        // Hamiltonians, always of one grid, fall below the exact value in the same way.
        solver: Solver::fixed(Method::Rk4, if has_data { 8 } else { 16 }),
        spread: 0.5,
        kinetic: 0.0,
        jacobian: 0.0,
        variational: Variational { annealing: None, ..Variational::new(0.0, Symmetrization::None) },
    };
    (model, train)
}

impl CnfModel {
    /// Whether the flow is one of the plane, whose densities may have edges.
    pub(super) fn is_plane(&self) -> bool {
        self.n_visible.is_some_and(|width| width <= 2)
    }

    /// Whether the flow is one of few columns.
    pub(super) fn is_narrow(&self) -> bool {
        self.n_visible.is_some_and(|width| width <= FEW_COLUMNS)
    }

    /// Fills in what the shape decides, and whether training solves the equation.
    pub(super) fn settle(&mut self, shape: &[usize], objective: Option<Training>) {
        let is_picture = matches!(shape, [rows, columns] if rows % 4 == 0 && columns % 4 == 0);
        let kind = *self.kind.get_or_insert(match is_picture && !self.is_narrow() {
            true => FieldKind::Image,
            false => FieldKind::Perceptron,
        });
        self.activation.get_or_insert(match kind {
            FieldKind::Perceptron if objective == Some(Training::Matching) => Activation::Silu,
            FieldKind::Perceptron => Activation::Tanh,
            FieldKind::Potential => Activation::Softplus,
            FieldKind::Image | FieldKind::Lattice => Activation::Silu,
        });
        self.n_hidden.get_or_insert(match (kind, self.is_narrow()) {
            (FieldKind::Lattice, _) => Widths::Many(Vec::new()),
            (FieldKind::Potential, true) => Widths::One(256),
            (FieldKind::Potential, false) => Widths::One(1024),
            (_, true) if objective == Some(Training::Matching) => Widths::Many(vec![256, 256]),
            (_, true) => Widths::Many(vec![64, 64]),
            (_, false) => Widths::Many(vec![1024, 1024]),
        });
        self.waves.get_or_insert(match (self.is_plane(), objective) {
            (false, _) | (_, None) => 0,
            (true, Some(Training::Matching)) => 64,
            (true, Some(_)) => 16,
        });
        let n_layers = self.n_hidden.as_ref().map_or(0, |widths| widths.list().len());
        let is_cheap = match kind {
            FieldKind::Perceptron => n_layers <= 2 || self.n_visible.is_some_and(|width| width <= 4),
            FieldKind::Potential => n_layers == 1 || self.n_visible.is_some_and(|width| width <= 4),
            FieldKind::Image => false,
            FieldKind::Lattice => true,
        };
        self.trace.get_or_insert(match is_cheap {
            true => Trace::Exact,
            false => Trace::Hutchinson(Probe::Rademacher),
        });
    }

    /// The field.
    ///
    /// # Errors
    /// If a size is still open, or does not fit the kind.
    pub(super) fn field(&self, shape: Option<&[usize]>) -> Result<FieldConfig> {
        let width = given(self.n_visible, "model.n_visible")?;
        let activation = given(self.activation, "model.activation")?;
        let hidden = given(self.n_hidden.as_ref().map(Widths::list), "model.n_hidden")?;
        Ok(match given(self.kind, "model.kind")? {
            FieldKind::Perceptron => FieldConfig::Perceptron(
                PerceptronConfig::new(width, hidden)
                    .with_activation(activation)
                    .with_time(self.time)
                    .with_frequencies(self.frequencies)
                    .with_waves(self.waves.unwrap_or(0))
                    .with_wave_scale(self.wave_scale)
                    .with_n_context(self.n_classes),
            ),
            FieldKind::Potential if self.n_classes > 0 => {
                return Err(Fault::usage(format!(
                    "model.n_classes = {}: a potential has no classes; take model.kind=perceptron or image",
                    self.n_classes
                )));
            }
            FieldKind::Potential => FieldConfig::Potential(
                PotentialConfig::new(width, hidden).with_activation(activation).with_timed(self.timed),
            ),
            FieldKind::Image => match shape {
                Some(&[rows, columns]) if rows * columns == width => FieldConfig::Image(
                    ImageFieldConfig::new(rows, columns, self.image.channels)
                        .with_blocks(self.image.blocks)
                        .with_activation(activation)
                        .with_frequencies(self.frequencies.max(1))
                        .with_n_context(self.n_classes),
                ),
                _ => {
                    return Err(Fault::usage(
                        "model.kind = image: the examples are no pictures; take model.kind=perceptron",
                    ));
                }
            },
            FieldKind::Lattice => FieldConfig::Lattice(self.lattice.field(shape, width)?),
        })
    }
}

/// The most epochs that small data are gone through.
const MOST_EPOCHS: usize = 500;

/// Fills in coordinates, shape, width and length, and checks what can be checked before training.
pub(super) fn settle(config: &mut CnfRun, data: &Splits) -> Result<()> {
    let (model, train) = (&mut config.model, &mut config.train);
    config.data.binarization.get_or_insert(Binarization::None);
    let shape = config.data.shape.get_or_insert_with(|| data.train.shape().to_vec()).clone();
    let width = *model.n_visible.get_or_insert(data.width());
    data.train.require_width(width)?;
    let objective = *train.objective.get_or_insert(match model.is_narrow() {
        true => Training::Likelihood,
        false => Training::Matching,
    });
    model.settle(&shape, Some(objective));
    let steps = *train.steps.get_or_insert(match (objective, model.is_narrow()) {
        (Training::Matching, true) => 10_000,
        (Training::Matching, false) => 4000,
        _ if model.is_plane() => 1500,
        _ => 6000,
    });
    train.batch_size.get_or_insert(match (objective, model.is_plane()) {
        (_, false) => 128,
        (Training::Matching, true) => 512,
        (_, true) => 256,
    });
    train.settle(model.is_narrow());
    check(model, train, Some(&shape))?;
    if train.run.epochs == 0 {
        let per_epoch = data.train.len().div_ceil(given(train.batch_size, "train.batch_size")?);
        train.run.epochs = steps.div_ceil(per_epoch).min(MOST_EPOCHS);
    }
    coordinates::settle(model.coordinates, &mut model.standardization, model.n_classes, data)
}

/// What can be checked of settings whose sizes are filled in.
pub(super) fn check(model: &CnfModel, train: &CnfTrain, shape: Option<&[usize]>) -> Result<()> {
    if let Some(Widths::Many(widths)) = &model.n_hidden
        && widths.contains(&0)
    {
        return Err(Fault::usage(format!("model.n_hidden = {widths:?}: each width must be at least 1")));
    }
    check_counts(&[
        ("train.batch_size", given(train.batch_size, "train.batch_size")?),
        ("train.steps", given(train.steps, "train.steps")?),
    ])?;
    check_rate("train.learning_rate", &train.rate()?)?;
    check_part("model.margin", 2.0 * model.margin)?;
    for (name, weight) in [("train.kinetic", train.kinetic), ("train.jacobian", train.jacobian)] {
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(Fault::usage(format!("{name} = {weight}: it must be finite and at least 0")));
        }
    }
    if !(train.spread.is_finite() && train.spread >= 0.0) {
        return Err(Fault::usage(format!(
            "train.spread = {}: it must be finite and at least 0",
            train.spread
        )));
    }
    train.average.validate("train.average")?;
    train.matching.validate().context("train.matching")?;
    train.solver.validate().context("train.solver")?;
    model.solver.validate().context("model.solver")?;
    model.field(shape)?.validate().context("model")?;
    train.adam().validate().context("train")
}
