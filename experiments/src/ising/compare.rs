//! All methods on the same samples.

use std::time::Instant;

use gibbs_physics::{
    inverse::{InverseMethod, IterativeEstimator, Moments, Samples, Stopped, coupling_error, field_error},
    monte_carlo::draw_spins,
    system::SpinSystemKind,
};

use super::{config, evaluate, learning::estimator};
use crate::{
    output::note,
    prelude::*,
    system::{self, SystemArgs, choices},
    usage::check_counts,
};

/// Flags of `ising compare`.
#[derive(Args, Debug)]
pub struct Compare {
    /// Folder for compare.json and compare.png; runs/ising-compare-MODEL-sSEED if not given
    pub folder: Option<PathBuf>,
    /// The true system; sk with 16 spins at beta 0.3 if not given
    #[command(flatten)]
    pub system: SystemArgs,
    /// Samples to learn from
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub samples: usize,
    /// Methods to compare; all if not given
    #[arg(long = "method", value_parser = choices!(InverseMethod), value_name = "METHOD")]
    pub methods: Vec<InverseMethod>,
    /// Seed of samples and chains
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

impl Compare {
    /// Draws samples, runs every method, prints one JSON object, writes it and a picture.
    ///
    /// # Errors
    /// Settings that make no system, or a folder that cannot be written.
    pub(super) fn run(&self, shared: &Shared) -> Result<()> {
        check_counts(&[("--samples", self.samples)])?;
        let train = config::train(Preset::Default);
        let system = system::build(&self.system.over(SpinSystemKind::Sk, config::default_truth))?;
        let truth = system.hamiltonian.scaled(system.config.beta)?;
        // The samples of the training split of `train`.
        let noise = Noise::new(self.seed, "samples/train");
        let (spins, how) = draw_spins(&truth, self.samples, train.walk, &noise)?;
        let samples = Samples::new(&spins, system.n_spins())?;
        note(format!(
            "{}: {} samples, {} of them different, {how}",
            system.config.describe(),
            self.samples,
            samples.distinct()
        ));
        let [method, error, rms, moments, seconds] =
            ["method", "error of J", "rms of h", "moments", "seconds"];
        note(format!("{method:<18} {error:>10} {rms:>10} {moments:>10} {seconds:>9}"));

        let methods = if self.methods.is_empty() { InverseMethod::ALL } else { &self.methods };
        let mut rows = Vec::new();
        let mut figure = Figure::new(Axis::new("true coupling \u{3b2}J")).columns(2).width(1000);
        let mut n_panels = 0;
        for &method in methods {
            let start = Instant::now();
            let outcome = estimator(method, samples.clone(), &train, self.seed).and_then(|mut estimator| {
                let Stopped { steps, .. } = estimator.run(estimator.tolerance(), estimator.max_steps())?;
                Ok((estimator.couplings()?, steps))
            });
            let seconds = start.elapsed().as_secs_f64();
            let name = method.name();
            let (learned, steps) = match outcome {
                Ok(outcome) => outcome,
                Err(error) => {
                    note(format!("{name:<18} {error}"));
                    rows.push(json!({ "method": name, "error": error.to_string() }));
                    continue;
                }
            };
            figure = figure.panel(evaluate::reconstruction(name, &learned, &truth));
            n_panels += 1;
            let (couplings, fields) = (coupling_error(&learned, &truth), field_error(&learned, &truth));
            let exact = evaluate::enumeration(&learned)?;
            let gap = exact.map(|exact| samples.moments().gap(&Moments::from(&exact)));
            note(format!(
                "{name:<18} {:>8.2} % {:>10.5} {:>10.1e} {seconds:>9.2}",
                100.0 * couplings.relative,
                fields.rms,
                gap.unwrap_or(f64::NAN),
            ));
            let mut row = json!({
                "method": name,
                "coupling_error": couplings.relative,
                "coupling_error_rms": couplings.rms,
                "field_error_rms": fields.rms,
            });
            if let Some(gap) = gap {
                row["moments_gap"] = json!(gap);
            }
            (row["steps"], row["seconds"]) = (json!(steps), json!(seconds));
            rows.push(row);
        }
        let result = json!({
            "experiment": super::IsingExperiment::NAME,
            "system": system.config,
            "samples": self.samples,
            "seed": self.seed,
            "methods": rows,
        });
        let figure = (n_panels > 0).then_some(figure);
        super::write_result("compare", &self.folder, &system, self.seed, (&result, shared), figure.as_ref())
    }
}
