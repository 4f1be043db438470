//! The two families of the literature for columns: coupling flows and masked autoregressive flows.

use burn::config::Config;
use gibbs_core::nn::{Activation, Widths};

use super::flow::FlowConfig;
use crate::bijections::{
    AutoregressiveConfig, ConditionerConfig, CouplingConfig, CouplingMask, InverseAutoregressiveConfig,
    LayerConfig, MlpConditionerConfig, Permute, Univariate,
};

/// Couplings, each with the mask of the one before flipped: NICE (additive maps), Real NVP (affine), neural spline flows.
#[derive(Config, Debug, PartialEq)]
pub struct RealNvpConfig {
    /// Number of variables `D`, at least 2.
    pub n_visible: usize,
    /// Number of couplings, at least 2.
    pub n_layers: usize,
    /// Widths of the hidden layers of each conditioner.
    pub n_hidden: Widths,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Which variables the first coupling keeps.
    #[config(default = "CouplingMask::Half")]
    pub mask: CouplingMask,
    /// Whether an activation normalization comes before each coupling.
    #[config(default = false)]
    pub act_norm: bool,
    /// Whether a learned linear layer comes before all couplings.
    #[config(default = false)]
    pub linear: bool,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
}

impl RealNvpConfig {
    /// The chain with affine maps: Real NVP.
    pub fn flow(&self) -> FlowConfig {
        self.flow_with(Univariate::affine())
    }

    /// The chain with any map.
    pub fn flow_with(&self, map: Univariate) -> FlowConfig {
        self.flow_of_angles(map, &[])
    }

    /// The chain with any map, where some variables are angles; see [`FlowConfig::angles`].
    pub(super) fn flow_of_angles(&self, map: Univariate, angles: &[usize]) -> FlowConfig {
        let network = MlpConditionerConfig::new(self.n_hidden.clone()).with_activation(self.activation);
        let coupling = |index: usize| {
            let coupling = CouplingConfig::new(self.mask.clone(), ConditionerConfig::Mlp(network.clone()));
            let coupling = coupling.with_flipped(index % 2 == 1).with_map(map).with_angles(angles.to_vec());
            let norm = self.act_norm.then(LayerConfig::act_norm);
            norm.into_iter().chain([LayerConfig::Coupling(coupling)])
        };
        let layers = first(self.linear, self.n_visible).chain((0..self.n_layers).flat_map(coupling));
        FlowConfig::new(self.n_visible, layers.collect()).with_n_context(self.n_context)
    }
}

/// A linear layer that begins as the identity, or none.
pub(super) fn first(linear: bool, n_visible: usize) -> impl Iterator<Item = LayerConfig> {
    linear.then(|| LayerConfig::linear(Permute::Given((0..n_visible).collect()))).into_iter()
}

/// Masked autoregressive layers with the variables reversed between them: MAF, or IAF if inverted.
#[derive(Config, Debug, PartialEq)]
pub struct MafConfig {
    /// Number of variables `D`, at least 1.
    pub n_visible: usize,
    /// Number of autoregressive layers, at least 1 (5 or 10 in the paper).
    pub n_layers: usize,
    /// Widths of the hidden layers of each network (1 or 2 of 100 to 1024 in the paper).
    pub n_hidden: Widths,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Whether an activation normalization comes before each layer (the paper has batch normalization).
    #[config(default = false)]
    pub act_norm: bool,
    /// Whether a learned linear layer comes before all layers.
    #[config(default = false)]
    pub linear: bool,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
}

impl MafConfig {
    /// The chain with affine maps: fast densities, slow samples.
    pub fn flow(&self) -> FlowConfig {
        self.flow_with(Univariate::affine())
    }

    /// The chain with any map.
    pub fn flow_with(&self, map: Univariate) -> FlowConfig {
        self.flow_of_angles(map, &[])
    }

    /// The chain with any map, where some variables are angles; see [`FlowConfig::angles`].
    pub(super) fn flow_of_angles(&self, map: Univariate, angles: &[usize]) -> FlowConfig {
        self.chain(map, angles, LayerConfig::Autoregressive)
    }

    /// The chain of inverted layers: fast samples, slow densities.
    pub fn inverse_flow_with(&self, map: Univariate) -> FlowConfig {
        self.chain(map, &[], |config| LayerConfig::InverseAutoregressive(InverseAutoregressiveConfig(config)))
    }

    fn chain(
        &self,
        map: Univariate,
        angles: &[usize],
        layer: impl Fn(AutoregressiveConfig) -> LayerConfig,
    ) -> FlowConfig {
        let config = AutoregressiveConfig::new(self.n_hidden.clone()).with_activation(self.activation);
        let config = config.with_map(map);
        let group = |index: usize| {
            let reversal = (index > 0).then(|| LayerConfig::permutation(Permute::Reverse));
            let norm = self.act_norm.then(LayerConfig::act_norm);
            let place = |&variable: &usize| match index % 2 {
                0 => variable,
                _ => self.n_visible.saturating_sub(variable + 1),
            };
            let layer = layer(config.clone().with_angles(angles.iter().map(place).collect()));
            reversal.into_iter().chain(norm).chain([layer])
        };
        let layers = first(self.linear, self.n_visible).chain((0..self.n_layers).flat_map(group));
        FlowConfig::new(self.n_visible, layers.collect()).with_n_context(self.n_context)
    }
}
