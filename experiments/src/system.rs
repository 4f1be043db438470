//! Systems on the command line: flags, settings, couplings that are read from a file.

use std::fmt::Display;

use anyhow::Context;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use gibbs_data::npy;
use gibbs_physics::{
    Pairwise,
    system::{
        ContinuousKind, ContinuousSystemConfig, SpinSystem, SpinSystemConfig, SpinSystemKind, TargetDensity,
    },
};
use serde::{Serializer, de::DeserializeOwned};
use serde_json::Map;

use crate::{cli::given, prelude::*, source::Target};

/// Parses one of `all` by its name, with `-` or `_` between words.
pub fn by_name<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
    about: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let dashed = move |of: T| name(of).replace('_', "-");
    // Clap wants names that live as long as the program.
    let value = |of: &T| PossibleValue::new(&*dashed(*of).leak()).alias(name(*of)).help(about(*of));
    PossibleValuesParser::new(all.iter().map(value).collect::<Vec<_>>()).map(move |text| {
        let is = |of: &&T| dashed(**of) == text.replace('_', "-");
        *all.iter().find(is).unwrap_or(&all[0])
    })
}

/// [`by_name`] of an enum of choices.
macro_rules! choices {
    ($type:ty) => {
        $crate::system::by_name(<$type>::ALL, <$type>::name, <$type>::about)
    };
}
pub(crate) use choices;

/// The system in the `model.system` of a request, laid over that of `default` for its kind; `None` if there is none.
///
/// A value of a wrong type is left out here. It is refused when the whole configuration is resolved.
pub fn of_request<K: DeserializeOwned, T: Serialize + DeserializeOwned>(
    request: &Request,
    default: impl FnOnce(Option<K>) -> T,
) -> Option<T> {
    let given: Map<String, Value> = request.get("model.system")?;
    let mut system = default(request.get("model.system.kind"));
    for (key, value) in given {
        let mut changed = serde_json::to_value(&system).ok()?;
        if let Some(field) = changed.get_mut(key) {
            *field = value;
            system = serde_json::from_value(changed).unwrap_or(system);
        }
    }
    Some(system)
}

/// The continuous system in a request.
pub fn continuous_of(request: &Request) -> Option<ContinuousSystemConfig> {
    of_request(request, |kind| kind.map_or_else(ContinuousSystemConfig::default, ContinuousSystemConfig::new))
}

impl Target for SpinSystemConfig {
    fn name(&self) -> String {
        self.kind.name().into()
    }

    fn describe(&self) -> String {
        self.describe()
    }

    fn shape(&self) -> Result<Vec<usize>> {
        Ok(build(self)?.shape())
    }
}

impl Target for ContinuousSystemConfig {
    fn name(&self) -> String {
        self.kind.name().into()
    }

    fn describe(&self) -> String {
        self.describe()
    }

    fn shape(&self) -> Result<Vec<usize>> {
        Ok(build_continuous(self)?.shape)
    }
}

/// The density of a configuration.
///
/// # Errors
/// Settings that make no density.
pub fn build_continuous(system: &ContinuousSystemConfig) -> Result<TargetDensity> {
    system.build().map_err(refuse)
}

/// Spins -1 and +1 as 0 and 1.
pub fn bits(spins: &[f32]) -> Vec<f32> {
    spins.iter().map(|s| 0.5 * (s + 1.0)).collect()
}

/// A usage error of a field of `model.system`.
pub fn refuse(error: impl Display) -> anyhow::Error {
    usage!("model.system.{error}")
}

/// The Hamiltonian of a configuration; couplings are read from their file.
///
/// # Errors
/// Settings that make no Hamiltonian, or a file that cannot be read.
pub fn build(system: &SpinSystemConfig) -> Result<SpinSystem> {
    system.validate().map_err(refuse)?;
    match &system.couplings {
        Some(file) => system.with_hamiltonian(read_couplings(file)?).map_err(refuse),
        None => system.build().map_err(refuse),
    }
}

