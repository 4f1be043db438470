//! The command line that all families share.

use std::path::PathBuf;

use anyhow::Result;
use clap::{
    ArgMatches, Args, CommandFactory, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue, ErrorKind},
};
use gibbs_data::{Dataset, Split, Splits};
use gibbs_runs::sweep::Shard;
use gibbs_train::config::nearest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    data::{CompanionFlags, DataFlags},
    usage::did_you_mean,
};

/// Commands of one family alone.
pub trait OwnCommands: Subcommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever is wrong with its input.
    fn run(&self, shared: &Shared) -> Result<()>;
}

/// Command line of a family whose `train` and `sample` take the further flags `T` and `S`, with the further commands `X`.
#[derive(Parser, Debug)]
#[command(version, arg_required_else_help = true)]
pub struct Cli<T: Args, S: Args, X: Subcommand> {
    /// The command.
    #[command(subcommand)]
    pub command: Command<T, S, X>,
    /// Flags of every command.
    #[command(flatten)]
    pub shared: Shared,
}

/// Settings that are easily taken for flags, with their section.
const SETTINGS: [(&str, &str); 8] = [
    ("train", "epochs"),
    ("train", "steps"),
    ("train", "batch-size"),
    ("train", "learning-rate"),
    ("model", "kind"),
    ("model", "n-hidden"),
    ("model", "n-layers"),
    ("model", "n-classes"),
];

impl<T: Args, S: Args, X: Subcommand> Cli<T, S, X> {
    /// The command line of a family.
    pub fn command_of(name: &'static str, about: &'static str, examples: &[&str]) -> clap::Command {
        let examples = examples.iter().map(|example| format!("\n  {example}")).collect::<String>();
        Self::command().name(name).about(about).after_help(format!("Examples:{examples}"))
    }
}

/// Parses the command line of the process. Help and errors of clap end the process.
///
/// # Errors
/// A setting that is given as a flag.
pub fn matches_of(command: clap::Command) -> Result<ArgMatches> {
    let name = |command: &clap::Command| command.get_name().to_string();
    let program = name(&command);
    let outer: Vec<String> = command.get_subcommands().map(name).collect();
    let parts = |outer: &clap::Command| -> Vec<(String, String)> {
        outer.get_subcommands().map(|inner| (name(outer), name(inner))).collect()
    };
    let inner: Vec<(String, String)> = command.get_subcommands().flat_map(parts).collect();
    let error = match command.try_get_matches() {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    if let (ErrorKind::InvalidSubcommand, Some(ContextValue::String(name))) =
        (error.kind(), error.get(ContextKind::InvalidSubcommand))
    {
        if let Some((outer, _)) = inner.iter().find(|(_, inner)| inner == name) {
            refuse!(
                "{name} is a part of other commands, such as {program} {outer} {name}: --help lists the commands"
            );
        }
        let known = outer.iter().chain(inner.iter().map(|(_, inner)| inner)).map(String::as_str);
        let near = did_you_mean(name, known);
        refuse!("there is no command {name}{near}: --help lists the commands");
    }
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
        && let Some(name) = nearest(flag.trim_start_matches('-'), SETTINGS.iter().map(|(_, name)| *name))
        && let Some((section, _)) = SETTINGS.iter().find(|(_, setting)| *setting == name)
        && error.get(ContextKind::SuggestedArg).is_none()
    {
        let setting = format!("{section}.{}", name.replace('-', "_"));
        refuse!("{flag} is a setting: give --set {setting}=VALUE");
    }
    error.exit()
}

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub struct Shared {
    /// Backend to compute on (flex, wgpu, cuda, ...), or one of its devices (cuda:1); the first one compiled in if not given
    #[arg(long, global = true, env = "GIBBS_BACKEND", value_name = "NAME")]
    pub backend: Option<String>,
    /// Folder of the named data sets
    #[arg(long, global = true, env = "GIBBS_DATA_DIR", value_name = "DIR", default_value = "datasets")]
    pub data_dir: PathBuf,
    /// Print results as one JSON object on one line, on a terminal too
    #[arg(long, global = true)]
    pub json: bool,
    /// Log for debugging; RUST_LOG says of what, such as trace or experiments=debug, and logs to stderr without a file
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// Flags of every family, and of one family alone.
#[derive(Args, Debug)]
pub struct Both<C: Args, F: Args> {
    /// Flags of every family.
    #[command(flatten)]
    pub common: C,
    /// Flags of this family alone.
    #[command(flatten)]
    pub family: F,
}

/// The commands of every family, and its own.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "a process has one of them")]
pub enum Command<T: Args, S: Args, X: Subcommand> {
    /// Train a model and write a run folder
    Train(Both<Train, T>),
    /// Print the settings with their types, defaults, ranges and meanings
    Config(Both<Config, T>),
    /// Print the metrics of a trained model as one JSON object
    Eval(Eval),
    /// Draw from a trained model
    Sample(Both<Sample, S>),
    /// Write the latent variables of examples: hidden means, codes, or points of the base of a flow
    Encode(Encode),
    /// Write the examples of latent variables
    Decode(Decode),
    /// Make a run of the weights that another program wrote
    Import(Both<Import, T>),
    /// Commands of this family alone.
    #[command(flatten)]
    Own(X),
}

/// Flags of `train` that are short for settings of the configuration: a flag that is given serializes as the setting of its name,
/// or of the name in `serde(rename)`, below a path.
pub trait Shorthand: Args + Serialize {
    /// Where the settings are.
    const PATH: &'static str;

    /// Path and value of each setting that is given.
    fn settings(&self) -> Vec<(String, Value)> {
        given(self).collect()
    }
}

/// The settings of the flags that are given.
pub fn given<F: Shorthand>(flags: &F) -> impl Iterator<Item = (String, Value)> + use<F> {
    let Value::Object(flags) = json!(flags) else { unreachable!("flags have names") };
    let given = flags.into_iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (format!("{}.{name}", F::PATH), value))
}

/// No flags besides those of every family.
#[derive(Args, Clone, Copy, Debug, Serialize)]
pub struct NoFlags {}

impl Shorthand for NoFlags {
    const PATH: &'static str = "";
}

/// No commands besides those of every family.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum NoCommands {}

impl OwnCommands for NoCommands {
    fn run(&self, _: &Shared) -> Result<()> {
        match *self {}
    }
}

/// Settings to start from.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Ends in seconds: a smoke test
    Tiny,
    /// A few minutes on 2 cores
    Default,
    /// The published settings
    Paper,
}

