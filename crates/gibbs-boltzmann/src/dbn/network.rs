//! The network: its layers, passes up and down, chains at the top.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, sparse_matmul};
use gibbs_core::check;
use thiserror::Error;

use crate::{
    chain::{Clamp, GibbsChain},
    rbm::{AnyRbm, require_states},
    units::{AnyUnits, UnitKind, Units},
};

/// Why RBMs do not make a stack.
#[derive(Debug, Error, PartialEq)]
pub enum StackError {
    /// No RBM at all.
    #[error("a stack needs at least one layer")]
    Empty,
    /// An RBM whose visible units are not the hidden units of the layer below.
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
    /// A label below the top, where no chain could sample it.
    #[error("layer {layer} of {depth} holds a label; only the top layer can")]
    LabelBelowTop {
        /// Index of the layer, from 0.
        layer: usize,
        /// Number of layers.
        depth: usize,
    },
    /// Hidden units that a feed-forward classifier does not have.
    #[error("layer {layer} has {kind} hidden units; a classifier needs {expected} ones throughout")]
    Classifier {
        /// Index of the layer, from 0.
        layer: usize,
        /// Its hidden units.
        kind: UnitKind,
        /// The kind that it needs.
        expected: &'static str,
    },
}

/// A deep belief network; see the [module documentation](crate::dbn).
#[derive(Module, Debug)]
pub struct Dbn {
    /// The RBMs, bottom to top. Below the top, `weight` and `visible` are the generative part of a layer, and `hidden`
    /// holds the biases of its recognition.
    pub layers: Vec<AnyRbm>,
    /// `R_k [visible, hidden]` of each layer below the top, once untied; empty before.
    pub recognition: Vec<Param<Tensor<2>>>,
}

impl Dbn {
    /// A network of RBMs, bottom to top, tied.
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
            let (width, kind) = unlabeled(visible);
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

    /// The network with one more RBM on top. The former top becomes a directed layer. Untied layers stay untied.
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

    /// Number of RBMs.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Columns of the data: the visible columns of the lowest layer without those of a label.
    pub fn n_visible(&self) -> usize {
        unlabeled(&self.layers[0].visible).0
    }

    /// The RBM at the top.
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

    /// Checks that `v [batch, visible]` are states of the visible units, or means of such states; see
    /// [`Rbm::require_states`](crate::Rbm::require_states). Waits for the device.
    ///
    /// # Panics
    /// If `v` has another width, a value outside of the range of the units, or a NaN.
    pub fn require_states(&self, v: &Tensor<2>) {
        require_states("the visible layer of the DBN", v, self.n_visible(), &self.layers[0].visible);
    }

    /// `h_{k-1}·R_k`, the input to the hidden units of layer `k` (from 0): `[batch, visible] -> [batch, hidden]`.
    pub(super) fn recognition_input(&self, k: usize, x: Tensor<2>) -> Tensor<2> {
        let weight = self.recognition.get(k).unwrap_or(&self.layers[k].weight);
        check::require_width(&format!("layer {k} of the DBN"), &x, weight.dims()[0]);
        sparse_matmul(x, weight.val())
    }

    /// Means of the units below the top RBM, each layer computed from the means of the layer below:
    /// `v [batch, visible] -> h_{L-1} [batch, width]`, without a label.
    ///
    /// # Panics
    /// If the width of `v` is not that of the data.
    pub fn encode(&self, v: Tensor<2>) -> Tensor<2> {
        (0..self.depth() - 1)
            .fold(v, |x, k| Units::mean(&self.layers[k].hidden, self.recognition_input(k, x)))
    }

    /// Means of the hidden units of layer `k` (from 0), each layer computed from the means of the layer below:
    /// `v [batch, visible] -> [batch, hidden]`. A label at the top is averaged over: `Σ_y p(y | h_{L-1}) E[h_L | h_{L-1}, y]`.
    ///
    /// # Panics
    /// If there is no layer `k`.
    pub fn hidden_means(&self, v: Tensor<2>, k: usize) -> Tensor<2> {
        assert!(k < self.depth(), "layer {k} of {}", self.depth());
        let up = |x, k: usize| Units::mean(&self.layers[k].hidden, self.recognition_input(k, x));
        match k + 1 == self.depth() && self.n_classes() > 0 {
            true => self.class_averaged_means(self.encode(v)),
            false => (0..=k).fold(v, up),
        }
    }

    /// Means of the visible units given states or means `h [batch, hidden]` of layer `k` (from 0), each layer computed from the
    /// means of the layer above: `[batch, visible]`, without a label.
    ///
    /// # Panics
    /// If there is no layer `k`.
    pub fn visible_means(&self, h: Tensor<2>, k: usize) -> Tensor<2> {
        assert!(k < self.depth(), "layer {k} of {}", self.depth());
        self.layers[..=k]
            .iter()
            .rev()
            .fold(h, |x, layer| layer.visible_mean(x).narrow(1, 0, unlabeled(&layer.visible).0))
    }

    /// Draws from `q(h_1, …, h_{L-1} | v)`, bottom to top; empty for a single layer.
    ///
    /// # Panics
    /// If the width of `v` is not that of the data.
    pub fn infer(&self, v: Tensor<2>, noise: &mut Noise) -> Vec<Tensor<2>> {
        let mut x = v;
        (0..self.depth() - 1)
            .map(|k| {
                x = self.layers[k].hidden.sample(self.recognition_input(k, x.clone()), noise);
                x.clone()
            })
            .collect()
    }

    /// A draw from `p(v | h_{L-1})` of every layer except the lowest, which gives its mean:
    /// `[batch, width] -> [batch, visible]`. Ignores a label at the end of `h`.
    pub fn generate(&self, h: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let mut x = self.without_label(h);
        for (k, layer) in self.layers[..self.depth() - 1].iter().enumerate().rev() {
            let input = layer.visible_input(x);
            x = if k == 0 { Units::mean(&layer.visible, input) } else { layer.visible.sample(input, noise) };
        }
        x
    }

    /// States of the top RBM's visible units without the columns of the label.
    pub(super) fn without_label(&self, h: Tensor<2>) -> Tensor<2> {
        let width = unlabeled(&self.top().visible).0;
        h.narrow(1, 0, width)
    }

    /// The clamp that holds the label of top chains at `labels [batch, classes]`, one-hot.
    ///
    /// # Panics
    /// If the network has no label, or another number of classes.
    pub fn clamp_label(&self, labels: Tensor<2>) -> Clamp {
        let classes = labels.dims()[1];
        assert_eq!(classes, self.n_classes(), "{classes} columns for a label of {} states", self.n_classes());
        Clamp::last(labels, self.top().visible.width())
    }

    /// Markov chains of the top RBM, with the visible units of `clamp` held.
    pub fn top_chain(&self, clamp: Option<Clamp>) -> GibbsChain<'_, AnyUnits, AnyUnits> {
        match clamp {
            Some(clamp) => GibbsChain::clamped(self.top(), clamp),
            None => GibbsChain::new(self.top()),
        }
    }
}

/// Width and kind of a layer without the columns of a label.
pub(super) fn unlabeled(units: &AnyUnits) -> (usize, UnitKind) {
    match units {
        AnyUnits::Labeled(labeled) => (labeled.n_binary(), UnitKind::Binary),
        other => (other.width(), other.kind()),
    }
}

fn copy(weight: &Param<Tensor<2>>) -> Param<Tensor<2>> {
    Param::from_tensor(weight.val())
}

#[cfg(test)]
mod tests;
