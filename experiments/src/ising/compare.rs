//! All methods on the same samples.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_physics::{
    Pairwise,
    inverse::{Moments, Samples, coupling_error, field_error},
};
use gibbs_report::{Axis, Figure};
use serde_json::{Value, json};

use super::{Method, config, data, draws, evaluate, methods::Work, pictures};
use crate::{boltzmann::check_counts, cli::Preset, experiment::Experiment, system::SystemArgs};

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
    #[arg(long = "method", value_enum, value_name = "METHOD")]
    pub methods: Vec<Method>,
    /// Seed of samples and chains
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

impl Compare {
    /// Draws samples, runs every method, prints one JSON object, writes it and a picture.
    ///
    /// # Errors
    /// A system that is none, or a folder that cannot be written.
    #[allow(clippy::print_stderr, clippy::print_stdout, reason = "the table on stderr, the result on stdout")]
    pub(super) fn run(&self) -> Result<()> {
        check_counts(&[("--samples", self.samples)])?;
        let (model, train) = config::preset(Preset::Default);
        let system = data::settled(&self.system.over(model.system))?;
        let truth = data::absorbed(&system)?;
        // Those of the training split of `train`.
        let noise = Noise::new(self.seed, "samples/train");
        let (spins, how) = draws::draw(&truth, self.samples, train.walk, &noise)?;
        let samples = Samples::new(&spins, system.build()?.n_spins())?;
        eprintln!(
            "{}: {} samples, {} of them different, {how}",
            system.describe(),
            self.samples,
            samples.distinct()
        );
        eprintln!(
            "{:<18} {:>10} {:>10} {:>10} {:>9}",
            "method", "error of J", "rms of h", "moments", "seconds"
        );

        let methods = if self.methods.is_empty() { &Method::ALL[..] } else { &self.methods };
        let mut rows = Vec::new();
        let mut figure = Figure::new(Axis::new("true coupling \u{3b2}J")).columns(2).width(1000);
        for &method in methods {
            let start = Instant::now();
            let outcome = learn(method, &samples, &train, self.seed);
            let seconds = start.elapsed().as_secs_f64();
            let row = match outcome {
                Err(error) => {
                    eprintln!("{:<18} {error}", method.name());
                    json!({ "method": method.name(), "error": error.to_string() })
                }
                Ok((learned, steps)) => {
                    figure = figure.panel(pictures::reconstruction(method.name(), &learned, &truth));
                    let row = row(method, &learned, &truth, &samples)?;
                    let figure = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
                    eprintln!(
                        "{:<18} {:>8.2} % {:>10.5} {:>10.1e} {seconds:>9.2}",
                        method.name(),
                        100.0 * figure("coupling_error"),
                        figure("field_error_rms"),
                        figure("moments_gap"),
                    );
                    with(row, json!({ "steps": steps, "seconds": seconds }))
                }
            };
            rows.push(row);
        }
        let result = json!({
            "experiment": super::IsingExperiment::NAME,
            "system": system,
            "samples": self.samples,
            "seed": self.seed,
            "methods": rows,
        });
        let name = format!("ising-compare-{}-s{}", system.kind.name(), self.seed);
        let folder = self.folder.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
        std::fs::create_dir_all(&folder)?;
        gibbs_train::atomic::write(folder.join("compare.json"), result.to_string().as_bytes())?;
        if rows_ok(&result) {
            figure.save(folder.join("compare.png"))?;
            figure.save(folder.join("compare.svg"))?;
        }
        eprintln!("wrote {}", folder.display());
        println!("{result}");
        Ok(())
    }
}

/// Whether a method came to an end, so that there is something to draw.
fn rows_ok(result: &Value) -> bool {
    result["methods"].as_array().is_some_and(|rows| rows.iter().any(|row| row.get("error").is_none()))
}

/// The couplings that a method finds, and its steps.
fn learn(
    method: Method,
    samples: &Samples,
    train: &super::IsingTrain,
    seed: u64,
) -> Result<(Pairwise, usize)> {
    let noise = Noise::new(seed, "chains");
    let mut work = Work::new(method, samples.clone(), train, &noise)?;
    let (tolerance, mut gradient, mut steps) = (work.tolerance(train), f64::INFINITY, 0);
    while steps < work.max_steps(train) && gradient > tolerance {
        gradient = work.step()?;
        steps += 1;
    }
    Ok((work.couplings()?, steps))
}

/// The figures of a method.
fn row(method: Method, learned: &Pairwise, truth: &Pairwise, samples: &Samples) -> Result<Value> {
    let row = json!({
        "method": method.name(),
        "coupling_error": coupling_error(learned, truth).relative,
        "coupling_error_rms": coupling_error(learned, truth).rms,
        "field_error_rms": field_error(learned, truth).rms,
    });
    Ok(match evaluate::enumeration(learned)? {
        Some(exact) => {
            let gap = samples.moments().gap(&Moments::from(&exact));
            with(row, json!({ "moments_gap": gap }))
        }
        None => row,
    })
}

/// An object with the entries of another.
fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
