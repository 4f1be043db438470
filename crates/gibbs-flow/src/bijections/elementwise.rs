//! A map of each variable with constant parameters; activation normalization.
//!
//! ```text
//! z_d = g(x_d; θ_d)
//! normalization:  z_d = (x_d - μ_d)/σ_d  of the first data; learned from then on
//! ```
//!
//! References: Kingma & Dhariwal, "Glow", NeurIPS 2018, arXiv:1807.03039, section 3.1, for normalization with a start that
//! depends on data.

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise};
use gibbs_core::{Bijection, ConfigError, math::row_sums};

use super::{
    layer_config::{FlowLayer, InitLayer, Sizes},
    univariate::{Univariate, bounded, unbounded},
};

/// The map of an element-wise layer.
#[derive(Config, Debug, PartialEq)]
pub struct ElementwiseConfig {
    /// The map of each variable.
    pub map: Univariate,
}

impl InitLayer for ElementwiseConfig {
    type Layer = Elementwise;

    fn validate(&self, _: Sizes) -> Result<(), ConfigError> {
        self.map.validate()
    }

    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        _: &mut Noise,
        _: &mut Noise,
    ) -> Result<Elementwise, ConfigError> {
        Elementwise::new(sizes.n_variables, self.map, device)
    }
}

impl FlowLayer for Elementwise {
    fn fitted(self, x: &Tensor<2>, _: Option<&Tensor<2>>) -> Self {
        self.normalizing(x.clone())
    }
}

/// An element-wise layer.
#[derive(Module, Debug)]
pub struct Elementwise {
    /// `[P·D]`: the first parameter of all variables, the second of all, and so on. They begin as zero: the identity.
    pub parameters: Param<Tensor<1>>,
    #[module(skip)]
    map: Univariate,
}

impl Elementwise {
    /// The identity of `n_variables`.
    ///
    /// # Errors
    /// If `map` is out of range.
    pub fn new(n_variables: usize, map: Univariate, device: &Device) -> Result<Self, ConfigError> {
        map.validate()?;
        let width = n_variables * map.n_parameters();
        let parameters = Init::Zeros.param([width], device, &mut Noise::new(0, "zeros"));
        Ok(Self { parameters, map })
    }

    /// The layer that gives the columns of `x [n, D]` mean zero and variance one. A constant column keeps its scale. An additive map
    /// only shifts. A spline stays as it is.
    ///
    /// # Panics
    /// If the width of `x` is not that of the layer.
    #[must_use]
    pub fn normalizing(mut self, x: Tensor<2>) -> Self {
        let [n, width] = x.dims();
        assert_eq!(self.parameters.dims(), [width * self.map.n_parameters()], "data of width {width}");
        let mean: Tensor<2> = x.clone().mean_dim(0);
        let fitted = match self.map {
            Univariate::Additive => mean.neg().reshape([width]),
            Univariate::Affine { max_log_scale } => {
                let variance = row_sums((x - mean.clone()).powi_scalar(2).transpose()) / n as f64;
                let varies = variance.clone().greater_elem(0.0);
                let log_scale = variance.mask_fill(varies.bool_not(), 1.0).log() * -0.5;
                let raw = unbounded(log_scale, max_log_scale);
                let shift = mean.reshape([width]).neg() * bounded(raw.clone(), max_log_scale).exp();
                Tensor::cat(vec![shift, raw], 0)
            }
            Univariate::Spline { .. } => return self,
        };
        self.parameters = self.parameters.map(|_| fitted);
        self
    }

    fn rows(&self, n: usize) -> Tensor<2> {
        let parameters = self.parameters.val();
        let [width] = parameters.dims();
        parameters.unsqueeze::<2>().expand([n, width])
    }
}

impl Bijection for Elementwise {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let parameters = self.rows(x.dims()[0]);
        self.map.forward(x, parameters)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let parameters = self.rows(z.dims()[0]);
        self.map.inverse(z, parameters)
    }
}
