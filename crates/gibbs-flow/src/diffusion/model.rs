//! A diffusion model: a network with its parametrization, and the flow that it makes.

use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{ConditionalLogProb, ConfigError, Sample, ode::SolveError, ode::Solver};
use serde::{Deserialize, Serialize};

use super::{
    denoiser::{Denoiser, NetworkDenoiser},
    parametrization::{Coordinates, Parametrization, Prediction},
    sampler::DiffusionSampler,
};
use crate::{
    ContinuousFlow, ContinuousFlowConfig,
    continuous::{Field, FieldConfig, Trace, Velocity, VelocityField},
};

/// Network, parametrization, and how the probability-flow equation is solved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiffusionConfig {
    /// The network, with the solver and the trace of its flow.
    #[serde(flatten)]
    pub flow: ContinuousFlowConfig,
    /// Schedule, prediction and coordinates.
    #[serde(flatten)]
    pub parametrization: Parametrization,
}

impl DiffusionConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, or point masses in other coordinates than theirs.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.flow.validate()?;
        self.parametrization.validate()?;
        let Parametrization { prediction, coordinates, .. } = self.parametrization;
        let is_straight = (prediction, coordinates) == (Prediction::StraightVelocity, Coordinates::Straight);
        match &self.flow.field {
            FieldConfig::Image(image) if !is_straight => ConfigError::require(
                image.point_masses.is_empty(),
                "point_masses",
                format!("{:?}", image.point_masses),
                "must be empty unless prediction = straight_velocity and coordinates = straight",
            ),
            _ => Ok(()),
        }
    }

    /// The model, with weights drawn from `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Diffusion, ConfigError> {
        self.validate()?;
        let ContinuousFlowConfig { field, solver, trace } = &self.flow;
        Diffusion::new(field.init(device, noise)?, self.parametrization, *solver, *trace)
    }
}

/// A diffusion model. Its network is any [`VelocityField`], with [`Guided`](crate::continuous::Guided) among them.
#[derive(Module, Debug)]
pub struct Diffusion<V = Field> {
    /// The network.
    pub field: V,
    #[module(skip)]
    parametrization: Parametrization,
    #[module(skip)]
    solver: Solver,
    #[module(skip)]
    trace: Trace,
}

impl<V: VelocityField> Diffusion<V> {
    /// The model of a network.
    ///
    /// # Errors
    /// If [`Parametrization::validate`] or [`Solver::validate`] fails.
    pub fn new(
        field: V,
        parametrization: Parametrization,
        solver: Solver,
        trace: Trace,
    ) -> Result<Self, ConfigError> {
        parametrization.validate()?;
        solver.validate().map_err(|error| error.within("solver"))?;
        Ok(Self { field, parametrization, solver, trace })
    }

    /// The same model with another network.
    pub fn with_field<W: VelocityField>(self, field: W) -> Diffusion<W> {
        let Self { parametrization, solver, trace, .. } = self;
        Diffusion { field, parametrization, solver, trace }
    }

    /// Schedule, prediction and coordinates.
    pub fn parametrization(&self) -> Parametrization {
        self.parametrization
    }

    /// The solver of the probability-flow equation.
    pub fn solver(&self) -> Solver {
        self.solver
    }

    /// How traces are computed.
    pub fn trace(&self) -> Trace {
        self.trace
    }

    /// The flow of the probability-flow equation, from a standard normal distribution to the data.
    pub fn flow(&self) -> ContinuousFlow<ProbabilityFlow<V>> {
        let field = ProbabilityFlow { field: self.field.clone(), parametrization: self.parametrization };
        match ContinuousFlow::new(field, self.solver, self.trace) {
            Ok(flow) => flow,
            Err(error) => unreachable!("the solver was checked: {error}"),
        }
    }

