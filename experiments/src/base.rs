//! The base of a flow of a table: a mixture that is chosen for the data and fitted before training.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    math::to_host,
    preprocess::{Preprocessor, PreprocessorConfig},
};
use gibbs_data::{Dataset, Splits};
use gibbs_flow::{Mixture, MixtureChoice, MixtureConfig, choose_mixture};
use gibbs_train::training::LoopConfig;
use serde_json::Value;

use crate::{
    cli::Preset,
    output::note,
    request::Request,
    source::{SourceInfo, spread},
    usage::OrUsage,
};

/// The most columns of a table with a mixture as its base: a covariance takes `D²` numbers.
pub const MOST_COLUMNS: usize = 256;
/// The most examples to which a mixture is fitted, and those on which it is chosen. More say little more about it.
const FITTED: usize = 10_000;
const JUDGED: usize = 2000;
/// Steps of a run from a base.
pub const STEPS: usize = 4000;
/// Least number of steps between two validations.
const VALIDATED: usize = 50;
/// Validations without improvement after which a run ends: a quarter of it.
const PATIENCE: usize = STEPS / VALIDATED / 4;
/// Stream of the starts of the fit.
const STREAM: &str = "base";

/// The base of a flow of the table of `info` behind a standardization: the one that the request gives, else the one that suits the
/// validation examples. `None` is standard normal: without data, for pictures, generated sets, weighted examples and very wide
/// tables, and for complete configurations, which have a base or none. With a context it has one component.
pub fn choose(
    request: &Request,
    info: &SourceInfo,
    preprocessing: &PreprocessorConfig,
    n_context: usize,
) -> Option<MixtureConfig> {
    match request.get::<Value>("model.base") {
        Some(Value::Null) => return None,
        Some(_) => return Some(request.or("model.base", MixtureConfig::new(1))),
        None if request.has("model.n_visible") || info.width > MOST_COLUMNS => return None,
        None => {}
    }
    // Noise on discrete columns comes later, a circle has no mixture, and robust scales have tails of their own.
    let is_table = matches!(preprocessing, PreprocessorConfig::Standardize { tails: None, .. })
        && !["data.dequantize", "data.periodic"].iter().any(|setting| request.has(setting));
    // The density of a generated set may have sharp edges, and its presets are made for it. A mixture knows no weights.
    let suits = |data: &&Splits| is_table && data.known_density.is_none() && data.train.weights().is_none();
    let data = info.data.filter(suits)?;
    let preprocessor = preprocessing.init(info.width).ok()?;
    let [train, valid] = [(&data.train, FITTED), (&data.valid, JUDGED)]
        .map(|(set, most)| rows(&preprocessor, set, most, &Device::default()));
    if train.iter().chain(&valid).any(|x| !x.is_finite()) {
        return None;
    }
    let most = match request.preset {
        _ if n_context > 0 => 1,
        Preset::Tiny => 4,
        _ => usize::MAX,
    };
    let noise = &Noise::new(request.or("seed", 0), STREAM);
    let choice = choose_mixture(&train, &valid, info.width, most, noise);
    if !request.is_quiet {
        report(&choice);
    }
    Some(choice.fit.config())
}

/// The loop of a run from a base: validations are some steps apart, however few make an epoch.
pub fn loop_config(info: &SourceInfo, batch_size: usize) -> LoopConfig {
    let steps_per_epoch = info.data.map_or(1, |data| data.train.len().div_ceil(batch_size.max(1)).max(1));
    LoopConfig {
        validate_every_epochs: VALIDATED.div_ceil(steps_per_epoch),
        patience: Some(PATIENCE),
        ..LoopConfig::default()
    }
}

/// One line about a choice.
fn report(choice: &MixtureChoice) {
    let MixtureConfig { components, degrees_of_freedom, prior } = choice.fit.config();
    let kind = degrees_of_freedom.map_or("normal".into(), |nu| format!("Student t (ν = {nu})"));
    note(format_args!(
        "base: {components} {kind} components, prior {prior}, by BIC and validation examples: {:.3} nats in standard units there, one \
         normal {:.3}",
        choice.valid_log_prob, choice.valid_log_prob_normal
    ));
}

/// The mixture of this configuration, fitted to a set behind a preprocessor.
///
/// # Errors
/// Settings out of range.
pub fn fitted(
    config: Option<MixtureConfig>,
    preprocessor: &Preprocessor,
    data: &Dataset,
    seed: u64,
    device: &Device,
) -> Result<Option<Mixture>> {
    let Some(config) = config else { return Ok(None) };
    config.validate().or_usage_at("model.base")?;
    let rows = rows(preprocessor, data, FITTED, device);
    Ok(Some(config.fit(&rows, data.width(), &mut Noise::new(seed, STREAM)).mixture(device)))
}

/// A mixture of this configuration, to load weights into.
///
/// # Errors
/// Settings out of range.
pub fn empty(config: Option<MixtureConfig>, n_visible: usize, device: &Device) -> Result<Option<Mixture>> {
    config.map(|config| config.zeros(n_visible, device)).transpose().or_usage_at("model.base")
}

/// At most `most` examples in the coordinates of the flow, row by row.
fn rows(preprocessor: &Preprocessor, data: &Dataset, most: usize, device: &Device) -> Vec<f64> {
    let chosen = spread(data.len(), most);
    chosen.chunks(1000).flat_map(|rows| to_host(preprocessor.forward(data.tensor(rows, device)).0)).collect()
}
