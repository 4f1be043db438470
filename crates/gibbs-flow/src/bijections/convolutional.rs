//! A conditioner for variables on the sites of a lattice: convolutions and residual blocks.
//!
//! ```text
//! x_rc   the kept variables of a site, 0 in the place of a changed one;   * is a convolution over a window of half-width k
//! h⁰ = x * K + b + a_rc + c·U                                             a context c where there is one
//! h ← h + f( f(h·A) * K' )·B                                              for each block
//! θ_rc = f(h)·O + o                                                       the parameters of the changed variables of a site
//! ```
//!
//! Each of A, K' and B has a bias. Variable `(channel·rows + row)·columns + column` belongs to a site of a channel. A channel whose
//! sites are all kept has no output. A channel whose sites are all changed has no input. A checkerboard on one channel of `R×C` sites
//! has both at all sites. [`Permute::Squeeze`](crate::Permute::Squeeze) turns it into four channels of `R/2×C/2` sites, two kept and
//! two changed. That is the same coupling, with a convolution over a quarter of the sites.
//!
//! The lattice is surrounded by zeros, or it is periodic in both directions. On a periodic lattice the network is equivariant: its
//! parameters move with the variables.
//!
//! References: Dinh, Sohl-Dickstein & Bengio, "Real NVP", ICLR 2017, arXiv:1605.08803, sections 3.4 and 4.1; He et al., CVPR 2016,
//! arXiv:1512.03385, for the blocks, which are bottlenecks ([`Residual`]).
//!
//! Differences from the paper: no batch or weight normalization, no skip connections to the output. Each site may have its own biases
//! `a`.
//!
//! Cost: for each site `(2k+1)²·in·d + L·(2·d·m + (2k+1)²·m²) + d·out` products, with `m` channels within a block.

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, Window, affine, convolution};
use gibbs_core::{
    ConfigError,
    columns::select,
    nn::{Activation, Affine, Residual, project_context},
};

use super::partition::Partition;

/// Extents and widths of a convolutional conditioner.
#[derive(Config, Debug, PartialEq)]
pub struct ConvolutionalConfig {
    /// Rows of sites `R`, at least 1.
    pub rows: usize,
    /// Columns of sites `C`, at least 1.
    pub columns: usize,
    /// Channels `d` between blocks, at least 1 (32 or 64 in the paper).
    #[config(default = 32)]
    pub width: usize,
    /// Channels `m` within blocks, at least 1.
    #[config(default = 32)]
    pub bottleneck: usize,
    /// Number of blocks `L` (2 to 8 in the paper).
    #[config(default = 2)]
    pub blocks: usize,
    /// Half-width of the windows `k`: 1 for kernels of 3×3 (as in the paper), 0 for none beyond the site. On a periodic lattice at
    /// most rows and columns.
    #[config(default = 1)]
    pub half_kernel: usize,
    /// Whether the lattice is periodic, in both directions.
    #[config(default = false)]
    pub periodic: bool,
    /// Whether each site has its own biases `a`, so that parameters depend on the place.
    #[config(default = false)]
    pub positions: bool,
    /// Function of hidden units (relu in the paper).
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
}

/// Checks that the variables are whole channels of a lattice with this shape.
pub(crate) fn check_sites(rows: usize, columns: usize, n_variables: usize) -> Result<(), ConfigError> {
    let sites = rows * columns;
    let holds = sites > 0 && n_variables > 0 && n_variables.is_multiple_of(sites);
    let reason = format!("must be a whole number of channels of {rows} by {columns} sites");
    ConfigError::require(holds, "number of variables", n_variables, reason)
}

