//! A system over temperatures: energy, specific heat, magnetization, Binder's cumulant.

mod curves;
mod point;
mod table;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;
use gibbs_backend::Noise;
use rayon::prelude::*;
use serde_json::{Value, json};

use point::Point;

use super::thermal::{Measured, Plan, Walker};
use crate::{
    boltzmann::check_counts,
    experiment::Experiment,
    fault::Fault,
    system::{Reference, Spins, System, SystemArgs},
};

/// Temperatures when none are given, relative to that of the system, which is critical for the square lattice.
const AROUND: [f64; 5] = [0.9, 0.95, 1.0, 1.05, 1.1];

/// Sizes of the lattice when none are given.
const LATTICE: &str = "32x32";

/// Flags of `ising measure`.
#[derive(Args, Debug)]
pub struct Measure {
    /// Folder for measure.json and measure.png; runs/ising-measure-MODEL-sSEED if not given
    pub folder: Option<PathBuf>,
    /// The system; ising on 32x32 if not given
    #[command(flatten)]
    pub system: SystemArgs,
    /// Inverse temperatures; five temperatures from 0.9 to 1.1 times 1/beta if neither these nor temperatures are given
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "B,...",
        conflicts_with = "temperatures",
        allow_negative_numbers = true
    )]
    pub betas: Vec<f64>,
    /// Temperatures
    #[arg(long, value_delimiter = ',', value_name = "T,...", allow_negative_numbers = true)]
    pub temperatures: Vec<f64>,
    /// Method; may be repeated. Wolff's clusters where they can grow, and the heat bath, if not given
    #[arg(long = "method", value_enum, value_name = "METHOD")]
    pub methods: Vec<Walker>,
    /// Measurements of each chain
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub measurements: usize,
    /// Sweeps between two measurements; Wolff's clusters are measured after as many as touch all spins once, as much oftener
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub every: usize,
    /// Sweeps before the first measurement
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub burn_in: usize,
    /// Chains of each method; the heat bath in bits has 64 replicas instead
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub chains: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

/// Exact values per spin at one temperature.
fn exact(system: &System, spins: &Spins, beta: f64) -> Result<Value> {
    let Some(reference) = Reference::of(system, spins, beta)? else { return Ok(Value::Null) };
    let per_spin = reference.thermodynamics.per_spin(spins.n_spins());
    let mut exact = json!({
        "method": reference.method, "energy": per_spin.energy, "specific_heat": per_spin.heat_capacity,
    });
    if let Some(magnetization) = reference.magnetization {
        exact["abs_magnetization"] = json!(magnetization.abs);
        exact["binder"] = json!(magnetization.binder());
    }
    Ok(exact)
}

