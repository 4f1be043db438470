//! A layer whose kind is chosen at run time.
//!
//! A new kind is a file with its configuration ([`InitLayer`]) and its bijection ([`FlowLayer`]), and one line in the table at the
//! end of this file.

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConfigError,
    preprocess::{Dequantization, Logit},
};
use serde::{Deserialize, Serialize};

use super::{
    Univariate,
    autoregressive::{Autoregressive, AutoregressiveConfig, InverseAutoregressiveConfig},
    chain::Chain,
    coupling::{Coupling, CouplingConfig},
    elementwise::{Elementwise, ElementwiseConfig},
    factor_out::FactorOut,
    hartley::{Hartley, HartleyConfig},
    hierarchy::{Hierarchy, HierarchyConfig},
    inverse::Inverse,
    layer_config::{FlowLayer, InitLayer, Sizes},
    linear::{Linear, LinearConfig},
    permutation::{Permutation, PermutationConfig, Permute},
};

/// The variables that go on, and their layers.
#[derive(Config, Debug, PartialEq)]
pub struct FactorOutConfig {
    /// Number of variables that go on.
    pub n_variables: usize,
    /// Their layers.
    pub layers: Vec<LayerConfig>,
}

impl InitLayer for FactorOutConfig {
    type Layer = FactorOut<Layer>;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        let holds = (1..sizes.n_variables).contains(&self.n_variables);
        let reason = format!("must be at least 1 and below {}, the number of variables", sizes.n_variables);
        ConfigError::require(holds, "n_variables", self.n_variables, reason)?;
        let inner = Sizes { n_variables: self.n_variables, ..sizes };
        self.layers.iter().try_for_each(|layer| layer.validate(inner))
    }

    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        noise: &mut Noise,
        order_noise: &mut Noise,
    ) -> Result<FactorOut<Layer>, ConfigError> {
        self.validate(sizes)?;
        let inner = Sizes { n_variables: self.n_variables, ..sizes };
        let layer = |layer: &LayerConfig| layer.init(inner, device, noise, order_noise);
        let layers = self.layers.iter().map(layer).collect::<Result<Vec<_>, _>>()?;
        Ok(FactorOut::new(Chain::new(layers, self.n_variables, sizes.n_context)))
    }
}

/// A [`Logit`] layer.
#[derive(Config, Debug, PartialEq)]
pub struct LogitConfig {
    /// Distance kept from 0 and 1.
    pub margin: f64,
}

/// A [`Dequantization`] layer.
#[derive(Config, Debug, PartialEq)]
pub struct DequantizationConfig {
    /// Number of levels.
    pub levels: usize,
}

/// Fixed maps of `gibbs_core::preprocess` as layers.
macro_rules! fixed {
    ($($config:ident => $layer:ident ( $field:ident )),*) => {$(
        impl InitLayer for $config {
            type Layer = $layer;

            fn validate(&self, _: Sizes) -> Result<(), ConfigError> {
                $layer::new(self.$field).map(drop)
            }

            fn init(&self, _: Sizes, _: &Device, _: &mut Noise, _: &mut Noise) -> Result<$layer, ConfigError> {
                $layer::new(self.$field)
            }
        }

        impl FlowLayer for $layer {
            fn touch(&self, touched: Vec<bool>) -> Vec<bool> {
                touched
            }
        }
    )*};
}

fixed! { LogitConfig => Logit(margin), DequantizationConfig => Dequantization(levels) }

impl LayerConfig {
    /// Activation normalization: an affine [`Elementwise`] layer that follows the scale of the data.
    pub fn act_norm() -> Self {
        Self::elementwise(Univariate::normalization())
    }

    /// An [`Elementwise`] layer.
    pub fn elementwise(map: Univariate) -> Self {
        Self::Elementwise(ElementwiseConfig { map })
    }

    /// A [`Permutation`].
    pub fn permutation(order: Permute) -> Self {
        Self::Permutation(PermutationConfig { order })
    }

    /// A [`Linear`] layer that begins as a permutation.
    pub fn linear(order: Permute) -> Self {
        Self::Linear(LinearConfig { order })
    }

    /// The [`Hartley`] transform of a lattice with these numbers of sites along its axes.
    pub fn hartley(lengths: Vec<usize>) -> Self {
        Self::Hartley(HartleyConfig { lengths })
    }
}

/// Makes both enums from the table of kinds.
macro_rules! layers {
    ($($(#[$doc:meta])* $kind:ident: $config:ty => $layer:ty),* $(,)?) => {
        /// A layer, as a configuration names it.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", tag = "kind")]
        pub enum LayerConfig {
            $($(#[$doc])* $kind($config),)*
        }

        /// A layer of any kind, for chains of different ones.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a flow has a few layers, and their weights are elsewhere")]
        pub enum Layer {
            $($(#[$doc])* $kind($layer),)*
        }

        impl InitLayer for LayerConfig {
            type Layer = Layer;

            fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
                match self { $(Self::$kind(config) => config.validate(sizes),)* }
            }

            fn init(
                &self,
                sizes: Sizes,
                device: &Device,
                noise: &mut Noise,
                order_noise: &mut Noise,
            ) -> Result<Layer, ConfigError> {
                Ok(match self {
                    $(Self::$kind(config) => Layer::$kind(config.init(sizes, device, noise, order_noise)?),)*
                })
            }
        }

        impl Bijection for Layer {
            fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
                match self { $(Self::$kind(layer) => layer.forward(x, context),)* }
            }

            fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
                match self { $(Self::$kind(layer) => layer.inverse(z, context),)* }
            }
        }

        impl FlowLayer for Layer {
            fn touch(&self, touched: Vec<bool>) -> Vec<bool> {
                match self { $(Self::$kind(layer) => layer.touch(touched),)* }
            }

            fn has_coupling(&self) -> bool {
                match self { $(Self::$kind(layer) => layer.has_coupling(),)* }
            }

            fn acts_on_blocks(&self) -> bool {
                match self { $(Self::$kind(layer) => layer.acts_on_blocks(),)* }
            }

            fn on_blocks(&self, x: &Tensor<2>, columns: &[usize], inverse: bool) -> Option<Tensor<2>> {
                match self { $(Self::$kind(layer) => layer.on_blocks(x, columns, inverse),)* }
            }

            fn fitted(self, x: &Tensor<2>, context: Option<&Tensor<2>>) -> Self {
                match self { $(Self::$kind(layer) => Self::$kind(FlowLayer::fitted(layer, x, context)),)* }
            }
        }
    };
}

layers! {
    /// See [`Coupling`].
    Coupling: CouplingConfig => Coupling,
    /// See [`FactorOut`].
    FactorOut: FactorOutConfig => FactorOut<Layer>,
    /// See [`Autoregressive`].
    Autoregressive: AutoregressiveConfig => Autoregressive,
    /// The [`Inverse`] of an [`Autoregressive`] layer.
    InverseAutoregressive: InverseAutoregressiveConfig => Inverse<Autoregressive>,
    /// See [`Elementwise`].
    Elementwise: ElementwiseConfig => Elementwise,
    /// See [`Permutation`].
    Permutation: PermutationConfig => Permutation,
    /// See [`Linear`].
    Linear: LinearConfig => Linear,
    /// See [`Hartley`].
    Hartley: HartleyConfig => Hartley,
    /// See [`Hierarchy`].
    Hierarchy: HierarchyConfig => Hierarchy<Layer>,
    /// See [`Logit`].
    Logit: LogitConfig => Logit,
    /// See [`Dequantization`].
    Dequantization: DequantizationConfig => Dequantization,
}
