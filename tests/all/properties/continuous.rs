//! Continuous flows of all kinds of fields.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_flow::{
    ContinuousFlow, FlowMatching,
    continuous::{
        FieldConfig, ImageFieldConfig, LatticeFieldConfig, MlpFieldConfig, PotentialConfig, TimeInput, Trace,
        VelocityField,
    },
    ode::{Method, Solver},
};
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, tensor};
use crate::support::parameters::{by_parameter, perturbed};

/// Variables of each flow: images of 4 by 4 pixels for one of them.
const WIDTH: usize = 16;

pub(super) fn models() -> Vec<Constructor> {
    let constructor = |(name, config): (&str, FieldConfig)| -> Constructor {
        let init = move |seed| {
            let field = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
            let field = perturbed(field, Noise::new(seed, "weights"));
            let flow = ContinuousFlow::new(field, Solver::fixed(Method::Rk4, 3), Trace::Exact).unwrap();
            Box::new(Density { flow, config: config.clone() }) as Box<dyn Model>
        };
        (name.into(), Box::new(init))
    };
    configs().into_iter().map(constructor).collect()
}

fn configs() -> Vec<(&'static str, FieldConfig)> {
    let mlp = MlpFieldConfig::new(WIDTH, vec![5, 6].into());
    let gated = mlp.clone().with_time(TimeInput::Gated).with_n_context(2);
    let fourier = mlp.clone().with_fourier_features(3).with_fourier_scale(0.5);
    let image = ImageFieldConfig::new(4, 4, [2, 3]).with_embedding(3).with_frequencies(1).with_blocks([1, 1]);
    let masses = image.clone().with_point_masses(vec![-1.0, 0.5]).with_point_std(0.2);
    vec![
        ("continuous", FieldConfig::Mlp(mlp)),
        ("continuous, gates, context", FieldConfig::Mlp(gated)),
        ("continuous, Fourier features", FieldConfig::Mlp(fourier)),
        ("continuous, potential", FieldConfig::Potential(PotentialConfig::new(WIDTH, vec![7, 5].into()))),
        (
            "continuous, potential with units of each variable",
            FieldConfig::Potential(
                PotentialConfig::new(WIDTH, vec![7].into()).with_timed(true).with_separable(2),
            ),
        ),
        (
            "continuous, lattice",
            FieldConfig::Lattice(LatticeFieldConfig::new(vec![4, 4]).with_features(3).with_frequencies(2)),
        ),
        ("continuous, convolutions", FieldConfig::Image(image)),
        ("continuous, convolutions, values that many pixels have", FieldConfig::Image(masses)),
    ]
}

#[derive(Clone)]
struct Density {
    flow: ContinuousFlow,
    config: FieldConfig,
}

impl Density {
    /// A context for each of `n` examples, the same for all, so that a batch may be split.
    fn context(&self, n: usize) -> Option<Tensor<2>> {
        let width = self.flow.field.n_context();
        (width > 0).then(|| Tensor::<2>::from_data([[0.7, -0.4]], &Device::flex()).expand([n, width]))
    }
}

/// Weight and bias of an affine layer.
fn affine(name: &str, n_in: usize, n_out: usize) -> [(String, Vec<usize>); 2] {
    [tensor(format!("field.{name}.weight"), &[n_in, n_out]), tensor(format!("field.{name}.bias"), &[n_out])]
}

/// Gates and shifts of a layer of this width.
fn gate(name: &str, n_in: usize, width: usize) -> [(String, Vec<usize>); 2] {
    affine(&format!("{name}.network.layers.0"), n_in, 2 * width)
}