    /// The model in a context `[n, C]`, ready for samplers and bounds.
    ///
    /// # Panics
    /// If the context has another width, or there is none where one is needed.
    pub fn denoiser<'a>(&'a self, context: Option<&Tensor<2>>) -> impl Denoiser + use<'a, V> {
        self.in_context(context)
    }

    pub(super) fn in_context(&self, context: Option<&Tensor<2>>) -> NetworkDenoiser<'_> {
        NetworkDenoiser { network: self.field.velocity(context), parametrization: self.parametrization }
    }

    /// `n` samples `[n, D]` for contexts `[n, C]` by the solver, from noise with the standard deviation `temperature`.
    ///
    /// # Errors
    /// If the equation cannot be solved. The message has times, steps and sizes.
    ///
    /// # Panics
    /// If the shapes do not fit, or there is a context and the network has none, or the reverse.
    pub fn sample_given(
        &self,
        n: usize,
        context: Option<&Tensor<2>>,
        temperature: f64,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        self.flow().sample_given(n, context, temperature, noise)
    }

    /// `n` samples `[n, D]` for contexts `[n, C]` by a Markov chain, from noise with the standard deviation `temperature`.
    ///
    /// # Panics
    /// As [`sample_given`](Self::sample_given).
    pub fn sample_by(
        &self,
        sampler: &DiffusionSampler,
        n: usize,
        context: Option<&Tensor<2>>,
        temperature: f64,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let start = self.flow().base(n, noise) * temperature;
        sampler.run(&self.in_context(context), start, noise)
    }
}

impl<V: VelocityField + ModuleDisplay> ConditionalLogProb for Diffusion<V> {
    fn n_context(&self) -> usize {
        self.field.n_context()
    }

    /// By the probability-flow equation. An estimated trace gives an unbiased estimate with the same directions each time. NaN if
    /// the equation cannot be solved.
    fn log_prob_given(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        self.flow().log_prob_given(x, context)
    }
}

impl<V: VelocityField> Sample for Diffusion<V> {
    /// By the probability-flow equation. NaN if it cannot be solved.
    ///
    /// # Panics
    /// If the network has a context.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.flow().sample(n, noise)
    }
}

/// The velocity `α'·x̂ + σ'·ε̂` of the probability-flow equation.
#[derive(Module, Debug)]
pub struct ProbabilityFlow<V = Field> {
    /// The network.
    pub field: V,
    #[module(skip)]
    parametrization: Parametrization,
}

impl<V: VelocityField> VelocityField for ProbabilityFlow<V> {
    fn n_variables(&self) -> usize {
        self.field.n_variables()
    }

    fn n_context(&self) -> usize {
        self.field.n_context()
    }

    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        Box::new(Ready { network: self.field.velocity(context), parametrization: self.parametrization })
    }
}

struct Ready<'a> {
    network: Box<dyn Velocity + 'a>,
    parametrization: Parametrization,
}

/// What a time needs: the inputs of the network, and the factors of its prediction.
struct Now {
    scale: Tensor<2>,
    time: Tensor<2>,
    of_point: Tensor<2>,
    of_prediction: Tensor<2>,
}

impl Ready<'_> {
    fn now(&self, t: &Tensor<2>) -> Now {
        let Parametrization { schedule, prediction, .. } = self.parametrization;
        let at = schedule.coefficients(t.clone());
        let [scale, time] = self.parametrization.inputs(&at);
        let [of_point, of_prediction] = prediction.factors(Prediction::Velocity, &at);
        Now { scale, time, of_point, of_prediction }
    }
}

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let Now { scale, time, of_point, of_prediction } = self.now(t);
        self.network.at(&time, x.clone() * scale) * of_prediction + x * of_point
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let Now { scale, time, of_point, of_prediction } = self.now(t);
        let (value, change) = self.network.along(&time, x.clone() * scale.clone(), direction);
        let change = change * (of_prediction.clone() * scale) + direction.clone() * of_point.clone();
        (value * of_prediction + x * of_point, change)
    }

    fn divergence(&self, t: &Tensor<2>, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let width = x.dims()[1] as f64;
        let Now { scale, time, of_point, of_prediction } = self.now(t);
        let (value, divergence) = self.network.divergence(&time, x.clone() * scale.clone());
        let divergence =
            divergence.unsqueeze_dim::<2>(1) * (of_prediction.clone() * scale) + of_point.clone() * width;
        (value * of_prediction + x * of_point, divergence.squeeze_dim(1))
    }
}
