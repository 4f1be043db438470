//! Schedules: values that change over a run, such as learning rates, momenta and temperatures.
//!
//! A [`Schedule`] is a function of the step and the length of the run. It has no state, so a checkpoint does not save it. In
//! JSON it is a number (a constant) or an object with a `kind`:
//!
//! ```text
//! 0.01
//! {"kind": "constant", "value": 0.01, "warmup_steps": 500}
//! {"kind": "linear", "from": 0.5, "to": 0.9, "steps": 3000}
//! {"kind": "exponential", "from": 0.1, "to": 0.001}
//! {"kind": "cosine", "from": 0.001, "to": 0, "warmup_steps": 1000}
//! {"kind": "piecewise", "points": [[0, 0.5], [3000, 0.9]]}
//! ```

use std::f64::consts::PI;
use std::fmt;

use gibbs_core::ConfigError;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A value as a function of the step.
///
/// Here `s` is the step, from 0, `w` the number of warm-up steps, and `n` the number of steps of change (default: all steps
/// of the run after the warm-up):
///
/// ```text
/// t = clamp((s - w) / (n - 1), 0, 1)
/// constant      value
/// linear        from + (to - from) t
/// exponential   from (to / from)^t
/// cosine        to + (from - to) (1 + cos(pi t)) / 2     Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5
/// piecewise     the value of the last point whose step is at most s; a straight line between points if `linear`
/// ```
///
/// During the warm-up the value is `(s + 1) / (w + 1)` times the value at `s = w`. After `n` steps of change it is constant.
///
/// ```
/// use gibbs_train::schedule::Schedule;
///
/// // Momentum 0.5 at first, 0.9 from step 1000 on (Hinton 2010, "A practical guide to training RBMs", section 9).
/// let momentum: Schedule = serde_json::from_str(r#"{"kind": "piecewise", "points": [[0, 0.5], [1000, 0.9]]}"#)?;
/// assert_eq!((momentum.at(999, 5000), momentum.at(1000, 5000)), (0.5, 0.9));
///
/// let rate = Schedule::cosine(0.1, 0.0);
/// assert_eq!((rate.at(0, 101), rate.at(50, 101), rate.at(100, 101)), (0.1, 0.05, 0.0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// One value, after the warm-up.
    Constant {
        /// The value.
        value: f64,
        /// Number of warm-up steps.
        warmup_steps: usize,
    },
    /// A straight line.
    Linear(Change),
    /// A geometric sequence. Both ends are positive.
    Exponential(Change),
    /// Half a period of a cosine.
    Cosine(Change),
    /// Values that begin at chosen steps.
    Piecewise {
        /// Pairs (step, value). Steps rise from 0.
        points: Vec<(usize, f64)>,
        /// Whether straight lines join the points. Otherwise the value jumps at each point.
        linear: bool,
    },
}

/// A change from one value to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The value after the warm-up.
    pub from: f64,
    /// The value at the end.
    pub to: f64,
    /// Number of steps of change. `None`: all steps of the run after the warm-up.
    #[serde(default)]
    pub steps: Option<usize>,
    /// Number of warm-up steps.
    #[serde(default)]
    pub warmup_steps: usize,
}

/// The error of an invalid schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// A value is a NaN or an infinity.
    #[error("a schedule has the value {0}; it must be a finite number")]
    NotFinite(String),
    /// An end of an exponential schedule is not positive.
    #[error(
        "an exponential schedule goes from {from} to {to}; both must be above 0 (or use the kind \"linear\")"
    )]
    NotPositive {
        /// The first value.
        from: String,
        /// The last value.
        to: String,
    },
    /// The steps of the points do not rise from 0.
    #[error("a piecewise schedule needs points with rising steps, the first at step 0; its steps are {0:?}")]
    Points(Vec<usize>),
}

impl Schedule {
    /// The constant `value`.
    pub fn constant(value: f64) -> Self {
        Self::Constant { value, warmup_steps: 0 }
    }

    /// A straight line over the whole run.
    pub fn linear(from: f64, to: f64) -> Self {
        Self::Linear(Change { from, to, steps: None, warmup_steps: 0 })
    }

    /// A geometric sequence over the whole run.
    pub fn exponential(from: f64, to: f64) -> Self {
        Self::Exponential(Change { from, to, steps: None, warmup_steps: 0 })
    }

    /// Half a cosine over the whole run.
    pub fn cosine(from: f64, to: f64) -> Self {
        Self::Cosine(Change { from, to, steps: None, warmup_steps: 0 })
    }

    /// Returns the schedule with `steps` warm-up steps. A piecewise schedule stays unchanged.
    #[must_use]
    pub fn with_warmup(mut self, steps: usize) -> Self {
        match &mut self {
            Self::Constant { warmup_steps, .. } => *warmup_steps = steps,
            Self::Linear(change) | Self::Exponential(change) | Self::Cosine(change) => {
                change.warmup_steps = steps
            }
            Self::Piecewise { .. } => {}
        }
        self
    }

    /// Returns the schedule with a change that ends after `steps` steps instead of at the end of the run.
    #[must_use]
    pub fn over(mut self, steps: usize) -> Self {
        if let Self::Linear(change) | Self::Exponential(change) | Self::Cosine(change) = &mut self {
            change.steps = Some(steps);
        }
        self
    }

