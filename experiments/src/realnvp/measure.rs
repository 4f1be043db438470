//! The command `measure`: a Hamiltonian sampled without bias with the help of a flow that was trained on it.

use std::time::Instant;

use gibbs_core::Energy;
use gibbs_flow::{Flow, HmcSeries, LatentHmc, abs_mean, independent_proposals};
use gibbs_physics::monte_carlo::TimeAverage;
use gibbs_train::{atomic, run_folder::RunFolder};

use super::RealNvpExperiment;
use crate::{
    output::{note, print_json},
    prelude::*,
    usage::check_counts,
    variational::{AT_ONCE, IMAGES, SymmetrizedTarget},
};

/// Flags of `realnvp measure`.
#[derive(Args, Debug)]
pub struct Measure {
    /// Run folder of a flow trained on a Hamiltonian; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// Chains in parallel
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

/// The observables, and their units, in the order of the series.
const OBSERVABLES: [(&str, &str); 3] =
    [("energy_per_site", "kT"), ("abs_mean", "fields"), ("acceptance", "of proposals")];

impl Measure {
    /// Measures, prints one JSON object and writes it to the run folder.
    ///
    /// # Errors
    /// A run on data, or a file that cannot be written.
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
            refuse!(
                "{}: a flow of data has no Hamiltonian to measure; train one with --model",
                self.run_dir.display()
            );
        };
        let start = Instant::now();
        let series = [
            ("independent_proposals", self.proposals(&experiment, target)),
            ("latent_hmc", self.chains_of(&experiment, target, Some(&experiment.model.model))?),
            ("hmc", self.chains_of(&experiment, target, None)?),
        ];
        let measured = series.map(|(method, series)| (method, metrics(&series), series.step_size));
        show(&measured);
        let methods = measured.iter().map(|(method, metrics, step_size)| {
            json!({ "method": method, "step_size": step_size, "metrics": metrics.metrics() })
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
        note(format!("wrote {}", path.display()));
        print_json(&result, shared.json)
    }

    /// Hamiltonian Monte Carlo from draws of the model, in the latent space of a flow or without one.
    fn chains_of(
        &self,
        experiment: &RealNvpExperiment,
        target: &SymmetrizedTarget,
        flow: Option<&Flow>,
    ) -> Result<HmcSeries> {
        let noise = &mut Noise::new(self.seed, "walk");
        let start = experiment.draw_plain(self.chains, NoFlags {}, noise)?;
        let hmc =
            LatentHmc { measurements: self.measurements, burn_in: self.burn_in, leapfrog: self.leapfrog };
        let potential = &target.density.potential;
        let per_site = (target.density.n_variables() as f64).recip();
        let observables = |x: &Tensor<2>| vec![potential.energy(x.clone()) * per_site, abs_mean(x.clone())];
        Ok(hmc.run(flow, potential, &target.group, start, observables, noise))
    }

    /// Draws of the model as independent proposals: one chain, of as many draws as `eval` takes.
    fn proposals(&self, experiment: &RealNvpExperiment, target: &SymmetrizedTarget) -> HmcSeries {
        let model = target.symmetrized(experiment.model.clone());
        let n = experiment.config.train.family.draws(IMAGES, target.group.order());
        let per_site = (target.density.n_variables() as f64).recip();
        let (potential, noise) = (&target.density.potential, &mut Noise::new(self.seed, "proposals"));
        independent_proposals(&model, potential, [n, AT_ONCE], per_site, abs_mean, noise)
    }
}

/// Means with errors that account for autocorrelation, and autocorrelation times in steps of the chain.
fn metrics(series: &HmcSeries) -> Evaluation {
    let mut metrics = Evaluation::default();
    for ((name, unit), chains) in OBSERVABLES.iter().zip(&series.values) {
        let average = TimeAverage::mean(chains);
        metrics.add(name, &average.estimate, unit);
        metrics.add(&format!("{name}_time"), &average.time, "steps");
    }
    metrics
}

/// The metrics as a table on stderr.
fn show(measured: &[(&str, Evaluation, Option<f64>)]) {
    let line = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>22}")).collect();
        note(format!("{name:<22}{cells}"));
    };
    line("", measured[0].1.read().iter().map(|metric| metric.name.replace('_', " ")).collect());
    for (method, metrics, _) in measured {
        let method = method.replace('_', " ");
        line(&method, metrics.read().iter().map(gibbs_runs::Metric::text).collect());
        metrics.warnings().for_each(|warning| note(format!("warning: {warning} ({method})")));
    }
}
