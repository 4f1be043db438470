//! Sizes and kinds of all layers of a deep belief network.

use burn::{config::Config, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    nn::{Activation, MlpConfig},
};

use super::network::Dbn;
use crate::{rbm::RbmConfig, units::UnitKind};

/// Sizes and kinds of the layers of a [`Dbn`].
#[derive(Config, Debug, PartialEq)]
pub struct DbnConfig {
    /// Columns of the visible layer, without those of a label. At least 1.
    pub n_visible: usize,
    /// Hidden units of each layer, bottom to top; at least one layer (500, 500, 2000 in Hinton, Osindero & Teh 2006).
    pub n_hidden: Vec<usize>,
    /// Kind of the visible units.
    #[config(default = "UnitKind::Binary")]
    pub visible: UnitKind,
    /// Kind of the hidden units of each layer, at least one; the last kind holds for all further layers.
    #[config(default = "vec![UnitKind::Binary]")]
    pub hidden: Vec<UnitKind>,
    /// States of each softmax unit.
    #[config(default = 2)]
    pub states: usize,
    /// Classes of the label in the top layer; 0 for no label.
    #[config(default = 0)]
    pub n_classes: usize,
    /// Standard deviation of the initial weights.
    #[config(default = 0.01)]
    pub weight_std: f64,
    /// Initial bias of the hidden units.
    #[config(default = 0.0)]
    pub hidden_bias: f64,
}

impl DbnConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.layers().map(|_| ())
    }

    /// The RBM of each layer, bottom to top.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn layers(&self) -> Result<Vec<RbmConfig>, ConfigError> {
        let Some(&last) = self.hidden.last() else {
            return Err(ConfigError::new("hidden", "[]", "give at least one kind of hidden units"));
        };
        ConfigError::require(!self.n_hidden.is_empty(), "n_hidden", "[]", "give at least one layer")?;
        let label_is_at_the_top = self.visible != UnitKind::Labeled;
        let reason = "only the top layer has a label; set n_classes instead";
        ConfigError::require(label_is_at_the_top, "visible", self.visible, reason)?;
        let (mut below, mut kind) = (self.n_visible, self.visible);
        let mut layers = Vec::new();
        for (k, &n_hidden) in self.n_hidden.iter().enumerate() {
            let classes = if k + 1 == self.n_hidden.len() { self.n_classes } else { 0 };
            let reason = format!(
                "a label needs binary units next to it, and those below layer {k} are {kind}; set it to 0 to go without"
            );
            let has_place = classes == 0 || kind == UnitKind::Binary;
            ConfigError::require(has_place, "n_classes", classes, reason)?;
            let hidden = self.hidden.get(k).copied().unwrap_or(last);
            let layer = RbmConfig {
                n_visible: below + classes,
                n_hidden,
                visible: if classes > 0 { UnitKind::Labeled } else { kind },
                hidden,
                states: if classes > 0 { classes } else { self.states },
                weight_std: self.weight_std,
                hidden_bias: self.hidden_bias,
            };
            layer.validate().map_err(|error| error.within(&format!("layers.{k}")))?;
            layers.push(layer);
            (below, kind) = (n_hidden, hidden);
        }
        Ok(layers)
    }

    /// A tied network with random weights, drawn bottom to top.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Dbn, ConfigError> {
        let layers: Result<Vec<_>, _> =
            self.layers()?.iter().map(|layer| layer.init(device, noise)).collect();
        Ok(Dbn { layers: layers?, recognition: Vec::new() })
    }

    /// The feed-forward network of [`Dbn::classifier`] with random weights.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn classifier(&self, n_classes: usize) -> Result<MlpConfig, ConfigError> {
        let layers = self.layers()?;
        let is_spin = layers.iter().all(|layer| layer.hidden == UnitKind::Spin);
        let widths = [self.n_visible].into_iter().chain(self.n_hidden.iter().copied()).chain([n_classes]);
        let activation = if is_spin { Activation::Tanh } else { Activation::Sigmoid };
        Ok(MlpConfig::new(widths.collect()).with_activation(activation))
    }
}
