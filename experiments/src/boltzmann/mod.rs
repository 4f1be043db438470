//! What all experiments with Boltzmann machines share: coding of data, training of one layer and of a stack.

pub mod coding;
pub mod feed;
pub mod greedy;
pub mod layer;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use gibbs_train::{checkpoint::State, schedule::Schedule, training::BoxError};
use serde_json::Value;

use crate::{cli::Shorthand, fault::Fault};

/// Flags of `train` for what begins with a stack.
#[derive(Args, Debug)]
pub struct StackArgs {
    /// Take the layers of this `dbn` run, and train what comes on top of them
    #[arg(long, value_name = "RUN_DIR")]
    pub from: Option<PathBuf>,
}

impl Shorthand for StackArgs {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        self.from.iter().map(|folder| ("train.from", folder.to_string_lossy().into())).collect()
    }
}

/// Puts the stage that a run is at into a checkpoint, with what `save` puts there.
///
/// # Errors
/// Those of `save`.
pub fn save_stage(
    state: &mut State,
    name: &str,
    save: impl FnOnce(&mut State) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let mut own = State::new();
    save(&mut own)?;
    state.put("stage", name)?;
    state.absorb(name, own);
    Ok(())
}

/// Name and state of the stage in a checkpoint.
///
/// # Errors
/// A checkpoint without one.
pub fn saved_stage(state: &State) -> Result<(String, State), BoxError> {
    let name: String = state.get("stage")?;
    let own = state.clone().release(&name);
    Ok((name, own))
}

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
