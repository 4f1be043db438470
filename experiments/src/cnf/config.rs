//! Settings of a continuous flow, and the presets.

use std::fmt;

use anyhow::{Context, Result};
use gibbs_backend::Noise;
use gibbs_core::{nn::Activation, optim::AdamConfig};
use gibbs_data::plane::Plane;
use gibbs_flow::{
    FlowMatching,
    continuous::{FieldConfig, ImageFieldConfig, MlpFieldConfig, PotentialConfig, TimeInput, Trace},
    ode::{Method, Solver},
};
use gibbs_train::{clip::Clip, schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::hamiltonian::LatticeSizes;
use crate::{
    boltzmann::{check_counts, check_part, check_rate, layer::Average},
    cli::Preset,
    coordinates::Coordinates,
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
    /// Channels of the finer scale and of the coarser one.
    pub channels: [usize; 2],
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
    /// Waves of the variables that a perceptron sees beside these; `null` takes some for one or two columns, whose densities may
    /// have edges.
    pub waves: Option<usize>,
    /// Standard deviation of the initial frequencies of these waves, radians for each unit of length in the coordinates of the
    /// flow; `null` takes what the objective needs.
    pub wave_scale: Option<f64>,
    /// Whether a potential depends on time.
    pub timed: bool,
    /// Units of each single variable in a potential; `null` takes some for logits, and else none.
    pub separable: Option<usize>,
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
    /// Whether the flow begins behind a whitening by the covariance of the training data, which it then bends; `null` takes one for
    /// tables of three to 60 columns, and for a potential of logits.
    pub whitened: Option<bool>,
    /// How the trained flow is solved.
    pub solver: Solver,
    /// How traces are found; `null` takes exact ones where they cost little.
    pub trace: Option<Trace>,
    /// Examples whose densities are measured, evenly spread over their set; `null` takes them all, of pictures 2000. `eval --per-example`
    /// and `eval --data` take them all in any case.
    pub measured: Option<usize>,
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
    /// Examples of a step; `null` takes what suits the flow.
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
    /// How the flow is solved in training; of a method that does not tell its error, `null` steps take what suits the flow.
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

    /// Examples of a step.
    ///
    /// # Errors
    /// If their number is still open.
    pub(super) fn batch_size(&self) -> Result<usize> {
        given(self.batch_size, "train.batch_size")
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

/// Settings to start from. What depends on the width of the data is left open.
pub(super) fn preset(preset: Preset, data: &str) -> (CnfModel, CnfTrain) {
    let has_data = data != HAMILTONIAN;
    let is_tiny = preset == Preset::Tiny;
    let is_plane = Plane::ALL.iter().any(|plane| plane.name() == data);
    let model = CnfModel {
        system: Continuous::default(),
        kind: None,
        n_visible: None,
        n_hidden: is_tiny.then_some(Widths::Many(vec![16, 16])),
        image: match preset {
            Preset::Tiny => ImageSizes { channels: [4, 8], blocks: [1, 1] },
            Preset::Default => ImageSizes { channels: [32, 64], blocks: [1, 2] },
            Preset::Paper => ImageSizes { channels: [128, 256], blocks: [2, 4] },
        },
        lattice: LatticeSizes::preset(preset),
        activation: None,
        time: TimeInput::Gated,
        frequencies: 4,
        waves: None,
        wave_scale: None,
        timed: true,
        separable: None,
        invariance: Symmetrization::Reversal,
        n_classes: 0,
        coordinates: None,
        margin: 1e-6,
        standardization: None,
        whitened: None,
        solver: Solver::new(Method::DormandPrince).with_tolerance(1e-4),
        trace: None,
        measured: None,
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
        matching: FlowMatching::new().with_time_power(if is_plane { 2.0 } else { 1.0 }),
        solver: Solver::new(Method::Rk4),
        // The same grid of times for all batches has errors that the field learns: with `train.spread=0` the loss of `cnf train --data
        // checkerboard --set train.batch_size=128 --set train.steps=6000` falls below the entropy of the data after some 1500 steps, and the
        // density with it.
        spread: 0.5,
        kinetic: 0.0,
        jacobian: 0.0,
        variational: Variational { annealing: None, ..Variational::new(0.0, Symmetrization::None) },
    };
    (model, train)
}

impl CnfModel {
    /// The values that many grey pixels have.
    fn ends(&self) -> Vec<f64> {
        if self.coordinates == Some(Coordinates::Signed) { ENDS.to_vec() } else { Vec::new() }
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
            FieldKind::Perceptron => FieldConfig::Mlp(
                MlpFieldConfig::new(width, hidden.into())
                    .with_activation(activation)
                    .with_time(self.time)
                    .with_frequencies(self.frequencies)
                    .with_fourier_features(self.waves.unwrap_or(0))
                    .with_fourier_scale(given(self.wave_scale, "model.wave_scale")?)
                    .with_n_context(self.n_classes),
            ),
            FieldKind::Potential if self.n_classes > 0 => {
                return Err(Fault::usage(format!(
                    "model.n_classes = {}: a potential has no classes; take model.kind=perceptron or image",
                    self.n_classes
                )));
            }
            FieldKind::Potential => FieldConfig::Potential(
                PotentialConfig::new(width, hidden.into())
                    .with_activation(activation)
                    .with_timed(self.timed)
                    .with_separable(self.separable.unwrap_or(0)),
            ),
            FieldKind::Image => match shape {
                Some(&[rows, columns]) if rows * columns == width => FieldConfig::Image(
                    ImageFieldConfig::new(rows, columns, self.image.channels)
                        .with_blocks(self.image.blocks)
                        .with_activation(activation)
                        .with_frequencies(self.frequencies.max(1))
                        .with_n_context(self.n_classes)
                        .with_point_masses(self.ends())
                        .with_point_std(SPREAD),
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

/// Centers of the cells of black and white, whose width is 1/128 where grey values reach from -1 to 1.
const ENDS: [f64; 2] = [-1.0 + 1.0 / 256.0, 1.0 - 1.0 / 256.0];

/// Standard deviation of a uniform law on such a cell, its width over √12.
const SPREAD: f64 = 1.0 / 443.405;

/// What can be checked of settings whose sizes are filled in.
pub(super) fn check(model: &CnfModel, train: &CnfTrain, shape: Option<&[usize]>) -> Result<()> {
    if let Some(Widths::Many(widths)) = &model.n_hidden
        && widths.contains(&0)
    {
        return Err(Fault::usage(format!("model.n_hidden = {widths:?}: each width must be at least 1")));
    }
    check_counts(&[
        ("train.batch_size", train.batch_size()?),
        ("train.steps", given(train.steps, "train.steps")?),
        ("model.measured", model.measured.unwrap_or(1)),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// From `steps` to `steps·(1 + spread)`, each as often.
    #[test]
    fn batches_are_solved_in_different_numbers_of_steps() {
        let (_, mut train) = preset(Preset::Default, "rings");
        train.solver.steps = Some(8);
        let mut counts = |spread: f64| {
            train.spread = spread;
            let (mut counts, noise) = ([0; 16], &mut Noise::new(0, "steps"));
            (0..1000).for_each(|_| counts[train.solver_of_a_batch(noise).steps.unwrap()] += 1);
            counts
        };
        assert_eq!(counts(0.0)[8], 1000);
        let counts = counts(0.5);
        let is_usual = |n: &i32| (f64::from(*n) - 200.0).abs() < 4.0 * (1000.0f64 * 0.2 * 0.8).sqrt();
        assert!(
            counts[8..13].iter().all(is_usual) && counts[8..13].iter().sum::<i32>() == 1000,
            "{counts:?}"
        );
    }
}
