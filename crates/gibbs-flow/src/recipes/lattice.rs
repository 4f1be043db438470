//! A flow of fields on a periodic lattice: couplings of neighboring sites alternate with couplings of Fourier modes.
//!
//! ```text
//! B times, from data to the base:
//!     two couplings that keep a checkerboard, then the other color    convolutions: correlations of neighbors
//!     Hartley transform                                               Fourier modes, up to the length of the lattice
//!     the last time: the variance of each mode
//!     a coupling that keeps the low modes and changes the others
//!     the last time: couplings that keep fewer and fewer modes, at last the mean alone
//!     else: back to sites
//! ```
//!
//! At a phase transition a field has fluctuations of all wavelengths. A sample begins with its mean. Then come modes, from the longest
//! to the shorter wavelengths, each conditioned on those before, and finally sites and their neighbors. This is a renormalization
//! group in reverse.
//!
//! References: Li & Wang, Phys. Rev. Lett. 121:260601 (2018), arXiv:1802.02840, for flows as a renormalization group; Albergo, Kanwar
//! & Shanahan, Phys. Rev. D 100:034515 (2019), arXiv:1904.12072, for couplings with checkerboards; Albergo et al., 2021,
//! arXiv:2101.08176, for periodic convolutions as their conditioners.
//!
//! Differences from the papers: Fourier modes in place of blocks of sites, and couplings of both sites and modes.

use burn::config::Config;
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError, columns,
    nn::{Activation, Widths},
};

use super::{couplings::first, flow::FlowConfig, multi_scale::DIAGONAL};
use crate::bijections::{
    ConditionerConfig, ConvolutionalConfig, CouplingConfig, CouplingMask, LayerConfig, MlpConditionerConfig,
    Permute,
};

/// Couplings of neighboring sites and of Fourier modes.
#[derive(Config, Debug, PartialEq)]
pub struct LatticeConfig {
    /// Rows of the lattice.
    pub rows: usize,
    /// Columns of the lattice.
    pub columns: usize,
    /// Number of times `B`, at least 1.
    #[config(default = 4)]
    pub n_layers: usize,
    /// Widths of the hidden layers of the conditioners of modes.
    #[config(default = "Widths::Many(vec![64, 64])")]
    pub n_hidden: Widths,
    /// Largest wave number of the modes that are kept, less on small lattices.
    #[config(default = 2)]
    pub largest: usize,
    /// Channels of the convolutions.
    #[config(default = 32)]
    pub width: usize,
    /// Channels within their blocks.
    #[config(default = 8)]
    pub bottleneck: usize,
    /// Function of the hidden units.
    #[config(default = "Activation::Silu")]
    pub activation: Activation,
    /// Whether a learned linear layer comes before all couplings.
    #[config(default = false)]
    pub linear: bool,
}

impl LatticeConfig {
    /// The chain.
    ///
    /// # Errors
    /// If there are no layers, or no modes except the mean.
    pub fn flow(&self) -> Result<FlowConfig, ConfigError> {
        ConfigError::at_least("n_layers", self.n_layers, 1)?;
        let longest = self.rows.max(self.columns);
        ConfigError::at_least("rows and columns", longest, 2)?;
        let largest = self.largest.min((longest - 2) / 2);
        let local = self.local();
        let to_modes = LayerConfig::hartley(vec![self.rows, self.columns]);
        let n_visible = self.rows * self.columns;
        let mut layers: Vec<LayerConfig> = first(self.linear, n_visible).collect();
        for left in (0..self.n_layers).rev() {
            layers.extend(local.clone());
            layers.push(to_modes.clone());
            if left > 0 {
                layers.extend([self.modes(largest), to_modes.clone()]);
            } else {
                layers.push(LayerConfig::act_norm());
                layers.extend((0..=largest).rev().map(|largest| self.modes(largest)));
            }
        }
        Ok(FlowConfig::new(n_visible, layers))
    }

    /// A coupling that keeps the low modes.
    fn modes(&self, largest: usize) -> LayerConfig {
        let mask = CouplingMask::LowModes { lengths: vec![self.rows, self.columns], largest };
        let network = MlpConditionerConfig::new(self.n_hidden.clone()).with_activation(self.activation);
        LayerConfig::Coupling(CouplingConfig::new(mask, ConditionerConfig::Mlp(network)))
    }

    /// The couplings of neighbors. If squares of four sites fill the lattice, each square is a site with four channels.
    fn local(&self) -> Vec<LayerConfig> {
        let (rows, columns) = (self.rows, self.columns);
        let network = ConvolutionalConfig::new(rows, columns)
            .with_width(self.width)
            .with_bottleneck(self.bottleneck)
            .with_blocks(1)
            .with_half_kernel(usize::from(rows.min(columns) > 1))
            .with_periodic(true)
            .with_activation(self.activation);
        let couplings = |mask: CouplingMask, network: ConvolutionalConfig| {
            [false, true].map(|flipped| {
                let network = ConditionerConfig::Convolutional(network.clone());
                LayerConfig::Coupling(CouplingConfig::new(mask.clone(), network).with_flipped(flipped))
            })
        };
        let squeeze = Permute::Squeeze { rows, columns };
        let Ok(order) = squeeze.order(rows * columns, &mut Noise::new(0, "order")) else {
            return couplings(CouplingMask::Checkerboard { rows, columns }, network).into();
        };
        let sites = rows * columns / 4;
        let keeps = (0..4 * sites).map(|variable| DIAGONAL[variable / sites]).collect();
        let network = ConvolutionalConfig { rows: rows / 2, columns: columns / 2, ..network };
        let back = Permute::Given(columns::inverse(&order));
        let [first, second] = couplings(CouplingMask::Given { keeps }, network);
        vec![LayerConfig::permutation(squeeze), first, second, LayerConfig::permutation(back)]
    }
}
