//! The command `measure`: a Hamiltonian sampled without bias with the help of a flow that was trained on it.

use std::time::Instant;

use gibbs_core::{Energy, Sample, math::row_sums, symmetry::Symmetry};
use gibbs_flow::{Flow, HalfSpace, HmcSeries, LatentHmc, abs_mean, independent_proposals};
use gibbs_physics::{monte_carlo::TimeAverage, system::ContinuousSystemConfig};
use gibbs_train::{atomic, run_folder::RunFolder};

use super::{RealNvpExperiment, correlations::Fields, scan};
use crate::{
    output::{note, print_json},
    prelude::*,
    usage::check_counts,
    variational::{AT_ONCE, IMAGES, SymmetrizedTarget},
};

/// Flags of `realnvp measure`.
#[derive(Args, Debug)]
pub struct Measure {
    /// Run folders of flows trained on Hamiltonians; config.json and model.safetensors are enough
    #[arg(required = true, num_args = 1..)]
    pub run_dirs: Vec<PathBuf>,
    /// Draw the autocorrelation times of all runs against temperature or size
    #[arg(long, value_name = "FILE.png")]
    pub plot: Option<PathBuf>,
    /// Chains in parallel
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub chains: usize,
    /// Measurements of each chain in latent space, one for each trajectory; 4 times as many without the flow
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

/// What one method measured.
pub(super) struct MeasuredMethod {
    pub(super) method: &'static str,
    pub(super) metrics: Evaluation,
    step_size: Option<f64>,
}

impl MeasuredMethod {
    fn to_json(&self) -> Value {
        json!({ "method": self.method, "step_size": self.step_size, "metrics": self.metrics.metrics() })
    }
}

/// What was measured of one run.
pub(super) struct MeasuredRun {
    pub(super) system: ContinuousSystemConfig,
    pub(super) n_variables: usize,
    pub(super) methods: [MeasuredMethod; 3],
    result: Value,
}

/// Draws of a flow for each chain. The chains start from those of lowest energy, as a bad flow has draws far from all fields.
const DRAWS_OF_CHAIN: usize = 8;

/// Measurements of a chain without a flow for each of one with it: its trajectories cost less and decorrelate later.
const PLAIN: usize = 4;

/// The observables, and their units, in the order of the series.
const OBSERVABLES: [(&str, &str); 3] =
    [("energy_per_site", "kT"), ("abs_mean", "fields"), ("acceptance", "of proposals")];

impl Measure {
    /// Measures each run, writes a JSON object to its folder, and prints it, or a list of them.
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
        let runs = self.run_dirs.iter().map(|folder| self.measured(folder, &device));
        let runs = runs.collect::<Result<Vec<_>>>()?;
        if runs.len() > 1 {
            scan::show(&runs);
        }
        if let Some(file) = &self.plot {
            scan::figure(&runs).save(file)?;
            note(format!("wrote {}", file.display()));
        }
        let results: Vec<&Value> = runs.iter().map(|run| &run.result).collect();
        match results[..] {
            [result] => print_json(result, shared.json),
            _ => print_json(&json!(results), shared.json),
        }
    }