impl Preset {
    /// The name, as on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().into())
    }
}

/// What a run is to be: flags of `train` and `config`.
#[derive(Args, Debug)]
pub struct RequestArgs {
    /// Data set: a name (digits, mnist, ...), an .npy, .npz, .csv, .tsv or idx file, or a folder of PNG files
    #[arg(long, value_name = "NAME|FILE")]
    pub data: Option<String>,
    /// What goes with the data.
    #[command(flatten)]
    pub files: DataFlags,
    /// Settings to start from; default if not given
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,
    /// Override one value of the configuration; may be repeated
    #[arg(long = "set", value_name = "PATH.TO.KEY=VALUE")]
    pub settings: Vec<String>,
    /// Configuration file laid over the preset, such as the config.json of a run
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start from the weights of this run; `dbn` and `autoencoder` take the layers of a `dbn` run as their first layers
    #[arg(long, value_name = "RUN_DIR")]
    pub from: Option<PathBuf>,
    /// Seed of everything that is drawn
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Flags of `config`.
#[derive(Args, Debug)]
pub struct Config {
    /// Explain this setting or section, such as train.learning_rate, with the meaning of each choice
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "")]
    pub explain: Option<String>,
    /// The settings.
    #[command(flatten)]
    pub request: RequestArgs,
}

/// Flags of `import`.
#[derive(Args, Debug)]
pub struct Import {
    /// Weights: a .safetensors file, or a state dict of PyTorch (.pt, .pth)
    pub file: PathBuf,
    /// Run folder to write
    pub run_dir: PathBuf,
    /// Tensors whose names begin with THEIRS begin with OURS; an empty OURS leaves them out. May be repeated
    #[arg(long = "map", value_name = "THEIRS=OURS")]
    pub maps: Vec<String>,
    /// Turn all matrices, such as those of torch.nn.Linear
    #[arg(long)]
    pub transpose: bool,
    /// What the model is.
    #[command(flatten)]
    pub request: RequestArgs,
}

