//! What the settings that are left open become. It depends on how wide the data are, on the kind of the flow, and on what it is
//! trained by.

use anyhow::Result;
use gibbs_core::nn::Activation;
use gibbs_data::{Binarization, Splits};
use gibbs_flow::{
    continuous::{Probe, Trace},
    ode::Method,
};
use gibbs_train::schedule::Schedule;

use super::{
    CnfRun,
    config::{CnfModel, CnfTrain, FieldKind, Training, check},
};
use crate::{
    coordinates::{self, Coordinates, FEW_COLUMNS},
    made::Widths,
};

/// Columns of the plane.
const PLANE: usize = 2;

/// Pictures whose densities are measured: a minute or two on 2 cores, with an error of 0.01 bits per dimension on MNIST.
const MEASURED_PICTURES: usize = 2000;

/// Units of each logit in a potential: the logits of a dark pixel's noise fall off at once on one side and slowly on the other,
/// which no Gaussian does.
const SEPARABLE: usize = 8;

/// The most epochs that small data are gone through.
const MOST_EPOCHS: usize = 500;

/// Sizes and lengths that suit a flow.
pub(super) struct Recipe {
    pub(super) hidden: Widths,
    /// How many waves, and the scale of their frequencies.
    pub(super) waves: (usize, f64),
    pub(super) steps: usize,
    pub(super) batch_size: usize,
    pub(super) rate: f64,
    /// Steps of the solver in training.
    pub(super) solver_steps: usize,
    /// Part of the run over which a Hamiltonian is annealed.
    pub(super) annealing: f64,
}

impl Recipe {
    /// For a model whose kind and width are known.
    fn of(model: &CnfModel, objective: Training) -> Self {
        use Training::Matching;
        let by_matching = objective == Matching;
        let width = model.n_visible.unwrap_or(0);
        let wide = Self {
            hidden: Widths::Many(vec![1024, 1024]),
            waves: (0, 1.0),
            steps: if by_matching { 4000 } else { 6000 },
            batch_size: 128,
            rate: 2e-3,
            solver_steps: 8,
            annealing: 0.0,
        };
        match model.kind {
            // Convolutions learn more from small batches at a large rate: the loss on other digits is 0.234 after 77,000 in batches of
            // 128 at 2e-3, 0.219 after as many in batches of 64, 0.215 after 51,000 of them at 4e-3. Wide ones need a rate that falls
            // as the width grows (Yang et al., "Tensor programs V", 2022, arXiv:2203.03466).
            Some(FieldKind::Image) => Self {
                steps: if by_matching { 10_000 } else { wide.steps },
                batch_size: 64,
                rate: 4e-3 * (32.0 / model.image.channels[0].max(1) as f64).min(1.0),
                ..wide
            },
            // Behind a whitening the flow is nearly straight, so that few steps do: an accurate solver agrees.
            Some(FieldKind::Potential) if is_of_logits(model) => {
                Self { hidden: Widths::One(512), steps: 4000, rate: 1e-2, solver_steps: 4, ..wide }
            }
            Some(FieldKind::Potential) => {
                let is_narrow = width <= FEW_COLUMNS;
                let (hidden, rate) = if is_narrow { (256, 5e-3) } else { (512, 2e-3) };
                Self { hidden: Widths::One(hidden), rate, ..wide }
            }
            _ if width <= PLANE && by_matching => Self {
                hidden: Widths::Many(vec![256, 256]),
                waves: (64, 3.0),
                // Large batches: what is regressed on is nearly all noise.
                steps: 8000,
                batch_size: 1024,
                rate: 8e-3,
                ..wide
            },
            _ if width <= PLANE => Self {
                hidden: Widths::Many(vec![64, 64]),
                waves: (16, 2.0),
                steps: 1500,
                batch_size: 256,
                rate: 5e-3,
                ..wide
            },
            _ if width <= FEW_COLUMNS => Self {
                hidden: Widths::Many(if by_matching { vec![256, 256] } else { vec![64, 64] }),
                steps: if by_matching { 10_000 } else { wide.steps },
                rate: 5e-3,
                ..wide
            },
            _ => wide,
        }
    }