    fn measured(&self, folder: &Path, device: &Device) -> Result<MeasuredRun> {
        let (config, experiment) = experiment::load_run::<RealNvpExperiment>(folder, device)?;
        let Some(target) = &experiment.target else {
            refuse!(
                "{}: a flow of data has no Hamiltonian to measure; train one with --model",
                folder.display()
            );
        };
        let files = RunFolder::read(folder)?;
        let system = config.model.system.clone().unwrap_or_default();
        note(format!("{}: {}", folder.display(), system.describe()));
        let start = Instant::now();
        let (flow, mut fields) = (&experiment.model.model, Fields::default());
        let series = [
            ("independent_proposals", self.proposals(&experiment, target)),
            ("latent_hmc", self.chains_of(flow, target, false, |x| fields.add(x))),
            ("hmc", self.chains_of(flow, target, true, |_| ())),
        ];
        let methods = series.map(|(method, series)| MeasuredMethod {
            method,
            metrics: metrics(&series),
            step_size: series.step_size,
        });
        show(&methods);
        let correlations = fields.correlations(&experiment, target);
        correlations.figure().save(files.named("correlations.png"))?;
        let result = json!({
            "experiment": RealNvpExperiment::NAME,
            "system": system,
            "chains": self.chains,
            "measurements": self.measurements,
            "burn_in": self.burn_in,
            "leapfrog": self.leapfrog,
            "seed": self.seed,
            "seconds": start.elapsed().as_secs_f64(),
            "methods": methods.iter().map(MeasuredMethod::to_json).collect::<Vec<_>>(),
            "metrics": correlations.metrics().metrics(),
        });
        let path = files.named("measure.json");
        atomic::write(&path, result.to_string().as_bytes())?;
        note(format!("wrote {}", path.display()));
        Ok(MeasuredRun { system, n_variables: target.density.n_variables(), methods, result })
    }

    /// Hamiltonian Monte Carlo from draws of a flow, in its latent space or `is_plain`, without it. `see` is shown the fields of each
    /// measurement. All observables are even, so chains of an even energy in latent space keep to the half where most draws of the flow are.
    fn chains_of(
        &self,
        flow: &Flow,
        target: &SymmetrizedTarget,
        is_plain: bool,
        mut see: impl FnMut(&Tensor<2>),
    ) -> HmcSeries {
        let (noise, potential) = (&mut Noise::new(self.seed, "walk"), &target.density.potential);
        let draws = flow.sample(DRAWS_OF_CHAIN * self.chains, noise);
        let is_even = target.group.elements().iter().any(Symmetry::negates);
        let majority: f64 = to_host(row_sums(draws.clone())).into_iter().map(f64::signum).sum();
        let half =
            HalfSpace { energy: potential.clone(), sign: if is_even { majority.signum() } else { 0.0 } };
        let lowest = lowest(&to_host(half.energy(draws.clone())), self.chains, &draws.device());
        let start = draws.select(0, lowest);

        let measurements = self.measurements * if is_plain { PLAIN } else { 1 };
        let hmc = LatentHmc { measurements, burn_in: self.burn_in, leapfrog: self.leapfrog };
        let per_site = (target.density.n_variables() as f64).recip();
        let observables = |x: &Tensor<2>| {
            see(x);
            vec![potential.energy(x.clone()) * per_site, abs_mean(x.clone())]
        };
        match is_plain {
            true => hmc.run(None, potential, &target.group, start, observables, noise),
            false => hmc.run(Some(flow), &half, &target.group.without_negations(), start, observables, noise),
        }
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

/// The rows of the `n` lowest energies; NaN is the highest.
fn lowest(energies: &[f64], n: usize, device: &Device) -> Tensor<1, Int> {
    let mut rows: Vec<i64> = (0..energies.len() as i64).collect();
    let energy = |row: i64| Some(energies[row as usize]).filter(|x| !x.is_nan()).unwrap_or(f64::INFINITY);
    rows.sort_by(|&a, &b| energy(a).total_cmp(&energy(b)));
    rows.truncate(n);
    Tensor::from_data(TensorData::new(rows, [n]), device)
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
fn show(measured: &[MeasuredMethod]) {
    let line = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>22}")).collect();
        note(format!("{name:<22}{cells}"));
    };
    line("", measured[0].metrics.read().iter().map(|metric| metric.name.replace('_', " ")).collect());
    for MeasuredMethod { method, metrics, .. } in measured {
        let method = method.replace('_', " ");
        line(&method, metrics.read().iter().map(gibbs_runs::Metric::text).collect());
        metrics.warnings().for_each(|warning| note(format!("warning: {warning} ({method})")));
    }
}
