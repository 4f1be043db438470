//! Sizes of all layers, and how hidden layers are inferred.

use burn::{config::Config, module::Param, prelude::*};
use gibbs_backend::{Init, Noise};
use gibbs_core::{
    ConfigError,
    nn::{Activation, MlpConfig},
};

use super::machine::{Coupling, Dbm, Label};
use crate::{rbm::RbmConfig, units::UnitKind};

/// Sizes of a [`Dbm`].
#[derive(Config, Debug, PartialEq)]
pub struct DbmConfig {
    /// Columns of the visible layer, without those of a label. At least 1.
    pub n_visible: usize,
    /// Hidden units of each layer, bottom to top; at least two layers (500, 1000 in Salakhutdinov & Hinton 2009).
    pub n_hidden: Vec<usize>,
    /// Kind of the visible units: binary or Gaussian.
    #[config(default = "UnitKind::Binary")]
    pub visible: UnitKind,
    /// Classes of a label that is coupled to the highest layer; 0 for no label, else at least 2.
    #[config(default = 0)]
    pub n_classes: usize,
    /// Standard deviation of the initial weights.
    #[config(default = 0.01)]
    pub weight_std: f64,
    /// Initial bias of the hidden units.
    #[config(default = 0.0)]
    pub hidden_bias: f64,
    /// Mean-field updates of all hidden layers in each step of training, at least 1.
    #[config(default = 10)]
    pub mean_field: usize,
    /// Mean-field updates when the machine is measured, at least 1.
    #[config(default = 50)]
    pub mean_field_measured: usize,
    /// Examples of which `eval` estimates the likelihood by annealing; 0 for none.
    #[config(default = 500)]
    pub measured: usize,
}

impl DbmConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let n = self.n_hidden.len();
        let reason = "a deep Boltzmann machine has at least two hidden layers; one layer is an rbm";
        ConfigError::require(n >= 2, "n_hidden", format!("{:?}", self.n_hidden), reason)?;
        let is_known = matches!(self.visible, UnitKind::Binary | UnitKind::Gaussian);
        ConfigError::require(is_known, "visible", self.visible, "must be binary or gaussian")?;
        ConfigError::require(self.n_classes != 1, "n_classes", 1, "must be 0 for no label, or at least 2")?;
        ConfigError::at_least("mean_field", self.mean_field, 1)?;
        ConfigError::at_least("mean_field_measured", self.mean_field_measured, 1)?;
        self.layers().iter().enumerate().try_for_each(|(k, layer)| match layer.validate() {
            Err(error) if error.field == "n_hidden" => {
                let reason = format!("layer {k} has no units; each needs at least 1");
                Err(ConfigError::new("n_hidden", format!("{:?}", self.n_hidden), reason))
            }
            other => other,
        })
    }

    /// The RBM of each pair of neighboring layers, bottom to top, with which pre-training begins.
    pub fn layers(&self) -> Vec<RbmConfig> {
        let below = std::iter::once(&self.n_visible).chain(&self.n_hidden);
        let layer = |(k, (&below, &above)): (usize, (&usize, &usize))| {
            RbmConfig::new(below, above)
                .with_visible(if k == 0 { self.visible } else { UnitKind::Binary })
                .with_weight_std(self.weight_std)
                .with_hidden_bias(self.hidden_bias)
        };
        below.zip(&self.n_hidden).enumerate().map(layer).collect()
    }

    /// A machine with normal weights, zero visible biases and constant hidden biases. Draws bottom to top.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Dbm, ConfigError> {
        self.validate()?;
        let mut normal = |shape| Param::from_tensor(noise.normal::<2>(shape, device) * self.weight_std);
        let widths: Vec<usize> =
            std::iter::once(self.n_visible).chain(self.n_hidden.iter().copied()).collect();
        let layers = widths.windows(2).map(|pair| Coupling { weight: normal([pair[0], pair[1]]) }).collect();
        let bias = |width, value| Param::from_tensor(Tensor::full([width], value, device));
        let label = (self.n_classes > 0).then(|| Label {
            weight: normal([widths[widths.len() - 1], self.n_classes]),
            bias: bias(self.n_classes, 0.0),
        });
        let hidden = self.n_hidden.iter().map(|&width| bias(width, self.hidden_bias));
        Ok(Dbm {
            layers,
            biases: std::iter::once(bias(self.n_visible, 0.0)).chain(hidden).collect(),
            log_var: (self.visible == UnitKind::Gaussian)
                .then(|| Init::Zeros.param([self.n_visible], device, noise)),
            label,
        })
    }

    /// The feed-forward network of [`Dbm::classifier`] with random weights.
    pub fn classifier(&self, n_classes: usize) -> MlpConfig {
        let inputs = self.n_visible + self.n_hidden[1];
        let widths = [inputs].into_iter().chain(self.n_hidden.iter().copied()).chain([n_classes]);
        MlpConfig::new(widths.collect()).with_activation(Activation::Sigmoid)
    }
}
