//! Models of every kind behind one name.

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_autoregressive::{Autoregressive, Made, Nade, Transformer};
use gibbs_backend::Noise;
use gibbs_train::{training::TrainTask, weights};

use super::{MadeRun, config::ModelKind, train::DensityTask};
use gibbs_data::Splits;

/// A model of any kind.
pub(super) enum AnyModel {
    Made(Made),
    Nade(Nade),
    Transformer(Box<Transformer>),
}

impl AnyModel {
    /// The model that a configuration describes, with the weights in the bytes of a `model.safetensors`.
    ///
    /// # Errors
    /// A configuration that is open or out of range, or weights that do not fit it.
    pub(super) fn load(config: &MadeRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let mut noise = Noise::new(config.seed, "init");
        let model = &config.model;
        Ok(match model.kind {
            ModelKind::Made => {
                let made = model.made_of(bytes)?.init(device, &mut noise).context("the configuration")?;
                Self::Made(weights::from_bytes(made, bytes)?)
            }
            ModelKind::Nade => {
                let nade = model.nade()?.init(device, &mut noise).context("the configuration")?;
                Self::Nade(weights::from_bytes(nade, bytes)?)
            }
            ModelKind::Transformer => {
                let transformer =
                    model.transformer()?.init(device, &mut noise).context("the configuration")?;
                Self::Transformer(Box::new(weights::from_bytes(transformer, bytes)?))
            }
        })
    }

    /// The model as a law.
    pub(super) fn law(&self) -> &(dyn Autoregressive + Sync) {
        match self {
            Self::Made(made) => made,
            Self::Nade(nade) => nade,
            Self::Transformer(transformer) => &**transformer,
        }
    }
}

/// A new model in training.
pub(super) fn task(config: &MadeRun, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
    let mut noise = Noise::new(config.seed, "init");
    let model = &config.model;
    Ok(match model.kind {
        ModelKind::Made => {
            let made = model.made()?.init(device, &mut noise)?;
            Box::new(DensityTask::new(config, made, data, device)?)
        }
        ModelKind::Nade => {
            let nade = model.nade()?.init(device, &mut noise)?;
            Box::new(DensityTask::new(config, nade, data, device)?)
        }
        ModelKind::Transformer => {
            let transformer = model.transformer()?.init(device, &mut noise)?;
            Box::new(DensityTask::new(config, transformer, data, device)?)
        }
    })
}
