//! Deep belief network: a stack of RBMs, of which only the top one stays undirected.
//!
//! ```text
//! p(v, h_1, …, h_L) = p(v | h_1) p(h_1 | h_2) ⋯ p(h_{L-2} | h_{L-1}) · p(h_{L-1}, h_L)
//! p(h_{k-1} | h_k)  = law of the visible units of layer k with input W_k·h_k       downwards, generative
//! q(h_k | h_{k-1})  = law of the hidden units of layer k with input h_{k-1}·R_k    upwards, recognition
//! p(h_{L-1}, h_L)   ∝ exp(-E_L(h_{L-1}, h_L))                                      the top machine
//! ```
//!
//! with `h_0 = v`. After greedy training `R_k = W_k`; fine-tuning by [`UpDown`] unties them. The visible units of the top
//! machine may hold a label beside `h_{L-1}` ([`Labeled`](crate::units::Labeled)).
//!
//! References: Hinton, Osindero & Teh, Neural Computation 18:1527 (2006), doi:10.1162/neco.2006.18.7.1527; Bengio et al.,
//! NIPS 2006, for other units and for means in the place of samples.
//!
//! Differences from the paper: any units between the layers, one layer or more.
//!
//! Cost: a pass up or down is one product `[batch, visible] × [visible, hidden]` for each layer.

mod bound;
mod classify;
mod up_down;

#[cfg(test)]
mod tests;

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, sparse_matmul};
use thiserror::Error;

use crate::{
    chain::{Clamp, GibbsChain},
    rbm::AnyRbm,
    units::{AnyUnits, UnitKind, Units},
};

pub use up_down::{UpDown, UpDownConfig};

/// Why machines do not make a stack.
#[derive(Debug, Error, PartialEq)]
pub enum StackError {
    /// No machine at all.
    #[error("a stack needs at least one layer")]
    Empty,
    /// A machine that does not continue the one below.
    #[error(
        "layer {layer} has {visible} {visible_kind} visible columns on top of {hidden} {hidden_kind} hidden ones below; \
         both must be the same"
    )]
    Misfit {
        /// Index of the upper layer, from 0.
        layer: usize,
        /// Its visible columns without those of a label.
        visible: usize,
        /// Their kind.
        visible_kind: UnitKind,
        /// Hidden columns of the layer below.
        hidden: usize,
        /// Their kind.
        hidden_kind: UnitKind,
    },
    /// A label below the top, where nothing would generate it.
    #[error("layer {layer} of {depth} holds a label; only the top layer can")]
    LabelBelowTop {
        /// Index of the layer, from 0.
        layer: usize,
        /// Number of layers.
        depth: usize,
    },
    /// Hidden units that a network trained by backpropagation does not have.
    #[error("layer {layer} has {kind} hidden units; a classifier needs {expected} ones throughout")]
    Classifier {
        /// Index of the layer, from 0.
        layer: usize,
        /// Its hidden units.
        kind: UnitKind,
        /// What would do.
        expected: &'static str,
    },
}

/// A deep belief network; see the [module documentation](self).
#[derive(Module, Debug)]
pub struct Dbn {
    /// The machines, bottom to top. Below the top, `weight` and `visible` are the generative law of a layer, and `hidden`
    /// the biases of its recognition.
    pub layers: Vec<AnyRbm>,
    /// `R_k [visible, hidden]` of each layer below the top, once untied; empty before.
    pub recognition: Vec<Param<Tensor<2>>>,
}

impl Dbn {
    /// A network of machines, bottom to top, tied.
    ///
    /// # Errors
    /// [`StackError`] if there is none, two do not fit, or there is a label below the top.
    pub fn new(layers: Vec<AnyRbm>) -> Result<Self, StackError> {
        let depth = layers.len();
        if depth == 0 {
            return Err(StackError::Empty);
        }
        let is_labeled = |rbm: &AnyRbm| rbm.visible.kind() == UnitKind::Labeled;
        if let Some(layer) = layers[..depth - 1].iter().position(is_labeled) {
            return Err(StackError::LabelBelowTop { layer, depth });
        }
        for (below, pair) in layers.windows(2).enumerate() {
            let (hidden, visible) = (&pair[0].hidden, &pair[1].visible);
            let (width, kind) = beside_label(visible);
            if (hidden.width(), hidden.kind()) != (width, kind) {
                return Err(StackError::Misfit {
                    layer: below + 1,
                    visible: width,
                    visible_kind: kind,
                    hidden: hidden.width(),
                    hidden_kind: hidden.kind(),
                });
            }
        }
        Ok(Self { layers, recognition: Vec::new() })
    }

