//! Associative memories on the command line: networks of Hopfield's kind, dense ones, and the continuous one.

mod capacity;
mod config;
mod data;
mod evaluate;
mod pictures;
mod play;
mod recall;
mod to_rbm;

use gibbs_data::ReadConfig;
use gibbs_physics::memory::{AssociativeMemory, MemoryWeights, RecallConfig, similarity};
use gibbs_serve::Offer;

use crate::prelude::*;

pub use capacity::Capacity;
pub use config::{Corruption, HopfieldModel, HopfieldTrain};
pub use recall::{DynamicsArgs, Recall};
pub use to_rbm::ToRbm;

/// Configuration of a run.
pub type HopfieldRun = RunConfig<HopfieldModel, HopfieldTrain>;

/// An associative memory with its configuration.
pub struct HopfieldExperiment {
    config: HopfieldRun,
    memory: AssociativeMemory,
}

/// Flags of `hopfield train`.
#[derive(Args, Debug, Serialize)]
pub struct HopfieldTrainArgs {
    /// Store these pictures, all of one size
    #[arg(long, num_args = 1.., value_name = "FILE.png", conflicts_with = "data")]
    pub images: Vec<PathBuf>,
}

impl Shorthand for HopfieldTrainArgs {
    const PATH: &'static str = "model";

    /// Pictures are data of their own name.
    fn settings(&self) -> Vec<(String, Value)> {
        let name = ("data.name".into(), json!(data::IMAGES));
        cli::given(self).chain([name]).filter(|_| !self.images.is_empty()).collect()
    }
}

/// The commands that only associative memories have.
#[derive(Subcommand, Debug)]
pub enum HopfieldCommands {
    /// Draw the filmstrip of recall from noisy and half-covered pictures
    Recall(Recall),
    /// Measure how many random patterns Hebb's rule can store; one JSON object
    Capacity(Capacity),
    /// Write the network as an RBM with a Gaussian hidden unit for each pattern, for `rbm eval` and `rbm train --from`
    ToRbm(ToRbm),
}

impl OwnCommands for HopfieldCommands {
    fn run(&self, shared: &Shared) -> Result<()> {
        match self {
            Self::Recall(args) => recall::run(args, shared),
            Self::Capacity(args) => capacity::run(args, shared),
            Self::ToRbm(args) => to_rbm::run(args, shared),
        }
    }
}

impl Experiment for HopfieldExperiment {
    const NAME: &'static str = "hopfield";
    const ABOUT: &'static str = "Associative memories: Hopfield networks, dense memories and the continuous Hopfield network. They \
        store patterns in one step and recall them from noisy or half-covered pictures.";
    const EXAMPLES: &'static [&'static str] =
        &["hopfield train runs/memory --data digits", "hopfield recall runs/memory --flip 0.3"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str =
        "Hopfield (1982), PNAS 79, 2554; Krotov & Hopfield (2016), arXiv:1606.01164";
    const GUIDE: &'static str = include_str!("../../guide/HOPFIELD.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("patterns.png", "The stored patterns."),
        (
            "recall.png",
            "Each row starts from a corrupted pattern and goes downhill in energy E. The last column is the most similar stored pattern, with the overlap m.",
        ),
        ("recall-energy.png", "The energy during the recall: it never rises."),
    ];
    const FILES: &'static [&'static str] = &[];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &["stable"];
    type Model = HopfieldModel;
    type Train = HopfieldTrain;
    type Target = NoTarget;
    type TrainArgs = HopfieldTrainArgs;
    type SampleArgs = DynamicsArgs;
    type Commands = HopfieldCommands;

    fn load_data(name: &str, read: &ReadConfig, request: &Request, data_dir: &Path) -> Result<Splits> {
        data::load(name, read, request, data_dir)
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        Ok(config::preset(request, info))
    }

    fn validate(config: &HopfieldRun, source: &Source<NoTarget>) -> Result<()> {
        config::validate(config, source.data()?)
    }

    fn task<'a>(config: &'a HopfieldRun, source: &'a Source<NoTarget>, device: &Device) -> Task<'a> {
        let train = &source.data()?.train;
        let rows = data::stored_rows(train, config.model.memory.n_patterns, config.seed);
        let patterns = data::states(train, &rows).concat();
        Ok(Box::new(Storage { config, patterns, device: device.clone(), weights: None }))
    }

    fn load(config: &HopfieldRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let memory = &config.model.memory;
        let weights = weights::from_bytes(memory.blank(device), bytes).or_usage()?;
        Ok(Self { config: config.clone(), memory: memory.memory(&weights, device).or_usage()? })
    }
}

impl HopfieldExperiment {
    /// Rows and columns of a pattern as a picture.
    fn shape(&self) -> (usize, usize) {
        self.config.picture_shape(self.memory.n_visible())
    }
}

/// Overlap from which on a pattern counts as one that stays as it is.
const STAYS: f64 = 1.0 - 1e-6;

/// Storing patterns: one step in closed form.
struct Storage<'a> {
    config: &'a HopfieldRun,
    patterns: Vec<f32>,
    device: Device,
    weights: Option<MemoryWeights>,
}

impl TrainTask for Storage<'_> {
    fn steps_per_epoch(&self) -> usize {
        1
    }

    fn step(&mut self, _at: &Position) -> Result<(), BoxError> {
        self.weights = Some(self.config.model.memory.store(&self.patterns, &self.device)?);
        Ok(())
    }

    /// The fraction of patterns that recall leaves as they are.
    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        let Some(weights) = &self.weights else { return Ok(Metrics::new()) };
        let memory = self.config.model.memory.memory(weights, &self.device)?;
        let recall = RecallConfig { max_steps: 1, ..self.config.train.recall() };
        let patterns = memory.patterns();
        let paths = memory.recall(patterns, &recall, &Noise::new(self.config.seed, "figures"))?;
        let stays = |(path, pattern): (_, &Vec<f32>)| similarity(path, pattern) > STAYS;
        let ends = paths.iter().map(|path| path.last());
        let stable = ends.zip(patterns).filter(|pair| stays(*pair)).count() as f64 / patterns.len() as f64;
        Ok(Metrics::new().with("stable", stable).with("patterns", patterns.len() as f64))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        Ok(state.put("stored", &self.weights.is_some())?)
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        if state.get("stored")? {
            self.weights = Some(self.config.model.memory.store(&self.patterns, &self.device)?);
        }
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        let weights = self.weights.as_ref().ok_or("nothing is stored yet")?;
        Ok(weights::to_bytes(weights)?)
    }
}
