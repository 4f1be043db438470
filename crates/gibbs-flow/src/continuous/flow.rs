//! The flow of a velocity field, as a bijection and as a density.

use burn::{module::Module, prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConditionalLogProb, ConfigError, Sample,
    math::row_sums,
    ode::{SolveError, Solver, State},
    params::placement,
};
use serde::{Deserialize, Serialize};

use super::{
    dynamics::{AugmentedDynamics, Path, Probe, Trace},
    field::{Field, FieldConfig},
    velocity::{VelocityField, time},
};
use crate::{Mixture, base};

/// Seed and stream of the directions of solves without a noise. These solves are functions of their points.
const FIXED: (u64, &str) = (0, "direction");

/// Field, solver and trace of a continuous flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContinuousFlowConfig {
    /// The velocity field.
    #[serde(flatten)]
    pub field: FieldConfig,
    /// How the flow is solved.
    pub solver: Solver,
    /// How traces are computed.
    pub trace: Trace,
}

impl ContinuousFlowConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.field.validate()?;
        self.solver.validate().map_err(|error| error.within("solver"))
    }

    /// The flow, with weights drawn from `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<ContinuousFlow, ConfigError> {
        self.validate()?;
        ContinuousFlow::new(self.field.init(device, noise)?, self.solver, self.trace)
    }
}

/// A velocity field and a solver, from the base at time 0 to the data at time 1.
#[derive(Module, Debug)]
pub struct ContinuousFlow<V = Field> {
    /// The velocities.
    pub field: V,
    /// Distribution at time 0; `None` is standard normal.
    pub base: Option<Mixture>,
    #[module(skip)]
    solver: Solver,
    #[module(skip)]
    trace: Trace,
}

impl<V: VelocityField> ContinuousFlow<V> {
    /// The flow of `field`.
    ///
    /// # Errors
    /// If [`Solver::validate`] fails.
    pub fn new(field: V, solver: Solver, trace: Trace) -> Result<Self, ConfigError> {
        solver.validate()?;
        Ok(Self { field, base: None, solver, trace })
    }

    /// The same flow with another solver.
    ///
    /// # Errors
    /// If [`Solver::validate`] fails.
    pub fn with_solver(self, solver: Solver) -> Result<Self, ConfigError> {
        solver.validate()?;
        Ok(Self { solver, ..self })
    }

    /// The same flow with another base; `None` is standard normal.
    ///
    /// # Panics
    /// If the base has another number of variables.
    #[must_use]
    pub fn with_base(self, base: Option<Mixture>) -> Self {
        let n = self.field.n_variables();
        base.iter().for_each(|base| assert_eq!(base.dims()[1], n, "variables of the base"));
        Self { base, ..self }
    }

    /// The solver.
    pub fn solver(&self) -> Solver {
        self.solver
    }

    /// How traces are computed.
    pub fn trace(&self) -> Trace {
        self.trace
    }

    /// The dynamics of paths from `x`. The direction comes from `noise`. Without a noise it is always the same.
    pub(super) fn dynamics(
        &self,
        x: &Tensor<2>,
        regularized: bool,
        noise: Option<&mut Noise>,
    ) -> AugmentedDynamics {
        let probe = match (self.trace, regularized) {
            (Trace::Hutchinson(probe), _) => Some(probe),
            (Trace::Exact, true) => Some(Probe::Rademacher),
            (Trace::Exact, false) => None,
        };
        let fixed = &mut Noise::new(FIXED.0, FIXED.1);
        let direction = probe.map(|probe| probe.draw(x, noise.unwrap_or(fixed)));
        AugmentedDynamics { direction, trace: self.trace, regularized }
    }

    /// Moves points `x [n, D]` through the times `span`: `[1, 0]` from data to the base, `[0, 1]` back. With `regularized` it also
    /// integrates the regularizers. The result is differentiable: its gradient is that of the solver's steps.
    ///
    /// An estimated trace and the norm of the Jacobian take one direction for each point from `noise`. Without a noise the directions
    /// are always the same.
    ///
    /// # Errors
    /// If the equation cannot be solved. The message has times, steps and sizes.
    ///
    /// # Panics
    /// If the shapes do not fit, or there is a context and the field has none, or the reverse.
    pub fn path(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        span: [f64; 2],
        regularized: bool,
        noise: Option<&mut Noise>,
    ) -> Result<Path, SolveError> {
        self.assert_fits(&x);
        let velocity = self.field.velocity(context);
        let dynamics = self.dynamics(&x, regularized, noise);
        let forward = (span[1] - span[0]).signum();
        let equation = |t: f64, state: &State| {
            State::new(dynamics.rates(velocity.as_ref(), t, &state.parts()[0], forward))
        };
        let solution = self.solver.solve(&equation, dynamics.start(x), span)?;
        Ok(dynamics.path(solution.state, solution.evaluations))
    }

