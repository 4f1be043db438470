//! A flow: a chain of bijections from data to a standard normal base.
//!
//! ```text
//! x = z_0 -> z_1 -> … -> z_L = z,     z ~ N(0, 1)
//! ln p(x | c) = ln p_base(z) + Σ_l ladj_l,     ln N(z; 0, 1) = -½ |z|² - D·ln √(2π), or a mixture; uniform over angles
//! sampling at temperature T:  z ~ N(0, T²),  then back through the chain
//! ```
//!
//! References: Tabak & Vanden-Eijnden, Commun. Math. Sci. 8:217 (2010), doi:10.4310/CMS.2010.v8.n1.a11; Rezende & Mohamed, ICML
//! 2015, arXiv:1505.05770; Papamakarios et al., JMLR 22:57 (2021), arXiv:1912.02762, a review; Kingma & Dhariwal, "Glow",
//! 2018, for the temperature.

use burn::{module::Module, prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConditionalLogProb, Sample,
    columns::{inverse as places, select},
    math::row_zeros,
    params::placement,
};

use super::layer_config::FlowLayer;
use crate::{Mixture, base, base::Angles};

/// A chain of bijections. It is a bijection itself, and with a base a density.
#[derive(Module, Debug)]
pub struct Chain<B> {
    /// From data to the base.
    pub layers: Vec<B>,
    /// Distribution of the latent variables; `None` is standard normal.
    pub base: Option<Mixture>,
    #[module(skip)]
    angles: Option<Angles>,
    n_variables: usize,
    n_context: usize,
}

impl<B: FlowLayer> Chain<B> {
    /// A chain over `n_variables`, with a context of width `n_context`, 0 for none.
    pub fn new(layers: Vec<B>, n_variables: usize, n_context: usize) -> Self {
        Self { layers, base: None, angles: None, n_variables, n_context }
    }

    /// The chain with another base; `None` is standard normal.
    ///
    /// # Panics
    /// If the base has another number of variables, or there are angles.
    #[must_use]
    pub fn with_base(self, base: Option<Mixture>) -> Self {
        assert!(base.is_none() || self.angles.is_none(), "a mixture as the base of angles");
        base.iter().for_each(|base| assert_eq!(base.dims()[1], self.n_variables, "variables of the base"));
        Self { base, ..self }
    }

    /// The chain with some variables on circles, over which its base is uniform.
    ///
    /// # Panics
    /// If [`Angles::validate`] fails, or the base is a mixture.
    #[must_use]
    pub fn with_angles(self, angles: Option<Angles>) -> Self {
        assert!(angles.is_none() || self.base.is_none(), "a mixture as the base of angles");
        let fault = angles.as_ref().and_then(|angles| angles.validate(self.n_variables).err());
        assert!(fault.is_none(), "{}", fault.map_or(String::new(), |fault| fault.to_string()));
        Self { angles, ..self }
    }

    /// Whether all latent variables are standard normal.
    pub fn has_normal_base(&self) -> bool {
        self.base.is_none() && self.angles.is_none()
    }

    /// Number of variables, `D`.
    pub fn n_variables(&self) -> usize {
        self.n_variables
    }

    /// `n` independent samples `[n, D]` for contexts `[n, C]`. The temperature is the standard deviation of the base: 1 samples the
    /// density, smaller values give samples nearer to its mode, 0 gives the image of the center of the base.
    ///
    /// # Panics
    /// As [`ConditionalLogProb::log_prob_given`].
    pub fn sample_given(
        &self,
        n: usize,
        context: Option<&Tensor<2>>,
        temperature: f64,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let (device, dtype) = placement(self).unwrap_or_else(|| (Device::default(), DType::F32));
        let shape = [n, self.n_variables];
        let z = match &self.angles {
            Some(angles) => angles.sample(shape, temperature, (&device, dtype), noise),
            None => base::sample(self.base.as_ref(), shape, temperature, (&device, dtype), noise),
        };
        self.inverse(z, context).0
    }

    fn assert_fits(&self, x: &Tensor<2>, context: Option<&Tensor<2>>) {
        let [n, width] = x.dims();
        assert_eq!(
            width, self.n_variables,
            "points of width {width} for a flow of {} variables",
            self.n_variables
        );
        let (found, expected) =
            (context.map(Tensor::dims), (self.n_context > 0).then_some([n, self.n_context]));
        assert_eq!(
            found, expected,
            "the context of {n} points in a flow with contexts of width {}",
            self.n_context
        );
    }
}

impl<B: FlowLayer> Chain<B> {
    /// Which variables learned maps have changed after the chain, for those that they have changed before it.
    pub(crate) fn touch(&self, touched: Vec<bool>) -> Vec<bool> {
        self.layers.iter().fold(touched, |touched, layer| layer.touch(touched))
    }

