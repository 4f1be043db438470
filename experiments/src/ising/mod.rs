//! Ising models on the command line: couplings learned from samples (the inverse problem), and systems measured by Monte
//! Carlo.

mod compare;
mod config;
mod evaluate;
mod learning;
mod measure;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::{module::Param, prelude::*};
use clap::Subcommand;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_data::Splits;
use gibbs_physics::{Hamiltonian, Pairwise, monte_carlo::draw_spins, system::SpinSystem};
use gibbs_report::Figure;
use gibbs_train::{
    atomic,
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
    weights,
};
use serde_json::Value;

use crate::{
    cli::{self, NoFlags, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    evaluation::Evaluation,
    experiment::{Experiment, write_draws},
    fault::Fault,
    system::{HAMILTONIAN, SystemArgs},
};

pub use compare::Compare;
pub use config::{IsingModel, IsingTrain};
pub use measure::Measure;

/// Configuration of an Ising run.
pub type IsingRun = RunConfig<IsingModel, IsingTrain>;

/// The weights: couplings with the temperature in them.
#[derive(Module, Debug)]
pub struct Couplings {
    /// `J [n, n]`, symmetric, 0 on the diagonal.
    pub couplings: Param<Tensor<2>>,
    /// `h [n]`.
    pub field: Param<Tensor<1>>,
}

impl Couplings {
    fn of(pairwise: &Pairwise, device: &Device) -> Self {
        let n = pairwise.n_spins();
        let couplings = Tensor::from_data(TensorData::new(pairwise.matrix(), [n, n]), device);
        let field = Tensor::from_data(TensorData::new(pairwise.field().to_vec(), [n]), device);
        Self { couplings: Param::from_tensor(couplings), field: Param::from_tensor(field) }
    }

    fn pairwise(&self) -> Result<Pairwise> {
        let (matrix, field) = (to_host(self.couplings.val()), to_host(self.field.val()));
        Ok(Pairwise::from_matrix(&matrix, field)?)
    }
}

/// Commands of `ising` alone.
#[derive(Subcommand, Debug)]
pub enum IsingCommands {
    /// Measure a system by Monte Carlo over temperatures, and compare with exact values
    Measure(Measure),
    /// Learn random couplings from samples by every method: one table
    Compare(Compare),
}

/// A learned model with its configuration.
pub struct IsingExperiment {
    config: IsingRun,
    learned: Pairwise,
}

impl Experiment for IsingExperiment {
    const NAME: &'static str = "ising";
    const DATA: &'static str = HAMILTONIAN;
    const FILES: &'static [&'static str] = &["samples.png", "reconstruction.png", "reconstruction.svg"];
    const SHOWN: &'static [&'static str] = &["gradient", "coupling_error"];
    type Model = IsingModel;
    type Train = IsingTrain;
    type TrainArgs = SystemArgs;
    type SampleArgs = NoFlags;
    type Commands = IsingCommands;

    fn preset(preset: Preset, _data: &str) -> (IsingModel, IsingTrain) {
        config::preset(preset)
    }

    fn label(config: &IsingRun) -> String {
        match config.data.name.as_str() {
            HAMILTONIAN => config.model.system.kind.name().into(),
            name => name.into(),
        }
    }

    fn data(config: &mut IsingRun, shared: &Shared) -> Result<Splits> {
        config::splits(config, shared)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        config::settle(config, data)
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        Ok(Box::new(learning::IsingTask::new(config, data, device)?))
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let n = config.model.n_spins.ok_or_else(|| {
            Fault::usage("model.n_spins is not set: give the number of spins of the weights")
        })?;
        let blank = Pairwise::from_bonds([], vec![0.0; n])?;
        let learned = weights::from_bytes(Couplings::of(&blank, device), bytes)?;
        Ok(Self { config: config.clone(), learned: learned.pairwise().context("couplings")? })
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        evaluate::evaluate(self, data, part)
    }

    #[allow(clippy::print_stderr, reason = "how draws are made is printed on stderr")]
    fn sample(&self, args: &cli::Sample, _family: &NoFlags, _shared: &Shared) -> Result<PathBuf> {
        let noise = Noise::new(args.seed, "sample");
        let (spins, how) = draw_spins(&self.learned, args.n, self.config.train.walk, &noise)?;
        let values: Vec<f32> = spins.iter().map(|s| f32::from(*s)).collect();
        let grey: Vec<f32> = values.iter().map(|s| 0.5 * (s + 1.0)).collect();
        let (rows, columns) = self.config.data.picture_shape(self.learned.n_spins());
        let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
        write_draws(&out, &grey, &values, [args.n, rows, columns])?;
        eprintln!("{how}");
        Ok(out)
    }

    fn draw_pictures(&self, _data: &Splits, folder: &RunFolder) -> Result<()> {
        evaluate::draw_pictures(self, folder)
    }

    fn run(command: &IsingCommands, _shared: &Shared) -> Result<()> {
        match command {
            IsingCommands::Measure(measure) => measure.run(),
            IsingCommands::Compare(compare) => compare.run(),
        }
    }
}

/// Writes the result of a command and its figure to a folder, and prints the result.
#[allow(clippy::print_stderr, clippy::print_stdout, reason = "stdout carries the result")]
fn write_result(
    command: &str,
    folder: &Option<PathBuf>,
    system: &SpinSystem,
    seed: u64,
    result: &Value,
    figure: Option<&Figure>,
) -> Result<()> {
    let name = format!("ising-{command}-{}-s{seed}", system.config.kind);
    let folder = folder.clone().unwrap_or_else(|| Path::new("runs").join(name));
    std::fs::create_dir_all(&folder)?;
    atomic::write(folder.join(command).with_extension("json"), result.to_string().as_bytes())?;
    for extension in ["png", "svg"] {
        figure.map(|figure| figure.save(folder.join(command).with_extension(extension))).transpose()?;
    }
    eprintln!("wrote {}", folder.display());
    println!("{result}");
    Ok(())
}