    /// The network with one more machine on top. What was the top becomes a directed layer; untied layers stay untied.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn extended(self, top: AnyRbm) -> Result<Self, StackError> {
        let mut recognition = self.recognition;
        if !recognition.is_empty()
            && let Some(former) = self.layers.last()
        {
            recognition.push(copy(&former.weight));
        }
        let mut layers = self.layers;
        layers.push(top);
        Ok(Self { recognition, ..Self::new(layers)? })
    }

    /// The network whose upward weights are parameters of their own, equal to the downward ones at first.
    pub fn untied(mut self) -> Self {
        if self.recognition.is_empty() {
            let below = &self.layers[..self.depth() - 1];
            self.recognition = below.iter().map(|layer| copy(&layer.weight)).collect();
        }
        self
    }

    /// Number of machines.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// The machine at the top.
    pub fn top(&self) -> &AnyRbm {
        &self.layers[self.depth() - 1]
    }

    /// States of the label at the top, 0 without one.
    pub fn n_classes(&self) -> usize {
        match &self.top().visible {
            AnyUnits::Labeled(units) => units.classes(),
            _ => 0,
        }
    }

    /// `h_{k-1}·R_k`, the input to the hidden units of layer `k` (from 0): `[batch, visible] -> [batch, hidden]`.
    fn recognition_input(&self, k: usize, x: Tensor<2>) -> Tensor<2> {
        let weight = self.recognition.get(k).unwrap_or(&self.layers[k].weight);
        sparse_matmul(x, weight.val())
    }

    /// Means of the units below the top machine, layer by layer, each computed from the means of the one below:
    /// `v [batch, visible] -> h_{L-1} [batch, width]`, without a label.
    pub fn encode(&self, v: Tensor<2>) -> Tensor<2> {
        (0..self.depth() - 1)
            .fold(v, |x, k| Units::mean(&self.layers[k].hidden, self.recognition_input(k, x)))
    }

    /// Draws from `q(h_1, …, h_{L-1} | v)`, bottom to top; empty for a single layer.
    pub fn infer(&self, v: Tensor<2>, noise: &mut Noise) -> Vec<Tensor<2>> {
        let mut x = v;
        (0..self.depth() - 1)
            .map(|k| {
                x = self.layers[k].hidden.sample(self.recognition_input(k, x.clone()), noise);
                x.clone()
            })
            .collect()
    }

    /// A draw from `p(v | h_{L-1})`, every layer sampled but the lowest, of which the mean is given:
    /// `[batch, width] -> [batch, visible]`. A label at the end of `h` is left out.
    pub fn generate(&self, h: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let mut x = self.without_label(h);
        for (k, layer) in self.layers[..self.depth() - 1].iter().enumerate().rev() {
            let input = layer.visible_input(x);
            x = if k == 0 { Units::mean(&layer.visible, input) } else { layer.visible.sample(input, noise) };
        }
        x
    }

    /// States of the top machine's visible units without the columns of the label.
    fn without_label(&self, h: Tensor<2>) -> Tensor<2> {
        let width = beside_label(&self.top().visible).0;
        h.narrow(1, 0, width)
    }

    /// What holds the label of top chains at `labels [batch, classes]`, one-hot.
    ///
    /// # Panics
    /// If the network has no label, or another number of classes.
    pub fn clamp_label(&self, labels: Tensor<2>) -> Clamp {
        let [batch, classes] = labels.dims();
        assert_eq!(classes, self.n_classes(), "{classes} columns for a label of {} states", self.n_classes());
        let width = beside_label(&self.top().visible).0;
        let states = Tensor::zeros([batch, width], (&labels.device(), labels.dtype()));
        let known = Tensor::cat(vec![states.clone(), labels.ones_like()], 1);
        Clamp { known, values: Tensor::cat(vec![states, labels], 1) }
    }

    /// Markov chains of the top machine, held at labels where given.
    pub fn top_chain(&self, clamp: Option<Clamp>) -> GibbsChain<'_, AnyUnits, AnyUnits> {
        match clamp {
            Some(clamp) => GibbsChain::clamped(self.top(), clamp),
            None => GibbsChain::new(self.top()),
        }
    }
}

/// Width and kind of the units that a label may stand beside.
fn beside_label(units: &AnyUnits) -> (usize, UnitKind) {
    match units {
        AnyUnits::Labeled(labeled) => (labeled.width() - labeled.classes(), UnitKind::Binary),
        other => (other.width(), other.kind()),
    }
}

fn copy(weight: &Param<Tensor<2>>) -> Param<Tensor<2>> {
    Param::from_tensor(weight.val())
}