impl ConvolutionalConfig {
    /// Checks every field, for this many variables.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, n_variables: usize) -> Result<(), ConfigError> {
        for (field, value) in [
            ("rows", self.rows),
            ("columns", self.columns),
            ("width", self.width),
            ("bottleneck", self.bottleneck),
        ] {
            ConfigError::at_least(field, value, 1)?;
        }
        let fits = !self.periodic || self.half_kernel <= self.rows.min(self.columns);
        let reason = "must be at most the number of rows and of columns of a periodic lattice";
        ConfigError::require(fits, "half_kernel", self.half_kernel, reason)?;
        check_sites(self.rows, self.columns, n_variables)
    }

    /// A network whose last weights are zero and whose other weights are random.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub(crate) fn init(
        &self,
        partition: &Partition,
        n_context: usize,
        per_variable: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Convolutional, ConfigError> {
        self.validate(partition.kept.len() + partition.changed.len())?;
        let sites = self.rows * self.columns;
        let (inputs, outputs) = (Places::new(&partition.kept, sites), Places::new(&partition.changed, sites));
        let side = 2 * self.half_kernel + 1;
        let (taps, n_in) = (side * side, inputs.channels.len());
        let n_out = outputs.channels.len() * per_variable;
        let gain = (self.blocks.max(1) as f64).sqrt().recip();
        let widths = [self.width, self.bottleneck];
        let none = Init::Zeros;
        Ok(Convolutional {
            input: Affine {
                weight: Init::Normal { std: ((taps * n_in).max(1) as f64).sqrt().recip() }.param(
                    [taps * n_in, self.width],
                    device,
                    noise,
                ),
                bias: none.param([self.width], device, noise),
            },
            positions: self.positions.then(|| none.param([sites, self.width], device, noise)),
            context: (n_context > 0)
                .then(|| Init::GlorotNormal.param([n_context, self.width], device, noise)),
            blocks: (0..self.blocks).map(|_| Residual::new(widths, taps, gain, device, noise)).collect(),
            output: Affine {
                weight: none.param([self.width, n_out], device, noise),
                bias: none.param([n_out], device, noise),
            },
            inputs,
            outputs,
            config: self.clone(),
        })
    }
}

/// Where variables of a group are on a lattice.
#[derive(Clone, Debug)]
struct Places {
    /// The channels with variables of the group, ascending.
    channels: Vec<usize>,
    /// For each variable, ascending, its number among the places of these channels; nothing if it has all of them.
    partial: Option<Vec<usize>>,
}

impl Places {
    fn new(variables: &[usize], sites: usize) -> Self {
        let mut channels: Vec<usize> = variables.iter().map(|variable| variable / sites).collect();
        channels.dedup();
        let place = |variable: &usize| {
            channels.partition_point(|channel| *channel < variable / sites) * sites + variable % sites
        };
        let is_whole = variables.len() == channels.len() * sites;
        let partial = (!is_whole).then(|| variables.iter().map(place).collect());
        Self { channels, partial }
    }

    /// Values of the group `[n, count]` at all places of its channels `[n, channels·sites]`, with zeros elsewhere.
    fn spread(&self, values: Tensor<2>, sites: usize) -> Tensor<2> {
        let Some(places) = &self.partial else { return values };
        let [n, count] = values.dims();
        let mut from = vec![count; self.channels.len() * sites];
        places.iter().enumerate().for_each(|(value, place)| from[*place] = value);
        let zero = Tensor::zeros([n, 1], (&values.device(), values.dtype()));
        select(Tensor::cat(vec![values, zero], 1), &from)
    }

    /// The reverse of [`spread`](Self::spread), for `kinds` of values one after the other.
    fn gather(&self, values: Tensor<2>, kinds: usize, sites: usize) -> Tensor<2> {
        let Some(places) = &self.partial else { return values };
        let per_kind = self.channels.len() * sites;
        let from = (0..kinds).flat_map(|kind| places.iter().map(move |place| kind * per_kind + place));
        select(values, &from.collect::<Vec<_>>())
    }
}

