//! The command `measure`: a Hamiltonian sampled without bias with the help of a flow that was trained on it.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_core::Energy;
use gibbs_flow::{LatentHmc, abs_mean, independent_proposals};
use gibbs_physics::monte_carlo::TimeAverage;
use gibbs_report::format_value;
use gibbs_train::{atomic, run_folder::RunFolder};
use serde_json::json;

use super::RealNvpExperiment;
use crate::{
    boltzmann::check_counts,
    cli::Shared,
    evaluation::Evaluation,
    experiment::{self, Experiment},
    fault::Fault,
    hamiltonian::{AT_ONCE, IMAGES, Target},
};

/// Flags of `realnvp measure`.
#[derive(Args, Debug)]
pub struct Measure {
    /// Run folder of a flow trained on a Hamiltonian; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// Chains, side by side
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub chains: usize,
    /// Measurements of each chain, one for each trajectory
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub measurements: usize,
    /// Trajectories before the first measurement, in which the step size is found
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub burn_in: usize,
    /// Leapfrog steps of a trajectory
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub leapfrog: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

/// Where the chains walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    /// That of the base of the flow.
    Latent,
    /// That of the Hamiltonian, without the flow.
    Data,
}

/// What the chains of one method measured, as series of values in the order of [`NAMES`].
struct Series {
    method: &'static str,
    values: Vec<Vec<Vec<f64>>>,
    step_size: Option<f64>,
}

/// The observables, and their units.
const NAMES: [(&str, &str); 3] =
    [("energy_per_site", "kT"), ("abs_mean", "fields"), ("acceptance", "of proposals")];

impl Series {
    /// Means with errors that know of autocorrelation, and the times of it, in steps of the chain.
    fn figures(&self) -> Evaluation {
        let mut figures = Evaluation::default();
        for ((name, unit), chains) in NAMES.iter().zip(&self.values) {
            let average = TimeAverage::mean(chains);
            figures.add(name, &average.estimate, unit);
            figures.add(&format!("{name}_time"), &average.time, "steps");
        }
        figures
    }
}

impl Measure {
    /// Measures, prints one JSON object and writes it into the run folder.
    #[allow(clippy::print_stderr, clippy::print_stdout, reason = "a table on stderr, the result on stdout")]
    pub(super) fn run(&self, shared: &Shared) -> Result<()> {
        check_counts(&[
            ("--chains", self.chains),
            ("--measurements", self.measurements),
            ("--burn-in", self.burn_in),
            ("--leapfrog", self.leapfrog),
        ])?;
        let (_, device) = experiment::device(shared)?;
        let (config, experiment) = experiment::load_run::<RealNvpExperiment>(&self.run_dir, &device)?;
        let Some(target) = &experiment.target else {
            return Err(Fault::usage(format!(
                "{}: a flow of data has no Hamiltonian to measure; train one with --model",
                self.run_dir.display()
            )));
        };
        let start = Instant::now();
        let measured = [
            proposals(&experiment, target, &mut Noise::new(self.seed, "proposals")),
            self.walk(&experiment, target, Space::Latent),
            self.walk(&experiment, target, Space::Data),
        ];
        let figures: Vec<Evaluation> = measured.iter().map(Series::figures).collect();
        show(&measured, &figures);
        let methods = measured.iter().zip(&figures).map(|(series, figures)| {
            json!({ "method": series.method, "step_size": series.step_size, "metrics": figures.metrics() })
        });
        let result = json!({
            "experiment": RealNvpExperiment::NAME,
            "system": config.model.system,
            "chains": self.chains,
            "measurements": self.measurements,
            "burn_in": self.burn_in,
            "leapfrog": self.leapfrog,
            "seed": self.seed,
            "seconds": start.elapsed().as_secs_f64(),
            "methods": methods.collect::<Vec<_>>(),
        });
        let path = RunFolder::read(&self.run_dir)?.named("measure.json");
        atomic::write(&path, result.to_string().as_bytes())?;
        eprintln!("wrote {}", path.display());
        println!("{result}");
        Ok(())
    }

    /// Hamiltonian Monte Carlo from draws of the flow.
    fn walk(&self, experiment: &RealNvpExperiment, target: &Target, space: Space) -> Series {
        let noise = &mut Noise::new(self.seed, "walk");
        let start = experiment.draw(self.chains, None, 1.0, noise);
        let hmc =
            LatentHmc { measurements: self.measurements, burn_in: self.burn_in, leapfrog: self.leapfrog };
        let potential = &target.law.potential;
        let per_site = (target.law.n_variables() as f64).recip();
        let observables = |x: &Tensor<2>| vec![potential.energy(x.clone()) * per_site, abs_mean(x.clone())];
        let (flow, method) = match space {
            Space::Latent => (Some(&experiment.flow), "latent_hmc"),
            Space::Data => (None, "hmc"),
        };
        let series = hmc.run(flow, potential, &target.group, start, observables, noise);
        Series { method, values: series.values, step_size: series.step_size }
    }
}

/// Draws of the flow as proposals that do not depend on where the chain is: one chain, of as many draws as `eval` takes.
fn proposals(experiment: &RealNvpExperiment, target: &Target, noise: &mut Noise) -> Series {
    let model = target.symmetrized(experiment.flow.clone());
    let n = experiment.config.train.variational.draws(IMAGES, target.group.order());
    let per_site = (target.law.n_variables() as f64).recip();
    let potential = &target.law.potential;
    let series = independent_proposals(&model, potential, [n, AT_ONCE], per_site, abs_mean, noise);
    Series { method: "independent_proposals", values: series.values, step_size: None }
}

/// The figures as lines on stderr.
#[allow(clippy::print_stderr, reason = "the table is for the reader at the terminal")]
fn show(measured: &[Series], figures: &[Evaluation]) {
    let cells = |figures: &Evaluation| -> Vec<String> {
        figures.rows().map(|row| format_value(row.value, row.std_err)).collect()
    };
    let line = |name: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>22}")).collect();
        eprintln!("{name:<22}{cells}");
    };
    let heads: Vec<String> = figures[0].rows().map(|row| row.name.replace('_', " ")).collect();
    line("", &heads);
    for (series, figures) in measured.iter().zip(figures) {
        line(&series.method.replace('_', " "), &cells(figures));
    }
}
