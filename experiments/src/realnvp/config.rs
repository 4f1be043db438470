//! Settings of a normalizing flow, and the presets.

use anyhow::{Context, Result};
use gibbs_core::{nn::Activation, optim::AdamConfig};
use gibbs_data::{Binarization, Splits};
use gibbs_flow::{
    CouplingMask, FlowConfig, LatticeConfig, LayerConfig, MafConfig, Permute, RealNvpConfig, Univariate,
};
use gibbs_train::{clip::Clip, schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::{RealNvpRun, image::ImageSizes, kind::FlowKind};
use crate::{
    boltzmann::{check_counts, check_part, check_rate, layer::Average},
    cli::Preset,
    coordinates::{self, Coordinates, FEW_COLUMNS},
    experiment::Length,
    fault::Fault,
    made::{Widths, given},
    standardization::Standardization,
    system::{Continuous, HAMILTONIAN},
    variational::{Symmetrization, Variational},
};

/// The flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealNvpModel {
    /// The Hamiltonian, where the run has no data.
    pub system: Continuous,
    /// Which flow; `null` takes splines for one column or two, affine autoregressive layers for up to 60, and else affine
    /// couplings.
    pub kind: Option<FlowKind>,
    /// Columns of the data; `null` takes what the data have.
    pub n_visible: Option<usize>,
    /// Sizes of the two kinds for pictures, which have no others.
    pub image: ImageSizes,
    /// Layers; `null` takes what the width needs.
    pub n_layers: Option<usize>,
    /// Hidden units of the network of each layer, a number or a list; `null` takes what the width needs.
    pub n_hidden: Option<Widths>,
    /// Function of the hidden units; `null` takes tanh for autoregressive layers, and else relu.
    pub activation: Option<Activation>,
    /// Which variables a coupling keeps, and the next one changes; `null` takes a checkerboard where a Hamiltonian has a lattice of
    /// two axes, and else every other one.
    pub mask: Option<CouplingMask>,
    /// Whether a learned linear layer comes before all; `null` takes one for a Hamiltonian of a chain or a lattice.
    pub linear: Option<bool>,
    /// Bins of splines, and half the width of their box.
    pub bins: usize,
    /// Half the width of the box of splines.
    pub bound: f64,
    /// Whether an activation normalization comes before each layer; `null` takes one for pictures.
    pub act_norm: Option<bool>,
    /// Classes on which the flow is conditioned, 0 for none.
    pub n_classes: usize,
    /// What the flow is a law of; `null` takes logits of grey values, and else standardized columns.
    pub coordinates: Option<Coordinates>,
    /// Distance that logits keep from 0 and 1; `null` takes what the kind needs: 0.05 for affine couplings of pictures (Dinh et al.
    /// 2017), 2e-4 for those by splines, which spreads the grey value 0 over a sixth of the axis, and else 1e-6 (Papamakarios et
    /// al. 2017).
    pub margin: Option<f64>,
    /// Shift and scale of the columns; `null` takes those of the training data.
    pub standardization: Option<Standardization>,
    /// Whether the flow begins behind a whitening by the covariance of the training data; `null` takes one for tables of three to
    /// 60 columns.
    pub whitened: Option<bool>,
    /// Symmetries of the flow as it is measured and sampled, where it learns a Hamiltonian.
    pub symmetry: Symmetrization,
}

/// Training.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealNvpTrain {
    /// Length, logs, validation, checkpoints. No epochs (0) means as many as make `steps` steps.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Steps of a run whose number of epochs is left open; `null` takes what the width needs.
    pub steps: Option<usize>,
    /// Examples of a step.
    pub batch_size: usize,
    /// Learning rate of Adam.
    pub learning_rate: Schedule,
    /// Part of the weights that a step at learning rate 1 takes away.
    pub weight_decay: f64,
    /// Average of the weights, which is what is measured and saved.
    pub average: Average,
    /// Bound of the gradient.
    pub clip: Clip,
    /// What only a run on a Hamiltonian has.
    #[serde(flatten)]
    pub variational: Variational,
}

impl Length for RealNvpTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

impl RealNvpTrain {
    /// The optimizer's constants.
    pub(super) fn adam(&self) -> AdamConfig {
        AdamConfig::new().with_weight_decay(self.weight_decay)
    }
}

