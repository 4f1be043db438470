//! The data and the noise that a model expects in a point.

use burn::prelude::*;

use super::{
    parametrization::{Parametrization, Prediction, column},
    schedule::{Coefficients, DiffusionSchedule},
};
use crate::continuous::Velocity;

/// What a point `x_t = α·x̂ + σ·ε̂` is made of.
#[derive(Clone, Debug)]
pub struct Denoised {
    /// `x̂ = E[x | x_t]`, `[n, D]`.
    pub data: Tensor<2>,
    /// `ε̂ = E[ε | x_t]`, `[n, D]`.
    pub noise: Tensor<2>,
}

/// A model of diffusion that is ready for many evaluations: a trained network in its context, or a distribution whose score is
/// known. Samplers and bounds take any.
pub trait Denoiser {
    /// Signal and noise as functions of time.
    fn schedule(&self) -> &DiffusionSchedule;

    /// Data and noise in points `x [n, D]` at times `t`: one for all points, or one for each.
    ///
    /// # Panics
    /// If there is another number of times.
    fn denoise(&self, t: &[f64], x: &Tensor<2>) -> Denoised;
}

/// A network in its context.
pub(super) struct NetworkDenoiser<'a> {
    pub(super) network: Box<dyn Velocity + 'a>,
    pub(super) parametrization: Parametrization,
}

impl NetworkDenoiser<'_> {
    /// The prediction of the network at points `x [n, D]` whose times have these coefficients.
    pub(super) fn predict(&self, at: &[Coefficients], x: &Tensor<2>) -> Tensor<2> {
        let inputs: Vec<[f64; 2]> = at.iter().map(|at| self.parametrization.inputs(at)).collect();
        let [scale, time] = [0, 1].map(|k| column(inputs.iter().map(|inputs| inputs[k]), x));
        self.network.at(&time, x.clone() * scale)
    }
}

impl Denoiser for NetworkDenoiser<'_> {
    fn schedule(&self) -> &DiffusionSchedule {
        &self.parametrization.schedule
    }

    fn denoise(&self, t: &[f64], x: &Tensor<2>) -> Denoised {
        let at: Vec<Coefficients> = t.iter().map(|t| self.parametrization.schedule.at(*t)).collect();
        let predicted = self.predict(&at, x);
        let [data, noise] = [Prediction::Data, Prediction::Noise].map(|to| {
            let factors: Vec<[f64; 2]> =
                at.iter().map(|at| self.parametrization.prediction.conversion(to, at)).collect();
            let [a, b] = [0, 1].map(|k| column(factors.iter().map(|factors| factors[k]), x));
            x.clone() * a + predicted.clone() * b
        });
        Denoised { data, noise }
    }
}
