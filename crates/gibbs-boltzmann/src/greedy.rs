//! Greedy training of a stack: each RBM learns the states that the layers below infer from the data.
//!
//! ```text
//! layer k:   x_k = h_{k-1}(… h_1(v))        means or draws of the trained layers below
//!            RBM_k is trained on x_k by contrastive divergence, while the layers below stay fixed
//! ```
//!
//! References: Hinton, Osindero & Teh, Neural Computation 18:1527 (2006), section 4; Hinton & Salakhutdinov, Science 313:504
//! (2006), for means in the place of draws.
//!
//! Cost of a step: one product for each layer below, and a step of contrastive divergence.

use burn::{config::Config, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, StepOutput};
use serde::{Deserialize, Serialize};

use crate::{
    contrastive::{Contrastive, ContrastiveConfig},
    rbm::{AnyRbm, RbmConfig},
    units::{AnyUnits, UnitFamily, UnitMoments},
};

/// What a layer receives from the layers below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upward {
    /// Conditional means of the hidden units.
    Means,
    /// Draws of the hidden units.
    Samples,
}

/// The initial weights of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerStart {
    /// Small random weights.
    Random,
    /// Those of the layer below, transposed ([`AnyRbm::mirrored`]). The distribution of the stack stays the same.
    Mirrored,
}

/// One layer of a stack before its training.
#[derive(Config, Debug, PartialEq)]
pub struct LayerConfig {
    /// Sizes and kinds of its units.
    pub rbm: RbmConfig,
    /// Contrastive divergence.
    pub contrastive: ContrastiveConfig,
    /// Initial weights.
    #[config(default = "LayerStart::Random")]
    pub start: LayerStart,
    /// Whether the visible biases start at the means of what the layer receives. Ignored for a mirrored layer.
    #[config(default = true)]
    pub fit_visible: bool,
}

impl LayerConfig {
    /// The layer with its initial weights, on top of the layers `below`. Draws from the stream `init/{k}` for layer `k`,
    /// counted from 0.
    ///
    /// # Errors
    /// A setting out of range, or no layer to mirror.
    pub fn init(&self, below: &[AnyRbm], seed: u64, device: &Device) -> Result<AnyRbm, ConfigError> {
        let mut noise = Noise::new(seed, format!("init/{}", below.len()));
        match (self.start, below.last()) {
            (LayerStart::Random, _) => self.rbm.init(device, &mut noise),
            (LayerStart::Mirrored, Some(top)) if self.rbm.n_visible == top.weight.dims()[1] => {
                top.mirrored(self.rbm.n_hidden, self.rbm.weight_std, &mut noise)
            }
            (LayerStart::Mirrored, _) => Err(ConfigError::new(
                "start",
                "\"mirrored\"",
                "there is no layer below with as many hidden columns; take \"random\"",
            )),
        }
    }

    /// The layer and its objective before the first step, on top of the trained layers `below`. `examples [n, visible]` give
    /// the moments of what the layer receives; `upward_noise` is the stream of upward draws.
    ///
    /// # Errors
    /// As [`init`](Self::init), and settings of contrastive divergence that do not fit the units.
    pub fn begin(
        &self,
        below: &[AnyRbm],
        examples: Tensor<2>,
        (upward, upward_noise): (Upward, Noise),
        seed: u64,
    ) -> Result<(AnyRbm, LayerObjective), ConfigError> {
        let mut rbm = self.init(below, seed, &examples.device())?;
        let moments = layer_moments(below, examples, self.rbm.n_visible);
        if self.fit_visible && self.start == LayerStart::Random {
            rbm = rbm.with_visible_fitted(&moments);
        }
        let contrastive = self.contrastive.init(&rbm, rbm.visible.fitted(&moments))?;
        Ok((rbm, LayerObjective::new(below.to_vec(), (upward, upward_noise), contrastive)))
    }
}

