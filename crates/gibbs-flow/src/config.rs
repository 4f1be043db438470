//! Configurations of flows: any chain, and the two families of the literature as recipes for one.

use burn::{config::Config, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::nn::Activation;

use crate::{
    AutoregressiveConfig, ConfigError, CouplingConfig, CouplingMask, Flow, Layer, LayerConfig, Permute,
    Univariate,
};

/// A chain of layers.
#[derive(Config, Debug, PartialEq)]
pub struct FlowConfig {
    /// Number of variables `D`, at least 1.
    pub n_variables: usize,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// The layers, from data to the base, at least one.
    pub layers: Vec<LayerConfig>,
}

impl FlowConfig {
    /// Checks every field that does not depend on a noise.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::range(self.n_variables > 0, "n_variables", self.n_variables as f64, "at least 1")?;
        ConfigError::range(!self.layers.is_empty(), "number of layers", 0.0, "at least 1")?;
        self.layers.iter().try_for_each(|layer| layer.validate(self.n_variables, self.n_context))
    }
    /// A flow that begins as fixed maps and permutations alone: all learned maps are the identity.
    ///
    /// Random orders come from the streams `order/0`, `order/1`, … of the seed of `noise`, one for each layer, and from
    /// nothing else, so that a flow made to load weights into has those it was trained with.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or a chain with couplings has no learned map that changes some variable.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Flow, ConfigError> {
        self.validate()?;
        let layer = |(index, config): (usize, &LayerConfig)| {
            let order_noise = &mut Noise::new(noise.seed(), format!("order/{index}"));
            config.init(self.n_variables, self.n_context, device, noise, order_noise)
        };
        let layers = self.layers.iter().enumerate().map(layer).collect::<Result<Vec<_>, _>>()?;
        self.check_all_touched(&layers)?;
        Ok(Flow::new(layers, self.n_variables, self.n_context))
    }

    fn check_all_touched(&self, layers: &[Layer]) -> Result<(), ConfigError> {
        let touched =
            layers.iter().fold(vec![false; self.n_variables], |touched, layer| layer.touch(touched));
        let has_coupling = layers.iter().any(Layer::has_coupling);
        match touched.iter().position(|touched| !touched) {
            Some(variable) if has_coupling => {
                Err(ConfigError::Untouched { variable, n_layers: layers.len() })
            }
            _ => Ok(()),
        }
    }
}

/// Couplings, each with the mask of the one before flipped: NICE (additive maps), Real NVP (affine), neural spline flows.
#[derive(Config, Debug, PartialEq)]
pub struct RealNvpConfig {
    /// Number of variables `D`, at least 2.
    pub n_variables: usize,
    /// Number of couplings, at least 2.
    pub n_layers: usize,
    /// Widths of the hidden layers of each conditioner.
    pub hidden: Vec<usize>,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
    /// Which variables the first coupling keeps.
    #[config(default = "CouplingMask::Half")]
    pub mask: CouplingMask,
    /// Whether an activation normalization comes before each coupling.
    #[config(default = false)]
    pub act_norm: bool,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
}

impl RealNvpConfig {
    /// The chain.
    pub fn flow(&self) -> FlowConfig {
        let coupling = |index: usize| {
            let coupling = CouplingConfig::new(self.mask.clone(), self.hidden.clone())
                .with_flipped(index % 2 == 1)
                .with_activation(self.activation)
                .with_map(self.map);
            let norm = self.act_norm.then(LayerConfig::act_norm);
            norm.into_iter().chain([LayerConfig::Coupling(coupling)])
        };
        let layers = (0..self.n_layers).flat_map(coupling).collect();
        FlowConfig::new(self.n_variables, layers).with_n_context(self.n_context)
    }
}

/// Masked autoregressive layers with the variables reversed between them: MAF, or IAF if inverse.
#[derive(Config, Debug, PartialEq)]
pub struct MafConfig {
    /// Number of variables `D`, at least 1.
    pub n_variables: usize,
    /// Number of autoregressive layers, at least 1 (5 or 10 in the paper).
    pub n_layers: usize,
    /// Widths of the hidden layers of each network (1 or 2 of 100 to 1024 in the paper).
    pub hidden: Vec<usize>,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
    /// Whether the layers are inverted: fast to draw from and slow to evaluate, instead of the reverse.
    #[config(default = false)]
    pub inverse: bool,
    /// Whether an activation normalization comes before each layer (the paper has batch normalization).
    #[config(default = false)]
    pub act_norm: bool,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
}

impl MafConfig {
    /// The chain.
    pub fn flow(&self) -> FlowConfig {
        let config = AutoregressiveConfig::new(self.hidden.clone())
            .with_activation(self.activation)
            .with_map(self.map);
        let layer = if self.inverse {
            LayerConfig::InverseAutoregressive(config)
        } else {
            LayerConfig::Autoregressive(config)
        };
        let group = |index: usize| {
            let reversal = (index > 0).then_some(LayerConfig::Permutation { order: Permute::Reverse });
            let norm = self.act_norm.then(LayerConfig::act_norm);
            reversal.into_iter().chain(norm).chain([layer.clone()])
        };
        FlowConfig::new(self.n_variables, (0..self.n_layers).flat_map(group).collect())
            .with_n_context(self.n_context)
    }
}