/// A convolutional conditioner.
#[derive(Module, Debug)]
pub struct Convolutional {
    /// `K [(2k+1)²·in, d]`: taps row by row from the upper left, the channels of a tap next to each other. One bias for all sites.
    pub input: Affine,
    /// `a [R·C, d]`.
    pub positions: Option<Param<Tensor<2>>>,
    /// `U [n_context, d]`.
    pub context: Option<Param<Tensor<2>>>,
    /// The blocks, in the order of the pass.
    pub blocks: Vec<Residual>,
    /// `O [d, P·out]` and `o`: the first parameter of each changed channel, the second of each, and so on.
    pub output: Affine,
    #[module(skip)]
    inputs: Places,
    #[module(skip)]
    outputs: Places,
    #[module(skip)]
    config: ConvolutionalConfig,
}

impl Convolutional {
    fn sites(&self) -> usize {
        self.config.rows * self.config.columns
    }

    /// `x_rc [n, R, C, in]`.
    fn lattice(&self, kept: Tensor<2>) -> Tensor<4> {
        let ([n, _], channels) = (kept.dims(), self.inputs.channels.len());
        let x = self.inputs.spread(kept, self.sites()).reshape([n, channels, self.sites()]);
        x.swap_dims(1, 2).reshape([n, self.config.rows, self.config.columns, channels])
    }

    /// The map with what its windows see of it beyond its ends, and the window to take then.
    fn windowed(&self, x: Tensor<4>) -> (Tensor<4>, Window) {
        let (k, rows) = (self.config.half_kernel, self.config.rows);
        let window = Window {
            height: 2 * k + 1,
            above: k,
            below: k,
            left: k,
            right: k,
            periodic: self.config.periodic,
        };
        if k == 0 || !self.config.periodic {
            return (x, window);
        }
        let (last, first) = (x.clone().narrow(1, rows - k, k), x.clone().narrow(1, 0, k));
        (Tensor::cat(vec![last, x, first], 1), Window { above: 0, below: 0, ..window })
    }

    /// `h⁰ [n, R, C, d]`.
    fn first(&self, kept: Option<Tensor<2>>, context: Option<Tensor<2>>, n: usize) -> Tensor<4> {
        let ConvolutionalConfig { rows, columns, width, .. } = self.config;
        let bias = self.input.bias.val();
        let h = match kept {
            Some(kept) => {
                let (x, window) = self.windowed(self.lattice(kept));
                convolution(x, self.input.weight.val(), bias, window, None)
            }
            None => bias.reshape([1, 1, 1, width]).expand([n, rows, columns, width]),
        };
        let positions = self.positions.as_ref().map(|a| a.val().reshape([1, rows, columns, width]));
        let context = project_context(n, context.as_ref(), &self.context);
        let context = context.map(|context| context.reshape([n, 1, 1, width]));
        positions.into_iter().chain(context).fold(h, |h, more| h + more)
    }

    fn block(&self, h: Tensor<4>, block: &Residual) -> Tensor<4> {
        let function = self.config.activation;
        let (t, window) = self.windowed(block.reduced(&h, function));
        block.expanded(h, block.convolved(t, window, Some(function.function())))
    }

    /// The parameters for kept variables with the context behind them.
    pub(crate) fn forward(&self, kept: Tensor<2>) -> Tensor<2> {
        let [n, width] = kept.dims();
        let n_context = self.context.as_ref().map_or(0, |context| context.dims()[0]);
        let context = (n_context > 0).then(|| kept.clone().narrow(1, width - n_context, n_context));
        let kept = (width > n_context).then(|| kept.narrow(1, 0, width - n_context));
        let h = self.first(kept, context, n);
        let h = self.blocks.iter().fold(h, |h, block| self.block(h, block));
        let h = self.config.activation.apply(h).flatten::<2>(0, 2);
        let parameters = affine(h, self.output.weight.val(), self.output.bias.val(), None);
        let [_, n_out] = parameters.dims();
        let parameters = parameters.reshape([n, self.sites(), n_out]).swap_dims(1, 2);
        let kinds = n_out / self.outputs.channels.len();
        self.outputs.gather(parameters.reshape([n, n_out * self.sites()]), kinds, self.sites())
    }
}
