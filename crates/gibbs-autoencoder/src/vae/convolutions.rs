//! Convolutions over pictures on two scales, for the data's end of an encoder or a decoder.
//!
//! ```text
//! read    x  -> squares -> f(conv) -> squares -> f(conv) -> row          [n, R·C·in] to [n, R/4·C/4·w']
//! draw    row -> f -> f(conv) -> sites of squares -> conv -> sites of squares + b    [n, R/4·C/4·w'] to [n, R·C·out]
//! ```
//!
//! `squares` makes four neighboring sites one with four times the channels. Windows have 3×3 sites; outside of a picture there are zeros.
//!
//! Reference: Kingma & Welling, ICLR 2014, arXiv:1312.6114, with convolutions in place of the lowest layers; squares in place of strides as in
//! Shi et al., CVPR 2016, arXiv:1609.05158.

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, Window, convolution};
use gibbs_core::{
    ConfigError,
    nn::{Activation, Affine, coarsened, refined},
};

/// A window of 3×3 sites.
const WINDOW: Window = Window { height: 3, above: 1, below: 1, left: 1, right: 1, periodic: false };

/// Sizes of the convolutions.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct ConvolutionConfig {
    /// Rows of a picture, a multiple of 4.
    pub rows: usize,
    /// Columns of a picture, a multiple of 4.
    pub columns: usize,
    /// Channels of the finer scale `w` and of the coarser one `w'`, at least 1 each.
    #[config(default = "[32, 64]")]
    pub channels: [usize; 2],
}

impl ConvolutionConfig {
    /// Checks every field, for pictures of `n_visible` pixels.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, n_visible: usize) -> Result<(), ConfigError> {
        for (name, n) in [("rows", self.rows), ("columns", self.columns)] {
            let holds = n > 0 && n.is_multiple_of(4);
            ConfigError::require(
                holds,
                format!("convolutions.{name}"),
                n,
                "must be a multiple of 4, and not 0",
            )?;
        }
        let (pixels, reason) =
            (self.rows * self.columns, format!("must be the n_visible = {n_visible} pixels"));
        ConfigError::require(pixels == n_visible, "convolutions.rows · columns", pixels, reason)?;
        ConfigError::at_least("convolutions.channels", self.channels[0].min(self.channels[1]), 1)
    }

    /// Width of the row between the convolutions and a perceptron.
    pub fn width(&self) -> usize {
        self.rows / 4 * (self.columns / 4) * self.channels[1]
    }

    /// Convolutions that read `inputs` numbers of each pixel.
    pub(super) fn reader(
        &self,
        inputs: usize,
        activation: Activation,
        device: &Device,
        noise: &mut Noise,
    ) -> Convolutions {
        let [fine, coarse] = self.channels;
        let layers = [[4 * inputs, fine], [4 * fine, coarse]];
        self.init(layers, None, activation, device, noise)
    }

    /// Convolutions that draw `outputs` numbers of each pixel.
    pub(super) fn drawer(
        &self,
        outputs: usize,
        activation: Activation,
        device: &Device,
        noise: &mut Noise,
    ) -> Convolutions {
        let [fine, coarse] = self.channels;
        let layers = [[coarse, 4 * fine], [fine, 4 * outputs]];
        self.init(layers, Some(self.rows * self.columns * outputs), activation, device, noise)
    }

    fn init(
        &self,
        layers: [[usize; 2]; 2],
        n_outputs: Option<usize>,
        activation: Activation,
        device: &Device,
        noise: &mut Noise,
    ) -> Convolutions {
        let mut layer = |[n_in, n_out]: [usize; 2]| {
            Affine::new([WINDOW.taps() * n_in, n_out], activation.weight_init(), device, noise)
        };
        Convolutions {
            layers: layers.map(&mut layer).to_vec(),
            bias: n_outputs.map(|n| Init::Zeros.param([n], device, noise)),
            config: self.clone(),
            activation,
        }
    }
}

/// Two layers of convolutions.
#[derive(Module, Debug)]
pub struct Convolutions {
    /// `[9·in, out]` each, in the order of the pass.
    pub layers: Vec<Affine>,
    /// `b [R·C·out]`, of a decoder alone.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    config: ConvolutionConfig,
    #[module(skip)]
    activation: Activation,
}

impl Convolutions {
    /// Pictures `[n, R·C·in]` as rows `[n, R/4·C/4·w']`.
    pub(super) fn read(&self, x: Tensor<2>) -> Tensor<2> {
        let [n, width] = x.dims();
        let ConvolutionConfig { rows, columns, .. } = self.config;
        let x = x.reshape([n, rows, columns, width / (rows * columns)]);
        let h = self.layers.iter().fold(x, |h, layer| self.convolved(coarsened(h), layer, true));
        h.reshape([n, self.config.width()])
    }

    /// Rows `[n, R/4·C/4·w']` as numbers of pixels `[n, R·C·out]`.
    pub(super) fn draw(&self, h: Tensor<2>) -> Tensor<2> {
        let (n, last) = (h.dims()[0], self.layers.len() - 1);
        let ConvolutionConfig { rows, columns, channels } = self.config;
        let h = self.activation.apply(h).reshape([n, rows / 4, columns / 4, channels[1]]);
        let layers = self.layers.iter().enumerate();
        let y = layers.fold(h, |h, (k, layer)| refined(self.convolved(h, layer, k < last)));
        let y = y.reshape([n as i32, -1]);
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }

    fn convolved(&self, h: Tensor<4>, layer: &Affine, is_hidden: bool) -> Tensor<4> {
        let function = is_hidden.then(|| self.activation.function());
        convolution(h, layer.weight.val(), layer.bias.val(), WINDOW, function)
    }
}
