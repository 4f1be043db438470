//! Deep and general Boltzmann machines.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    BmConfig, BoltzmannMachine, ContrastiveConfig, Dbm, DbmConfig, DeepContrastive, GibbsChain,
    bm::{Learning, LearningConfig},
    units::{Spin, UnitFamily, UnitKind, Units},
};
use gibbs_core::{Batch, math::to_host};
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, tensor};
use crate::support::parameters::{by_parameter, perturbed};

/// Visible units of all machines, sweeps of a chain before a draw, and updates of mean field.
const VISIBLE: usize = 6;
const SWEEPS: usize = 5;
const UPDATES: usize = 10;

/// Name, hidden layers, classes of a label, visible units.
const DEEP: [(&str, &[usize], usize, UnitKind); 4] = [
    ("DBM", &[5, 4], 0, UnitKind::Binary),
    ("DBM with a label", &[5, 4], 3, UnitKind::Binary),
    ("DBM of three layers", &[5, 4, 3], 0, UnitKind::Binary),
    ("Gaussian DBM", &[5, 4], 0, UnitKind::Gaussian),
];

/// Hidden units of general machines.
const GENERAL: [usize; 2] = [0, 3];

pub(super) fn models() -> Vec<Constructor> {
    let deep = |(name, n_hidden, n_classes, visible): (&str, &'static [usize], usize, UnitKind)| {
        let init = move |seed| {
            let config = DbmConfig::new(VISIBLE, n_hidden.to_vec());
            let config = config.with_n_classes(n_classes).with_visible(visible).with_weight_std(0.3);
            let noise = &mut Noise::new(seed, "machine");
            Box::new(perturbed(config.init(&Device::flex(), noise).unwrap(), noise.clone())) as Box<dyn Model>
        };
        (name.to_string(), Box::new(init) as Box<dyn Fn(u64) -> Box<dyn Model>>)
    };
    let general = |n_hidden: usize| {
        let init = move |seed| {
            let noise = &mut Noise::new(seed, "machine");
            let config = BmConfig::new(VISIBLE, n_hidden).with_weight_std(0.5);
            let mut machine = config.init(&Device::flex(), noise).unwrap();
            machine.field =
                burn::module::Param::from_tensor(noise.normal([VISIBLE + n_hidden], &Device::flex()));
            Box::new(machine) as Box<dyn Model>
        };
        (
            format!("Boltzmann machine, {n_hidden} hidden"),
            Box::new(init) as Box<dyn Fn(u64) -> Box<dyn Model>>,
        )
    };
    DEEP.into_iter().map(deep).chain(GENERAL.into_iter().map(general)).collect()
}

impl Model for Dbm {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(self).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        Ok(Box::new(weights::from_bytes(self.clone(), bytes)?))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        for (k, layer) in self.layers.iter().enumerate() {
            tensors.push(tensor(format!("layers.{k}.weight"), &layer.weight.dims()));
        }
        tensors.extend((0..=self.depth()).map(|k| tensor(format!("biases.{k}"), &[self.width(k)])));
        tensors.extend(self.log_var.iter().map(|log_var| tensor("log_var", &log_var.dims())));
        if let Some(label) = &self.label {
            tensors.push(tensor("label.weight", &label.weight.dims()));
            tensors.push(tensor("label.bias", &label.bias.dims()));
        }
        tensors
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.visible().sample(Tensor::zeros([n, VISIBLE], &Device::flex()), noise)
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        to_host(self.log_weight_bound(x, UPDATES))
    }

    fn gradients(&self, x: Tensor<2>, noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let classes = self.n_classes();
        let context = (classes > 0).then(|| {
            let labels = Tensor::<1, Int>::arange(0..x.dims()[0] as i64, &x.device()) % classes as i64;
            labels.one_hot::<2>(classes).float()
        });
        let config = ContrastiveConfig::new().with_n_chains(10);
        let base = self.bipartite().visible.neutral();
        let mut objective = DeepContrastive::new(&config, self, base, UPDATES).unwrap();
        let gradients = objective.gradients(self, Batch::new(x).with_context(context), noise);
        vec![("PCD", by_parameter(self, &gradients))]
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl Generative for Dbm {
    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let rbm = self.bipartite();
        let chain = GibbsChain::new(&rbm);
        let start = chain.init(n, noise);
        chain.run(start, SWEEPS, noise).narrow(1, 0, VISIBLE)
    }
}

impl Model for BoltzmannMachine {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(self).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        Ok(Box::new(weights::from_bytes(self.clone(), bytes)?))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let n = self.n_units();
        vec![tensor("couplings", &[n, n]), tensor("field", &[n])]
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let device = Device::flex();
        Spin::new(VISIBLE, &device).sample(Tensor::zeros([n, VISIBLE], &device), noise)
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        to_host(self.exact_log_weights(x))
    }

    fn gradients(&self, x: Tensor<2>, noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let config = BmConfig::new(VISIBLE, self.n_hidden());
        let ways = [
            ("exact", Learning::Exact),
            ("persistent", Learning::Persistent),
            ("annealed", Learning::Annealed),
            ("mean field", Learning::MeanField),
        ];
        let gradients = |method| {
            let learning = LearningConfig::new().with_method(method).with_n_chains(10);
            let mut learning = learning.init(&config, &Device::flex()).unwrap();
            by_parameter(self, &learning.gradients(self, Batch::new(x.clone()), &mut noise.clone()))
        };
        ways.map(|(name, method)| (name, gradients(method))).into()
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl Generative for BoltzmannMachine {
    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let start = self.random_states(n, noise);
        (0..SWEEPS).fold(start, |s, _| self.sweep(s, 0, 1.0, noise)).narrow(1, 0, VISIBLE)
    }
}