/// A symmetric matrix `[n, n]` of couplings.
fn read_couplings(file: &Path) -> Result<Pairwise> {
    let array = npy::read(file).or_usage()?;
    let (shape, path) = (&array.shape, file.display());
    let [n, columns] = shape[..] else {
        refuse!("{path}: a matrix is needed, this has the shape {shape:?}");
    };
    require!(n == columns, "{path}: {n} rows and {columns} columns; a square matrix is needed");
    Pairwise::from_matrix(&array.values.to_f64(), vec![0.0; n])
        .with_context(|| file.display().to_string())
        .or_usage()
}

/// Flags of `train` for a spin system.
#[derive(Args, Clone, Debug, Serialize)]
pub struct SystemArgs {
    /// Hamiltonian
    #[arg(long, value_parser = choices!(SpinSystemKind), value_name = "MODEL")]
    #[serde(rename = "kind")]
    pub model: Option<SpinSystemKind>,
    /// Sizes of the lattice, such as 16x16
    #[arg(long, value_name = "ROWSxCOLUMNS")]
    pub lattice: Option<String>,
    /// Number of spins of a system without a lattice
    #[arg(long, value_name = "N")]
    #[serde(rename = "n_spins")]
    pub spins: Option<usize>,
    /// Inverse temperature
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    #[serde(serialize_with = "number_or_name")]
    pub beta: Option<f64>,
    /// Seed of random couplings
    #[arg(long, value_name = "N")]
    pub instance_seed: Option<u64>,
    /// Couplings of all pairs: a symmetric matrix
    #[arg(long, value_name = "FILE.npy", conflicts_with_all = ["model", "lattice", "spins", "instance_seed"])]
    pub couplings: Option<PathBuf>,
}

impl SystemArgs {
    /// The system of a command without a configuration: the flags over the defaults of a kind.
    pub fn over(
        &self,
        kind: SpinSystemKind,
        default: impl Fn(SpinSystemKind) -> SpinSystemConfig,
    ) -> SpinSystemConfig {
        let file = self.couplings.as_ref().map(|_| SpinSystemKind::Couplings);
        let start = default(file.or(self.model).unwrap_or(kind));
        SpinSystemConfig {
            lattice: self.lattice.clone().or(start.lattice),
            n_spins: self.spins.or(start.n_spins),
            beta: self.beta.unwrap_or(start.beta),
            instance_seed: self.instance_seed.unwrap_or(start.instance_seed),
            couplings: self.couplings.clone().or(start.couplings),
            ..start
        }
    }
}

impl Shorthand for SystemArgs {
    const PATH: &'static str = "model.system";

    /// A file of couplings is a system of its own kind.
    fn settings(&self) -> Vec<(String, Value)> {
        let kind = self.couplings.iter().map(|_| ("model.system.kind".into(), json!("couplings")));
        kind.chain(given(self)).collect()
    }
}

/// Flags of `train` for a continuous system.
#[derive(Args, Clone, Debug, Serialize)]
pub struct ContinuousArgs {
    /// Learn this Hamiltonian instead of data
    #[arg(long, value_parser = choices!(ContinuousKind), value_name = "MODEL", conflicts_with = "data")]
    #[serde(rename = "kind")]
    pub model: Option<ContinuousKind>,
    /// Sizes of the lattice of phi-four and dual-ising, such as 16x16
    #[arg(long, value_name = "ROWSxCOLUMNS", requires = "model")]
    pub lattice: Option<String>,
    /// Particles of harmonic-chain
    #[arg(long, value_name = "N", requires = "model")]
    #[serde(rename = "n")]
    pub particles: Option<usize>,
    /// Inverse temperature of harmonic-chain and dual-ising
    #[arg(long, value_name = "B", allow_negative_numbers = true, requires = "model")]
    #[serde(serialize_with = "number_or_name")]
    pub beta: Option<f64>,
}

impl Shorthand for ContinuousArgs {
    const PATH: &'static str = "model.system";
}

fn number_or_name<S: Serializer>(x: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    x.map(number).serialize(serializer)
}

/// A number, or its name where JSON has none.
pub fn number(x: f64) -> Value {
    serde_json::Number::from_f64(x).map_or_else(|| json!(x.to_string()), Value::Number)
}
