//! What all experiments with Boltzmann machines share: coding of data, training of one layer and of a stack, annealing.

pub mod annealing;
pub mod coding;
pub mod feed;
pub mod greedy;
pub mod layer;

use anyhow::Result;
use gibbs_train::schedule::Schedule;

use crate::fault::Fault;

/// Whether every value that a schedule takes is allowed, tried at a hundred steps.
///
/// # Errors
/// A value that is not, by name.
pub fn check_range(name: &str, schedule: &Schedule, allowed: impl Fn(f64) -> bool, rule: &str) -> Result<()> {
    const STEPS: usize = 100;
    schedule.validate().map_err(|error| anyhow::Error::from(error).context(name.to_string()))?;
    match (0..STEPS).map(|step| schedule.at(step, STEPS)).find(|value| !allowed(*value)) {
        Some(value) => Err(Fault::usage(format!("{name} takes the value {value}: {rule}"))),
        None => Ok(()),
    }
}

/// Whether a learning rate is one.
///
/// # Errors
/// A value below zero, by name.
pub fn check_rate(name: &str, schedule: &Schedule) -> Result<()> {
    check_range(name, schedule, |rate| rate >= 0.0, "must not be negative")
}

/// Whether counts are at least 1.
///
/// # Errors
/// The first that is not, by name.
pub fn check_counts(counts: &[(&str, usize)]) -> Result<()> {
    match counts.iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(Fault::usage(format!("{name} = 0: must be at least 1"))),
        None => Ok(()),
    }
}

/// Whether a part is in [0, 1).
///
/// # Errors
/// If it is not, by name.
pub fn check_part(name: &str, value: f64) -> Result<()> {
    match (0.0..1.0).contains(&value) {
        true => Ok(()),
        false => Err(Fault::usage(format!("{name} = {value}: must lie in [0, 1)"))),
    }
}