/// Names and shapes of what a field learns.
pub(super) fn tensors_of(config: &FieldConfig) -> Vec<(String, Vec<usize>)> {
    match config {
        FieldConfig::Mlp(config) => {
            let is_gated = config.time == TimeInput::Gated;
            let inputs = WIDTH + 2 * config.fourier_features;
            let n_in = if is_gated { inputs } else { inputs + 1 + config.n_context };
            let widths = [&[n_in], config.n_hidden.list(), &[WIDTH]].concat();
            let layers = widths
                .windows(2)
                .enumerate()
                .flat_map(|(l, ends)| affine(&format!("network.layers.{l}"), ends[0], ends[1]));
            let gates = config.n_hidden.list().iter().enumerate().filter(|_| is_gated);
            let gates =
                gates.flat_map(|(l, &width)| gate(&format!("gates.{l}"), 1 + config.n_context, width));
            let fourier = (config.fourier_features > 0)
                .then(|| tensor("field.fourier.frequencies", &[WIDTH, config.fourier_features]));
            layers.chain(gates).chain(fourier).collect()
        }
        FieldConfig::Potential(config) => {
            let widths = [&[WIDTH + usize::from(config.timed)], config.n_hidden.list()].concat();
            let layers = widths
                .windows(2)
                .enumerate()
                .flat_map(|(l, ends)| affine(&format!("layers.{l}"), ends[0], ends[1]));
            let units = ["weight", "slope", "bias", "drift"].into_iter().filter(|_| config.separable > 0);
            let units =
                units.map(|name| tensor(format!("field.separable.{name}"), &[config.separable, WIDTH]));
            let out = tensor("field.weight", &config.n_hidden.list()[config.n_hidden.list().len() - 1..]);
            layers.chain([out]).chain(units).collect()
        }
        FieldConfig::Lattice(config) => {
            // Pairs of wave numbers 0, 1 and 2, whose order and signs do not matter.
            let orbits = 6;
            vec![
                tensor("field.frequencies", &[config.features, 1]),
                tensor("field.mixtures", &[config.channels, config.features]),
                tensor("field.kernels", &[config.frequencies, (1 + config.channels) * orbits]),
            ]
        }
        FieldConfig::Image(config) => {
            let ([w, wide], e) = (config.channels, config.embedding);
            let block = |name: &str, w: usize| {
                [
                    affine(&format!("{name}.first"), 9 * w, w),
                    gate(&format!("{name}.gate"), e, w),
                    affine(&format!("{name}.second"), 9 * w, w),
                ]
                .concat()
            };
            let sites = WIDTH / 16;
            [
                affine("embed.layers.0", 3, e).to_vec(),
                affine("embed.layers.1", e, e).to_vec(),
                affine("enter", 9 * 4, w).to_vec(),
                block("before.0", w),
                affine("down", 4 * w, wide).to_vec(),
                block("coarse.0.local", wide),
                affine("coarse.0.sites", sites, sites).to_vec(),
                affine("up", wide, 4 * w).to_vec(),
                block("after.0", w),
                affine("leave", w, 4 * (1 + config.point_masses.len())).to_vec(),
            ]
            .concat()
        }
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
        tensors_of(&self.config)
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        noise.normal([n, WIDTH], &Device::flex())
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        let context = self.context(x.dims()[0]);
        to_host(self.flow.try_log_prob(x, context.as_ref(), None).unwrap().0)
    }

    fn gradients(&self, x: Tensor<2>, noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let lifted = self.flow.clone().train();
        let plain = self.context(x.dims()[0]);
        let (inner, context) = (x.clone(), plain.clone().map(Tensor::from_inner));
        let x: Tensor<2> = Tensor::from_inner(x);
        let by =
            |loss: Tensor<1>| by_parameter(&lifted, &GradientsParams::from_grads(loss.backward(), &lifted));
        let (log_prob, _) = lifted.try_log_prob(x.clone(), context.as_ref(), None).unwrap();
        let adjoint = lifted.likelihood_by_adjoint(inner, plain.as_ref(), None, None, noise).unwrap();
        let matching = FlowMatching::new().loss(&lifted.field, x, context.as_ref(), noise);
        vec![
            ("likelihood", by(log_prob.mean().neg())),
            ("adjoint", by_parameter(&lifted, &adjoint.adjoint.gradients)),
            ("matching", by(matching)),
        ]
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl Generative for Density {
    /// Divergences of convolutions take one pass for each pixel.
    fn is_exact(&self) -> bool {
        !matches!(self.config, FieldConfig::Image(_))
    }

    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.flow.sample_given(n, self.context(n).as_ref(), 1.0, noise).unwrap()
    }
}
