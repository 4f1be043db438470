//! What the memory makes of pure noise.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_physics::memory::random_patterns;

use super::{
    HopfieldExperiment,
    config::Order,
    film::{Settings, recall},
    train::pixels,
};
use crate::{cli::Sample, experiment::write_draws, fault::Fault};

/// Flags of `hopfield sample`.
#[derive(Args, Debug)]
pub struct HopfieldSampleArgs {
    /// Temperature of the heat bath, in units of the energy; 0 goes downhill to the end
    #[arg(long, default_value_t = 0.0, value_name = "T")]
    pub temperature: f64,
    /// Most sweeps from the random start
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub sweeps: usize,
    /// Which spins are updated together; as in the run if not given
    #[arg(long, value_enum)]
    pub updates: Option<Order>,
}

/// `n` states of fair spins.
pub(super) fn noise_states(n_spins: usize, n: usize, noise: &mut Noise) -> Vec<Vec<f32>> {
    let spins = random_patterns(n_spins, n, noise);
    spins.into_iter().map(|state| state.into_iter().map(f32::from).collect()).collect()
}

pub(super) fn sample(
    experiment: &HopfieldExperiment,
    args: &Sample,
    family: &HopfieldSampleArgs,
) -> Result<PathBuf> {
    if family.sweeps == 0 {
        return Err(Fault::usage("--sweeps 0: give at least 1"));
    }
    let memory = &experiment.memory;
    let mut noise = Noise::new(args.seed, "sample");
    let starts = noise_states(memory.n_spins(), args.n, &mut noise);
    let run = Settings::of(&experiment.config);
    let settings = Settings {
        updates: family.updates.unwrap_or(run.updates),
        temperature: family.temperature,
        max_steps: family.sweeps,
        ..run
    };
    let films = recall(memory, &starts, &settings, &noise)?;
    let values: Vec<f32> = films.iter().flat_map(|film| pixels(film.last())).collect();
    let (rows, columns) = experiment.shape();
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    write_draws(&out, &values, &values, [args.n, rows, columns])?;
    Ok(out)
}
