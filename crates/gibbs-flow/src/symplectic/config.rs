//! A canonical transformation by its settings.

use burn::{config::Config, module::Param, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{ConfigError, nn::Widths};

use super::{CanonicalFlow, LinearSymplectic, PointTransformation, Shear, SymplecticLayer};
use crate::{Chain, continuous::PotentialConfig};

/// Layers of a canonical transformation to harmonic oscillators, from phase space on: groups of a point transformation of each half
/// of the positions, a kick and a drift; a linear map at the end.
#[derive(Config, Debug, PartialEq)]
pub struct CanonicalConfig {
    /// Number of positions `n`, at least 1.
    pub n_visible: usize,
    /// Groups of nonlinear layers; 0 for linear maps alone.
    pub n_layers: usize,
    /// Hidden units of the networks, at least 1.
    #[config(default = 64)]
    pub n_hidden: usize,
    /// Whether groups have point transformations, which need 2 positions.
    #[config(default = true)]
    pub points: bool,
    /// Whether groups have kicks and drifts.
    #[config(default = true)]
    pub shears: bool,
    /// Whether a linear map is the last layer.
    #[config(default = true)]
    pub linear: bool,
}

impl CanonicalConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        ConfigError::at_least("n_hidden", self.n_hidden, 1)?;
        let holds = !self.points || self.n_layers == 0 || self.n_visible > 1;
        let reason = "point transformations need at least 2 positions; take points=false";
        ConfigError::require(holds, "n_visible", self.n_visible, reason)?;
        let holds = self.linear || self.n_layers > 0 && (self.points || self.shears);
        ConfigError::require(holds, "n_layers", self.n_layers, "a transformation needs a layer")
    }

    /// A transformation that begins near the identity, with frequencies from `1/e` to `e` at equal ratios: oscillators of one frequency
    /// can be mixed at no cost, so training would not know how to separate them.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<CanonicalFlow, ConfigError> {
        self.validate()?;
        let (n, mut layers) = (self.n_visible, Vec::new());
        for _ in 0..self.n_layers {
            for flipped in [false, true].into_iter().filter(|_| self.points) {
                let layer = PointTransformation::new(n, self.n_hidden, flipped, device, noise)?;
                layers.push(SymplecticLayer::Point(layer));
            }
            for moves_positions in [false, true].into_iter().filter(|_| self.shears) {
                let potential = PotentialConfig::new(n, Widths::One(self.n_hidden));
                let layer = Shear::new(&potential, moves_positions, device, noise)?;
                layers.push(SymplecticLayer::Shear(layer));
            }
        }
        if self.linear {
            layers.push(SymplecticLayer::Linear(LinearSymplectic::new(n, device)));
        }
        let place = |k: usize| if n == 1 { 0.0 } else { (2 * k) as f32 / (n - 1) as f32 - 1.0 };
        let log_frequencies: Vec<f32> = (0..n).map(place).collect();
        let log_frequencies = Tensor::from_data(TensorData::new(log_frequencies, [n]), device);
        Ok(CanonicalFlow {
            chain: Chain::new(layers, 2 * n, 0),
            log_frequencies: Param::from_tensor(log_frequencies),
        })
    }
}
