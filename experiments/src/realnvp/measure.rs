//! The command `measure`: a Hamiltonian sampled without bias with the help of a flow that was trained on it.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use burn::{module::Module, prelude::*};
use clap::Args;
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, Energy,
    hmc::{DualAveraging, Hmc, HmcState},
    math::to_host,
    variational::Draws,
};
use gibbs_flow::Latent;
use gibbs_physics::monte_carlo::TimeAverage;
use gibbs_report::format_value;
use gibbs_train::{atomic, run_folder::RunFolder};
use serde_json::json;

use super::{
    RealNvpExperiment,
    hamiltonian::{AT_ONCE, IMAGES, Target},
};
use crate::{
    boltzmann::check_counts,
    cli::Shared,
    evaluation::Evaluation,
    experiment::{self, Experiment},
    fault::Fault,
};

/// Acceptance that steps are made for (Hoffman & Gelman 2014, section 4.2: 0.65 for trajectories of fixed length).
const ACCEPTANCE: f64 = 0.65;

/// Spread of the step sizes, so that no trajectory returns to where it began (Neal 2011, section 3.2: 20 %).
const JITTER: f64 = 0.2;

/// Step size tried first; burn-in finds a better one.
const FIRST_STEP: f64 = 0.1;

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
    values: [Vec<Vec<f64>>; 3],
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

    /// Hamiltonian Monte Carlo from draws of the flow. Symmetries of the Hamiltonian are steps of every chain as well: in latent
    /// space `z -> z(g·x(z))`, which leaves the law as it is.
    fn walk(&self, experiment: &RealNvpExperiment, target: &Target, space: Space) -> Series {
        let flow = experiment.flow.clone();
        let potential = &target.law.potential;
        let latent = Latent::new(flow.clone().train().no_grad(), potential.clone());
        let energy = |x: Tensor<2>| match space {
            Space::Latent => latent.energy(x),
            Space::Data => potential.energy(x),
        };
        let image = |x: Tensor<2>| match space {
            Space::Latent => flow.inverse(x, None).0,
            Space::Data => x,
        };
        let back = |x: Tensor<2>| match space {
            Space::Latent => flow.forward(x, None).0,
            Space::Data => x,
        };
        let noise = &mut Noise::new(self.seed, "walk");
        let n_sites = target.law.n_variables() as f64;
        let mut hmc = Hmc::new(FIRST_STEP, self.leapfrog).with_jitter(JITTER);
        let mut adaptation = DualAveraging::new(FIRST_STEP, ACCEPTANCE);
        let mut state = HmcState::new(&energy, back(experiment.draw(self.chains, None, 1.0, noise)));
        let mut series = [(); 3].map(|()| vec![Vec::with_capacity(self.measurements); self.chains]);
        for trajectory in 0..self.burn_in + self.measurements {
            if target.group.order() > 1 {
                let turned = target.group.scramble(image(state.x().clone()), noise);
                state = HmcState::new(&energy, back(turned));
            }
            let (next, transition) = hmc.step(&energy, state, noise);
            state = next;
            if trajectory < self.burn_in {
                adaptation.update(to_host(transition.acceptance())[0]);
                hmc = hmc.with_step_size(match trajectory + 1 == self.burn_in {
                    true => adaptation.step_size(),
                    false => adaptation.trial(),
                });
                continue;
            }
            let x = image(state.x().clone());
            let values = [potential.energy(x.clone()) * n_sites.recip(), abs_mean(x), transition.accepted];
            for (chains, values) in series.iter_mut().zip(values) {
                chains.iter_mut().zip(to_host(values)).for_each(|(chain, value)| chain.push(value));
            }
        }
        let method = match space {
            Space::Latent => "latent_hmc",
            Space::Data => "hmc",
        };
        Series { method, values: series, step_size: Some(hmc.step_size()) }
    }
}

/// Draws of the flow as proposals that do not depend on where the chain is: one chain, of as many draws as `eval` takes.
fn proposals(experiment: &RealNvpExperiment, target: &Target, noise: &mut Noise) -> Series {
    let model = target.symmetrized(experiment.flow.clone());
    let n = experiment.config.train.variational.draws(IMAGES, target.group.order());
    let mut means = Vec::with_capacity(n);
    let draws = Draws::from_model(&model, &target.law.potential, n, AT_ONCE, noise, |x| {
        means.extend(to_host(abs_mean(x.clone())));
    });
    let chain = draws.markov_chain(noise);
    let along = |values: &[f64]| vec![chain.held.iter().map(|&i| values[i]).collect()];
    let scale = (target.law.n_variables() as f64).recip();
    let energies: Vec<f64> = draws.energy().iter().map(|energy| scale * energy).collect();
    let values = [along(&energies), along(&means), vec![chain.accepted]];
    Series { method: "independent_proposals", values, step_size: None }
}

/// `|Σ_i x_i| / N`, `[n, N]` to `[n]`.
fn abs_mean(x: Tensor<2>) -> Tensor<1> {
    x.mean_dim(1).abs().squeeze_dim(1)
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
