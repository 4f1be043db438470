//! Labels: by the free energy of the top machine, or by a network that backpropagation trains further.

use burn::{module::Param, prelude::*, tensor::activation::log_softmax};
use gibbs_backend::{Init, Noise};
use gibbs_core::nn::{Activation, Affine, Mlp};

use super::{Dbn, StackError, beside_label};
use crate::units::{AnyUnits, UnitKind, Units};

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
        log_softmax(self.class_log_weights(self.encode(v)), 1)
    }

    /// `-F_L([h, y])` of each class `y`: `[batch, width] -> [batch, classes]`.
    ///
    /// The product with the weights of `h` is taken once; each class adds one row of weights to it.
    pub(super) fn class_log_weights(&self, h: Tensor<2>) -> Tensor<2> {
        let top = self.top();
        let AnyUnits::Labeled(visible) = &top.visible else { panic!("the top layer holds no label") };
        let ([batch, width], classes) = (h.dims(), visible.classes());
        let weight = top.weight.val();
        let input = gibbs_backend::sparse_matmul(h.clone(), weight.clone().narrow(0, 0, width));
        let bias = visible.bias.val();
        let own = h.matmul(bias.clone().narrow(0, 0, width).unsqueeze_dim(1));
        let of_class = |class: usize| {
            let row = weight.clone().narrow(0, width + class, 1);
            let partition = top.hidden.log_partition(input.clone() + row);
            partition.unsqueeze_dim::<2>(1) + bias.clone().narrow(0, width + class, 1).unsqueeze()
        };
        let log_weights = Tensor::cat((0..classes).map(of_class).collect(), 1);
        log_weights + own.expand([batch, classes])
    }

    /// The feed-forward network that computes the means of all hidden layers and from these the logits of `n_classes`
    /// classes: a start for discriminative training. The weights of the last layer are drawn (Glorot & Bengio 2010).
    ///
    /// # Errors
    /// [`StackError::Classifier`] if the hidden layers are neither all binary (logistic functions) nor all spins
    /// (hyperbolic tangents).
    pub fn classifier(&self, n_classes: usize, noise: &mut Noise) -> Result<Mlp, StackError> {
        let activation = self.activation()?;
        let mut layers: Vec<Affine> = (0..self.depth()).map(|k| self.recognition_layer(k)).collect();
        let (device, width) = (self.top().weight.val().device(), self.top().hidden.width());
        layers.push(Affine {
            weight: Init::GlorotUniform.param([width, n_classes], &device, noise),
            bias: Init::Zeros.param([n_classes], &device, noise),
        });
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
        let width = beside_label(&layer.visible).0;
        Affine {
            weight: Param::from_tensor(weight.narrow(0, 0, width)),
            bias: Param::from_tensor(layer.hidden.parameters()[0].val()),
        }
    }
}
