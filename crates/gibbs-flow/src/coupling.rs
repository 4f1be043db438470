//! Coupling: part of the variables is kept and decides how the rest is changed.
//!
//! ```text
//! x = (x_A, x_B),   z_A = x_A,   z_B = g(x_B; θ),   θ = conditioner(x_A, c)
//! ladj = Σ_{i in B} ln ∂z_i/∂x_i
//! ```
//!
//! with `g` a map of one variable ([`Univariate`]): additive for NICE, affine for Real NVP, a spline for neural spline flows.
//!
//! References: Dinh, Krueger & Bengio, "NICE", 2014, arXiv:1410.8516; Dinh, Sohl-Dickstein & Bengio, "Density estimation using
//! Real NVP", ICLR 2017, arXiv:1605.08803, equations 4 to 8; Durkan et al., "Neural spline flows", NeurIPS 2019,
//! arXiv:1906.04032.
//!
//! Cost: one pass of the conditioner, in either direction. It reads the kept columns and nothing else.

use burn::{
    config::Config,
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection,
    nn::{Activation, Mlp, MlpConfig},
};

use crate::{
    ConfigError, Convolutional, ConvolutionalConfig, CouplingMask, Univariate, columns::Partition,
    context::inputs,
};

/// What turns the kept variables into the parameters of the others' map.
pub trait Conditioner: Module + ModuleDisplay {
    /// Kept variables, in the order of the data, with the context behind them `[n, |A| + C]` to the parameters `[n, P·|B|]`: the
    /// first of all changed variables, the second of all, and so on.
    fn parameters(&self, kept: Tensor<2>) -> Tensor<2>;
}

impl Conditioner for Mlp {
    fn parameters(&self, kept: Tensor<2>) -> Tensor<2> {
        self.forward(kept)
    }
}

/// Mask, conditioner and map of a coupling.
#[derive(Config, Debug, PartialEq)]
pub struct CouplingConfig {
    /// Which variables are kept.
    pub mask: CouplingMask,
    /// Whether those are changed instead and the others kept.
    #[config(default = false)]
    pub flipped: bool,
    /// Widths of the hidden layers of the conditioner, each at least 1.
    pub hidden: Vec<usize>,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
}

impl CouplingConfig {
    fn network(&self, partition: &Partition, n_context: usize) -> MlpConfig {
        let n_in = partition.kept.len() + n_context;
        let n_out = partition.changed.len() * self.map.n_parameters();
        MlpConfig::new([&[n_in], self.hidden.as_slice(), &[n_out]].concat())
            .with_activation(self.activation)
            .with_output_gain(0.0)
    }

    /// Checks every field, for this many variables and a context of this width, 0 for none.
    ///
    /// # Errors
    /// Names the first field that is out of range, or a mask that does not fit.
    pub fn validate(&self, n_variables: usize, n_context: usize) -> Result<(), ConfigError> {
        self.map.validate()?;
        let partition = self.mask.partition(n_variables, self.flipped, n_context > 0)?;
        Ok(self.network(&partition, n_context).validate()?)
    }

    /// A coupling that begins as the identity: the last weights of its conditioner are zero, the others random.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(
        &self,
        n_variables: usize,
        n_context: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Coupling, ConfigError> {
        self.validate(n_variables, n_context)?;
        let partition = self.mask.partition(n_variables, self.flipped, n_context > 0)?;
        let conditioner = self.network(&partition, n_context).init(device, noise)?;
        Ok(Coupling { conditioner, partition, n_context, map: self.map })
    }
}

/// Mask, conditioner and map of a coupling on a lattice.
#[derive(Config, Debug, PartialEq)]
pub struct ConvolutionalCouplingConfig {
    /// Which variables are kept.
    pub mask: CouplingMask,
    /// Whether those are changed instead and the others kept.
    #[config(default = false)]
    pub flipped: bool,
    /// The conditioner.
    pub network: ConvolutionalConfig,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
}

impl ConvolutionalCouplingConfig {
    /// Checks every field, for this many variables and a context of this width, 0 for none.
    ///
    /// # Errors
    /// Names the first field that is out of range, or a mask that does not fit.
    pub fn validate(&self, n_variables: usize, n_context: usize) -> Result<(), ConfigError> {
        self.map.validate()?;
        self.mask.partition(n_variables, self.flipped, n_context > 0)?;
        self.network.validate(n_variables)
    }

    /// A coupling that begins as the identity: the last weights of its conditioner are zero, the others random.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(
        &self,
        n_variables: usize,
        n_context: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Coupling<Convolutional>, ConfigError> {
        self.validate(n_variables, n_context)?;
        let partition = self.mask.partition(n_variables, self.flipped, n_context > 0)?;
        let conditioner = self.network.init(&partition, n_context, self.map, device, noise)?;
        Ok(Coupling { conditioner, partition, n_context, map: self.map })
    }
}

/// A coupling layer.
#[derive(Module, Debug)]
pub struct Coupling<C = Mlp> {
    /// From kept variables to parameters.
    pub conditioner: C,
    #[module(skip)]
    partition: Partition,
    n_context: usize,
    #[module(skip)]
    map: Univariate,
}

impl<C: Conditioner> Coupling<C> {
    /// A coupling with any conditioner.
    ///
    /// # Errors
    /// If `mask` does not fit this many variables, or `map` is out of range.
    pub fn new(
        mask: &CouplingMask,
        flipped: bool,
        map: Univariate,
        [n_variables, n_context]: [usize; 2],
        conditioner: C,
    ) -> Result<Self, ConfigError> {
        map.validate()?;
        let partition = mask.partition(n_variables, flipped, n_context > 0)?;
        Ok(Self { conditioner, partition, n_context, map })
    }

    /// The variables that are changed, ascending.
    pub fn changed(&self) -> &[usize] {
        &self.partition.changed
    }

    fn pass(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        map: impl FnOnce(Tensor<2>, Tensor<2>) -> (Tensor<2>, Tensor<1>),
    ) -> (Tensor<2>, Tensor<1>) {
        let (kept, changed) = self.partition.split(x);
        let parameters = self.conditioner.parameters(inputs(kept.clone(), context, self.n_context));
        let (changed, ladj) = map(changed, parameters);
        (self.partition.join(kept, changed), ladj)
    }
}

impl<C: Conditioner> Bijection for Coupling<C> {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.pass(x, context, |x, parameters| self.map.forward(x, parameters))
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.pass(z, context, |z, parameters| self.map.inverse(z, parameters))
    }
}
