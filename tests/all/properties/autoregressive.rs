//! Masked autoencoders, NADEs and PixelCNNs with all kinds of masks, outputs and contexts.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_autoregressive::{Autoregressive, AutoregressiveConfig, MadeConfig, NadeConfig, PixelCnnConfig};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, tensor};
use crate::support::{
    density::{context, examples, made, mades, nade, nades, pixel_cnn, pixel_cnns},
    parameters::by_parameter,
};

pub(super) fn models() -> Vec<Constructor> {
    let mades = mades().into_iter().map(|(name, config)| -> Constructor {
        let init = move |seed| {
            let tensors = tensors_of_made(&config);
            Box::new(Density { model: made(&config, seed, &Device::flex()), tensors }) as Box<dyn Model>
        };
        (name.into(), Box::new(init))
    });
    let nades = nades().into_iter().map(|(name, config)| -> Constructor {
        let init = move |seed| {
            let tensors = tensors_of_nade(&config);
            Box::new(Density { model: nade(&config, seed, &Device::flex()), tensors }) as Box<dyn Model>
        };
        (name.into(), Box::new(init))
    });
    let pixel_cnns = pixel_cnns().into_iter().map(|(name, config)| -> Constructor {
        let init = move |seed| {
            let tensors = tensors_of_pixel_cnn(&config);
            Box::new(Density { model: pixel_cnn(&config, seed, &Device::flex()), tensors }) as Box<dyn Model>
        };
        (name.into(), Box::new(init))
    });
    mades.chain(nades).chain(pixel_cnns).collect()
}

/// Names and shapes of a chain of layers of these widths.
fn layers(widths: &[usize]) -> Vec<(String, Vec<usize>)> {
    let layer = |(l, ends): (usize, &[usize])| {
        [tensor(format!("layers.{l}.weight"), ends), tensor(format!("layers.{l}.bias"), &ends[1..])]
    };
    widths.windows(2).enumerate().flat_map(layer).collect()
}

fn tensors_of_made(config: &MadeConfig) -> Vec<(String, Vec<usize>)> {
    let inputs = config.n_visible * config.output.n_inputs() + config.n_context;
    let outputs = config.n_visible * config.output.n_parameters();
    let direct = config.direct.then(|| tensor("direct", &[inputs, outputs]));
    layers(&[&[inputs], config.n_hidden.list(), &[outputs]].concat()).into_iter().chain(direct).collect()
}

fn tensors_of_nade(config: &NadeConfig) -> Vec<(String, Vec<usize>)> {
    let inputs = config.n_visible * config.output.n_inputs() + config.n_context;
    layers(&[inputs, config.n_hidden, config.n_visible * config.output.n_parameters()])
}

fn tensors_of_pixel_cnn(config: &PixelCnnConfig) -> Vec<(String, Vec<usize>)> {
    let (n, k, d) = (config.n_visible(), config.half_kernel, config.n_hidden);
    let (inputs, outputs, m) = (config.output.n_inputs(), config.output.n_parameters(), d.div_ceil(2));
    let affine = |name: String, ends: [usize; 2]| {
        [tensor(format!("{name}.weight"), &ends), tensor(format!("{name}.bias"), &ends[1..])]
    };
    let residual = |name: String, taps: usize| {
        [("reduce", [d, m]), ("convolve", [taps * m, m]), ("expand", [m, d])]
            .into_iter()
            .flat_map(move |(map, ends)| affine(format!("{name}.{map}"), ends))
    };
    let blocks = (0..config.depth - 1).flat_map(|b| {
        residual(format!("blocks.{b}.vertical"), (k + 1) * (2 * k + 1))
            .chain(residual(format!("blocks.{b}.horizontal"), k + 1))
            .chain([tensor(format!("blocks.{b}.join"), &[m, m])])
    });
    let first = affine("above".into(), [k * (2 * k + 1) * (inputs + 1), d])
        .into_iter()
        .chain(affine("left".into(), [k * (inputs + 1), d]));
    let context = (config.n_context > 0).then(|| tensor("context", &[config.n_context, d]));
    let direct = config.direct.then(|| tensor("direct", &[n * inputs, n * outputs]));
    let ends = [tensor("output", &[d, outputs]), tensor("output_bias", &[n * outputs])];
    first.chain(context).chain(blocks).chain(ends).chain(direct).collect()
}

/// A model with the documented names and shapes of its tensors.
#[derive(Clone)]
struct Density<M> {
    model: M,
    tensors: Vec<(String, Vec<usize>)>,
}

impl<M: Module + Autoregressive + 'static> Model for Density<M> {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(&self.model).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        let model = weights::from_bytes(self.model.clone(), bytes)?;
        Ok(Box::new(Self { model, tensors: self.tensors.clone() }))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.tensors.clone()
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        examples(&self.model, n, noise)
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        let context = context(&self.model, x.dims()[0]);
        to_host(self.model.log_prob_given(x, context.as_ref()))
    }

    fn gradients(&self, x: Tensor<2>, _noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let lifted = self.model.clone().train();
        let context = context(&self.model, x.dims()[0]).map(Tensor::from_inner);
        let loss = lifted.log_prob_given(Tensor::from_inner(x), context.as_ref()).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &lifted);
        vec![("likelihood", by_parameter(&lifted, &gradients))]
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl<M: Module + Autoregressive + 'static> Generative for Density<M> {
    fn is_exact(&self) -> bool {
        true
    }

    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.model.sample_given(n, context(&self.model, n).as_ref(), noise)
    }
}

#[test]
fn weights_of_a_model_of_any_kind_are_those_of_its_kind() {
    let noise = || Noise::new(1, "init");
    let made = MadeConfig::new(4, 3.into());
    let pixel_cnn = PixelCnnConfig::new(2, 2);
    let own = [
        weights::to_bytes(&made.init(&Device::flex(), &mut noise()).unwrap()).unwrap(),
        weights::to_bytes(&pixel_cnn.init(&Device::flex(), &mut noise()).unwrap()).unwrap(),
    ];
    let configs = [AutoregressiveConfig::Made(made), AutoregressiveConfig::PixelCnn(pixel_cnn)];
    for (config, own) in configs.into_iter().zip(own) {
        let model = config.init(&Device::flex(), &mut noise()).unwrap();
        assert_eq!(weights::to_bytes(&model).unwrap(), own);
        let other = config.init(&Device::flex(), &mut Noise::new(2, "init")).unwrap();
        let loaded = weights::from_bytes(other, &own).unwrap();
        assert_eq!(weights::to_bytes(&loaded).unwrap(), own);
    }
}
