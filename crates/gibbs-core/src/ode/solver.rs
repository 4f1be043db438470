//! The choice of a method and its steps.

use burn::config::Config;

use super::{Integrator, Method, Solution, SolveError, State};
use crate::ConfigError;

/// Default of the most steps of a solve with step control.
const MAX_STEPS: usize = 10_000;

/// Method and steps of a solve.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct Solver {
    /// The method.
    pub method: Method,
    /// Number of equal steps. `None` chooses the steps by the estimated error, for methods that estimate it.
    #[config(default = "None")]
    pub steps: Option<usize>,
    /// With step control: the error allowed in a step, absolute for numbers below 1 and relative above, as a root mean square
    /// over the whole state. Below 1e-6 the rounding of f32 is mistaken for an error.
    #[config(default = 1e-5)]
    pub tolerance: f64,
    /// With step control: the shortest step, as a part of the whole time, above 0.
    #[config(default = 1e-6)]
    pub min_step: f64,
    /// With step control: the most steps, at least 1, those that were too long included.
    #[config(default = "MAX_STEPS")]
    pub max_steps: usize,
}

impl Solver {
    /// A solver with a fixed number of equal steps.
    pub fn fixed(method: Method, steps: usize) -> Self {
        Self::new(method).with_steps(Some(steps))
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, or a method that needs a number of steps and has none.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let part = |field, value: f64| {
            ConfigError::require(value > 0.0 && value < 1.0, field, value, "must be above 0 and below 1")
        };
        match self.steps {
            Some(steps) => ConfigError::at_least("steps", steps, 1),
            None if self.method.tableau().error.is_none() => Err(ConfigError::new(
                "method",
                self.method.name(),
                "this method does not estimate its error, so it cannot choose its steps: give their number (steps), or take \
                 dormand_prince or tsitouras",
            )),
            None => {
                part("tolerance", self.tolerance)?;
                part("min_step", self.min_step)?;
                ConfigError::at_least("max_steps", self.max_steps, 1)
            }
        }
    }

    /// The state at the end of `span = [begin, end]`, which may run backward in time.
    ///
    /// # Errors
    /// If the solution stops being finite, or the steps become too short or too many.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails.
    pub fn solve(
        &self,
        equation: &impl Fn(f64, &State) -> State,
        start: State,
        span: [f64; 2],
    ) -> Result<Solution, SolveError> {
        let mut integrator = Integrator::new(equation, *self, start, span);
        while integrator.step()?.is_some() {}
        Ok(integrator.into_solution())
    }

    /// The states at `times`, which follow each other from the beginning of `span` to its end, by dense output.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails.
    pub fn states(
        &self,
        equation: &impl Fn(f64, &State) -> State,
        start: State,
        span: [f64; 2],
        times: &[f64],
    ) -> Result<Vec<State>, SolveError> {
        let mut integrator = Integrator::new(equation, *self, start.clone(), span);
        let forward = (span[1] - span[0]).signum();
        let (mut states, mut times) = (Vec::with_capacity(times.len()), times.iter().copied().peekable());
        while times.next_if(|t| forward * (t - span[0]) <= 0.0).is_some() {
            states.push(start.clone());
        }
        while let Some(step) = integrator.step()? {
            while let Some(t) = times.next_if(|t| forward * (t - step.t - step.h) <= 0.0) {
                states.push(integrator.between(&step, (t - step.t) / step.h));
            }
        }
        let end = integrator.into_solution().state;
        states.extend(times.map(|_| end.clone()));
        Ok(states)
    }
}