/// Flags of `train`.
#[derive(Args, Debug)]
pub struct Train {
    /// Run folder; runs/MODEL-DATA-sSEED if not given
    pub run_dir: Option<PathBuf>,
    /// The settings.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Go on with the run in the folder
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
    /// Replace the run in the folder
    #[arg(long)]
    pub overwrite: bool,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
}

/// Which examples to evaluate on.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The training split
    Train,
    /// The validation split
    Valid,
    /// The test split
    Test,
    /// The three splits one after the other
    All,
}

impl Part {
    /// The sets of the part, in order.
    pub fn of(self, data: &Splits) -> Vec<&Dataset> {
        self.splits().iter().map(|split| data.get(*split)).collect()
    }

    /// The splits that make up the part, in order.
    pub fn splits(self) -> &'static [Split] {
        match self {
            Self::Train => &[Split::Train],
            Self::Valid => &[Split::Valid],
            Self::Test => &[Split::Test],
            Self::All => &Split::ALL,
        }
    }

    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
            Self::All => "all",
        }
    }
}

/// A trained model, and the examples that it is applied to.
#[derive(Args, Debug)]
pub struct Examples {
    /// Run folder; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// Another data set than the run's: a name, a file, or a folder of PNG files
    #[arg(long, value_name = "NAME|FILE")]
    pub data: Option<String>,
    /// What goes with --data.
    #[command(flatten)]
    pub files: CompanionFlags,
    /// Which examples; test if not given, and all of a file that is not the run's
    #[arg(long, value_enum)]
    pub split: Option<Part>,
}

/// Flags of `eval`.
#[derive(Args, Debug)]
pub struct Eval {
    /// The model and the examples.
    #[command(flatten)]
    pub examples: Examples,
    /// Also write one f64 per example, in the order of the split
    #[arg(long, value_name = "FILE.npy")]
    pub per_example: Option<PathBuf>,
    /// Only compute this part of the chains or draws, so that several machines share the work; --merge makes the metrics
    #[arg(long, value_name = "I/N", conflicts_with_all = ["per_example", "merge"])]
    pub shard: Option<Shard>,
    /// Take the chains or draws from what --shard computed
    #[arg(long)]
    pub merge: bool,
}

/// Flags of `encode`.
#[derive(Args, Debug)]
pub struct Encode {
    /// The model and the examples.
    #[command(flatten)]
    pub examples: Examples,
    /// Which layer, from 1; the last one if not given
    #[arg(long, value_name = "K")]
    pub layer: Option<usize>,
    /// Array `[examples, latent]` to write (f32); latent.npy in the run folder if not given
    #[arg(long, value_name = "FILE.npy")]
    pub out: Option<PathBuf>,
    /// Also draw the latent variables in the plane, colored by class: two of them as they are, more by t-SNE and by principal
    /// components; prints how many examples have the class of most of their neighbors there
    #[arg(long, value_name = "FILE.png")]
    pub plane: Option<PathBuf>,
}

/// Flags of `decode`.
#[derive(Args, Debug)]
pub struct Decode {
    /// Run folder; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// Array `[examples, latent]` to read
    pub latent: PathBuf,
    /// Of which layer the latent variables are, from 1; the last one if not given
    #[arg(long, value_name = "K")]
    pub layer: Option<usize>,
    /// Class of all examples, where the model is conditioned on classes
    #[arg(long, value_name = "CLASS", conflicts_with = "labels")]
    pub class: Option<usize>,
    /// Class of each example
    #[arg(long, value_name = "FILE")]
    pub labels: Option<String>,
    /// Picture (.png), array (.npy) or table (.csv) to write; decoded.npy in the run folder if not given
    #[arg(long, value_name = "FILE.png|FILE.npy|FILE.csv")]
    pub out: Option<PathBuf>,
}

/// Flags of `sample` that every family takes.
#[derive(Args, Debug)]
pub struct Sample {
    /// Run folder; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// How many to draw: 100 if not given; for each row of --context: one if not given
    #[arg(short = 'n', value_name = "N")]
    pub asked: Option<usize>,
    /// Seed of the draws
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Picture (.png), array (.npy) or table (.csv) to write; samples.png in the run folder if not given
    #[arg(long, value_name = "FILE.png|FILE.npy|FILE.csv")]
    pub out: Option<PathBuf>,
}

impl Sample {
    /// How many to draw.
    pub fn n(&self) -> usize {
        self.asked.unwrap_or(100)
    }
}