    /// The chain, or its inverse, on all blocks of variables of `x [n, W + 1]`, whose last column is a log-determinant to which it adds.
    /// `columns` are those of one block after the other: all of `0..W`, each once.
    ///
    /// # Panics
    /// If the chain has a context, or the blocks have another width than it.
    pub(crate) fn on_blocks(&self, x: Tensor<2>, columns: &[usize], inverse: bool) -> Tensor<2> {
        let pass = |x: Tensor<2>, layer: &B| layer.on_blocks(&x, columns, inverse);
        let together = match inverse {
            false => self.layers.iter().try_fold(x.clone(), pass),
            true => self.layers.iter().rev().try_fold(x.clone(), pass),
        };
        together.unwrap_or_else(|| self.on_rows(x, columns, inverse))
    }

    /// The same, with each block as a row.
    fn on_rows(&self, x: Tensor<2>, columns: &[usize], inverse: bool) -> Tensor<2> {
        let ([n, _], all) = (x.dims(), columns.len());
        let ladj = x.clone().narrow(1, all, 1);
        let rows = select(x, columns).reshape([n * all / self.n_variables, self.n_variables]);
        let (z, added) = if inverse { self.inverse(rows, None) } else { self.forward(rows, None) };
        let z = select(z.reshape([n, all]), &places(columns));
        let added = added.reshape([n, all / self.n_variables]).sum_dim(1);
        Tensor::cat(vec![z, ladj + added], 1)
    }

    /// The flow whose [`Elementwise`](crate::Elementwise) layers normalize their inputs when `x [n, D]` enters the flow: the
    /// data-dependent start of activation normalization.
    ///
    /// # Panics
    /// As [`ConditionalLogProb::log_prob_given`].
    #[must_use]
    pub fn fitted(mut self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Self {
        self.assert_fits(&x, context);
        let mut z = x;
        let fit = |layer: B| {
            let layer = FlowLayer::fitted(layer, &z, context);
            z = layer.forward(z.clone(), context).0;
            layer
        };
        self.layers = self.layers.into_iter().map(fit).collect();
        self
    }
}

/// `x [n, D]` with its log-determinant `[n]` as the last column.
pub(super) fn joined(x: Tensor<2>, ladj: Tensor<1>) -> Tensor<2> {
    Tensor::cat(vec![x, ladj.unsqueeze_dim(1)], 1)
}

/// What [`joined`] has joined.
pub(super) fn apart(x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
    let [_, width] = x.dims();
    (x.clone().narrow(1, 0, width - 1), x.narrow(1, width - 1, 1).squeeze_dim(1))
}

impl<B: FlowLayer> Chain<B> {
    /// Layers that act on blocks of columns stay with the log-determinant in one tensor, from the first of a run of them to the last.
    fn pass<'a>(
        &self,
        layers: impl Iterator<Item = &'a B>,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        inverse: bool,
    ) -> (Tensor<2>, Tensor<1>)
    where
        B: 'a,
    {
        self.assert_fits(&x, context);
        let columns: Vec<usize> = (0..self.n_variables).collect();
        let (mut on_blocks, mut together) = (context.is_none(), None);
        let (mut x, mut ladj) = (x.clone(), row_zeros(&x));
        for layer in layers {
            if on_blocks && layer.acts_on_blocks() {
                let from = together.take().unwrap_or_else(|| joined(x.clone(), ladj.clone()));
                together = layer.on_blocks(&from, &columns, inverse);
                if together.is_some() {
                    continue;
                }
                (on_blocks, (x, ladj)) = (false, apart(from));
            }
            if let Some(together) = together.take() {
                (x, ladj) = apart(together);
            }
            let (z, added) = if inverse { layer.inverse(x, context) } else { layer.forward(x, context) };
            (x, ladj) = (z, ladj + added);
        }
        together.map_or((x, ladj), apart)
    }
}

impl<B: FlowLayer> Bijection for Chain<B> {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.pass(self.layers.iter(), x, context, false)
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.pass(self.layers.iter().rev(), z, context, true)
    }
}

impl<B: FlowLayer> ConditionalLogProb for Chain<B> {
    fn n_context(&self) -> usize {
        self.n_context
    }

    fn log_prob_given(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        let (z, ladj) = self.forward(x, context);
        ladj + match &self.angles {
            Some(angles) => angles.log_prob(z),
            None => base::log_prob(self.base.as_ref(), z),
        }
    }
}

impl<B: FlowLayer> Sample for Chain<B> {
    /// # Panics
    /// If the flow has a context: see [`Chain::sample_given`].
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.sample_given(n, None, 1.0, noise)
    }
}
