//! The configuration of a run: what `config.json` holds.

use gibbs_data::Kind;
use gibbs_train::config::{Change, Resolver};
use serde::de::DeserializeOwned;

use crate::{
    columns::ColumnSettings,
    data::DataConfig,
    prelude::*,
    source::{self, Target},
};

/// The whole configuration of an experiment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "M: DeserializeOwned, T: DeserializeOwned"))]
pub struct RunConfig<M, T> {
    /// Name of the family.
    pub experiment: String,
    /// Folder of the run whose weights this run starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// The data; absent where the run learns a target density.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataConfig>,
    /// The model: the configuration of the model crate, and what the family adds.
    pub model: M,
    /// How it is trained and measured.
    pub train: T,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// The configuration of a family.
pub type ConfigOf<E> = RunConfig<<E as Experiment>::Model, <E as Experiment>::Train>;

impl<M, T> RunConfig<M, T> {
    /// The data of the run.
    ///
    /// # Errors
    /// A run on a target.
    pub fn data(&self) -> Result<&DataConfig> {
        self.data.as_ref().ok_or_else(|| usage!("this run has no data: give --data"))
    }

    /// How a density sees the columns of the data.
    pub fn density(&self) -> ColumnSettings {
        self.data.as_ref().map(|data| data.density.clone()).unwrap_or_default()
    }

    /// Draws with the values of the data in discrete columns.
    pub fn rounded(&self, mut draws: Vec<f32>) -> Vec<f32> {
        if let Some(data) = &self.data {
            let width: usize = data.shape.iter().product();
            let numbers = || (0..width).map(|k| k.to_string()).collect();
            let labels = data.columns.clone().unwrap_or_else(numbers);
            data.density.round(&mut draws, &labels, data.read.offset.as_deref());
        }
        draws
    }

    /// How the data are binarized, as results note it.
    pub fn binarization(&self) -> &'static str {
        self.data.as_ref().map_or("none", |data| data.binarization.name())
    }

    /// A set with its grey values binarized as configured.
    ///
    /// # Errors
    /// Values outside \[0, 1\].
    pub fn binarized(&self, data: Splits) -> Result<Splits> {
        match &self.data {
            Some(config) if config.binarization != Binarization::None => {
                data.binarized(config.binarization, self.seed).or_usage()
            }
            _ => Ok(data),
        }
    }

    /// Loads the data of the run, binarized as configured.
    ///
    /// # Errors
    /// Those of reading and binarizing.
    pub fn load_data(&self, data_dir: &Path) -> Result<Splits> {
        let DataConfig { name, read, limit, .. } = self.data()?;
        self.binarized(source::limited(gibbs_data::load_as(name, read, data_dir).or_usage()?, *limit))
    }

    /// How examples of this width are shown, whose values are of this kind where the data do not say it.
    pub fn look(&self, width: usize, kind: Kind) -> Look {
        let data = self.data.as_ref();
        let shape =
            data.map(|data| data.shape.clone()).filter(|shape| shape.iter().product::<usize>() == width);
        let kind = match data.and_then(|data| data.read.kind) {
            Some(Kind::Binary) if kind != Kind::Real => Kind::Binary,
            _ => kind,
        };
        let mut look = Look::of(&shape.unwrap_or_else(|| vec![width]), kind);
        look.offset = data.and_then(|data| data.read.offset.clone()).filter(|offset| !offset.is_empty());
        if let Some(names) = data.and_then(|data| data.columns.clone()).filter(|names| names.len() == width) {
            look.names = names;
        }
        look
    }

    /// Rows and columns of examples of this width as pictures; a row of a table is a single row.
    pub fn picture_shape(&self, width: usize) -> (usize, usize) {
        self.look(width, Kind::Gray).pixels().unwrap_or((1, width))
    }
}

/// The `train` section of a family that is trained by gradients; `F` is what only the family has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainConfig<F> {
    /// Length, logs, validation, checkpoints.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Examples of a step.
    pub batch_size: usize,
    /// Learning rate, optimizer, average of the weights, clipping.
    #[serde(flatten)]
    pub learner: LearnerConfig,
    /// What only the family has.
    #[serde(flatten)]
    pub family: F,
}

impl<F> TrainConfig<F> {
    /// Checks what all families share.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<()> {
        ConfigError::at_least("batch_size", self.batch_size, 1).or_usage_at("train")?;
        self.learner.validate().or_usage_at("train")
    }
}

/// The part of a `train` section that the loop needs.
pub trait Length {
    /// Whether `train.epochs` are those of the last stage, or of the only one. Then a resumed run may become longer.
    const EPOCHS_ARE_LAST: bool = true;

