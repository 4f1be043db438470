//! Markov chains whose stationary distribution is that of an RBM.

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::{
    rbm::Rbm,
    units::{UnitFamily, Units},
};

/// Visible units with known values, as in inpainting.
#[derive(Clone, Debug)]
pub struct Clamp {
    /// 1 where the value is known, 0 where it is sampled; `[batch, visible]`.
    pub known: Tensor<2>,
    /// The known values; `[batch, visible]`, ignored where `known` is 0.
    pub values: Tensor<2>,
}

impl Clamp {
    /// Holds the columns that are `known` at `values [batch, visible]`.
    ///
    /// # Panics
    /// If there are more or fewer columns.
    pub fn columns(known: &[bool], values: Tensor<2>) -> Self {
        let [batch, width] = values.dims();
        assert_eq!(known.len(), width, "{} columns that are known or not, of {width}", known.len());
        let row: Vec<f32> = known.iter().map(|&known| f32::from(u8::from(known))).collect();
        let row = TensorData::new(row, [1, width]);
        let row = Tensor::<2>::from_data(row, (&values.device(), values.dtype()));
        Self { known: row.expand([batch, width]), values }
    }

    /// Holds the last columns of `width` at `values [batch, held]`, such as those of a label.
    ///
    /// # Panics
    /// If `values` are wider.
    pub fn last(values: Tensor<2>, width: usize) -> Self {
        let [batch, held] = values.dims();
        let free = Tensor::zeros([batch, width - held], (&values.device(), values.dtype()));
        let known = Tensor::cat(vec![free.clone(), values.ones_like()], 1);
        Self { known, values: Tensor::cat(vec![free, values], 1) }
    }

    /// States or means `v [batch, visible]` with the known units at their values.
    pub fn apply(&self, v: Tensor<2>) -> Tensor<2> {
        v.mask_where(self.known.clone().greater_elem(0.5), self.values.clone())
    }
}

/// Block Gibbs sampling of the visible units, optionally with clamped pixels.
///
/// The state is the visible layer `[chains, visible]`. Each step takes a state and returns the next one.
#[derive(Debug)]
pub struct GibbsChain<'a, V: Units, H: Units> {
    rbm: &'a Rbm<V, H>,
    clamp: Option<Clamp>,
}

impl<'a, V: UnitFamily, H: UnitFamily> GibbsChain<'a, V, H> {
    /// Free chains of `rbm`.
    pub fn new(rbm: &'a Rbm<V, H>) -> Self {
        Self { rbm, clamp: None }
    }

    /// Chains that sample the unknown pixels given the known ones.
    pub fn clamped(rbm: &'a Rbm<V, H>, clamp: Clamp) -> Self {
        Self { rbm, clamp: Some(clamp) }
    }

    /// `n` states drawn from neutral units, with the known pixels at their values.
    pub fn init(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let weight = self.rbm.weight.val();
        let input = Tensor::zeros([n, self.rbm.visible.width()], (&weight.device(), weight.dtype()));
        self.restrict(self.rbm.visible.neutral().sample(input, noise))
    }

    /// One sweep.
    pub fn step(&self, v: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        self.restrict(self.rbm.gibbs_step(v, noise))
    }

    /// `n` sweeps.
    pub fn run(&self, v: Tensor<2>, n: usize, noise: &mut Noise) -> Tensor<2> {
        (0..n).fold(v, |v, _| self.step(v, noise))
    }

    /// One sweep at each inverse temperature of `betas`, along the path that starts at `base`.
    pub fn anneal(&self, v: Tensor<2>, base: &V, betas: &[f64], noise: &mut Noise) -> Tensor<2> {
        betas.iter().fold(v, |v, &beta| self.restrict(self.rbm.tempered(base, beta).gibbs_step(v, noise)))
    }

    /// `n` chains that are annealed from noise: one sweep at each of `temperatures + 1` inverse temperatures, evenly spaced from 0 to 1.
    ///
    /// # Panics
    /// If `temperatures` is 0.
    pub fn annealed(&self, n: usize, base: &V, temperatures: usize, noise: &mut Noise) -> Tensor<2> {
        assert!(temperatures > 0, "no temperatures to anneal through");
        let betas: Vec<f64> = (0..=temperatures).map(|k| k as f64 / temperatures as f64).collect();
        self.anneal(self.init(n, noise), base, &betas, noise)
    }

    fn restrict(&self, v: Tensor<2>) -> Tensor<2> {
        match &self.clamp {
            Some(clamp) => clamp.apply(v),
            None => v,
        }
    }
}
