//! Classes: by the free energy of the top RBM, or by a feed-forward network that backpropagation trains.

use burn::{
    module::Param,
    prelude::*,
    tensor::activation::{log_softmax, softmax},
};
use gibbs_backend::{Init, Noise};
use gibbs_core::{
    Batch, BoxError, Objective, Position, StepOutput, cross_entropy,
    math::to_host,
    nn::{Activation, Affine, Mlp, dropout},
    weighted_mean,
};

use super::network::{Dbn, StackError, unlabeled};
use crate::units::{UnitKind, Units};

impl Dbn {
    /// `log p(y | h_{L-1})` of each class with `h_{L-1}` at its means given `v`: `[batch, visible] -> [batch, classes]`, nats.
    ///
    /// ```text
    /// p(y | h) ∝ exp(-F_L([h, y]))
    /// ```
    ///
    /// (Hinton, Osindero & Teh 2006, section 6.2: the label with the lowest free energy.)
    ///
    /// # Panics
    /// If the network has no label.
    pub fn class_log_prob(&self, v: Tensor<2>) -> Tensor<2> {
        log_softmax(self.top().class_log_weights(self.encode(v)), 1)
    }

    /// `Σ_y p(y | h) E[h_L | h, y]`: `[batch, width] -> [batch, hidden]`, for a network with a label.
    pub(super) fn class_averaged_means(&self, h: Tensor<2>) -> Tensor<2> {
        let (top, [_, width]) = (self.top(), h.dims());
        let class_probs = softmax(self.top().class_log_weights(h.clone()), 1);
        let weight = top.weight.val();
        let input = gibbs_backend::sparse_matmul(h, weight.clone().narrow(0, 0, width));
        let of_class = |class: usize| {
            let row = weight.clone().narrow(0, width + class, 1);
            Units::mean(&top.hidden, input.clone() + row) * class_probs.clone().narrow(1, class, 1)
        };
        (1..self.n_classes()).fold(of_class(0), |sum, class| sum + of_class(class))
    }

    /// The feed-forward network that computes the means of all hidden layers and then the logits of `n_classes`
    /// classes: a start for discriminative training. The weights of the last layer are drawn (Glorot & Bengio 2010).
    ///
    /// # Errors
    /// [`StackError::Classifier`] if the hidden layers are neither all binary (logistic functions) nor all spins
    /// (hyperbolic tangents).
    pub fn classifier(&self, n_classes: usize, noise: &mut Noise) -> Result<Mlp, StackError> {
        let activation = self.activation()?;
        let mut layers: Vec<Affine> = (0..self.depth()).map(|k| self.recognition_layer(k)).collect();
        let (device, width) = (self.top().weight.val().device(), self.top().hidden.width());
        layers.push(Affine::new([width, n_classes], Init::GlorotUniform, &device, noise));
        Ok(Mlp::from_layers(layers, activation))
    }

    pub(super) fn activation(&self) -> Result<Activation, StackError> {
        let first = self.layers[0].hidden.kind();
        let (activation, expected) = match first {
            UnitKind::Spin => (Activation::Tanh, "spin"),
            _ => (Activation::Sigmoid, "binary"),
        };
        let kinds = self.layers.iter().map(|layer| layer.hidden.kind());
        match kinds.enumerate().find(|(_, kind)| kind.to_string() != expected) {
            Some((layer, kind)) => Err(StackError::Classifier { layer, kind, expected }),
            None => Ok(activation),
        }
    }

    /// Upward weights and biases of layer `k`, without the rows of a label.
    fn recognition_layer(&self, k: usize) -> Affine {
        let layer = &self.layers[k];
        let weight = self.recognition.get(k).unwrap_or(&layer.weight).val();
        let width = unlabeled(&layer.visible).0;
        Affine {
            weight: Param::from_tensor(weight.narrow(0, 0, width)),
            bias: Param::from_tensor(layer.hidden.parameters()[0].val()),
        }
    }
}

/// Cross-entropy of one-hot classes, for a feed-forward network that gives the logits of classes: the mean by the weights of the
/// examples.
///
/// Drops inputs with probability `input_dropout` and hidden units as the network says ([`Mlp::with_dropout`]). A batch holds
/// the inputs, and the one-hot classes as its context.
#[derive(Clone, Copy, Debug)]
pub struct ClassifierCrossEntropy {
    /// Part of the inputs that each step drops, in [0, 1).
    pub input_dropout: f64,
}

impl Objective<Mlp> for ClassifierCrossEntropy {
    /// # Errors
    /// If the batch has no classes.
    fn step(
        &mut self,
        network: &Mlp,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let classes = batch.context.ok_or("a classifier needs examples with classes")?;
        let v = dropout(batch.x, self.input_dropout, noise);
        let logits = network.network().forward_with_dropout(v.autodiff(), noise);
        let weights = batch.weights.map(Tensor::autodiff);
        let loss = weighted_mean(cross_entropy(logits, classes.autodiff()), weights.as_ref());
        Ok(StepOutput::backward(network, "cross_entropy", loss))
    }
}

/// For each example, whether the most probable class is wrong (1 or 0), and `-log p(label)` in nats, from
/// `log_prob [batch, classes]` and the number of the true class.
///
/// A label without a column has probability 0.
pub fn errors_and_nll(log_prob: Tensor<2>, labels: impl IntoIterator<Item = usize>) -> Vec<(f64, f64)> {
    let classes = log_prob.dims()[1];
    let rows = to_host(log_prob);
    rows.chunks(classes)
        .zip(labels)
        .map(|(row, label)| {
            let own = row.get(label).copied().unwrap_or(f64::NEG_INFINITY);
            let is_right = row.iter().all(|&other| other <= own);
            (f64::from(u8::from(!is_right)), -own)
        })
        .collect()
}
