//! Ising models on the command line: couplings learned from samples (the inverse problem), and systems measured by Monte
//! Carlo.

mod compare;
mod config;
mod evaluate;
mod learning;
mod measure;
mod play;

use anyhow::Context;
use burn::module::Param;
use gibbs_physics::{
    Hamiltonian, Pairwise,
    inverse::InverseMethod,
    monte_carlo::draw_spins,
    system::{SpinSystem, SpinSystemConfig, SpinSystemKind},
};
use gibbs_serve::Toy;
use gibbs_train::atomic;

use crate::{
    output::{note, print_json},
    prelude::*,
    system::{self, SystemArgs},
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

impl OwnCommands for IsingCommands {
    fn run(&self, shared: &Shared) -> Result<()> {
        match self {
            Self::Measure(measure) => measure.run(shared),
            Self::Compare(compare) => compare.run(shared),
        }
    }
}

/// A learned model with its configuration.
pub struct IsingExperiment {
    config: IsingRun,
    learned: Pairwise,
}

impl Experiment for IsingExperiment {
    const NAME: &'static str = "ising";
    const ABOUT: &'static str = "Ising models: learns couplings from samples of spins (the inverse problem). Also measures spin \
        systems by Monte Carlo and compares with exact values.";
    const EXAMPLES: &'static [&'static str] =
        &["ising train runs/couplings --model sk --spins 16", "ising measure runs/torus --lattice 32x32"];
    const DATA: &'static str = "";
    const REFERENCE: &'static str = "Nguyen, Zecchina & Berg (2017), Advances in Physics 66, 197";
    const GUIDE: &'static str = include_str!("../../guide/ISING.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Spins drawn by Monte Carlo from the learned couplings."),
        ("reconstruction.png", "Learned couplings against the true ones. Good: all points on the diagonal."),
    ];
    const FILES: &'static [&'static str] = &["reconstruction.svg"];
    const SHOWN: &'static [&'static str] = &["gradient", "coupling_error"];
    type Model = IsingModel;
    type Train = IsingTrain;
    type Target = SpinSystemConfig;
    type TrainArgs = SystemArgs;
    type SampleArgs = NoFlags;
    type Commands = IsingCommands;

    fn target(request: &Request) -> Result<Option<SpinSystemConfig>> {
        let default = |kind: Option<_>| config::default_truth(kind.unwrap_or(SpinSystemKind::Sk));
        let system = || system::of_request(request, default).unwrap_or_else(|| default(None));
        Ok((!request.has("data.name")).then(system))
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let system = Self::target(request)?;
        let model = IsingModel { kind: InverseMethod::PseudoLikelihood, n_spins: info.width, system };
        let mut train = config::train(request.preset);
        let steps = &mut train.estimator.chains.steps;
        *steps = request.steps(*steps);
        Ok(Settings { binarization: Binarization::None, model, train })
    }

    fn validate(config: &IsingRun, source: &Source<SpinSystemConfig>) -> Result<()> {
        config::validate(config, source)
    }

    fn task<'a>(config: &'a IsingRun, source: &'a Source<SpinSystemConfig>, device: &Device) -> Task<'a> {
        Ok(Box::new(learning::IsingTask::new(config, source, device)?))
    }

    fn load(config: &IsingRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let blank = Pairwise::from_bonds([], vec![0.0; config.model.n_spins])?;
        let learned = weights::from_bytes(Couplings::of(&blank, device), bytes).or_usage()?;
        Ok(Self { config: config.clone(), learned: learned.pairwise().context("couplings")? })
    }

    fn toys() -> Result<Vec<Toy>> {
        Ok(vec![play::toy()?])
    }
}

impl IsingExperiment {
    /// `n` draws of spins ±1, row by row, and how they were made.
    fn draw(&self, n: usize, noise: &Noise) -> Result<(Vec<f32>, String)> {
        let (spins, how) = draw_spins(&self.learned, n, self.config.train.walk, noise)?;
        Ok((spins.into_iter().map(f32::from).collect(), how.to_string()))
    }
}

/// Writes the result of a command and its figure to a folder, and prints the result.
fn write_result(
    command: &str,
    folder: &Option<PathBuf>,
    system: &SpinSystem,
    seed: u64,
    (result, shared): (&Value, &Shared),
    figure: Option<&Figure>,
) -> Result<()> {
    let name = format!("ising-{command}-{}-s{seed}", system.config.kind);
    let folder = folder.clone().unwrap_or_else(|| Path::new("runs").join(name));
    std::fs::create_dir_all(&folder)?;
    atomic::write(folder.join(command).with_extension("json"), result.to_string().as_bytes())?;
    for extension in ["png", "svg"] {
        figure.map(|figure| figure.save(folder.join(command).with_extension(extension))).transpose()?;
    }
    note(format!("wrote {}", folder.display()));
    print_json(result, shared.json)
}
