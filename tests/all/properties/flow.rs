//! Flows of all kinds of layers.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{ConditionalLogProb, math::to_host, nn::Activation};
use gibbs_flow::{
    ConditionerConfig, ConvolutionalConfig, CouplingConfig, CouplingMask, FactorOutConfig, Flow, FlowConfig,
    InverseAutoregressiveConfig, LayerConfig, MafConfig, Permute, RealNvpConfig, Univariate,
};
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, tensor};
use crate::support::parameters::{by_parameter, perturbed};

/// Variables of each flow.
const WIDTH: usize = 6;

/// Seed of the orders. They follow from the configuration: models of the same one differ in their weights alone.
const ORDERS: u64 = 3;

pub(super) fn models() -> Vec<Constructor> {
    let constructor = |(name, config): (&str, FlowConfig)| -> Constructor {
        let init = move |seed| {
            let flow = config.init(&Device::flex(), &mut Noise::new(ORDERS, "init")).unwrap();
            let flow = perturbed(flow, Noise::new(seed, "weights"));
            Box::new(Density { flow, config: config.clone() }) as Box<dyn Model>
        };
        (name.into(), Box::new(init))
    };
    configs().into_iter().map(constructor).collect()
}

fn configs() -> Vec<(&'static str, FlowConfig)> {
    let couplings = RealNvpConfig::new(WIDTH, 2, vec![5].into());
    let maf = MafConfig::new(WIDTH, 2, vec![9].into());
    let spline = Univariate::Spline { bins: 3, bound: 3.0 };
    let coupling = CouplingConfig::new(CouplingMask::Half, ConditionerConfig::mlp(vec![5])).with_map(spline);
    let glow = vec![
        LayerConfig::act_norm(),
        LayerConfig::linear(Permute::Random),
        LayerConfig::Coupling(coupling),
        LayerConfig::elementwise(spline),
    ];
    vec![
        ("NICE", couplings.clone().flow_with(Univariate::Additive)),
        ("Real NVP", couplings.clone().with_mask(CouplingMask::Alternating).flow()),
        ("Real NVP, context", couplings.with_n_context(2).flow()),
        ("MAF", maf.clone().with_act_norm(true).flow()),
        ("IAF", maf.inverse_flow_with(Univariate::affine())),
        ("MAF, splines, context", maf.with_n_context(2).flow_with(spline)),
        ("Glow of points", FlowConfig::new(WIDTH, glow)),
        ("images", FlowConfig::new(WIDTH, images(spline)).with_n_context(2)),
    ]
}

/// Couplings of images of 2 by 3 sites; one row of them goes on.
fn images(map: Univariate) -> Vec<LayerConfig> {
    let coupling = |rows, flipped| {
        let network = ConvolutionalConfig::new(rows, 3)
            .with_width(4)
            .with_bottleneck(3)
            .with_blocks(1)
            .with_activation(Activation::Tanh)
            .with_positions(rows == 2)
            .with_periodic(rows == 1);
        let mask = CouplingMask::Checkerboard { rows, columns: 3 };
        let network = ConditionerConfig::Convolutional(network);
        LayerConfig::Coupling(CouplingConfig::new(mask, network).with_flipped(flipped).with_map(map))
    };
    let finer = vec![coupling(1, false), LayerConfig::act_norm(), coupling(1, true)];
    let factor_out = LayerConfig::FactorOut(FactorOutConfig::new(WIDTH / 2, finer));
    vec![coupling(2, false), coupling(2, true), factor_out]
}

/// Names and shapes of what a convolutional coupling learns.
fn tensors_of_lattice(
    network: &ConvolutionalConfig,
    per_variable: usize,
    n_context: usize,
) -> Vec<(String, Vec<usize>)> {
    let (taps, d, m) = (9, network.width, network.bottleneck);
    let affine = |name: &str, n_in: usize, n_out: usize| {
        let at = |part: &str| format!("conditioner.{name}.{part}");
        [tensor(at("weight"), &[n_in, n_out]), tensor(at("bias"), &[n_out])]
    };
    let positions = (network.positions).then(|| tensor("conditioner.positions", &[WIDTH, d]));
    affine("input", taps, d)
        .into_iter()
        .chain(positions)
        .chain([tensor("conditioner.context", &[n_context, d])])
        .chain(affine("blocks.0.reduce", d, m))
        .chain(affine("blocks.0.convolve", taps * m, m))
        .chain(affine("blocks.0.expand", m, d))
        .chain(affine("output", d, per_variable))
        .collect()
}

/// The same of layers one after the other.
fn tensors_of_chain(layers: &[LayerConfig], n_context: usize) -> Vec<(String, Vec<usize>)> {
    let of_layer = |(l, layer)| {
        let named = |(name, shape): (String, Vec<usize>)| (format!("layers.{l}.{name}"), shape);
        tensors_of_layer(layer, n_context).into_iter().map(named).collect::<Vec<_>>()
    };
    layers.iter().enumerate().flat_map(of_layer).collect()
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
            let (half, per_variable) = (WIDTH / 2, config.map.n_parameters());
            match &config.conditioner {
                ConditionerConfig::Mlp(mlp) => {
                    network("conditioner", half, mlp.n_hidden.list(), half * per_variable)
                }
                ConditionerConfig::Convolutional(network) => {
                    tensors_of_lattice(network, per_variable, n_context)
                }
            }
        }
        LayerConfig::Autoregressive(config) => {
            network("network", WIDTH, config.n_hidden.list(), WIDTH * config.map.n_parameters())
        }
        LayerConfig::InverseAutoregressive(InverseAutoregressiveConfig(config)) => {
            network("inner.network", WIDTH, config.n_hidden.list(), WIDTH * config.map.n_parameters())
        }
        // Normalizations of what goes on are the only layers within.
        LayerConfig::FactorOut(config) => tensors_of_chain(&config.layers, n_context)
            .into_iter()
            .map(|(name, shape)| {
                let is_normalization = name.ends_with("parameters");
                (format!("inner.{name}"), if is_normalization { vec![2 * config.n_variables] } else { shape })
            })
            .collect(),
        LayerConfig::Elementwise(config) => vec![tensor("parameters", &[WIDTH * config.map.n_parameters()])],
        LayerConfig::Linear(_) => vec![tensor("weight", &[WIDTH, WIDTH]), tensor("log_scale", &[WIDTH])],
        _ => Vec::new(),
    }
}

#[derive(Clone)]
struct Density {
    flow: Flow,
    config: FlowConfig,
}

impl Density {
    /// A context for each of `n` examples, the same for all, so that a batch may be split.
    fn context(&self, n: usize) -> Option<Tensor<2>> {
        let width = self.config.n_context;
        (width > 0).then(|| Tensor::<2>::from_data([[0.7, -0.4]], &Device::flex()).expand([n, width]))
    }
}

impl Model for Density {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(&self.flow).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        let flow = weights::from_bytes(self.flow.clone(), bytes)?;
        Ok(Box::new(Self { flow, config: self.config.clone() }))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        tensors_of_chain(&self.config.layers, self.config.n_context)
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

impl Generative for Density {
    fn is_exact(&self) -> bool {
        true
    }

    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.flow.sample_given(n, self.context(n).as_ref(), 1.0, noise)
    }
}
