//! Restricted Boltzmann machines of all pairs of units.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    Chains, ContrastiveConfig, GibbsChain, exact,
    units::{AnyUnits, UnitFamily, UnitKind, Units},
};
use gibbs_core::math::to_host;
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, tensor};
use crate::support::{
    assert_close,
    boltzmann::{AnyRbm, pairs, rbm_of},
    parameters::by_parameter,
};

const SIZES: [usize; 2] = [6, 4];
/// Sweeps of a chain from noise.
const SWEEPS: usize = 5;

pub(super) fn models() -> Vec<Constructor> {
    let model = |kinds: (UnitKind, UnitKind)| -> Constructor {
        let init = move |seed| Box::new(rbm_of(kinds, SIZES, seed, &Device::flex())) as Box<dyn Model>;
        (format!("{}-{} RBM", kinds.0, kinds.1), Box::new(init))
    };
    pairs().map(model).collect()
}

fn tensors_of(units: &AnyUnits, side: [&'static str; 3]) -> Vec<&'static str> {
    let [bias, mean, log_var] = side;
    match units {
        AnyUnits::Gaussian(_) => vec![mean, log_var],
        _ => vec![bias],
    }
}

impl Model for AnyRbm {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(self).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        Ok(Box::new(weights::from_bytes(self.clone(), bytes)?))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let visible = tensors_of(&self.visible, ["visible.bias", "visible.mean", "visible.log_var"]);
        let hidden = tensors_of(&self.hidden, ["hidden.bias", "hidden.mean", "hidden.log_var"]);
        let visible = visible.into_iter().map(|name| tensor(name, &SIZES[..1]));
        let hidden = hidden.into_iter().map(|name| tensor(name, &SIZES[1..]));
        [tensor("weight", &SIZES)].into_iter().chain(visible).chain(hidden).collect()
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let input = noise.normal([n, SIZES[0]], &Device::flex());
        Units::sample(&self.visible, input, noise)
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        let log_z = exact::log_z(self).map_or(0.0, |log_z| log_z.value);
        to_host(self.free_energy(x)).into_iter().map(|free_energy| -free_energy - log_z).collect()
    }

    fn gradients(&self, x: Tensor<2>, noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let sampled = self.draw(x.dims()[0], noise);
        let lifted = self.clone().train();
        let lift = |x: Tensor<2>| Tensor::from_inner(x);
        let mut gradients = lifted.free_energy_difference(lift(x.clone()), lift(sampled)).backward();
        let autodiff = by_parameter(&lifted, &GradientsParams::from_module(&mut gradients, &lifted));
        let direct = |chains| {
            let config = ContrastiveConfig::new().with_chains(chains).with_n_chains(10).with_temperatures(3);
            let mut objective = config.init(self, self.visible.neutral()).unwrap();
            by_parameter(self, &objective.gradients(self, x.clone(), &mut noise.clone()).0)
        };
        vec![
            ("free energies by autodiff", autodiff),
            ("CD", direct(Chains::Data)),
            ("PCD", direct(Chains::Persistent)),
            ("tempered PCD", direct(Chains::Tempered)),
        ]
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl Generative for AnyRbm {
    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let chain = GibbsChain::new(self);
        let v = chain.init(n, noise);
        chain.run(v, SWEEPS, noise)
    }
}

/// Each value drawn takes one word of the stream, so that rows can be drawn some at a time.
#[test]
fn conditional_draws_do_not_depend_on_the_split_into_batches() {
    for kinds in pairs() {
        let rbm = rbm_of(kinds, SIZES, 2, &Device::flex());
        let v = rbm.examples(30, &mut Noise::new(0, "examples"));
        let h = rbm.hidden_mean(v.clone());
        let what = format!("{}-{}", kinds.0, kinds.1);
        type Sample = fn(&AnyRbm, Tensor<2>, &mut Noise) -> Tensor<2>;
        let sides: [(&str, Tensor<2>, Sample); 2] =
            [("hidden", v, AnyRbm::sample_hidden), ("visible", h, AnyRbm::sample_visible)];
        for (side, x, sample) in sides {
            let whole = to_host(sample(&rbm, x.clone(), &mut Noise::new(1, "draws")));
            let mut noise = Noise::new(1, "draws");
            let mut part = |start, n| to_host(sample(&rbm, x.clone().narrow(0, start, n), &mut noise));
            let parts = [part(0, 1), part(1, 17), part(18, 12)].concat();
            assert_close(&parts, &whole, 1e-5, &format!("{what}, {side}"));
        }
    }
}
