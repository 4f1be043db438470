//! Flows of all kinds of layers.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_flow::{
    CouplingConfig, CouplingMask, Flow, FlowConfig, LayerConfig, MafConfig, Permute, RealNvpConfig,
    Univariate,
};
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, tensor};
use crate::support::parameters::{by_parameter, stirred};

/// Variables of each flow.
const WIDTH: usize = 6;

/// Seed of the orders. They follow from the configuration: models of the same one differ in their weights alone.
const ORDERS: u64 = 3;

pub(super) fn models() -> Vec<Constructor> {
    let constructor = |(name, config): (&str, FlowConfig)| -> Constructor {
        let init = move |seed| {
            let flow = config.init(&Device::flex(), &mut Noise::new(ORDERS, "init")).unwrap();
            let flow = stirred(flow, Noise::new(seed, "weights"));
            Box::new(Law { flow, config: config.clone() }) as Box<dyn Model>
        };
        (name.into(), Box::new(init))
    };
    configs().into_iter().map(constructor).collect()
}

fn configs() -> Vec<(&'static str, FlowConfig)> {
    let couplings = RealNvpConfig::new(WIDTH, 2, vec![5]);
    let maf = MafConfig::new(WIDTH, 2, vec![9]);
    let spline = Univariate::Spline { bins: 3, bound: 3.0 };
    let coupling = CouplingConfig::new(CouplingMask::Half, vec![5]).with_map(spline);
    let glow = vec![
        LayerConfig::act_norm(),
        LayerConfig::Linear { order: Permute::Random },
        LayerConfig::Coupling(coupling),
        LayerConfig::Elementwise { map: spline },
    ];
    vec![
        ("NICE", couplings.clone().with_map(Univariate::Additive).flow()),
        ("Real NVP", couplings.clone().with_mask(CouplingMask::Alternating).flow()),
        ("Real NVP, context", couplings.with_n_context(2).flow()),
        ("MAF", maf.clone().with_act_norm(true).flow()),
        ("IAF", maf.clone().with_inverse(true).flow()),
        ("MAF, splines, context", maf.with_map(spline).with_n_context(2).flow()),
        ("Glow of points", FlowConfig::new(WIDTH, glow)),
    ]
}

/// Names and shapes of what a layer learns.
fn tensors_of_layer(layer: &LayerConfig, n_context: usize) -> Vec<(String, Vec<usize>)> {
    let network = |name: &str, n_in: usize, hidden: &[usize], n_out: usize| -> Vec<(String, Vec<usize>)> {
        let widths = [&[n_in + n_context], hidden, &[n_out]].concat();
        let affine = |(l, ends): (usize, &[usize])| {
            [
                tensor(format!("{name}.layers.{l}.weight"), ends),
                tensor(format!("{name}.layers.{l}.bias"), &ends[1..]),
            ]
        };
        widths.windows(2).enumerate().flat_map(affine).collect()
    };
    match layer {
        LayerConfig::Coupling(config) => {
            let half = WIDTH / 2;
            network("conditioner", half, &config.hidden, half * config.map.n_parameters())
        }
        LayerConfig::Autoregressive(config) => {
            network("network", WIDTH, &config.hidden, WIDTH * config.map.n_parameters())
        }
        LayerConfig::InverseAutoregressive(config) => {
            network("inner.network", WIDTH, &config.hidden, WIDTH * config.map.n_parameters())
        }
        LayerConfig::Elementwise { map } => vec![tensor("parameters", &[WIDTH * map.n_parameters()])],
        LayerConfig::Linear { .. } => vec![tensor("weight", &[WIDTH, WIDTH]), tensor("log_scale", &[WIDTH])],
        _ => Vec::new(),
    }
}

#[derive(Clone)]
struct Law {
    flow: Flow,
    config: FlowConfig,
}

impl Law {
    /// A context for each of `n` examples, the same for all, so that a batch may be split.
    fn context(&self, n: usize) -> Option<Tensor<2>> {
        let width = self.config.n_context;
        (width > 0).then(|| Tensor::<2>::from_data([[0.7, -0.4]], &Device::flex()).expand([n, width]))
    }
}

impl Model for Law {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(&self.flow).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        let flow = weights::from_bytes(self.flow.clone(), bytes)?;
        Ok(Box::new(Self { flow, config: self.config.clone() }))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let of_layer = |(l, layer)| {
            let named = |(name, shape): (String, Vec<usize>)| (format!("layers.{l}.{name}"), shape);
            tensors_of_layer(layer, self.config.n_context).into_iter().map(named).collect::<Vec<_>>()
        };
        self.config.layers.iter().enumerate().flat_map(of_layer).collect()
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        noise.normal([n, WIDTH], &Device::flex())
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        let context = self.context(x.dims()[0]);
        to_host(self.flow.log_prob_given(x, context.as_ref()))
    }

    fn gradients(&self, x: Tensor<2>, _noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let lifted = self.flow.clone().train();
        let context = self.context(x.dims()[0]).map(Tensor::from_inner);
        let loss = lifted.log_prob_given(Tensor::from_inner(x), context.as_ref()).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &lifted);
        vec![("likelihood", by_parameter(&lifted, &gradients))]
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl Generative for Law {
    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.flow.sample_given(n, self.context(n).as_ref(), 1.0, noise)
    }
}
