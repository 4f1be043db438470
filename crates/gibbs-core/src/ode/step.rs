//! One step of a method.

use super::{State, tableau::Tableau};

/// A step from `t` to `t + h`.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it begins.
    pub t: f64,
    /// How far it goes; negative backward in time.
    pub h: f64,
    /// The state at `t`.
    pub before: State,
    /// The state at `t + h`.
    pub after: State,
    /// Estimate of the error of `after`, where the method has one.
    pub error: Option<State>,
    /// Rates of the stages.
    pub(super) stages: Vec<State>,
}

impl Tableau {
    /// The step of length `h` from `before` at `t`, where the rate is `rate`.
    pub fn step(
        &self,
        equation: &impl Fn(f64, &State) -> State,
        t: f64,
        h: f64,
        before: State,
        rate: State,
    ) -> Step {
        let mut stages = vec![rate];
        let weighted = |weights: &[f64], stages: &[State]| {
            let terms: Vec<(f64, &State)> = weights.iter().map(|w| h * w).zip(stages).collect();
            before.plus(&terms)
        };
        for (c, a) in self.c.iter().zip(self.a).skip(1) {
            let at = weighted(a, &stages);
            stages.push(equation(t + c * h, &at));
        }
        let after = weighted(self.b, &stages);
        let error = self
            .error
            .and_then(|weights| State::sum(&weights.iter().map(|w| h * w).zip(&stages).collect::<Vec<_>>()));
        Step { t, h, before, after, error, stages }
    }

    /// The solution at the part `theta` of `step`, from 0 to 1, given the rate at its end.
    pub fn between(&self, step: &Step, rate_after: &State, theta: f64) -> State {
        self.dense.state(step, rate_after, theta)
    }
}
