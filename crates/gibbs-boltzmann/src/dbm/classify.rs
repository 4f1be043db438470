//! A feed-forward classifier that starts from the machine.
//!
//! ```text
//! x   = [v, q(h_2)]                              q: mean field of the machine, fixed
//! h_1 = σ(b_1 + v·W_1 + W_2·q(h_2)),   h_k = σ(b_k + 2 h_{k-1}·W_k),   h_L = σ(b_L + h_{L-1}·W_L)
//! ```
//!
//! The lowest layer starts at the mean field of the machine; the layers between others have doubled inputs, as in pre-training.
//!
//! Reference: Salakhutdinov & Hinton, AISTATS 2009, section 3.3 and figure 3.

use burn::{module::Param, prelude::*, tensor::activation::log_softmax};
use gibbs_backend::{Init, Noise};
use gibbs_core::nn::{Activation, Affine, Mlp};

use super::machine::Dbm;

impl Dbm {
    /// `log q(y | v)` of each class by mean field, for a machine with a label: `[batch, classes]`, nats.
    ///
    /// # Panics
    /// If the machine has no label.
    pub fn class_log_prob(&self, v: Tensor<2>, updates: usize) -> Tensor<2> {
        let Some(label) = &self.label else { panic!("the machine has no label") };
        let top = self.hidden_means(v, self.depth(), updates);
        log_softmax(top.matmul(label.weight.val()) + label.bias.val().unsqueeze(), 1)
    }

    /// The inputs of the classifier for `v [batch, visible]`: `[v, q(h_2)]`.
    pub fn classifier_inputs(&self, v: Tensor<2>, updates: usize) -> Tensor<2> {
        let second = self.hidden_means(v.clone(), 2, updates);
        Tensor::cat(vec![v, second], 1)
    }

    /// The classifier before discriminative training. Its inputs are those of [`classifier_inputs`](Self::classifier_inputs). The weights
    /// of the last layer are drawn (Glorot & Bengio 2010).
    pub fn classifier(&self, n_classes: usize, noise: &mut Noise) -> Mlp {
        let weight = |k: usize| self.layers[k].weight.val();
        let first = Tensor::cat(vec![weight(0), weight(1).transpose()], 0);
        let upward = (1..self.depth()).map(|k| match k + 1 < self.depth() {
            true => weight(k) * 2.0,
            false => weight(k),
        });
        let mut layers: Vec<Affine> = std::iter::once(first)
            .chain(upward)
            .zip(&self.biases[1..])
            .map(|(weight, bias)| Affine {
                weight: Param::from_tensor(weight),
                bias: Param::from_tensor(bias.val()),
            })
            .collect();
        let (device, width) = (self.biases[0].val().device(), self.width(self.depth()));
        layers.push(Affine::new([width, n_classes], Init::GlorotUniform, &device, noise));
        Mlp::from_layers(layers, Activation::Sigmoid)
    }
}