impl Measure {
    /// Measures, prints one JSON object, writes it and a picture.
    ///
    /// # Errors
    /// A system or temperatures that are none, a method that does not suit them, or a folder that cannot be written.
    #[allow(clippy::print_stderr, clippy::print_stdout, reason = "progress on stderr, the result on stdout")]
    pub(super) fn run(&self) -> Result<()> {
        let mut system = self.system.over(System::new());
        if system.kind.is_on_lattice() {
            system.lattice.get_or_insert_with(|| LATTICE.into());
        }
        let system = super::data::settled(&system)?;
        let spins = system.build()?;
        let betas = self.betas(&system)?;
        let plan = self.plan()?;
        let walkers = match &self.methods[..] {
            [] => Walker::suitable(&spins.hamiltonian),
            methods => methods.to_vec(),
        };
        walkers.iter().try_for_each(|walker| walker.check(&spins.hamiltonian, &betas))?;
        let exact: Vec<Value> =
            betas.iter().map(|beta| exact(&system, &spins, *beta)).collect::<Result<_>>()?;

        // Whole ladders are one piece of work, else each temperature.
        let work: Vec<(Walker, Vec<f64>)> = walkers
            .iter()
            .flat_map(|walker| match walker.is_joint() {
                true => vec![(*walker, betas.clone())],
                false => betas.iter().map(|beta| (*walker, vec![*beta])).collect(),
            })
            .collect();
        eprintln!("{}, {} temperatures, {} pieces of work", name(&system), betas.len(), work.len());
        let (start, done) = (Instant::now(), AtomicUsize::new(0));
        let noise = Noise::new(self.seed, "measure");
        let measured: Vec<Vec<Measured>> = work
            .par_iter()
            .map(|(walker, betas)| {
                let noise = noise.child(walker.name());
                let found = walker.measure(&spins.hamiltonian, betas, plan, &noise).context(walker.name())?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                eprintln!(
                    "{done} of {}: {}, {:.1} s",
                    work.len(),
                    walker.name(),
                    start.elapsed().as_secs_f64()
                );
                Ok(found)
            })
            .collect::<Result<_>>()?;
        let n = spins.n_spins();
        let points: Vec<Point> = work
            .iter()
            .zip(&measured)
            .flat_map(|((walker, _), found)| found.iter().map(|one| Point::new(*walker, one, n)))
            .collect();

        let temperatures: Vec<Value> = betas
            .iter()
            .zip(&exact)
            .map(|(beta, exact)| {
                let here = points.iter().filter(|point| point.beta == *beta);
                let methods: Vec<Value> = here.map(|point| point.to_json(exact)).collect();
                json!({ "beta": beta, "temperature": 1.0 / beta, "exact": exact, "methods": methods })
            })
            .collect();
        table::show(&betas, &exact, &points);
        let result = json!({
            "experiment": super::IsingExperiment::NAME,
            "system": system,
            "plan": plan,
            "seed": self.seed,
            "seconds": start.elapsed().as_secs_f64(),
            "temperatures": temperatures,
        });
        let folder = self.folder.clone().unwrap_or_else(|| {
            PathBuf::from("runs").join(format!("ising-measure-{}-s{}", system.kind.name(), self.seed))
        });
        std::fs::create_dir_all(&folder)?;
        gibbs_train::atomic::write(folder.join("measure.json"), result.to_string().as_bytes())?;
        curves::draw(&system, &spins, &points, &walkers, &folder)?;
        eprintln!("wrote {}", folder.display());
        println!("{result}");
        Ok(())
    }

    /// The inverse temperatures asked for.
    fn betas(&self, system: &System) -> Result<Vec<f64>> {
        let betas: Vec<f64> = if !self.betas.is_empty() {
            self.betas.clone()
        } else if !self.temperatures.is_empty() {
            self.temperatures.iter().map(|t| 1.0 / t).collect()
        } else {
            AROUND.iter().map(|t| system.beta / t).collect()
        };
        if let Some(t) = self.temperatures.iter().find(|t| !(t.is_finite() && **t > 0.0)) {
            return Err(Fault::usage(format!("--temperatures {t}: must be finite and above 0")));
        }
        if let Some(beta) = betas.iter().find(|beta| !(beta.is_finite() && **beta > 0.0)) {
            return Err(Fault::usage(format!("--betas {beta}: must be finite and above 0")));
        }
        let twice = betas.iter().enumerate().find(|(i, beta)| betas[..*i].contains(beta));
        match twice {
            Some((_, beta)) => Err(Fault::usage(format!("beta = {beta} is given twice: leave one out"))),
            None => Ok(betas),
        }
    }

    fn plan(&self) -> Result<Plan> {
        let &Self { chains, burn_in, measurements, every, .. } = self;
        check_counts(&[("--chains", chains), ("--measurements", measurements), ("--every", every)])?;
        Ok(Plan { chains, burn_in, measurements, every })
    }
}

/// The system without its temperature.
fn name(system: &System) -> String {
    let described = system.describe();
    described.split(',').next().unwrap_or_default().to_owned()
}
