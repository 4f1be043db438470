//! The flow of a velocity field, as a bijection and as the law of its data.

use burn::{module::Module, prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::{Bijection, LogProb, Sample, params::placement};

use super::{
    field::Field,
    path::{Along, Path, Probe, Trace},
    velocity::{VelocityField, time},
};
use crate::{
    ConfigError,
    ode::{SolveError, Solver, State},
    univariate::sum,
};

/// Seed and stream of the directions of solves that are given no noise, so that these are functions of their points.
const FIXED: (u64, &str) = (0, "direction");

/// A velocity field with the solver that follows it, from the base at time 0 to the data at time 1.
#[derive(Module, Debug)]
pub struct ContinuousFlow<V = Field> {
    /// The velocities.
    pub field: V,
    #[module(skip)]
    solver: Solver,
    #[module(skip)]
    trace: Trace,
}

impl<V: VelocityField> ContinuousFlow<V> {
    /// The flow along `field`.
    ///
    /// # Errors
    /// If [`Solver::validate`] fails.
    pub fn new(field: V, solver: Solver, trace: Trace) -> Result<Self, ConfigError> {
        solver.validate()?;
        Ok(Self { field, solver, trace })
    }

    /// The same flow with another solver.
    ///
    /// # Errors
    /// If [`Solver::validate`] fails.
    pub fn with_solver(self, solver: Solver) -> Result<Self, ConfigError> {
        Self::new(self.field, solver, self.trace)
    }

    /// The solver.
    pub fn solver(&self) -> Solver {
        self.solver
    }

    /// How traces are found.
    pub fn trace(&self) -> Trace {
        self.trace
    }

    /// What is integrated along paths from `x`; the direction comes from `noise`, and without one it is a fixed one.
    pub(super) fn along(&self, x: &Tensor<2>, regularized: bool, noise: Option<&mut Noise>) -> Along {
        let probe = match (self.trace, regularized) {
            (Trace::Hutchinson(probe), _) => Some(probe),
            (Trace::Exact, true) => Some(Probe::Rademacher),
            (Trace::Exact, false) => None,
        };
        let fixed = &mut Noise::new(FIXED.0, FIXED.1);
        let direction = probe.map(|probe| probe.draw(x, noise.unwrap_or(fixed)));
        Along { direction, trace: self.trace, regularized }
    }

    /// Follows points `x [n, D]` through `span`, `[1, 0]` from data to the base and `[0, 1]` back, and with `regularized` the
    /// regularizers with them. All of it can be differentiated: the gradient is that of the steps taken.
    ///
    /// A trace that is estimated, and the Jacobian's norm, take one direction for each point from `noise`; without a noise
    /// it is always the same.
    ///
    /// # Errors
    /// If the equation cannot be solved: times, steps and sizes are in the message.
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
        let along = self.along(&x, regularized, noise);
        let forward = (span[1] - span[0]).signum();
        let equation =
            |t: f64, state: &State| State::new(along.rates(velocity.as_ref(), t, &state.parts()[0], forward));
        let solution = self.solver.solve(&equation, along.start(x), span)?;
        Ok(along.path(solution.state, solution.evaluations))
    }

    /// `ln p(x | c)` in nats, and the evaluations of the field that it took: `[n, D]`, `[n, C]` to `[n]`. Unbiased where the trace
    /// is estimated, by one direction for each point from `noise`.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    ///
    /// # Panics
    /// As [`path`](Self::path).
    pub fn log_prob_given(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: Option<&mut Noise>,
    ) -> Result<(Tensor<1>, usize), SolveError> {
        let path = self.path(x, context, [1.0, 0.0], false, noise)?;
        Ok((path.log_prob(), path.evaluations))
    }

    /// `n` draws `[n, D]` for contexts `[n, C]` from a base whose standard deviation is `temperature`. No trace is computed.
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
        let z = self.base(n, noise) * temperature;
        let mut end = self.points(z, context, [0.0, 1.0], &[1.0])?;
        end.pop().ok_or_else(|| unreachable!("one time, one set of points"))
    }

    /// Draws `[n, D]` of the base.
    pub fn base(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let (device, dtype) = placement(&self.field).unwrap_or_else(|| (Device::default(), DType::F32));
        noise.normal([n, self.field.n_variables()], (&device, dtype))
    }

    /// Where points `x [n, D]` are at `times`, which follow each other through `span`. No trace is computed.
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
                (unknown.clone(), sum(unknown))
            }
        }
    }
}

/// Where the equation cannot be solved, all results are NaN: [`ContinuousFlow::path`] tells why. A trace that is estimated
/// takes the same directions each time.
impl<V: VelocityField> Bijection for ContinuousFlow<V> {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.bijection(x, context, [1.0, 0.0])
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.bijection(z, context, [0.0, 1.0])
    }
}

impl<V: VelocityField> LogProb for ContinuousFlow<V> {
    /// Where the trace is estimated, an unbiased estimate by always the same directions; NaN where the equation cannot be solved:
    /// [`ContinuousFlow::log_prob_given`] tells why.
    ///
    /// # Panics
    /// Also if the field has a context.
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        match self.log_prob_given(x.clone(), None, None) {
            Ok((log_prob, _)) => log_prob,
            Err(_) => sum(x * f64::NAN),
        }
    }
}

impl<V: VelocityField> Sample for ContinuousFlow<V> {
    /// NaN where the equation cannot be solved: [`ContinuousFlow::sample_given`] tells why.
    ///
    /// # Panics
    /// If the field has a context.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.sample_given(n, None, 1.0, noise).unwrap_or_else(|_| self.base(n, noise) * f64::NAN)
    }
}
