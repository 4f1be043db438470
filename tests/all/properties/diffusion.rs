//! Diffusion models of several parametrizations.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{ConditionalLogProb, math::to_host};
use gibbs_flow::{
    Diffusion,
    continuous::{FieldConfig, ImageFieldConfig, MlpFieldConfig, TimeInput, Trace},
    diffusion::{
        Coordinates, DenoisingLoss, DiffusionSchedule, Parametrization, Prediction, ScheduleKind, Weighting,
    },
    ode::{Method, Solver},
};
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Generative, Gradients, Model, continuous::tensors_of};
use crate::support::parameters::{by_parameter, perturbed};

/// Variables of each model: images of 4 by 4 pixels for one of them.
const WIDTH: usize = 16;

pub(super) fn models() -> Vec<Constructor> {
    let constructor = |(name, config, parametrization): (&str, FieldConfig, Parametrization)| -> Constructor {
        let init = move |seed| {
            let field = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
            let field = perturbed(field, Noise::new(seed, "weights"));
            let solver = Solver::fixed(Method::Rk4, 6);
            let model = Diffusion::new(field, parametrization, solver, Trace::Exact).unwrap();
            Box::new(Density { model, config: config.clone() }) as Box<dyn Model>
        };
        (name.into(), Box::new(init))
    };
    configs().into_iter().map(constructor).collect()
}

fn configs() -> Vec<(&'static str, FieldConfig, Parametrization)> {
    let mlp = MlpFieldConfig::new(WIDTH, vec![5, 6].into()).with_time(TimeInput::Gated);
    let image = ImageFieldConfig::new(4, 4, [2, 3]).with_embedding(3).with_frequencies(1).with_blocks([1, 1]);
    // Random networks are smooth where little noise remains.
    let with = |kind, prediction, coordinates| {
        let schedule =
            DiffusionSchedule::new(kind).with_sigma_min(0.3).with_alpha_min(0.3).with_beta_max(4.0);
        Parametrization::new(schedule, prediction, coordinates)
    };
    vec![
        (
            "diffusion, cosine, velocity",
            FieldConfig::Mlp(mlp.clone()),
            with(ScheduleKind::Cosine, Prediction::Velocity, Coordinates::LogSnr),
        ),
        (
            "diffusion, linear, noise, context",
            FieldConfig::Mlp(mlp.with_n_context(2)),
            with(ScheduleKind::Linear, Prediction::Noise, Coordinates::LogSnr),
        ),
        (
            "diffusion, straight, convolutions",
            FieldConfig::Image(image),
            with(ScheduleKind::Straight, Prediction::StraightVelocity, Coordinates::Straight),
        ),
    ]
}

#[derive(Clone)]
struct Density {
    model: Diffusion,
    config: FieldConfig,
}

impl Density {
    /// A context for each of `n` examples, the same for all, so that a batch may be split.
    fn context(&self, n: usize) -> Option<Tensor<2>> {
        let width = self.model.n_context();
        (width > 0).then(|| Tensor::<2>::from_data([[0.7, -0.4]], &Device::flex()).expand([n, width]))
    }
}

impl Model for Density {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(&self.model).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        let model = weights::from_bytes(self.model.clone(), bytes)?;
        Ok(Box::new(Self { model, config: self.config.clone() }))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        tensors_of(&self.config)
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        noise.normal([n, WIDTH], &Device::flex())
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        let context = self.context(x.dims()[0]);
        to_host(self.model.log_prob_given(x, context.as_ref()))
    }

    fn gradients(&self, x: Tensor<2>, noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let lifted = self.model.clone().train();
        let context = self.context(x.dims()[0]).map(Tensor::from_inner);
        let x: Tensor<2> = Tensor::from_inner(x);
        [("likelihood", Weighting::Likelihood), ("simple", Weighting::Simple)]
            .into_iter()
            .map(|(name, weighting)| {
                let loss = DenoisingLoss::new().with_weighting(weighting);
                let loss = loss.loss(&lifted, x.clone(), context.as_ref(), noise);
                (name, by_parameter(&lifted, &GradientsParams::from_grads(loss.backward(), &lifted)))
            })
            .collect()
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
        self.model.sample_given(n, self.context(n).as_ref(), 1.0, noise).unwrap()
    }
}
