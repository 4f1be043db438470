//! What a user asks for, before it is known what the source is like.

use std::cell::Cell;

use gibbs_data::ReadConfig;
use gibbs_train::config::Resolver;
use serde::de::DeserializeOwned;
use serde_json::Map;

use crate::{cli::RequestArgs, prelude::*};

/// Settings that are given, in their order; later ones win.
#[derive(Clone, Debug)]
pub struct Request {
    /// The preset to lay them over.
    pub preset: Preset,
    layers: Vec<Layer>,
    /// All that is given, as one object.
    values: Value,
    /// Whether nothing is said on stderr.
    pub is_quiet: bool,
    /// Length of the run in steps, where it is given so.
    steps: Option<usize>,
    /// Whether the preset has asked for it.
    steps_are_used: Cell<bool>,
    /// Whether a run is to be trained. Otherwise the request describes weights that there are.
    is_training: bool,
}

#[derive(Clone, Debug)]
enum Layer {
    File(PathBuf),
    Value(String, Value),
    Setting(String),
}

impl Request {
    /// Of a command line: settings to `start` from, `--config`, `--data` and `--seed`, flags of the family, `--set`.
    ///
    /// # Errors
    /// A file that cannot be read, or a setting that is none.
    pub fn new(args: &RequestArgs, family: &impl Shorthand, start: Vec<(String, Value)>) -> Result<Self> {
        let mut layers: Vec<Layer> =
            start.into_iter().map(|(path, value)| Layer::Value(path, value)).collect();
        layers.extend(args.config.iter().map(|file| Layer::File(file.clone())));
        let name = args.data.iter().map(|name| ("data.name".into(), json!(name)));
        let seed = args.seed.iter().map(|seed| ("seed".into(), json!(seed)));
        let flags = name.chain(seed).chain(args.files.settings()).chain(family.settings());
        layers.extend(flags.map(|(path, value)| Layer::Value(path, value)));
        let (mut steps, mut settings) = (None, Vec::new());
        for setting in &args.settings {
            match setting.strip_prefix("train.steps=") {
                None => settings.push(Layer::Setting(setting.clone())),
                Some(number) => match number.parse() {
                    Ok(number) if number > 0 => steps = Some(number),
                    _ => {
                        refuse!("train.steps = {number}: must be a whole number above 0");
                    }
                },
            }
        }
        layers.extend(settings);
        let preset = args.preset.unwrap_or(Preset::Default);
        Ok(Self { is_training: true, ..Self::of_layers(preset, layers, steps)? })
    }

    /// Of a configuration file alone.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of_file(file: &Path) -> Result<Self> {
        Self::of_layers(Preset::Default, vec![Layer::File(file.into())], None)
    }

    fn of_layers(preset: Preset, layers: Vec<Layer>, steps: Option<usize>) -> Result<Self> {
        let mut request = Self {
            preset,
            layers,
            values: Value::Null,
            is_quiet: true,
            steps,
            steps_are_used: Cell::new(false),
            is_training: false,
        };
        request.values = request.lay_over(Resolver::over(&Map::new()).or_usage()?)?.values().clone();
        Ok(request)
    }

    /// All settings over a preset. `model.n_classes` is another name of `model.n_context`, the width of one-hot classes, or of
    /// `model.states`, those of the label of an RBM. `model.outputs` is short for `model.output.kind`; presets choose what `auto` is.
    ///
    /// # Errors
    /// A file that cannot be read, or a path through a value without parts.
    pub fn lay_over(&self, resolver: Resolver) -> Result<Resolver> {
        let model = &resolver.values()["model"];
        let other = ["n_context", "states"].into_iter().find(|name| model.get(name).is_some());
        let other = other.filter(|_| model.get("n_classes").is_none());
        let has_outputs = model.get("output").is_some();
        let lay = |resolver: Resolver, layer: &Layer| {
            match layer {
                Layer::File(file) => resolver.file(file),
                Layer::Value(path, value) => resolver.assign(path, value.clone()),
                Layer::Setting(text) if has_outputs && text.starts_with("model.outputs=") => {
                    match &text["model.outputs=".len()..] {
                        "auto" => Ok(resolver),
                        kind => resolver.setting(&format!("model.output.kind={kind}")),
                    }
                }
                Layer::Setting(text) => match (text.strip_prefix("model.n_classes="), other) {
                    (Some("0"), Some("states")) => Ok(resolver),
                    (Some(n), Some(name)) => resolver.setting(&format!("model.{name}={n}")),
                    _ => resolver.setting(text),
                },
            }
            .or_usage()
        };
        self.layers.iter().try_fold(resolver, lay)
    }

    /// The value given at a path, where there is one of this type. One of a wrong type is refused when the whole configuration
    /// is resolved.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        let value = path.split('.').try_fold(&self.values, |value, key| value.get(key))?;
        T::deserialize(value).ok()
    }

    /// The value given at a path, or a default.
    pub fn or<T: DeserializeOwned>(&self, path: &str, default: T) -> T {
        self.get(path).unwrap_or(default)
    }

    /// Whether something is given at a path.
    pub fn has(&self, path: &str) -> bool {
        self.get::<Value>(path).is_some()
    }

    /// How the files of the data are read. A value of a wrong type is refused when the whole configuration is resolved.
    pub fn read_config(&self) -> ReadConfig {
        self.get("data").unwrap_or_default()
    }

    /// Whether a run is to be trained. A choice that decides what weights mean, such as an order of the variables, may depend on
    /// the data only then: a configuration of weights made elsewhere may leave it out.
    pub fn is_training(&self) -> bool {
        self.is_training
    }

    /// The length of the run in steps (`train.steps`), or a default.
    pub fn steps(&self, default: usize) -> usize {
        self.steps_are_used.set(true);
        self.steps.unwrap_or(default)
    }

    /// Refuses a length in steps after a preset that did not ask for it.
    ///
    /// # Errors
    /// `train.steps` in a family whose runs are counted in epochs.
    pub fn require_steps_used(&self) -> Result<()> {
        match self.steps.filter(|_| !self.steps_are_used.get()) {
            Some(steps) => Err(usage!("train.steps = {steps}: this family counts epochs; give train.epochs")),
            None => Ok(()),
        }
    }

    /// The same request with the length in steps of another.
    #[must_use]
    pub fn with_steps_of(self, other: &Self) -> Self {
        Self { steps: other.steps, ..self }
    }

    /// Whether a length in steps is given.
    pub fn has_steps(&self) -> bool {
        self.steps.is_some()
    }

    /// The choice between three values by the preset.
    pub fn by_preset<T>(&self, [tiny, default, paper]: [T; 3]) -> T {
        match self.preset {
            Preset::Tiny => tiny,
            Preset::Default => default,
            Preset::Paper => paper,
        }
    }
}