    /// Number of warm-up steps.
    pub fn warmup_steps(&self) -> usize {
        match self {
            Self::Constant { warmup_steps, .. } => *warmup_steps,
            Self::Linear(change) | Self::Exponential(change) | Self::Cosine(change) => change.warmup_steps,
            Self::Piecewise { .. } => 0,
        }
    }

    /// The value at `step`, from 0, in a run of `total_steps` steps.
    pub fn at(&self, step: usize, total_steps: usize) -> f64 {
        match self {
            Self::Constant { value, warmup_steps } => value * warmup(step, *warmup_steps),
            Self::Linear(change) => change.at(step, total_steps, |from, to, t| from + (to - from) * t),
            Self::Exponential(change) => {
                change.at(step, total_steps, |from, to, t| from * (to / from).powf(t))
            }
            Self::Cosine(change) => {
                change.at(step, total_steps, |from, to, t| to + (from - to) * (1.0 + (PI * t).cos()) / 2.0)
            }
            Self::Piecewise { points, linear } => piecewise(points, *linear, step),
        }
    }

    /// Checks the values and the points.
    ///
    /// # Errors
    /// [`ScheduleError`] for a value that is not finite, an exponential end that is not positive, or points out of order.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        let values: Vec<f64> = match self {
            Self::Constant { value, .. } => vec![*value],
            Self::Linear(change) | Self::Exponential(change) | Self::Cosine(change) => {
                vec![change.from, change.to]
            }
            Self::Piecewise { points, .. } => points.iter().map(|(_, value)| *value).collect(),
        };
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(ScheduleError::NotFinite(value.to_string()));
        }
        match self {
            Self::Exponential(Change { from, to, .. }) if *from <= 0.0 || *to <= 0.0 => {
                Err(ScheduleError::NotPositive { from: from.to_string(), to: to.to_string() })
            }
            Self::Piecewise { points, .. } => {
                let steps: Vec<usize> = points.iter().map(|(step, _)| *step).collect();
                let rising = steps.first() == Some(&0) && steps.windows(2).all(|pair| pair[0] < pair[1]);
                if rising { Ok(()) } else { Err(ScheduleError::Points(steps)) }
            }
            _ => Ok(()),
        }
    }

    /// Checks the values of a run of 100 steps with the condition `allowed`. `rule` describes the condition in the error.
    ///
    /// # Errors
    /// [`ConfigError`] for the field `name` with the first value that is not allowed.
    pub fn check(&self, name: &str, allowed: impl Fn(f64) -> bool, rule: &str) -> Result<(), ConfigError> {
        const STEPS: usize = 100;
        self.validate().map_err(|error| ConfigError::new(name, "a schedule", error.to_string()))?;
        let values = (0..STEPS).map(|step| self.at(step, STEPS));
        match values.into_iter().find(|value| !allowed(*value)) {
            Some(value) => Err(ConfigError::new(name, value, rule)),
            None => Ok(()),
        }
    }
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Self::constant(value)
    }
}

fn warmup(step: usize, warmup_steps: usize) -> f64 {
    if step < warmup_steps { (step + 1) as f64 / (warmup_steps + 1) as f64 } else { 1.0 }
}

impl Change {
    fn at(&self, step: usize, total_steps: usize, shape: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let steps = self.steps.unwrap_or(total_steps.saturating_sub(self.warmup_steps));
        let done = step.saturating_sub(self.warmup_steps);
        if done > 0 && done + 1 >= steps {
            return self.to;
        }
        let t = if done == 0 { 0.0 } else { done as f64 / (steps - 1) as f64 };
        shape(self.from, self.to, t) * warmup(step, self.warmup_steps)
    }
}

fn piecewise(points: &[(usize, f64)], linear: bool, step: usize) -> f64 {
    let next = points.partition_point(|(from, _)| *from <= step);
    let Some(&(left, value)) = next.checked_sub(1).and_then(|last| points.get(last)) else {
        return points.first().map_or(f64::NAN, |(_, value)| *value);
    };
    match points.get(next) {
        Some(&(right, to)) if linear => value + (to - value) * (step - left) as f64 / (right - left) as f64,
        _ => value,
    }
}

/// The object form in JSON: [`Schedule`] again, for serde's derive.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Schedule", tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Tagged {
    Constant {
        value: f64,
        #[serde(default)]
        warmup_steps: usize,
    },
    Linear(Change),
    Exponential(Change),
    Cosine(Change),
    Piecewise {
        points: Vec<(usize, f64)>,
        #[serde(default)]
        linear: bool,
    },
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant { value, warmup_steps: 0 } => serializer.serialize_f64(*value),
            _ => Tagged::serialize(self, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let schedule = deserializer.deserialize_any(NumberOrObject)?;
        schedule.validate().map_err(serde::de::Error::custom)?;
        Ok(schedule)
    }
}

struct NumberOrObject;

impl<'de> Visitor<'de> for NumberOrObject {
    type Value = Schedule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a schedule such as {\"kind\":\"linear\",\"from\":0.1,\"to\":0.01}")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Schedule, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Schedule, E> {
        Ok((value as f64).into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Schedule, E> {
        Ok((value as f64).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Schedule, A::Error> {
        Tagged::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests;
