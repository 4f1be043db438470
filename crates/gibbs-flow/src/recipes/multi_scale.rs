//! The Real NVP of images.
//!
//! ```text
//! at each scale:  squeeze:   C channels of R×C sites to 4C of half as many rows and columns
//!                 couplings that keep one color of a checkerboard of the image, alternating with the other color
//!                 couplings that keep the upper sites of each square, alternating with the lower sites
//!                 the lower sites are factored out; the upper sites, 2C channels, go on to the next scale
//! ```
//!
//! References: Dinh, Sohl-Dickstein & Bengio, "Real NVP", ICLR 2017, arXiv:1605.08803, section 3.6 and figure 3.
//!
//! Differences from the paper: the squeeze comes before the checkerboards. These are two of its four channels, so the couplings are
//! the same but convolve over a quarter of the sites. The last coupling of a scale always changes what is factored out. Activation
//! normalization of each variable replaces batch normalization.

use burn::config::Config;
use gibbs_core::{ConfigError, nn::Activation};

use super::{couplings::first, flow::FlowConfig};
use crate::bijections::{
    ConditionerConfig, ConvolutionalConfig, CouplingConfig, CouplingMask, FactorOutConfig, LayerConfig,
    Permute, Univariate, check_even,
};

/// Sizes of the convolutional networks, and the couplings at each scale.
#[derive(Config, Debug, PartialEq)]
pub struct ImageConfig {
    /// Rows and columns of an image.
    pub shape: [usize; 2],
    /// Channels of the networks at each scale, from the finest, at least one number (64, 128, … in the paper). Rows and columns
    /// are halved at each scale.
    pub widths: Vec<usize>,
    /// Channels within residual blocks at the finest scale. At other scales they have the same ratio to the widths.
    #[config(default = 32)]
    pub bottleneck: usize,
    /// Residual blocks of a network (2 to 8 in the paper).
    #[config(default = 2)]
    pub blocks: usize,
    /// Half-width of the windows: 1 for 3 by 3 sites.
    #[config(default = 1)]
    pub half_kernel: usize,
    /// Whether each site has its own biases.
    #[config(default = false)]
    pub positions: bool,
    /// Couplings of each scale with a checkerboard (3 in the paper, 4 at the last scale).
    #[config(default = 3)]
    pub checkerboards: usize,
    /// Couplings of each scale with the upper or lower two of four sites (3 in the paper, none at the last scale).
    #[config(default = 3)]
    pub stripes: usize,
}

/// Couplings of images at several scales.
#[derive(Config, Debug, PartialEq)]
pub struct MultiScaleConfig {
    /// Number of variables, a multiple of the number of pixels.
    pub n_visible: usize,
    /// Sizes of the networks.
    pub image: ImageConfig,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Whether an activation normalization comes before each coupling.
    #[config(default = true)]
    pub act_norm: bool,
    /// Whether a learned linear layer comes before all couplings.
    #[config(default = false)]
    pub linear: bool,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
}

impl MultiScaleConfig {
    /// The chain with affine maps.
    ///
    /// # Errors
    /// As [`flow_with`](Self::flow_with).
    pub fn flow(&self) -> Result<FlowConfig, ConfigError> {
        self.flow_with(Univariate::affine())
    }

    /// The chain with any map.
    ///
    /// # Errors
    /// If the variables are no whole images, a number of rows or columns to be halved is odd, or there are no scales.
    pub fn flow_with(&self, map: Univariate) -> Result<FlowConfig, ConfigError> {
        ConfigError::at_least("image.widths (number of scales)", self.image.widths.len(), 1)?;
        let [rows, columns] = self.image.shape;
        let holds = rows * columns > 0 && self.n_visible > 0 && self.n_visible.is_multiple_of(rows * columns);
        let reason = format!("must divide the {} columns of the data into whole channels", self.n_visible);
        ConfigError::require(holds, "image.shape", format!("[{rows}, {columns}]"), reason)?;
        let channels = self.n_visible / (rows * columns);
        let scales = self.scale(map, [rows, columns, channels], &self.image.widths)?;
        let layers = first(self.linear, self.n_visible).chain(scales).collect();
        Ok(FlowConfig::new(self.n_visible, layers).with_n_context(self.n_context))
    }

    /// The layers of this scale and the coarser ones.
    fn scale(
        &self,
        map: Univariate,
        [rows, columns, channels]: [usize; 3],
        widths: &[usize],
    ) -> Result<Vec<LayerConfig>, ConfigError> {
        let Some((width, coarser)) = widths.split_first() else { return Ok(Vec::new()) };
        check_even(rows, columns)?;
        let image = &self.image;
        let (half, sites) = ([rows / 2, columns / 2], rows * columns / 4);
        let network = ConvolutionalConfig::new(half[0], half[1])
            .with_width(*width)
            .with_bottleneck((image.bottleneck * width).div_ceil(image.widths[0].max(1)))
            .with_blocks(image.blocks)
            .with_half_kernel(image.half_kernel)
            .with_positions(image.positions)
            .with_activation(self.activation);
        let coupling = |keeps: [bool; 4], flipped| {
            let keeps =
                (0..4 * channels * sites).map(|variable| keeps[variable / (channels * sites)]).collect();
            let network = ConditionerConfig::Convolutional(network.clone());
            let coupling = CouplingConfig::new(CouplingMask::Given { keeps }, network);
            let coupling = coupling.with_flipped(flipped).with_map(map);
            let norm = self.act_norm.then(LayerConfig::act_norm);
            norm.into_iter().chain([LayerConfig::Coupling(coupling)])
        };
        // Flipped and not in alternation, the last one not.
        let flips = |count: usize| (0..count).rev().map(|left| left % 2 == 1);
        let checkerboards = flips(image.checkerboards).flat_map(|flipped| coupling(DIAGONAL, flipped));
        let stripes = flips(image.stripes).flat_map(|flipped| coupling(UPPER, flipped));
        let squeeze = LayerConfig::permutation(Permute::Squeeze { rows, columns });
        let mut layers: Vec<LayerConfig> =
            [squeeze].into_iter().chain(checkerboards).chain(stripes).collect();
        if !coarser.is_empty() {
            let n_variables = 2 * channels * sites;
            let coarser = self.scale(map, [half[0], half[1], 2 * channels], coarser)?;
            layers.push(LayerConfig::FactorOut(FactorOutConfig::new(n_variables, coarser)));
        }
        Ok(layers)
    }
}

/// The sites of a square with one color of a checkerboard: upper before lower, left before right.
pub(super) const DIAGONAL: [bool; 4] = [true, false, false, true];

/// The upper sites of a square.
const UPPER: [bool; 4] = [true, true, false, false];