    /// `ln p(x | c)` in nats and the number of evaluations of the field: `[n, D]`, `[n, C]` to `[n]`. With an estimated trace it is
    /// unbiased and takes one direction for each point from `noise`.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    ///
    /// # Panics
    /// As [`path`](Self::path).
    pub fn try_log_prob(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: Option<&mut Noise>,
    ) -> Result<(Tensor<1>, usize), SolveError> {
        let path = self.path(x, context, [1.0, 0.0], false, noise)?;
        Ok((self.log_prob_of(&path), path.evaluations))
    }

    /// The log-density of the start of a path to the base, `[n]`, nats.
    pub fn log_prob_of(&self, path: &Path) -> Tensor<1> {
        base::log_prob(self.base.as_ref(), path.end.clone()) + path.ladj.clone()
    }

    /// `n` samples `[n, D]` for contexts `[n, C]` from a base with the standard deviation `temperature`. No trace is computed.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    ///
    /// # Panics
    /// As [`path`](Self::path).
    pub fn sample_given(
        &self,
        n: usize,
        context: Option<&Tensor<2>>,
        temperature: f64,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        let z = self.base_at(temperature, n, noise);
        let mut end = self.points(z, context, [0.0, 1.0], &[1.0])?;
        end.pop().ok_or_else(|| unreachable!("one time, one set of points"))
    }

    /// `n` samples `[n, D]` of the base.
    pub fn base(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.base_at(1.0, n, noise)
    }

    fn base_at(&self, temperature: f64, n: usize, noise: &mut Noise) -> Tensor<2> {
        let (device, dtype) = placement(&self.field).unwrap_or_else(|| (Device::default(), DType::F32));
        base::sample(self.base.as_ref(), [n, self.field.n_variables()], temperature, (&device, dtype), noise)
    }

    /// The places of points `x [n, D]` at `times`, in the order of `span`. No trace is computed.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    ///
    /// # Panics
    /// As [`path`](Self::path).
    pub fn points(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        span: [f64; 2],
        times: &[f64],
    ) -> Result<Vec<Tensor<2>>, SolveError> {
        self.assert_fits(&x);
        let velocity = self.field.velocity(context);
        let equation = |t: f64, state: &State| {
            let x = state.parts()[0].clone();
            State::new(vec![velocity.at(&time(t, &x), x)])
        };
        let states = self.solver.states(&equation, State::new(vec![x]), span, times)?;
        Ok(states.into_iter().filter_map(|state| state.into_parts().pop()).collect())
    }

    fn assert_fits(&self, x: &Tensor<2>) {
        let (width, expected) = (x.dims()[1], self.field.n_variables());
        assert_eq!(width, expected, "points of width {width} for a flow of {expected} variables");
    }

    fn bijection(&self, x: Tensor<2>, context: Option<&Tensor<2>>, span: [f64; 2]) -> (Tensor<2>, Tensor<1>) {
        let context = context.filter(|_| self.field.n_context() > 0);
        match self.path(x.clone(), context, span, false, None) {
            Ok(path) => (path.end, path.ladj),
            Err(_) => {
                let unknown = x * f64::NAN;
                (unknown.clone(), row_sums(unknown))
            }
        }
    }
}

/// If the equation cannot be solved, all results are NaN. [`ContinuousFlow::path`] returns the reason. An estimated trace takes the
/// same directions each time.
impl<V: VelocityField> Bijection for ContinuousFlow<V> {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.bijection(x, context, [1.0, 0.0])
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.bijection(z, context, [0.0, 1.0])
    }
}

impl<V: VelocityField> ConditionalLogProb for ContinuousFlow<V> {
    fn n_context(&self) -> usize {
        self.field.n_context()
    }

    /// An estimated trace gives an unbiased estimate with the same directions each time. NaN if the equation cannot be solved:
    /// [`ContinuousFlow::try_log_prob`] returns the reason.
    fn log_prob_given(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        match self.try_log_prob(x.clone(), context, None) {
            Ok((log_prob, _)) => log_prob,
            Err(_) => row_sums(x * f64::NAN),
        }
    }
}

impl<V: VelocityField> Sample for ContinuousFlow<V> {
    /// NaN if the equation cannot be solved: [`ContinuousFlow::sample_given`] returns the reason.
    ///
    /// # Panics
    /// If the field has a context.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.sample_given(n, None, 1.0, noise).unwrap_or_else(|_| self.base_at(f64::NAN, n, noise))
    }
}
