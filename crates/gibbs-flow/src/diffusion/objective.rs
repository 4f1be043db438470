//! Denoising: a network learns its prediction by regression, without a solver.
//!
//! ```text
//! x_t = α·x + σ·ε,   f = p·x + r·ε the prediction to learn
//! simple       E_t |f̂ - f|² / D,   t uniform          noise, data, velocities;   σ²·|f̂ - f|² for the score
//! likelihood   ½·E_t λ'(t)·|ε̂ - ε|² / D               minus the bound on ln p, but for what does not depend on the network
//! ```
//!
//! With the likelihood weighting, `λ` is drawn uniformly, so that the weight is the same at each time: half the range of `λ`.
//! For any weighting the minimum is the conditional mean of `f`.
//!
//! References: Ho et al. 2020, arXiv:2006.11239, equation 14 (simple); Song et al. 2021, arXiv:2011.13456, equation 7; Kingma et al.
//! 2021, arXiv:2107.00630, equation 18, and Song, Durkan, Murray & Ermon, "Maximum likelihood training of score-based diffusion
//! models", NeurIPS 2021, arXiv:2101.09258 (likelihood).
//!
//! Differences from the papers: a batch has one time in each of `n` equal parts of the range, with a common random shift.
//!
//! Cost: one pass of the network.

use burn::{
    config::Config,
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, ConfigError, Objective, Position, StepOutput, math::row_sums, preprocess::Preprocessed,
    weighted_mean,
};
use serde::{Deserialize, Serialize};

use super::{
    model::Diffusion,
    parametrization::{Prediction, column},
    schedule::Coefficients,
};
use crate::continuous::{LevelEncoding, VelocityField, drop_contexts, stratified};

/// The weight of each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// That of the variational bound: the best for log-densities.
    #[default]
    Likelihood,
    /// The squared error of the prediction at uniform times: the best for the looks of images in Ho et al.
    Simple,
}

/// Denoising.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct DenoisingLoss {
    /// The weight of each time.
    #[config(default = "Weighting::Likelihood")]
    pub weighting: Weighting,
    /// Fraction of the examples whose context is replaced by zeros, in [0, 1), for guidance without a classifier (0.1 to 0.2 in
    /// Ho & Salimans, arXiv:2207.12598).
    #[config(default = 0.0)]
    pub context_dropout: f64,
}

impl DenoisingLoss {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::fraction("context_dropout", self.context_dropout)
    }

    /// The loss `[1]` for data `x [n, D]` with contexts `[n, C]`, differentiable in the network. With the likelihood weighting it is
    /// in nats for each variable.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn loss<V: VelocityField>(
        &self,
        model: &Diffusion<V>,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Tensor<1> {
        let width = x.dims()[1] as f64;
        self.weighted_errors(model, x, context, noise).mean() / width
    }

    /// The weighted squared error of each example, `[n]`: its sum over the columns.
    fn weighted_errors<V: VelocityField>(
        &self,
        model: &Diffusion<V>,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Tensor<1> {
        let parametrization = model.parametrization();
        let (schedule, prediction) = (parametrization.schedule, parametrization.prediction);
        let epsilon = noise.normal(x.dims(), (&x.device(), x.dtype()));
        let at: Vec<Coefficients> = stratified(x.dims()[0], noise)
            .map(|u| match self.weighting {
                Weighting::Simple => schedule.at(u),
                Weighting::Likelihood => schedule.at(schedule.time_at(u)),
            })
            .collect();
        let of_times = |value: &dyn Fn(&Coefficients) -> f64| column(at.iter().map(value), &x);
        let noisy = x.clone() * of_times(&|at| at.alpha) + epsilon.clone() * of_times(&|at| at.sigma);
        let [p, r] = [0, 1].map(|k| of_times(&|at| prediction.parts(at)[k]));
        let target = x.clone() * p + epsilon * r;
        let [at_noise, at_data] = schedule.log_snr_range();
        let weight = |at: &Coefficients| match (self.weighting, prediction) {
            (Weighting::Likelihood, _) => {
                0.5 * (at_data - at_noise) * prediction.conversion(Prediction::Noise, at)[1].powi(2)
            }
            (Weighting::Simple, Prediction::Score) => at.sigma.powi(2),
            (Weighting::Simple, _) => 1.0,
        };
        let root = of_times(&|at| weight(at).sqrt());
        let context = context.map(|context| drop_contexts(context, self.context_dropout, noise));
        let predicted = model.in_context(context.as_ref()).predict(&at, &noisy);
        row_sums(((predicted - target) * root).powi_scalar(2))
    }
}

/// The objective of a model: a loss, and what the variables are where the data have finitely many values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Denoising {
    /// The loss.
    pub loss: DenoisingLoss,
    /// How levels become variables; `None` for real data.
    pub levels: Option<LevelEncoding>,
}

impl Denoising {
    /// Data `y [n, D]` as the variables that a model learns.
    pub fn variables(&self, y: Tensor<2>) -> Tensor<2> {
        match &self.levels {
            Some(levels) => levels.encode(y),
            None => y,
        }
    }
}

impl<V: VelocityField + ModuleDisplay> Objective<Preprocessed<Diffusion<V>>> for Denoising {
    fn step(
        &mut self,
        model: &Preprocessed<Diffusion<V>>,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let context = batch.context.map(Tensor::autodiff);
        let y = self.variables(model.preprocessor.clone().valid().forward(batch.x).0);
        let weights = batch.weights.map(Tensor::autodiff);
        let width = y.dims()[1] as f64;
        let errors = self.loss.weighted_errors(&model.model, y.autodiff(), context.as_ref(), noise);
        let loss = weighted_mean(errors, weights.as_ref()) / width;
        Ok(StepOutput::backward(model, "loss", loss))
    }
}