/// Settings to start from. What depends on the width of the data is left open.
pub(super) fn preset(preset: Preset, data: &str) -> (RealNvpModel, RealNvpTrain) {
    let has_data = data != HAMILTONIAN;
    let model = RealNvpModel {
        system: Continuous::default(),
        kind: None,
        n_visible: None,
        image: ImageSizes::preset(preset),
        n_layers: (preset == Preset::Tiny).then_some(2),
        n_hidden: (preset == Preset::Tiny).then_some(Widths::One(16)),
        activation: (!has_data).then_some(Activation::Silu),
        mask: None,
        linear: None,
        bins: 16,
        bound: 4.0,
        act_norm: None,
        n_classes: 0,
        coordinates: None,
        margin: None,
        standardization: None,
        whitened: None,
        symmetry: if has_data { Symmetrization::None } else { Symmetrization::Lattice },
    };
    let train = RealNvpTrain {
        run: LoopConfig {
            epochs: 0,
            select_best: has_data,
            patience: has_data.then_some(30),
            ..LoopConfig::default()
        },
        steps: match preset {
            Preset::Tiny => Some(100),
            Preset::Default => None,
            Preset::Paper => Some(20_000),
        },
        batch_size: if has_data { 256 } else { 128 },
        learning_rate: Schedule::cosine(if has_data { 2e-3 } else { 3e-3 }, 0.0).with_warmup(100),
        weight_decay: 0.0,
        average: Average { decay: 0.999, every: 1 },
        clip: Clip::GlobalNorm { limit: 10.0 },
        variational: Variational::new(0.2, Symmetrization::Reversal),
    };
    (model, train)
}

impl RealNvpModel {
    /// Whether the flow is one of few columns.
    fn is_narrow(&self) -> bool {
        self.n_visible.is_some_and(|width| width <= FEW_COLUMNS)
    }

    /// The function of the hidden units, that of the kind if none is given.
    fn activation(&self) -> Activation {
        let autoregressive = [FlowKind::Maf, FlowKind::SplineMaf, FlowKind::Iaf];
        let default = match self.kind.is_some_and(|kind| autoregressive.contains(&kind)) {
            true => Activation::Tanh,
            false => Activation::Relu,
        };
        self.activation.unwrap_or(default)
    }

    /// Fills in what the width decides.
    pub(super) fn settle(&mut self) {
        let is_narrow = self.is_narrow();
        let kind = *self.kind.get_or_insert(match (self.n_visible, is_narrow) {
            (Some(1), _) => FlowKind::SplineMaf,
            (Some(2), _) => FlowKind::Spline,
            (_, true) => FlowKind::Maf,
            (_, false) => FlowKind::Realnvp,
        });
        self.activation = Some(self.activation());
        self.linear.get_or_insert(false);
        let is_table = coordinates::is_whitened(self.coordinates, self.n_visible.unwrap_or(0));
        self.whitened.get_or_insert(is_table && !kind.is_of_images());
        self.act_norm.get_or_insert(kind.is_of_images());
        self.margin.get_or_insert(match kind {
            FlowKind::Image => 0.05,
            FlowKind::ImageSpline => 2e-4,
            _ => 1e-6,
        });
        if kind.is_of_images() {
            return;
        }
        self.mask.get_or_insert(CouplingMask::Alternating);
        self.n_layers.get_or_insert(match (kind, is_narrow) {
            (FlowKind::Maf | FlowKind::SplineMaf | FlowKind::Iaf, _) => 5,
            (_, true) => 8,
            (_, false) => 8,
        });
        self.n_hidden.get_or_insert(match is_narrow {
            true => Widths::Many(vec![128, 128]),
            false => Widths::Many(vec![512, 512]),
        });
    }

