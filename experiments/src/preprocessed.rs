//! Models with a preprocessor on data sets, and in files.

use burn::module::ModuleDisplay;
use gibbs_core::preprocess::{Preprocessed, Preprocessor, PreprocessorConfig, Whitening};
use gibbs_data::check::constant_columns;

use crate::{
    columns::ColumnSettings,
    prelude::*,
    source::{one_hot, require_labels, rows, spread},
    visible::MOMENT_EXAMPLES,
};

/// Columns from which on a table is whitened by default: with two columns a flow finds their correlation at once.
const WHITENED: usize = 3;

/// Columns up to which a table counts as one of few columns.
pub const FEW_COLUMNS: usize = 60;

/// Examples whose moments are computed at once.
const BLOCK: usize = 1000;

/// Whether a model of a table with `width` columns learns in white coordinates by default.
pub fn is_whitened(preprocessing: &PreprocessorConfig, width: usize) -> bool {
    preprocessing.is_of_columns() && (WHITENED..=FEW_COLUMNS).contains(&width)
}

/// Logits of gray values with mean 0 and standard deviation 1 in each pixel, by examples that are spread over the training set
/// and dequantized: splines learn inside a box, and logits reach far beyond it.
///
/// # Errors
/// A margin out of range.
pub fn standardized_logit(info: &SourceInfo, margin: f64, seed: u64) -> Result<PreprocessorConfig> {
    let Some(data) = info.data.map(|data| &data.train) else {
        return Ok(PreprocessorConfig::StandardizedLogit { margin, shift: Vec::new(), scale: Vec::new() });
    };
    let data = data.clone().dequantized(seed).or_usage()?;
    let values = data.values(&spread(data.len(), MOMENT_EXAMPLES));
    let column = |k: usize| values.iter().skip(k).step_by(data.width()).map(|&x| f64::from(x)).collect();
    let columns: Vec<Vec<f64>> = (0..data.width()).map(column).collect();
    PreprocessorConfig::standardized_logit(&columns, margin).or_usage_at("model.preprocessing")
}

/// Whether a flow behind this preprocessing has a density of data: real or gray values of its width, with labels where it has
/// classes.
///
/// # Errors
/// Zeros and ones, another width, values outside of \[0, 1\] for gray values or beyond the bounds of their column, missing
/// labels.
pub fn require_density(
    data: &Splits,
    preprocessing: &PreprocessorConfig,
    columns: &ColumnSettings,
    n_visible: usize,
    n_classes: usize,
) -> Result<()> {
    if data.train.is_binary() && !columns.has_discrete() {
        refuse!("{}: zeros and ones have no density; take `made` or `rbm` for them", data.name());
    }
    let sets = [&data.train, &data.valid, &data.test];
    data.train.require_width(n_visible).or_usage()?;
    if preprocessing.is_gray() {
        sets.into_iter().try_for_each(Dataset::require_unit_interval).or_usage()?;
    } else {
        columns.require_bounds(data)?;
    }
    require_labels(sets, n_classes, "model.n_classes")
}

/// Gray levels and discrete columns with noise, which makes their values continuous; all other data as they are.
///
/// # Errors
/// A value of a discrete column that is no multiple of its step.
pub fn dequantized(data: Splits, columns: &ColumnSettings, seed: u64) -> Result<Splits> {
    match data.train.is_gray() {
        true => data.try_map(|set| set.dequantized(seed)).or_usage(),
        false => columns.with_noise(data, seed),
    }
}

/// Refuses to train a density of a column that has the same value in every example: it would be infinite. `is_real` tells which
/// columns have a density.
///
/// # Errors
/// The first such column.
pub fn require_varying_columns(data: &Dataset, is_real: impl Fn(usize) -> bool) -> Result<()> {
    match constant_columns(data).iter().find(|(column, _)| is_real(*column)) {
        None => Ok(()),
        Some(&(column, value)) => {
            let label = data.column_label(column);
            let listed = if data.columns().is_some() { format!("{label:?}") } else { label };
            Err(usage!(
                "{}: {} is {} in every training example, so its density is infinite: leave it out with --set 'data.drop=[{listed}]'",
                data.name(),
                data.column_name(column),
                data.offset().map_or(value, |offset| (f64::from(value) + offset[column]) as f32),
            ))
        }
    }
}

/// The steps from data of `n_visible` columns to the coordinates of a model.
///
/// # Errors
/// Settings that do not fit the number of columns.
pub fn init(config: &PreprocessorConfig, n_visible: usize) -> Result<Preprocessor> {
    config.init(n_visible).or_usage_at("model.preprocessing")
}

/// A preprocessor with the whitening of a set.
///
/// # Errors
/// Values without finite moments.
pub fn whitened(preprocessor: Preprocessor, data: &Dataset, device: &Device) -> Result<Preprocessor> {
    let rows = rows(data);
    let batches = rows.chunks(BLOCK).map(|rows| data.tensor(rows, device));
    preprocessor.fit_whitening(batches, device).ok_or_else(|| {
        usage!("{}: no finite mean and covariance to whiten by; take model.whitened=false", data.name())
    })
}

/// A batch of examples with their contexts of `n_classes` numbers, or their classes, for a model of `n_classes`.
pub fn with_classes(batch: gibbs_data::Batch, n_classes: usize) -> Batch {
    let classes = || one_hot(batch.labels.as_deref(), n_classes, &batch.x.device());
    let context = batch.context.filter(|context| context.dims()[1] == n_classes).or_else(classes);
    Batch { x: batch.x, context, weights: batch.weights }
}

/// Examples of a set with their classes, block by block.
pub fn blocks<'a>(
    data: &'a Dataset,
    rows: &'a [usize],
    block: usize,
    n_classes: usize,
    device: &'a Device,
) -> impl Iterator<Item = Batch> + 'a {
    rows.chunks(block).map(move |rows| with_classes(data.batch(rows, device), n_classes))
}

/// A model with the whitening before it, as they are saved.
#[derive(Module, Debug)]
struct Whitened<M: Module + ModuleDisplay> {
    whitening: Whitening,
    flow: M,
}

/// The bytes of a `model.safetensors`: the model, and the whitening where there is one. All other preprocessing follows from
/// the configuration.
///
/// # Errors
/// Those of the format.
pub fn to_bytes<M: Module + ModuleDisplay>(
    model: &Preprocessed<M>,
) -> Result<Vec<u8>, weights::WeightsError> {
    match &model.preprocessor.whitening {
        Some(whitening) => {
            weights::to_bytes(&Whitened { whitening: whitening.clone(), flow: model.model.clone() })
        }
        None => weights::to_bytes(&model.model),
    }
}

/// The model with the weights in the bytes that [`to_bytes`] makes of such a model, and with their whitening if it has one.
///
/// # Errors
/// Weights that do not fit.
pub fn from_bytes<M: Module + ModuleDisplay>(
    model: Preprocessed<M>,
    bytes: &[u8],
) -> Result<Preprocessed<M>, weights::WeightsError> {
    let Preprocessed { mut preprocessor, model } = model;
    let (whitening, model) = match preprocessor.whitening.take() {
        Some(whitening) => {
            let read = weights::from_bytes(Whitened { whitening, flow: model }, bytes)?;
            (Some(read.whitening), read.flow)
        }
        None => (None, weights::from_bytes(model, bytes)?),
    };
    preprocessor.whitening = whitening;
    Ok(Preprocessed { preprocessor, model })
}