    /// Receives the learning rate that a resumed run is given, for stages that have their own.
    fn change_learning_rate(&mut self, _rate: Schedule) {}

    /// The loop's configuration; its epochs are those of all stages of the run.
    fn run(&self) -> LoopConfig;
}

impl<F> Length for TrainConfig<F> {
    /// Early stopping waits for the end of the warm-up.
    fn run(&self) -> LoopConfig {
        let patience_steps = self.run.patience_steps.max(self.learner.learning_rate.warmup_steps());
        LoopConfig { patience_steps, ..self.run.clone() }
    }
}

/// The complete configuration that a request asks for, and how it differs from its preset. A resumed run starts from the
/// configuration `saved` in its folder instead of a preset.
///
/// # Errors
/// An unknown key, a value of a wrong type, another family.
pub fn resolve<E: Experiment>(
    request: &Request,
    source: &Source<E::Target>,
    saved: Option<&Path>,
) -> Result<(ConfigOf<E>, Vec<Change>)> {
    let info = SourceInfo::of(source)?;
    let start = match saved {
        Some(file) => {
            let before = Request::of_file(file)?;
            let mut config = overlay::<E>(&before, &info)?.0;
            if let Some(rate) = request.get("train.learning_rate") {
                config.train.change_learning_rate(rate);
            }
            match request.has_steps() {
                true => with_epochs_of::<E>(config, &before.with_steps_of(request), &info)?,
                false => config,
            }
        }
        None => preset::<E>(request, &info)?,
    };
    let resolved =
        request.lay_over(Resolver::over(&start).or_usage()?)?.resolve::<ConfigOf<E>>().or_usage()?;
    check_family::<E>(&resolved.config.experiment)?;
    let mut config = resolved.config;
    if !E::is_density_of_columns(&config.model) {
        config.density().require_unused(E::NAME)?;
    }
    if let (Some(config), Source::Data(data)) = (&mut config.data, source) {
        config.make_absolute(data.division);
    }
    Ok((config, resolved.changes))
}

/// A configuration as a file has it, laid over the preset: keys that are missing take the values of the preset.
///
/// # Errors
/// A file that cannot be read, an unknown key, a value of a wrong type, another family.
pub fn read<E: Experiment>(request: &Request, source: Option<&Source<E::Target>>) -> Result<ConfigOf<E>> {
    let info = match source {
        Some(source) => SourceInfo::of(source)?,
        None => match (SourceInfo::of_config(request), E::target(request)?) {
            (Err(_), Some(target)) => SourceInfo::of_shape(target.shape()?),
            (info, _) => info?,
        },
    };
    Ok(overlay::<E>(request, &info)?.0)
}

/// The configuration with the number of epochs that a request gives in steps.
fn with_epochs_of<E: Experiment>(
    config: ConfigOf<E>,
    request: &Request,
    info: &SourceInfo,
) -> Result<ConfigOf<E>> {
    let epochs = preset::<E>(request, info)?.train.run().epochs;
    let longer = Resolver::over(&config).or_usage()?.assign("train.epochs", epochs).or_usage()?;
    Ok(longer.resolve::<ConfigOf<E>>().or_usage()?.config)
}

fn overlay<E: Experiment>(request: &Request, info: &SourceInfo) -> Result<(ConfigOf<E>, Vec<Change>)> {
    check_family::<E>(&request.or("experiment", E::NAME.to_string()))?;
    let preset = preset::<E>(request, info)?;
    let resolved =
        request.lay_over(Resolver::over(&preset).or_usage()?)?.resolve::<ConfigOf<E>>().or_usage()?;
    Ok((resolved.config, resolved.changes))
}

fn preset<E: Experiment>(request: &Request, info: &SourceInfo) -> Result<ConfigOf<E>> {
    let Settings { binarization, model, train } = E::preset(request, info)?;
    request.require_steps_used()?;
    let has_target = E::target(request)?.is_some();
    let limit = source::limit(request, info.width, E::is_slow(request));
    let mut data = (!has_target).then(|| DataConfig::of(request, info, E::DATA, (binarization, limit)));
    if let Some(data) = data.as_mut().filter(|_| E::is_density_of_columns(&model)) {
        data.density = ColumnSettings::of(request, info)?;
    }
    Ok(RunConfig { experiment: E::NAME.into(), from: None, data, model, train, seed: 0 })
}

/// Refuses the configuration of another family.
///
/// # Errors
/// Another name than that of the family.
pub fn check_family<E: Experiment>(found: &str) -> Result<()> {
    let own = E::NAME;
    require!(
        found == own,
        "experiment = \"{found}\" in the configuration: this is `{own}`; run `{found}` instead"
    );
    Ok(())
}
