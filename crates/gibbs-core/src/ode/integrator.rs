//! A solve, step by step.

use super::{Method, SolveError, Solver, State, Step, control, tableau::Tableau};

/// An equation on its way through time.
///
/// ```
/// # use burn::prelude::*;
/// # use gibbs_core::ode::{Integrator, Method, Solver, State};
/// # fn main() -> Result<(), gibbs_core::ode::SolveError> {
/// let decay = |_: f64, y: &State| State::new(y.parts().iter().map(|y| -y.clone()).collect());
/// let start = State::new(vec![Tensor::ones([1, 1], &Device::flex())]);
/// let mut integrator = Integrator::new(&decay, Solver::fixed(Method::Rk4, 10), start, [0.0, 1.0]);
/// while let Some(step) = integrator.step()? {
///     assert!((step.h - 0.1).abs() < 1e-12);
/// }
/// assert_eq!(integrator.into_solution().evaluations, 40);
/// # Ok(())
/// # }
/// ```
pub struct Integrator<'a, F> {
    equation: &'a F,
    solver: Solver,
    tableau: Tableau,
    begin: f64,
    end: f64,
    t: f64,
    state: State,
    /// The rate at `t`, where it is already known.
    rate: Option<State>,
    /// The next step to be tried, once the first one is known.
    h: Option<f64>,
    control: control::Control,
    evaluations: usize,
    accepted: usize,
    rejected: usize,
}

/// The end of a solve, and what it took.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The state at the end.
    pub state: State,
    /// Evaluations of the equation.
    pub evaluations: usize,
    /// Steps taken.
    pub accepted: usize,
    /// Steps that were too long.
    pub rejected: usize,
}

impl<'a, F: Fn(f64, &State) -> State> Integrator<'a, F> {
    /// From `start` at `span[0]` to `span[1]`.
    ///
    /// # Panics
    /// If [`Solver::validate`] fails, or an end of the span is not finite.
    pub fn new(equation: &'a F, solver: Solver, start: State, span: [f64; 2]) -> Self {
        if let Err(error) = solver.validate() {
            panic!("{error}");
        }
        let [begin, end] = span;
        assert!(begin.is_finite() && end.is_finite(), "a solve from {begin} to {end}");
        let tableau = Method::tableau(solver.method);
        let control = control::Control::new(tableau.order);
        let h = solver.steps.map(|steps| (end - begin) / steps as f64);
        let (state, rate) = (start, None);
        let (evaluations, accepted, rejected) = (0, 0, 0);
        Self {
            equation,
            solver,
            tableau,
            begin,
            end,
            t: begin,
            state,
            rate,
            h,
            control,
            evaluations,
            accepted,
            rejected,
        }
    }

    /// The present time.
    pub fn time(&self) -> f64 {
        self.t
    }

    /// The present state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The present state as that of the end, with the work it took.
    pub fn into_solution(self) -> Solution {
        let Self { state, evaluations, accepted, rejected, .. } = self;
        Solution { state, evaluations, accepted, rejected }
    }

    /// The next step, or `None` at the end.
    ///
    /// # Errors
    /// If the solution stops being finite, or the steps become too short or too many.
    pub fn step(&mut self) -> Result<Option<Step>, SolveError> {
        match self.solver.steps {
            Some(steps) if self.accepted < steps => self.fixed(steps).map(Some),
            None if self.t != self.end => self.controlled().map(Some),
            _ => Ok(None),
        }
    }

    /// The state at the part `theta` of `step`, the last one that was taken.
    pub fn between(&mut self, step: &Step, theta: f64) -> State {
        let rate = self.rate();
        self.tableau.between(step, &rate, theta)
    }

    fn rate(&mut self) -> State {
        match &self.rate {
            Some(rate) => rate.clone(),
            None => {
                self.evaluations += 1;
                self.rate.insert((self.equation)(self.t, &self.state)).clone()
            }
        }
    }

    fn attempt(&mut self, h: f64) -> Step {
        let rate = self.rate();
        self.evaluations += self.tableau.stages() - 1;
        self.tableau.step(self.equation, self.t, h, self.state.clone(), rate)
    }

    fn accept(&mut self, step: &Step, t: f64) {
        self.t = t;
        self.state = step.after.clone();
        self.rate = self.tableau.first_same_as_last().then(|| step.stages.last().cloned()).flatten();
        self.accepted += 1;
    }

    fn fixed(&mut self, steps: usize) -> Result<Step, SolveError> {
        let h = (self.end - self.begin) / steps as f64;
        let step = self.attempt(h);
        let norm = step.after.norm();
        if !norm.is_finite() {
            return Err(SolveError::NotFinite { t: self.t, step: h, norm });
        }
        // Counted from the beginning, so that roundings do not add up.
        self.accept(&step, self.begin + h * (self.accepted + 1) as f64);
        Ok(step)
    }

    fn controlled(&mut self) -> Result<Step, SolveError> {
        let (span, tolerance) = (self.end - self.begin, self.solver.tolerance);
        let min_step = self.solver.min_step * span.abs();
        let mut h = match self.h {
            Some(h) => h,
            None => self.first_step()?,
        };
        loop {
            let rest = self.end - self.t;
            let is_last = h.abs() >= rest.abs();
            h = if is_last { rest } else { h };
            let steps = self.accepted + self.rejected;
            if steps >= self.solver.max_steps {
                let norm = self.state.norm();
                return Err(SolveError::TooManySteps { t: self.t, step: h, norm, steps });
            }
            let step = self.attempt(h);
            let norm = step.after.norm();
            let error = match &step.error {
                Some(error) if norm.is_finite() => error.relative_norm(&step.before, &step.after, tolerance),
                _ => f64::INFINITY,
            };
            // A step beyond the finite numbers is too long, as one with a large error is.
            let (accepts, factor) = self.control.judge(if error.is_nan() { f64::INFINITY } else { error });
            let next = h * factor;
            if accepts {
                self.accept(&step, if is_last { self.end } else { self.t + h });
                self.h = Some(next);
                return Ok(step);
            }
            self.rejected += 1;
            if next.abs() < min_step {
                return Err(match norm.is_finite() {
                    true => SolveError::StepTooSmall { t: self.t, step: next, min_step, error, tolerance },
                    false => SolveError::NotFinite { t: self.t, step: h, norm },
                });
            }
            h = next;
        }
    }

    fn first_step(&mut self) -> Result<f64, SolveError> {
        let (span, tolerance) = (self.end - self.begin, self.solver.tolerance);
        let (state, rate) = (self.state.clone(), self.rate());
        let size = |x: &State| x.relative_norm(&state, &state, tolerance);
        let sizes = [size(&state), size(&rate)];
        if let Some(norm) = [state.norm(), rate.norm()].into_iter().find(|norm| !norm.is_finite()) {
            return Err(SolveError::NotFinite { t: self.t, step: 0.0, norm });
        }
        let trial = control::trial(sizes[0], sizes[1]).min(span.abs());
        let h = trial * span.signum();
        self.evaluations += 1;
        let moved = (self.equation)(self.t + h, &state.plus(&[(h, &rate)]));
        let curvature = size(&moved.plus(&[(-1.0, &rate)])) / trial;
        let first = control::first(trial, sizes[1], curvature, self.tableau.order);
        // Not even the shortest step is too long to begin with.
        let shortest = self.solver.min_step * span.abs();
        let first = if first.is_finite() { first.max(shortest) } else { shortest };
        Ok(first.min(span.abs()) * span.signum())
    }
}
