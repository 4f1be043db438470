//! Networks of every kind behind one name.

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_autoregressive::{Made, PixelCnn, Spins};
use gibbs_backend::Noise;
use gibbs_core::{
    LogProb, Sample,
    symmetry::{Symmetrized, SymmetryGroup},
};
use gibbs_data::Splits;
use gibbs_train::{training::TrainTask, weights};

use super::{VanModel, VanRun, config::NetworkKind, train::VanTask};
use crate::config::DataConfig;

/// A law of spins that can be drawn from.
pub(super) trait SpinLaw: LogProb + Sample {}

impl<L: LogProb + Sample> SpinLaw for L {}

/// A network of any kind.
pub(super) enum Network {
    Made(Box<Made>),
    PixelCnn(Box<PixelCnn>),
}

impl Network {
    /// Checks the settings of the network.
    ///
    /// # Errors
    /// A setting that is out of range, or does not fit the shape of the spins.
    pub(super) fn validate(model: &VanModel, data: &DataConfig) -> Result<()> {
        match model.kind {
            NetworkKind::Made => model.made().map(|_| ()),
            NetworkKind::PixelCnn => model.pixel_cnn(data).map(|_| ()),
        }
    }

    /// A new network.
    fn init(config: &VanRun, device: &Device) -> Result<Self> {
        let noise = &mut Noise::new(config.seed, "init");
        Ok(match config.model.kind {
            NetworkKind::Made => Self::Made(Box::new(config.model.made()?.init(device, noise)?)),
            NetworkKind::PixelCnn => {
                Self::PixelCnn(Box::new(config.model.pixel_cnn(&config.data)?.init(device, noise)?))
            }
        })
    }

    /// The network that a configuration describes, with the weights in the bytes of a `model.safetensors`.
    ///
    /// # Errors
    /// A configuration that is open or out of range, or weights that do not fit it.
    pub(super) fn load(config: &VanRun, bytes: &[u8], device: &Device) -> Result<Self> {
        Ok(match Self::init(config, device).context("the configuration")? {
            Self::Made(made) => Self::Made(Box::new(weights::from_bytes(*made, bytes)?)),
            Self::PixelCnn(network) => Self::PixelCnn(Box::new(weights::from_bytes(*network, bytes)?)),
        })
    }

    /// A new network in training.
    pub(super) fn task(config: &VanRun, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        Ok(match Self::init(config, device)? {
            Self::Made(made) => Box::new(VanTask::new(config, *made, data, device)?),
            Self::PixelCnn(network) => Box::new(VanTask::new(config, *network, data, device)?),
        })
    }

    /// The law of spins, averaged over a group.
    pub(super) fn law(&self, group: &SymmetryGroup) -> Box<dyn SpinLaw> {
        let group = group.clone();
        match self {
            Self::Made(made) => Box::new(Symmetrized::new(Spins::new((**made).clone()), group)),
            Self::PixelCnn(network) => Box::new(Symmetrized::new(Spins::new((**network).clone()), group)),
        }
    }
}
