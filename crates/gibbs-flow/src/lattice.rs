//! A flow of fields on a periodic lattice: neighborhoods and modes by turns.
//!
//! ```text
//! B times, from data to the base:
//!     two couplings that keep a checkerboard, then the other one      convolutions: what neighbors do to each other
//!     modes                                                           long waves, of all lengths up to that of the lattice
//!     at the last time: the variance of each mode
//!     a coupling that keeps the longest waves and changes the others  their variance where the mean is small, and the like
//!     at the last time: couplings that keep fewer and fewer of them, at last the mean alone
//!     else: back to sites
//! ```
//!
//! At a phase transition a field has waves of all lengths. Drawn from the base, its mean comes first, then waves, from the longest to
//! the shorter ones, each given those before, and then sites are matched to their neighbors: a renormalization group read backwards.
//!
//! References: Li & Wang, Phys. Rev. Lett. 121:260601 (2018), arXiv:1802.02840, for flows as a renormalization group; Albergo, Kanwar
//! & Shanahan, Phys. Rev. D 100:034515 (2019), arXiv:1904.12072, for couplings with checkerboards; Albergo et al., 2021,
//! arXiv:2101.08176, for periodic convolutions as their conditioners.
//!
//! Differences: modes of plane waves in the place of blocks of sites, and couplings in both.

use burn::config::Config;
use gibbs_core::nn::Activation;

use crate::{
    ConfigError, ConvolutionalConfig, ConvolutionalCouplingConfig, CouplingConfig, CouplingMask, FlowConfig,
    LayerConfig, Permute, columns::inverse_permutation, multi_scale::DIAGONAL,
};

/// Couplings of neighborhoods and of modes.
#[derive(Config, Debug, PartialEq)]
pub struct LatticeConfig {
    /// Rows of the lattice.
    pub rows: usize,
    /// Columns of the lattice.
    pub columns: usize,
    /// Number of times `B`, at least 1.
    #[config(default = 4)]
    pub n_blocks: usize,
    /// Widths of the hidden layers of the conditioners of modes.
    #[config(default = "vec![64, 64]")]
    pub hidden: Vec<usize>,
    /// Largest wave number of the waves that are kept; fewer where the lattice has no shorter waves.
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
}

impl LatticeConfig {
    /// The chain.
    ///
    /// # Errors
    /// If there are no blocks, or no waves but the mean.
    pub fn flow(&self) -> Result<FlowConfig, ConfigError> {
        ConfigError::range(self.n_blocks > 0, "n_blocks", 0.0, "at least 1")?;
        let longest = self.rows.max(self.columns);
        ConfigError::range(longest > 1, "rows and columns", longest as f64, "more than one site")?;
        let largest = self.largest.min((longest - 2) / 2);
        let local = self.local();
        let to_modes = LayerConfig::Hartley { lengths: vec![self.rows, self.columns] };
        let mut layers = Vec::new();
        for left in (0..self.n_blocks).rev() {
            layers.extend(local.clone());
            layers.push(to_modes.clone());
            if left > 0 {
                layers.extend([self.waves(largest), to_modes.clone()]);
            } else {
                layers.push(LayerConfig::act_norm());
                layers.extend((0..=largest).rev().map(|largest| self.waves(largest)));
            }
        }
        Ok(FlowConfig::new(self.rows * self.columns, layers))
    }

    /// A coupling that keeps the longest waves.
    fn waves(&self, largest: usize) -> LayerConfig {
        let mask = CouplingMask::LongWaves { lengths: vec![self.rows, self.columns], largest };
        LayerConfig::Coupling(CouplingConfig::new(mask, self.hidden.clone()).with_activation(self.activation))
    }

    /// The couplings of neighborhoods: where squares of four sites fill the lattice, with these as sites of four channels.
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
                let coupling = ConvolutionalCouplingConfig::new(mask.clone(), network.clone());
                LayerConfig::ConvolutionalCoupling(coupling.with_flipped(flipped))
            })
        };
        let squeeze = Permute::Squeeze { rows, columns };
        let Ok(order) = squeeze.order(rows * columns, &mut gibbs_backend::Noise::new(0, "order")) else {
            return couplings(CouplingMask::Checkerboard { rows, columns }, network).into();
        };
        let sites = rows * columns / 4;
        let keeps = (0..4 * sites).map(|variable| DIAGONAL[variable / sites]).collect();
        let network = ConvolutionalConfig { rows: rows / 2, columns: columns / 2, ..network };
        let back = Permute::Given(inverse_permutation(&order));
        let [first, second] = couplings(CouplingMask::Given { keeps }, network);
        let permutation = |order| LayerConfig::Permutation { order };
        vec![permutation(squeeze), first, second, permutation(back)]
    }
}