    /// For a flow that learns a Hamiltonian.
    pub(super) fn of_hamiltonian(kind: FieldKind, is_lattice: bool) -> Self {
        let any = Self {
            hidden: Widths::Many(vec![64, 64]),
            waves: (0, 1.0),
            steps: 1000,
            batch_size: 128,
            rate: 2e-3,
            // Bounds of one grid of times fall below the exact value where it is coarse.
            solver_steps: 16,
            annealing: 0.2,
        };
        match (kind, is_lattice) {
            (FieldKind::Potential, true) => Self { hidden: Widths::One(512), ..any },
            (FieldKind::Potential, false) => Self { hidden: Widths::One(64), ..any },
            // Kernels are learned mode by mode at a large rate.
            (FieldKind::Lattice, _) => {
                let hidden = Widths::Many(Vec::new());
                Self { hidden, steps: 500, batch_size: 64, rate: 2e-2, annealing: 0.0, ..any }
            }
            _ => any,
        }
    }

    /// Fills in what is open in the model. Its width and kind are known.
    pub(super) fn settle_model(&self, model: &mut CnfModel, objective: Option<Training>) {
        let (width, kind) = (model.n_visible.unwrap_or(0), model.kind.unwrap_or(FieldKind::Perceptron));
        model.activation.get_or_insert(match kind {
            FieldKind::Perceptron if objective == Some(Training::Matching) => Activation::Silu,
            FieldKind::Perceptron => Activation::Tanh,
            FieldKind::Potential => Activation::Softplus,
            FieldKind::Image | FieldKind::Lattice => Activation::Silu,
        });
        model.n_hidden.get_or_insert_with(|| self.hidden.clone());
        model.waves.get_or_insert(self.waves.0);
        model.wave_scale.get_or_insert(self.waves.1);
        let of_logits = is_of_logits(model);
        model.separable.get_or_insert(if of_logits { SEPARABLE } else { 0 });
        let is_table = coordinates::is_whitened(model.coordinates, width);
        model.whitened.get_or_insert(of_logits || is_table && kind != FieldKind::Image);
        if kind == FieldKind::Image {
            model.measured.get_or_insert(MEASURED_PICTURES);
        }
        let n_layers = model.n_hidden.as_ref().map_or(0, |widths| widths.list().len());
        let is_cheap = match kind {
            FieldKind::Perceptron => n_layers <= 2 || width <= 4,
            FieldKind::Potential => n_layers == 1 || width <= 4,
            FieldKind::Image => false,
            FieldKind::Lattice => true,
        };
        model.trace.get_or_insert(match is_cheap {
            true => Trace::Exact,
            false => Trace::Hutchinson(Probe::Rademacher),
        });
    }

    /// Fills in what is open in the training.
    pub(super) fn settle_train(&self, train: &mut CnfTrain) {
        train.steps.get_or_insert(self.steps);
        train.batch_size.get_or_insert(self.batch_size);
        train.learning_rate.get_or_insert(Schedule::cosine(self.rate, 0.0).with_warmup(100));
        if matches!(train.solver.method, Method::Euler | Method::Midpoint | Method::Rk4) {
            train.solver.steps.get_or_insert(self.solver_steps);
        }
        train.variational.annealing.get_or_insert(self.annealing);
    }
}

/// Whether the flow is a potential of logits: that of Monge and Ampère for pictures.
fn is_of_logits(model: &CnfModel) -> bool {
    model.kind == Some(FieldKind::Potential) && model.coordinates == Some(Coordinates::Logit)
}

/// Fills in shape, width, kind, sizes and length of a flow of data, and checks what can be checked before training.
pub(super) fn settle(config: &mut CnfRun, data: &Splits) -> Result<()> {
    let (model, train) = (&mut config.model, &mut config.train);
    config.data.binarization.get_or_insert(Binarization::None);
    let shape = config.data.shape.get_or_insert_with(|| data.train.shape().to_vec()).clone();
    let width = *model.n_visible.get_or_insert(data.width());
    data.train.require_width(width)?;
    let is_narrow = width <= FEW_COLUMNS;
    let is_picture = matches!(shape[..], [rows, columns] if rows % 4 == 0 && columns % 4 == 0);
    model.kind.get_or_insert(match is_picture && !is_narrow {
        true => FieldKind::Image,
        false => FieldKind::Perceptron,
    });
    let objective = *train.objective.get_or_insert(match is_narrow || is_of_logits(model) {
        true => Training::Likelihood,
        false => Training::Matching,
    });
    let recipe = Recipe::of(model, objective);
    recipe.settle_model(model, Some(objective));
    recipe.settle_train(train);
    check(model, train, Some(&shape))?;
    if train.run.epochs == 0 {
        let per_epoch = data.train.len().div_ceil(train.batch_size()?);
        train.run.epochs = train.steps.unwrap_or(recipe.steps).div_ceil(per_epoch).min(MOST_EPOCHS);
    }
    coordinates::settle(model.coordinates, &mut model.standardization, model.n_classes, data)
}
