//! Settings of a variational autoregressive network, and the presets.

use anyhow::{Context, Result};
use gibbs_autoregressive::{Degrees, MadeConfig, OrderConfig, PixelCnnConfig};
use gibbs_core::{
    nn::Activation,
    optim::AdamConfig,
    symmetry::{Symmetry, SymmetryGroup},
};
use gibbs_data::{Binarization, Splits};
use gibbs_physics::{
    Boundary,
    system::{SpinSystem, SpinSystemConfig},
};
use gibbs_train::{schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::{VanRun, network::Network};
use crate::{
    boltzmann::{check_counts, check_rate, layer::Average},
    cli::Preset,
    config::DataConfig,
    experiment::Length,
    fault::Fault,
    made::{Widths, given},
    system::{self, HAMILTONIAN},
    variational::{Symmetrization, Variational},
};

/// Images under the symmetries that are looked at when a model is measured, unless its settings say otherwise: seconds of dense
/// layers, and of convolutions, which cost some ten times as much.
const IMAGES: usize = 10_000_000;
const IMAGES_OF_CONVOLUTIONS: usize = 1_000_000;

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Dense masked layers.
    Made,
    /// Masked convolutions over the lattice.
    PixelCnn,
}

/// Sizes of masked convolutions; see their configuration in the model crate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelCnnSizes {
    /// Channels.
    pub width: usize,
    /// Convolutions one after the other.
    pub depth: usize,
    /// Half-width of the window: 2 for kernels of 5×5.
    pub half_kernel: usize,
}

/// How the two states of a spin are written in draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// -1 and +1.
    Spins,
    /// 0 and 1.
    Bits,
}

/// The Hamiltonian and the network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VanModel {
    /// The Hamiltonian, where the run has no data.
    pub system: SpinSystemConfig,
    /// Which network.
    pub kind: NetworkKind,
    /// Number of spins; `null` takes that of the Hamiltonian or the data.
    pub n_visible: Option<usize>,
    /// How draws are written; `null` takes what the data have, or spins.
    pub values: Option<Values>,
    /// Hidden units of `made`, a number or a list of them; an empty list leaves the direct connections.
    pub n_hidden: Widths,
    /// Function of the hidden units.
    pub activation: Activation,
    /// Order of the spins in `made`: `natural`, `random`, or a list of all.
    pub order: OrderConfig,
    /// Sizes of `pixel_cnn`.
    pub pixel_cnn: PixelCnnSizes,
    /// Symmetries of the model as it is measured and sampled.
    pub symmetry: Symmetrization,
}

/// Training and measuring.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VanTrain {
    /// Length, logs, validation, checkpoints.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Draws, or examples, of a step.
    pub batch_size: usize,
    /// Learning rate of Adam.
    pub learning_rate: Schedule,
    /// Average of the weights, which is what is measured and saved.
    pub average: Average,
    /// Training on a Hamiltonian.
    #[serde(flatten)]
    pub variational: Variational,
}

impl Length for VanTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

/// Settings to start from. `paper` are those that Wu, Wang & Zhang use for 16×16 spins (Phys. Rev. Lett. 122:080602, 2019, and
/// its program), for a GPU; the temperature there falls exponentially, to within 2 % after a fifth of the steps.
pub(super) fn preset(preset: Preset, data: &str) -> (VanModel, VanTrain) {
    let has_data = data != HAMILTONIAN;
    let is_paper = preset == Preset::Paper;
    let convolutions = match is_paper {
        true => PixelCnnSizes { width: 64, depth: 3, half_kernel: 6 },
        false => PixelCnnSizes { width: 16, depth: 3, half_kernel: 2 },
    };
    let model = VanModel {
        system: SpinSystemConfig { lattice: None, ..SpinSystemConfig::default() },
        kind: if is_paper { NetworkKind::PixelCnn } else { NetworkKind::Made },
        n_visible: None,
        values: None,
        n_hidden: Widths::One(if preset == Preset::Tiny { 32 } else { 256 }),
        activation: Activation::Relu,
        order: OrderConfig::Natural,
        pixel_cnn: convolutions,
        symmetry: if has_data { Symmetrization::None } else { Symmetrization::Lattice },
    };
    let run = LoopConfig {
        epochs: if preset == Preset::Tiny { 5 } else { 100 },
        select_best: has_data,
        patience: has_data.then_some(10),
        ..LoopConfig::default()
    };
    let train = VanTrain {
        run,
        batch_size: if is_paper { 1000 } else { 200 },
        learning_rate: match is_paper {
            true => Schedule::constant(1e-3),
            false => Schedule::cosine(2e-3, 0.0).with_warmup(100),
        },
        average: if is_paper { Average::OFF } else { Average { decay: 0.999, every: 1 } },
        variational: Variational::new(
            if is_paper { 0.2 } else { 0.5 },
            if has_data { Symmetrization::None } else { Symmetrization::Reversal },
        ),
    };
    (model, train)
}