/// The initial stack: the layers `trained`, and those of `layers` above them with their initial weights.
///
/// # Errors
/// As [`LayerConfig::init`]; the field begins with the number of the layer, from 0.
pub fn initial_stack(
    layers: &[LayerConfig],
    trained: Vec<AnyRbm>,
    seed: u64,
    device: &Device,
) -> Result<Vec<AnyRbm>, ConfigError> {
    let mut stack = trained;
    for layer in layers.iter().skip(stack.len()) {
        let init = layer.init(&stack, seed, device);
        stack.push(init.map_err(|error| error.within(&stack.len().to_string()))?);
    }
    Ok(stack)
}

/// Moments of what a layer with `n_visible` columns receives from the layers `below`, for examples `v [n, visible]`: of means,
/// with equally likely classes in the columns of a label.
pub fn layer_moments(below: &[AnyRbm], v: Tensor<2>, n_visible: usize) -> UnitMoments {
    let x = below.iter().fold(v, |x, rbm| rbm.hidden_mean(x));
    let n_classes = n_visible - x.dims()[1];
    UnitMoments::of(with_columns(x, n_classes, 1.0 / n_classes as f64))
}

/// `Σ_i (v_i - v̂_i)²` of each row of `v [batch, visible]`, `[batch]`: `v̂` are the means after a pass up to the top of the
/// stack and down again, with the columns of a label at 0.
pub fn reconstruction_error(stack: &[&AnyRbm], v: Tensor<2>) -> Tensor<1> {
    let up = |x: Tensor<2>, rbm: &&AnyRbm| {
        let n_classes = rbm.weight.dims()[0] - x.dims()[1];
        rbm.hidden_mean(with_columns(x, n_classes, 0.0))
    };
    let top = stack.iter().fold(v.clone(), up);
    let down = stack.iter().rev().fold(top, |h, rbm| {
        let width = rbm.weight.dims()[1];
        rbm.visible_mean(h.narrow(1, 0, width))
    });
    let width = v.dims()[1];
    (v - down.narrow(1, 0, width)).square().sum_dim(1).squeeze_dim(1)
}

/// `n` more columns with a constant value.
fn with_columns(x: Tensor<2>, n: usize, value: f64) -> Tensor<2> {
    let (batch, options) = (x.dims()[0], (&x.device(), x.dtype()));
    if n == 0 { x } else { Tensor::cat(vec![x, Tensor::full([batch, n], value, options)], 1) }
}

/// Contrastive divergence of the top layer of a stack, whose lower layers stay fixed: an objective of one RBM.
///
/// A batch holds the data and, where the layer has a label, the one-hot classes as its context.
#[derive(Clone, Debug)]
pub struct LayerObjective {
    below: Vec<AnyRbm>,
    upward: Upward,
    noise: Noise,
    contrastive: Contrastive<AnyUnits>,
}

impl LayerObjective {
    /// Contrastive divergence on top of the trained layers `below`, which are none for a single RBM. Draws of these layers
    /// come from the second part of `upward`.
    pub fn new(
        below: Vec<AnyRbm>,
        (upward, noise): (Upward, Noise),
        contrastive: Contrastive<AnyUnits>,
    ) -> Self {
        Self { below, upward, noise, contrastive }
    }

    /// Independent units with the moments of what the layer receives.
    pub fn base(&self) -> &AnyUnits {
        self.contrastive.base()
    }

    /// The stream of upward draws, with which the next layer continues.
    pub fn upward_noise(&self) -> &Noise {
        &self.noise
    }
}

impl Objective<AnyRbm> for LayerObjective {
    fn step(
        &mut self,
        rbm: &AnyRbm,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let mut x = batch.x;
        for layer in &self.below {
            x = match self.upward {
                Upward::Means => layer.hidden_mean(x),
                Upward::Samples => layer.sample_hidden(x, &mut self.noise),
            };
        }
        if let Some(label) = batch.context
            && rbm.weight.dims()[0] > x.dims()[1]
        {
            x = Tensor::cat(vec![x, label], 1);
        }
        self.contrastive.step(rbm, Batch { weights: batch.weights, ..Batch::new(x) }, at, noise)
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn state(&self) -> ObjectiveState {
        let state = Objective::<AnyRbm>::state(&self.contrastive);
        ObjectiveState { noises: vec![("upward".into(), self.noise.clone())], ..state }
    }

    fn restore(&mut self, mut state: ObjectiveState) {
        if let Some((_, noise)) = state.noises.pop() {
            self.noise = noise;
        }
        Objective::<AnyRbm>::restore(&mut self.contrastive, state);
    }
}

#[cfg(test)]
mod tests {
    use gibbs_core::math::to_host;

