//! Pre-training of a deep Boltzmann machine: RBMs with doubled inputs.
//!
//! ```text
//! p(h_k | h_{k-1}) = σ(b_k + 2 h_{k-1}·W_k)    below the highest layer, which has no input from above
//! p(h_{k-1} | h_k) = σ(b_{k-1} + 2 W_k·h_k)    above the lowest layer, which has no input from below
//! ```
//!
//! In the machine each layer between others receives input from both sides. One side alone is doubled in its place. Such an RBM has two
//! copies of a layer with the same weights; its gradient is the mean over the copies.
//!
//! Reference: Salakhutdinov & Hinton, AISTATS 2009, section 3.1.
//!
//! Differences from the paper: both copies are drawn, so that the gradient is that of a likelihood.
//!
//! Cost of a step: that of contrastive divergence for the lowest and highest layers with twice as many units, for others with four
//! times as many weights.

use burn::{
    module::{Module, ModuleMapper, Param},
    optim::GradientsParams,
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, StepOutput};

use crate::{
    contrastive::{Contrastive, ContrastiveConfig},
    rbm::{AnyRbm, Rbm},
    units::{AnyUnits, UnitFamily, UnitMoments, Units},
};

/// Copies of the lower and of the upper layer of RBM `k`, from 0, of a machine of `depth` hidden layers.
pub fn copies(k: usize, depth: usize) -> [usize; 2] {
    [if k + 1 < depth { 2 } else { 1 }, if k > 0 { 2 } else { 1 }]
}

/// Contrastive divergence of the RBM with copies, on top of trained layers: an objective of the RBM without.
///
/// A batch holds the visible units of the machine.
#[derive(Clone, Debug)]
pub struct DoubledLayer {
    below: Vec<AnyRbm>,
    copies: [usize; 2],
    contrastive: Contrastive<AnyUnits>,
}

impl DoubledLayer {
    /// The objective of `rbm` above the trained RBMs `below` in a machine of `depth` hidden layers, before the first step. `moments` are
    /// those of what the RBM receives ([`received`](Self::received)).
    ///
    /// # Errors
    /// As [`ContrastiveConfig::init`].
    ///
    /// # Panics
    /// If there are `depth` layers below.
    pub fn new(
        config: &ContrastiveConfig,
        rbm: &AnyRbm,
        below: Vec<AnyRbm>,
        depth: usize,
        moments: &UnitMoments,
    ) -> Result<Self, ConfigError> {
        assert!(below.len() < depth, "{} layers below one of {depth}", below.len());
        let copies = copies(below.len(), depth);
        let doubled = with_copies(rbm, copies);
        let base = repeated(rbm.visible.fitted(moments), copies[0]);
        Ok(Self { below, copies, contrastive: config.init(&doubled, base)? })
    }

    /// What the RBM above the trained RBMs `below` receives for `v`: means with doubled inputs.
    pub fn received(below: &[AnyRbm], v: Tensor<2>) -> Tensor<2> {
        below.iter().fold(v, |x, rbm| Units::mean(&rbm.hidden, rbm.hidden_input(x) * 2.0))
    }

    /// The RBM with copies of which `rbm` is one.
    pub fn with_copies(&self, rbm: &AnyRbm) -> AnyRbm {
        with_copies(rbm, self.copies)
    }

    /// The gradients of a step.
    pub fn gradients(&mut self, rbm: &AnyRbm, batch: Batch, noise: &mut Noise) -> GradientsParams {
        let x = Self::received(&self.below, batch.x);
        let doubled = self.with_copies(rbm);
        let x = x.repeat(&[1, self.copies[0]]);
        let copied = self.contrastive.weighted_gradients(&doubled, x, batch.weights, noise).0;
        let [visible, hidden] = rbm.weight.dims();
        let ([below, above], mut gradients) = (self.copies, GradientsParams::new());
        if let Some(weight) = copied.get::<2>(doubled.weight.id) {
            let blocks = weight.reshape([below, visible, above, hidden]);
            let mean: Tensor<4> = blocks.mean_dim(0).mean_dim(2);
            gradients.register(rbm.weight.id, mean.reshape([visible, hidden]));
        }
        let pairs = rbm.visible.parameters().into_iter().zip(doubled.visible.parameters());
        let pairs = pairs.chain(rbm.hidden.parameters().into_iter().zip(doubled.hidden.parameters()));
        for (own, copied_parameter) in pairs {
            if let Some(gradient) = copied.get::<1>(copied_parameter.id) {
                let width = own.dims()[0];
                let rows = gradient.clone().reshape([gradient.dims()[0] / width, width]);
                gradients.register(own.id, rows.mean_dim(0).squeeze_dim::<1>(0));
            }
        }
        gradients
    }
}

impl Objective<AnyRbm> for DoubledLayer {
    fn step(
        &mut self,
        rbm: &AnyRbm,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        Ok(StepOutput::direct(self.gradients(rbm, batch, noise)))
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn state(&self) -> ObjectiveState {
        Objective::<AnyRbm>::state(&self.contrastive)
    }

    fn restore(&mut self, state: ObjectiveState) {
        Objective::<AnyRbm>::restore(&mut self.contrastive, state);
    }
}

/// `Σ_i (v_i - v̂_i)²` of each row of `v [batch, visible]`, `[batch]`: `v̂` are the means after a pass up through the RBMs of a machine of
/// `depth` hidden layers and down again, both with the inputs of pre-training.
pub fn reconstruction_error(rbms: &[&AnyRbm], depth: usize, v: Tensor<2>) -> Tensor<1> {
    let up = |x: Tensor<2>, (k, rbm): (usize, &&AnyRbm)| {
        Units::mean(&rbm.hidden, rbm.hidden_input(x) * copies(k, depth)[0] as f64)
    };
    let top = rbms.iter().enumerate().fold(v.clone(), up);
    let down = rbms.iter().enumerate().rev().fold(top, |h, (k, rbm)| {
        Units::mean(&rbm.visible, rbm.visible_input(h) * copies(k, depth)[1] as f64)
    });
    (v - down).square().sum_dim(1).squeeze_dim(1)
}

/// The RBM with copies of both layers, all with the same weights.
fn with_copies(rbm: &AnyRbm, [below, above]: [usize; 2]) -> AnyRbm {
    Rbm {
        weight: Param::from_tensor(rbm.weight.val().repeat(&[below, above])),
        visible: repeated(rbm.visible.clone(), below),
        hidden: repeated(rbm.hidden.clone(), above),
    }
}

/// Copies of binary or Gaussian units, in parameters of their own.
fn repeated(units: AnyUnits, copies: usize) -> AnyUnits {
    struct Repeat(usize);
    impl ModuleMapper for Repeat {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(param.val().repeat(&[self.0]))
        }
    }
    units.map(&mut Repeat(copies))
}
