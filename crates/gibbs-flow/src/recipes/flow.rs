//! The configuration of a chain of any layers.

use burn::{config::Config, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::ConfigError;

use crate::base::Angles;
use crate::bijections::{Flow, FlowLayer, InitLayer, LayerConfig, Sizes};

/// A chain of layers.
#[derive(Config, Debug, PartialEq)]
pub struct FlowConfig {
    /// Number of variables `D`, at least 1.
    pub n_visible: usize,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// The layers, from data to the base, at least one.
    pub layers: Vec<LayerConfig>,
    /// Variables that are angles: their base is uniform on `[-B, B)` instead of normal, and layers of splines map this circle to itself.
    #[config(default = "None")]
    pub angles: Option<Angles>,
}

impl FlowConfig {
    /// Checks every field that does not depend on a noise.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        ConfigError::at_least("number of layers", self.layers.len(), 1)?;
        self.angles.iter().try_for_each(|angles| angles.validate(self.n_visible))?;
        self.layers.iter().try_for_each(|layer| layer.validate(self.sizes()))
    }

    fn sizes(&self) -> Sizes {
        Sizes { n_variables: self.n_visible, n_context: self.n_context }
    }

    /// A flow whose learned maps all begin as the identity.
    ///
    /// Random orders come from the streams `order/0`, `order/1`, … of the seed of `noise`, one for each layer. They depend on nothing
    /// else, so a flow that is made to load weights has the orders of training.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or a chain with couplings has no learned map that changes some variable.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Flow, ConfigError> {
        self.validate()?;
        let layer = |(index, config): (usize, &LayerConfig)| {
            let order_noise = &mut Noise::new(noise.seed(), format!("order/{index}"));
            config.init(self.sizes(), device, noise, order_noise)
        };
        let layers = self.layers.iter().enumerate().map(layer).collect::<Result<Vec<_>, _>>()?;
        let flow = Flow::new(layers, self.n_visible, self.n_context).with_angles(self.angles.clone());
        let untouched = flow.touch(vec![false; self.n_visible]).iter().position(|touched| !touched);
        match untouched {
            Some(variable) if flow.layers.iter().any(FlowLayer::has_coupling) => Err(ConfigError::new(
                "layers",
                flow.layers.len(),
                format!(
                    "no layer changes variable {variable} (from 0), so it would stay standard normal; flip the mask of a coupling, \
                     or add one that changes it"
                ),
            )),
            _ => Ok(flow),
        }
    }
}
