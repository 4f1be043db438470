//! The configuration of a run: what `config.json` holds.

use std::path::Path;

use anyhow::Result;
use gibbs_data::{Binarization, Splits};
use gibbs_train::config::{Change, Resolver};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    cli::{Shorthand, Train},
    experiment::Experiment,
    fault::Fault,
};

/// The whole configuration of an experiment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "M: DeserializeOwned, T: DeserializeOwned"))]
pub struct RunConfig<M, T> {
    /// Name of the family.
    pub experiment: String,
    /// The data.
    pub data: DataConfig,
    /// The model.
    pub model: M,
    /// How it is trained and measured.
    pub train: T,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// The configuration of a family.
pub type ConfigOf<E> = RunConfig<<E as Experiment>::Model, <E as Experiment>::Train>;

/// What the model sees of a data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Name of a set, or path of a file.
    pub name: String,
    /// How grey values become zeros and ones; `null` lets the model choose.
    pub binarization: Option<Binarization>,
    /// Shape of one example; `null` takes that of the data.
    pub shape: Option<Vec<usize>>,
}

impl DataConfig {
    /// The set, as it is, whatever the model makes of it.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), binarization: None, shape: None }
    }

    /// Loads the set and binarizes it as the configuration says.
    ///
    /// # Errors
    /// Those of reading and binarizing.
    pub fn load(&self, data_dir: &Path, seed: u64) -> Result<Splits> {
        self.binarize(gibbs_data::load(&self.name, data_dir)?, seed)
    }

    /// A set, binarized as the configuration says.
    ///
    /// # Errors
    /// Values outside \[0, 1\].
    pub fn binarize(&self, data: Splits, seed: u64) -> Result<Splits> {
        Ok(match self.binarization {
            None | Some(Binarization::None) => data,
            Some(kind) => data.binarized(kind, seed)?,
        })
    }

    /// Rows and columns of an example as a picture: its shape if it has two sizes, else a square if its
    /// width is one, else a single row.
    pub fn picture_shape(&self, width: usize) -> (usize, usize) {
        match self.shape.as_deref() {
            Some(&[rows, columns]) if rows * columns == width => (rows, columns),
            _ => {
                let side = width.isqrt();
                if side * side == width { (side, side) } else { (1, width) }
            }
        }
    }
}

/// The configuration that a `train` command line asks for, and how it differs from its preset.
///
/// Later wins: preset, `--config`, `--data` and `--seed`, flags of the family, `--set`. A resumed run starts from the
/// configuration `saved` in its folder instead of a preset.
///
/// # Errors
/// A file that cannot be read, an unknown key, a value of a wrong type.
pub fn resolve<E: Experiment>(
    args: &Train,
    family: &E::TrainArgs,
    saved: Option<&Path>,
) -> Result<(ConfigOf<E>, Vec<Change>)> {
    let of_family = family.settings();
    let by_flag = of_family.iter().find(|(path, _)| *path == "data.name").and_then(|(_, name)| name.as_str());
    let name = match (args.data.as_deref().or(by_flag), &args.config) {
        (Some(name), _) => name.into(),
        (None, Some(file)) => data_name::<E>(file)?.unwrap_or_else(|| E::DATA.into()),
        (None, None) => E::DATA.into(),
    };
    let start = match saved {
        Some(file) => read::<E>(file)?,
        None => preset::<E>(args.preset, &name),
    };
    let mut resolver = Resolver::over(&start)?;
    if let Some(file) = &args.config {
        resolver = resolver.file(file)?;
    }
    if let Some(name) = &args.data {
        resolver = resolver.assign("data.name", name.as_str())?;
    }
    if let Some(seed) = args.seed {
        resolver = resolver.assign("seed", seed)?;
    }
    for (path, value) in of_family {
        resolver = resolver.assign(path, value)?;
    }
    let resolved = resolver.settings(&args.settings)?.resolve::<ConfigOf<E>>()?;
    check_family::<E>(&resolved.config.experiment)?;
    Ok((resolved.config, resolved.changes))
}

/// The configuration in a run folder, made here or elsewhere: keys that are missing take the defaults.
///
/// # Errors
/// A file that cannot be read, an unknown key, a value of a wrong type, another family.
pub fn read<E: Experiment>(file: &Path) -> Result<ConfigOf<E>> {
    let name = data_name::<E>(file)?.unwrap_or_else(|| E::DATA.into());
    let preset = preset::<E>(crate::cli::Preset::Default, &name);
    let config = Resolver::over(&preset)?.file(file)?.resolve::<ConfigOf<E>>()?.config;
    check_family::<E>(&config.experiment)?;
    Ok(config)
}

fn preset<E: Experiment>(preset: crate::cli::Preset, data: &str) -> ConfigOf<E> {
    let (model, train) = E::preset(preset, data);
    RunConfig { experiment: E::NAME.into(), data: DataConfig::new(data), model, train, seed: 0 }
}

fn check_family<E: Experiment>(found: &str) -> Result<()> {
    let own = E::NAME;
    match found == own {
        true => Ok(()),
        false => Err(Fault::usage(format!(
            "experiment = \"{found}\" in the configuration: this is `{own}`; run `{found}` instead"
        ))),
    }
}

/// `data.name` of a configuration file of this family, before it is read strictly.
fn data_name<E: Experiment>(file: &Path) -> Result<Option<String>> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Fault::usage(format!("cannot read {}: {error}", file.display())))?;
    let json: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| Fault::usage(format!("{} is not JSON: {error}", file.display())))?;
    if let Some(experiment) = json["experiment"].as_str() {
        check_family::<E>(experiment)?;
    }
    Ok(json["data"]["name"].as_str().map(Into::into))
}
