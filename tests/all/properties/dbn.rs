//! Stacks of RBMs: tied, untied, with and without a label.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{ContrastiveConfig, Dbn, UpDownConfig, units::UnitFamily};
use gibbs_core::{Batch, math::to_host};
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, tensor};
use crate::support::{boltzmann::stack, parameters::by_parameter};

/// Sweeps of the top RBM before a draw.
const SWEEPS: usize = 5;

/// Name, widths bottom to top, whether there is a label, whether upward weights are parameters of their own.
const STACKS: [(&str, &[usize], bool, bool); 4] = [
    ("DBN of one layer with a label", &[5, 4], true, false),
    ("DBN", &[6, 5, 4], false, false),
    ("untied DBN", &[6, 5, 4], false, true),
    ("untied DBN with a label", &[6, 5, 4, 3], true, true),
];

pub(super) fn models() -> Vec<Constructor> {
    let model = |(name, widths, labeled, untied): (&str, &'static [usize], bool, bool)| -> Constructor {
        let init = move |seed| Box::new(stack(widths, labeled, untied, seed)) as Box<dyn Model>;
        (name.into(), Box::new(init))
    };
    STACKS.map(model).into()
}

impl Model for Dbn {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(self).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        Ok(Box::new(weights::from_bytes(self.clone(), bytes)?))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        for (k, layer) in self.layers.iter().enumerate() {
            let [visible, hidden] = layer.weight.dims();
            tensors.push(tensor(format!("layers.{k}.weight"), &[visible, hidden]));
            tensors.push(tensor(format!("layers.{k}.visible.bias"), &[visible]));
            tensors.push(tensor(format!("layers.{k}.hidden.bias"), &[hidden]));
        }
        for k in 0..self.recognition.len() {
            tensors.push(tensor(format!("recognition.{k}"), &self.layers[k].weight.dims()));
        }
        tensors
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        noise.bernoulli(Tensor::full([n, self.n_visible()], 0.5, &Device::flex()))
    }

    /// `-F` of the means below the top RBM, or `log p(y | ·)` of the first class there: the bound itself needs draws.
    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        match self.n_classes() {
            0 => to_host(self.top().free_energy(self.encode(x)).neg()),
            _ => to_host(self.class_log_prob(x).narrow(1, 0, 1)),
        }
    }

    /// A tied stack is trained layer by layer, an untied one as a whole by the up-down algorithm.
    fn gradients(&self, x: Tensor<2>, noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        if self.recognition.is_empty() {
            return Vec::new();
        }
        let mut objective =
            UpDownConfig::new(ContrastiveConfig::new()).init(self, self.top().visible.neutral()).unwrap();
        let classes = self.n_classes();
        let context = (classes > 0).then(|| {
            let labels = Tensor::<1, Int>::arange(0..x.dims()[0] as i64, &x.device()) % classes as i64;
            labels.one_hot::<2>(classes).float()
        });
        let gradients = objective.gradients(self, Batch::new(x).with_context(context), noise);
        vec![("up-down", by_parameter(self, &gradients))]
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl Generative for Dbn {
    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let chain = self.top_chain(None);
        let start = chain.init(n, noise);
        let end = chain.run(start, SWEEPS, noise);
        self.generate(end, noise)
    }
}