impl VanModel {
    /// The configuration of dense layers.
    ///
    /// # Errors
    /// If the number of spins is still open, or a field is out of range.
    pub(super) fn made(&self) -> Result<MadeConfig> {
        let config = MadeConfig::new(given(self.n_visible, "model.n_visible")?, self.n_hidden.list())
            .with_activation(self.activation)
            .with_degrees(Degrees::Uniform)
            .with_order(self.order.clone());
        config.validate().context("model")?;
        Ok(config)
    }

    /// The configuration of convolutions over a lattice of this shape. They go around it where all of the system does.
    ///
    /// # Errors
    /// If the shape has not two axes, or a field is out of range.
    pub(super) fn pixel_cnn(&self, data: &DataConfig) -> Result<PixelCnnConfig> {
        let shape = data.shape.as_deref().unwrap_or_default();
        let &[rows, columns] = shape else {
            return Err(Fault::usage(format!(
                "model.kind = pixel_cnn: needs a lattice of two axes, this has the shape {shape:?}; take made"
            )));
        };
        let sizes = self.pixel_cnn;
        let periodic = data.name == HAMILTONIAN && self.system.boundary == Boundary::Periodic;
        let config = PixelCnnConfig::new(rows, columns)
            .with_width(sizes.width)
            .with_depth(sizes.depth)
            .with_half_kernel(sizes.half_kernel)
            .with_periodic(periodic)
            .with_activation(self.activation);
        config.validate().context("model.pixel_cnn")?;
        Ok(config)
    }
}

/// The group under which the network of `n_spins` is averaged: symmetries of the Hamiltonian, where that is one of as many
/// spins. Of data the reversal alone is taken on trust.
///
/// # Errors
/// A system that cannot be built, or has another number of spins and no lattice for these.
pub(super) fn group(
    config: &VanRun,
    symmetrization: Symmetrization,
    n_spins: usize,
) -> Result<SymmetryGroup> {
    if symmetrization == Symmetrization::None {
        return Ok(SymmetryGroup::trivial(n_spins));
    }
    let system = &config.model.system;
    let spins = system::build(system)?;
    match (symmetrization, spins.n_spins() == n_spins) {
        (Symmetrization::Lattice, true) => Ok(spins.hamiltonian.symmetry_group(spins.lattice.as_ref())),
        (Symmetrization::Lattice, false) => Err(Fault::usage(format!(
            "symmetry = lattice: {} is not the system of {n_spins} spins; give theirs, such as --lattice 16x16",
            system.describe()
        ))),
        (_, true) => Ok(spins.hamiltonian.symmetry_group(None)),
        (_, false) => Ok(SymmetryGroup::generated_by(n_spins, &[Symmetry::negation(n_spins)])),
    }
}

/// Whether a run is given a Hamiltonian, and not data.
pub(super) fn is_variational(config: &VanRun) -> bool {
    config.data.name == HAMILTONIAN
}

/// The Hamiltonian of a run, where it has one.
///
/// # Errors
/// One that cannot be built.
pub(super) fn spins(config: &VanRun) -> Result<Option<SpinSystem>> {
    if is_variational(config) { system::build(&config.model.system).map(Some) } else { Ok(None) }
}

impl VanRun {
    /// Draws by which a model with so many symmetries is measured.
    pub(super) fn draws(&self, symmetries: usize) -> usize {
        let images = match self.model.kind {
            NetworkKind::Made => IMAGES,
            NetworkKind::PixelCnn => IMAGES_OF_CONVOLUTIONS,
        };
        self.train.variational.draws(images, symmetries)
    }
}

/// Fills in shape and width, and checks what can be checked before training.
pub(super) fn settle(config: &mut VanRun, data: &Splits) -> Result<()> {
    let is_variational = is_variational(config);
    let (model, train) = (&mut config.model, &config.train);
    config.data.binarization.get_or_insert(Binarization::None);
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    let width = *model.n_visible.get_or_insert(data.width());
    data.train.require_width(width)?;
    model.values.get_or_insert(Values::Spins);
    Network::validate(model, &config.data)?;
    check_rate("train.learning_rate", &train.learning_rate)?;
    check_counts(&[("train.batch_size", train.batch_size)])?;
    train.variational.validate()?;
    if is_variational && train.batch_size < 2 {
        return Err(Fault::usage("train.batch_size = 1: the baseline needs at least 2 draws"));
    }
    train.average.validate("train.average")?;
    let (of_model, variational) = (model.symmetry, train.variational);
    group(config, of_model, width).context("model.symmetry")?;
    variational.check_images(&group(config, variational.symmetry, width).context("train.symmetry")?)
}

/// The optimizer's constants.
pub(super) fn adam() -> AdamConfig {
    AdamConfig::new()
}
