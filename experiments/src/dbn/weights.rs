//! What `model.safetensors` of a deep belief network holds.

use anyhow::Result;
use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_boltzmann::{AnyRbm, Dbn};
use gibbs_core::nn::Mlp;
use gibbs_train::weights;

use super::{DbnRun, config};

/// The stack, and the network fine-tuned from it where there is one.
#[derive(Module, Debug)]
pub(super) struct Weights {
    /// The stack's own fields.
    pub(super) layers: Vec<AnyRbm>,
    pub(super) recognition: Vec<Param<Tensor<2>>>,
    /// The classifier's own field.
    pub(super) classifier: Option<Mlp>,
}

impl Weights {
    pub(super) fn new(dbn: Dbn, classifier: Option<Mlp>) -> Self {
        Self { layers: dbn.layers, recognition: dbn.recognition, classifier }
    }

    /// The stack and the classifier in the bytes of a file. Which of the optional parts there are, the file tells; how the
    /// layers were trained does not matter.
    ///
    /// # Errors
    /// Weights that do not fit the configuration.
    pub(super) fn read(config: &DbnRun, bytes: &[u8], device: &Device) -> Result<(Dbn, Option<Mlp>)> {
        let mut noise = Noise::new(config.seed, "init");
        let mut dbn =
            config.model.dbn_config()?.init(device, &mut noise).map_err(|error| error.within("model"))?;
        if weights::contains(bytes, "recognition.")? {
            dbn = dbn.untied();
        }
        let classifier = weights::contains(bytes, "classifier.")?
            .then(|| random_classifier(config, device))
            .transpose()?;
        let read = weights::from_bytes(Self::new(dbn, classifier), bytes)?;
        Ok((Dbn { layers: read.layers, recognition: read.recognition }, read.classifier))
    }
}

/// The network that the stack unrolls to, with random weights.
pub(super) fn random_classifier(config: &DbnRun, device: &Device) -> Result<Mlp> {
    let network = config.model.dbn_config()?.classifier(config::classifier_classes(config)?)?;
    Ok(network.init(device, &mut Noise::new(config.seed, "classifier"))?)
}
