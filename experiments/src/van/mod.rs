//! Variational autoregressive networks on the command line: free energies of spin systems, and laws of given spins.

mod config;
mod evaluate;
mod network;
mod pictures;
pub(crate) mod train;
mod values;

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{math::to_host, symmetry::SymmetryGroup};
use gibbs_data::{Binarization, Splits};
use gibbs_physics::system::SpinSystemConfig;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
};

use crate::{
    cli::{self, NoCommands, NoFlags, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    evaluation::Evaluation,
    experiment::{Experiment, write_draws},
    made::given,
    system::{self, HAMILTONIAN, SystemArgs},
};

use network::{Network, SpinLaw};

pub use config::{NetworkKind, PixelCnnSizes, Values, VanModel, VanTrain};

/// Configuration of a run.
pub type VanRun = RunConfig<VanModel, VanTrain>;

/// A trained network with its configuration.
pub struct VanExperiment {
    config: VanRun,
    network: Network,
    group: SymmetryGroup,
    n_spins: usize,
    device: Device,
}

impl Experiment for VanExperiment {
    const NAME: &'static str = "van";
    const DATA: &'static str = HAMILTONIAN;
    const FILES: &'static [&'static str] = &["samples.png", "curves.png", "curves.svg"];
    const SHOWN: &'static [&'static str] = &["beta", "free_energy", "loss", "valid_log_prob"];
    type Model = VanModel;
    type Train = VanTrain;
    type TrainArgs = SystemArgs;
    type SampleArgs = NoFlags;
    type Commands = NoCommands;

    fn preset(preset: Preset, data: &str) -> (VanModel, VanTrain) {
        config::preset(preset, data)
    }

    fn label(config: &VanRun) -> String {
        match config::is_variational(config) {
            true => config.model.system.kind.name().into(),
            false => config.data.name.clone(),
        }
    }

    fn data(config: &mut VanRun, shared: &Shared) -> Result<Splits> {
        let kind = config.model.system.kind;
        system::complete(&mut config.model.system, SpinSystemConfig::new(kind));
        config.model.system.validate().map_err(system::refuse)?;
        if config::is_variational(config) {
            let spins = system::build(&config.model.system)?;
            return system::without_data(config.model.system.describe(), &spins.shape());
        }
        let data = gibbs_data::load(&config.data.name, &shared.data_dir)?;
        if let Some(n_spins) = config.model.n_visible {
            data.train.require_width(n_spins)?;
        }
        if data.train.is_binary() {
            config.model.values.get_or_insert(Values::Bits);
        }
        match config.data.binarization {
            None | Some(Binarization::None) => values::bits(data),
            Some(_) => Ok(data),
        }
    }

    fn describe(config: &VanRun, data: &Splits) -> String {
        match config::is_variational(config) {
            true => config.model.system.describe(),
            false => data.train.describe(),
        }
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        config::settle(config, data)
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        Network::task(config, data, device)
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let network = Network::load(config, bytes, device)?;
        let n_spins = given(config.model.n_visible, "model.n_visible")?;
        let group = config::group(config, config.model.symmetry, n_spins)?;
        Ok(Self { config: config.clone(), network, group, n_spins, device: device.clone() })
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        evaluate::evaluate(self, data, part)
    }

    fn sample(&self, args: &cli::Sample, _family: &NoFlags, _shared: &Shared) -> Result<PathBuf> {
        let spins = self.draw(args.n, &mut Noise::new(args.seed, "sample"));
        let bits: Vec<f32> = spins.iter().map(|s| 0.5 * (s + 1.0)).collect();
        let values = if self.config.model.values == Some(Values::Bits) { &bits } else { &spins };
        let (rows, columns) = self.shape();
        let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
        write_draws(&out, &bits, values, [args.n, rows, columns])?;
        Ok(out)
    }

    fn draw_pictures(&self, _data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, folder)
    }

    fn run(command: &NoCommands, _shared: &Shared) -> Result<()> {
        match *command {}
    }
}

impl VanExperiment {
    /// The law of spins, with its symmetries.
    fn law(&self) -> Box<dyn SpinLaw> {
        self.network.law(&self.group)
    }

    /// `n` draws of spins ±1, row by row.
    fn draw(&self, n: usize, noise: &mut Noise) -> Vec<f32> {
        to_host(self.law().sample(n, noise)).into_iter().map(|s| s as f32).collect()
    }

    fn shape(&self) -> (usize, usize) {
        match self.config.data.shape.as_deref() {
            Some(&[.., columns]) if columns < self.n_spins => (self.n_spins / columns, columns),
            _ => self.config.data.picture_shape(self.n_spins),
        }
    }
}