    /// The flow.
    ///
    /// # Errors
    /// If a size is still open, or a field is out of range.
    pub(super) fn flow(&self) -> Result<FlowConfig> {
        let width = given(self.n_visible, "model.n_visible")?;
        let kind = given(self.kind, "model.kind")?;
        let n_layers = || given(self.n_layers, "model.n_layers");
        let hidden = || {
            given(self.n_hidden.clone(), "model.n_hidden")
                .map(|widths| gibbs_core::nn::Widths::from(widths.list()))
        };
        let act_norm = given(self.act_norm, "model.act_norm")?;
        let map = match kind {
            FlowKind::Nice => Univariate::Additive,
            FlowKind::Realnvp | FlowKind::Maf | FlowKind::Iaf | FlowKind::Lattice | FlowKind::Image => {
                Univariate::affine()
            }
            FlowKind::Spline | FlowKind::SplineMaf | FlowKind::ImageSpline => {
                Univariate::Spline { bins: self.bins, bound: self.bound }
            }
        };
        let mut flow = match kind {
            FlowKind::Nice | FlowKind::Realnvp | FlowKind::Spline => {
                if width < 2 {
                    return Err(Fault::usage(format!(
                        "model.kind = {kind}: a coupling needs at least 2 columns, the data have {width}; take maf or spline_maf"
                    )));
                }
                RealNvpConfig::new(width, n_layers()?, hidden()?)
                    .with_activation(self.activation())
                    .with_mask(given(self.mask.clone(), "model.mask")?)
                    .with_act_norm(act_norm)
                    .with_n_context(self.n_classes)
                    .flow_with(map)
            }
            FlowKind::Maf | FlowKind::SplineMaf | FlowKind::Iaf => {
                let config = MafConfig::new(width, n_layers()?, hidden()?)
                    .with_activation(self.activation())
                    .with_act_norm(act_norm)
                    .with_n_context(self.n_classes);
                if kind == FlowKind::Iaf { config.inverse_flow_with(map) } else { config.flow_with(map) }
            }
            FlowKind::Image | FlowKind::ImageSpline => self
                .image
                .flow(width, self.activation())?
                .with_act_norm(act_norm)
                .with_n_context(self.n_classes)
                .flow_with(map)
                .context("model.image")?,
            FlowKind::Lattice => {
                if self.n_classes > 0 {
                    return Err(Fault::usage(format!(
                        "model.n_classes = {}: a lattice flow takes none",
                        self.n_classes
                    )));
                }
                let Some(CouplingMask::Checkerboard { rows, columns }) = self.mask else {
                    return Err(Fault::usage(
                        "model.kind = lattice: the numbers of rows and columns are those of model.mask, which must be a checkerboard",
                    ));
                };
                LatticeConfig::new(rows, columns)
                    .with_n_layers(n_layers()?)
                    .with_n_hidden(hidden()?)
                    .with_activation(self.activation())
                    .flow()
                    .context("model")?
            }
        };
        if given(self.linear, "model.linear")? {
            flow.layers.insert(0, LayerConfig::linear(Permute::Given((0..width).collect())));
        }
        Ok(flow)
    }
}

/// The most epochs that small data are gone through.
const MOST_EPOCHS: usize = 500;

/// Fills in coordinates, shape, width and length, and checks what can be checked before training.
pub(super) fn settle(config: &mut RealNvpRun, data: &Splits) -> Result<()> {
    let (model, train) = (&mut config.model, &mut config.train);
    config.data.binarization.get_or_insert(Binarization::None);
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    let width = *model.n_visible.get_or_insert(data.width());
    data.train.require_width(width)?;
    model.image.settle(config.data.shape.as_deref());
    model.settle();
    let steps = *train.steps.get_or_insert(if model.is_narrow() { 8000 } else { 2000 });
    check(model, train)?;
    if train.run.epochs == 0 {
        let per_epoch = data.train.len().div_ceil(train.batch_size);
        train.run.epochs = steps.div_ceil(per_epoch).min(MOST_EPOCHS);
    }
    coordinates::settle(model.coordinates, &mut model.standardization, model.n_classes, data)?;
    check_flow(model)
}

/// What can be checked of settings whose sizes are filled in.
pub(super) fn check(model: &RealNvpModel, train: &RealNvpTrain) -> Result<()> {
    if let Some(Widths::Many(widths)) = &model.n_hidden
        && widths.contains(&0)
    {
        return Err(Fault::usage(format!("model.n_hidden = {widths:?}: each width must be at least 1")));
    }
    check_counts(&[
        ("train.batch_size", train.batch_size),
        ("train.steps", given(train.steps, "train.steps")?),
        ("model.n_layers", model.n_layers.unwrap_or(1)),
    ])?;
    check_rate("train.learning_rate", &train.learning_rate)?;
    check_part("model.margin", 2.0 * given(model.margin, "model.margin")?)?;
    train.average.validate("train.average")?;
    train.adam().validate().context("train")
}

/// Whether the flow can be made.
pub(super) fn check_flow(model: &RealNvpModel) -> Result<()> {
    let flow = model.flow()?;
    flow.init(&burn::tensor::Device::default(), &mut gibbs_backend::Noise::new(0, "check"))
        .map(|_| ())
        .context("model")
}
