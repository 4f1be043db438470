//! Models with a preprocessor on data sets, and in files.

use anyhow::Result;
use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_core::{
    Batch,
    preprocess::{Preprocessed, Preprocessor, PreprocessorConfig, Whitening},
};
use gibbs_data::{Dataset, Splits};
use gibbs_train::weights;

use crate::{
    source::{SourceInfo, one_hot, require_labels},
    usage::{OrUsage, usage},
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

/// Shift and scale of each column by the moments of the training examples; a constant column keeps its scale.
pub fn standardize(info: &SourceInfo) -> PreprocessorConfig {
    let Some(data) = info.data.map(|data| &data.train) else {
        return PreprocessorConfig::Standardize { shift: Vec::new(), scale: Vec::new(), tails: None };
    };
    let width = data.width();
    let rows: Vec<usize> = (0..data.len()).collect();
    let mut columns = vec![Vec::with_capacity(data.len()); width];
    for rows in rows.chunks(BLOCK) {
        data.values(rows).iter().enumerate().for_each(|(i, &x)| columns[i % width].push(f64::from(x)));
    }
    PreprocessorConfig::standardize(&columns)
}

/// Whether a flow behind this preprocessing has a density of data: real or gray values of its width, with labels where it has
/// classes.
///
/// # Errors
/// Zeros and ones, another width, values outside of \[0, 1\] for grey values, missing labels.
pub fn require_density(
    data: &Splits,
    preprocessing: &PreprocessorConfig,
    n_visible: usize,
    n_classes: usize,
) -> Result<()> {
    if data.train.is_binary() {
        return Err(usage(format!(
            "{}: zeros and ones have no density; take `made` or `rbm` for them",
            data.name()
        )));
    }
    let sets = [&data.train, &data.valid, &data.test];
    data.train.require_width(n_visible).or_usage()?;
    if preprocessing.is_gray() {
        sets.into_iter().try_for_each(Dataset::require_unit_interval).or_usage()?;
    }
    require_labels(sets, n_classes, "model.n_classes")
}

/// Grey levels as dequantized values; all other data as they are.
pub fn dequantized(data: Splits, seed: u64) -> Splits {
    let as_they_are = data.clone();
    data.try_map(|set| set.dequantized(seed)).unwrap_or(as_they_are)
}

/// Refuses to train on real data with a column that has the same value in every example: its density would be infinite.
///
/// # Errors
/// The first such column.
pub fn require_varying_columns(data: &Dataset, preprocessing: &PreprocessorConfig) -> Result<()> {
    if !matches!(preprocessing, PreprocessorConfig::Standardize { .. }) {
        return Ok(());
    }
    let first = data.values(&[0]);
    let mut constant = vec![true; data.width()];
    for row in 1..data.len() {
        let values = data.values(&[row]);
        constant.iter_mut().zip(values.iter().zip(&first)).for_each(|(flag, (x, first))| *flag &= x == first);
        if !constant.contains(&true) {
            break;
        }
    }
    match constant.iter().position(|constant| *constant) {
        None => Ok(()),
        Some(column) => Err(usage(format!(
            "{}: {} is {} in every training example, so its density is infinite; leave it out: data.drop=[{column}]",
            data.name(),
            data.column_name(column),
            first[column]
        ))),
    }
}

/// A preprocessor with the whitening of a set.
///
/// # Errors
/// Values without finite moments.
pub fn whitened(preprocessor: Preprocessor, data: &Dataset, device: &Device) -> Result<Preprocessor> {
    let rows: Vec<usize> = (0..data.len()).collect();
    let batches = rows.chunks(BLOCK).map(|rows| data.tensor(rows, device));
    preprocessor.fit_whitening(batches, device).ok_or_else(|| {
        usage(format!(
            "{}: no finite mean and covariance to whiten by; take model.whitened=false",
            data.name()
        ))
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
    let Preprocessed { preprocessor: Preprocessor { map, whitening }, model } = model;
    let (whitening, model) = match whitening {
        Some(whitening) => {
            let read = weights::from_bytes(Whitened { whitening, flow: model }, bytes)?;
            (Some(read.whitening), read.flow)
        }
        None => (None, weights::from_bytes(model, bytes)?),
    };
    Ok(Preprocessed { preprocessor: Preprocessor { map, whitening }, model })
}