    use super::*;
    use crate::{Chains, units::UnitKind};

    fn contrastive() -> ContrastiveConfig {
        ContrastiveConfig::new().with_chains(Chains::Data)
    }

    fn labeled() -> LayerConfig {
        let rbm = RbmConfig::new(6, 3).with_visible(UnitKind::Labeled).with_weight_std(0.5);
        LayerConfig::new(rbm, contrastive())
    }

    fn bottom() -> AnyRbm {
        LayerConfig::new(RbmConfig::new(5, 4).with_weight_std(0.5), contrastive())
            .init(&[], 1, &Device::flex())
            .unwrap()
    }

    fn batch() -> (Tensor<2>, Tensor<2>) {
        let device = Device::flex();
        let v = Noise::new(2, "data").bernoulli(Tensor::full([8, 5], 0.5, &device));
        let label = Tensor::<1, Int>::from_data([0, 1, 0, 1, 1, 0, 1, 0], &device);
        (v, label.one_hot::<2>(2).float())
    }

    /// A step of a layer is a step of contrastive divergence on what the layers below infer, with the label.
    #[test]
    fn a_layer_learns_what_the_layers_below_infer() {
        let (below, (v, label)) = (vec![bottom()], batch());
        for upward in [Upward::Means, Upward::Samples] {
            let mut draws = Noise::new(3, "upward");
            let (rbm, mut layer) = labeled().begin(&below, v.clone(), (upward, draws.clone()), 1).unwrap();
            let x = match upward {
                Upward::Means => below[0].hidden_mean(v.clone()),
                Upward::Samples => below[0].sample_hidden(v.clone(), &mut draws),
            };
            let mut plain = contrastive().init(&rbm, layer.base().clone()).unwrap();
            let x = Tensor::cat(vec![x, label.clone()], 1);
            let want = plain.gradients(&rbm, x, &mut Noise::new(4, "chains")).0;
            let batch = Batch::new(v.clone()).with_context(Some(label.clone()));
            let at = Position::new(0, 1, 1);
            let have = layer.step(&rbm, batch, &at, &mut Noise::new(4, "chains")).unwrap().gradients;
            let id = rbm.weight.id;
            assert_eq!(to_host(have.get::<2>(id).unwrap()), to_host(want.get::<2>(id).unwrap()));
            assert_eq!(layer.upward_noise(), &draws);
            assert_eq!(layer.state().noises, [("upward".to_string(), draws)]);
        }
    }

    #[test]
    fn moments_and_reconstructions_go_through_all_layers() {
        let (below, (v, _)) = (vec![bottom()], batch());
        let moments = layer_moments(&below, v.clone(), 6);
        let want = to_host(below[0].hidden_mean(v.clone()).mean_dim(0));
        let have = to_host(moments.mean);
        assert!(have.iter().zip(want.iter().chain(&[0.5, 0.5])).all(|(a, b)| (a - b).abs() < 1e-6));
        let one = reconstruction_error(&[&below[0]], v.clone());
        assert_eq!(to_host(one), to_host(below[0].reconstruction_error(v.clone())));
        let top = labeled().init(&below, 1, &Device::flex()).unwrap();
        assert_eq!(reconstruction_error(&[&below[0], &top], v).dims(), [8]);
    }

    #[test]
    fn a_mirrored_layer_needs_a_layer_below() {
        let mirrored = |n_visible| {
            LayerConfig::new(RbmConfig::new(n_visible, 5), contrastive()).with_start(LayerStart::Mirrored)
        };
        let stack = initial_stack(&[labeled(), mirrored(4)], vec![bottom()], 1, &Device::flex()).unwrap();
        let weight = |rbm: &AnyRbm| to_host(rbm.weight.val());
        assert_eq!(weight(&stack[1]), to_host(stack[0].weight.val().transpose()));
        let error = mirrored(3).init(&stack[..1], 1, &Device::flex()).unwrap_err();
        assert_eq!(error.field, "start");
    }
}
