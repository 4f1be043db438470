//! Data of models with an output distribution for each variable, and how that distribution is chosen from the training data.
//!
//! ```text
//! 0 and 1 alone                Bernoulli
//! few whole numbers            categorical, from the smallest to the largest
//! anything else                mixture of Gaussians, standardized
//! ```

use gibbs_core::{
    output::{OutputDistribution, ValueError},
    preprocess::{Preprocessor, PreprocessorConfig},
};
use gibbs_data::{
    Kind,
    check::{ColumnKind, columns_of, kind_of_columns},
};
use serde_json::Map;

use crate::{
    columns::ColumnSettings,
    conditions::{Conditions, ContextUnits},
    prelude::*,
    preprocessed::{self, with_classes},
    source::{require_labels, require_unit_interval, rows, spread},
    usage::usage,
};

/// The most levels of a categorical column. Every level has parameters of its own; 64 of them have as many as 21 components.
const MOST_LEVELS: i64 = 64;

/// Examples that are computed at once.
pub const BLOCK: usize = 1000;

/// Training examples from which the marginals are estimated.
const MARGINALS: usize = 10_000;

/// The setting with which these models learn real columns.
pub const REAL: &str = "model.outputs=auto";

/// The output distribution that is asked for. `model.outputs=auto`, and a table of other values than 0 to 1, get one for each
/// column; `model.outputs=KIND` is short for `model.output.kind=KIND`.
pub fn of_request(request: &Request, info: &SourceInfo) -> OutputDistribution {
    let asked: Option<String> = request.get("model.outputs");
    let is_table = !request.has("model.output") && info.data.is_some() && !info.is_unit_interval();
    match (asked.as_deref(), info.data) {
        (Some("auto"), Some(data)) => choose(&data.train),
        (None, Some(data)) if is_table => choose(&data.train),
        (Some(kind), _) if kind != "auto" => {
            let mut output: Map<String, Value> = request.or("model.output", Map::new());
            output.insert("kind".into(), kind.into());
            // A kind that does not exist is refused when the whole configuration is resolved.
            serde_json::from_value(output.into()).unwrap_or_default()
        }
        _ => request.or("model.output", OutputDistribution::default()),
    }
}

/// The distribution of each column of the training data. A column with one whole number other than 0 and 1 counts as real, and is
/// refused as such.
fn choose(data: &Dataset) -> OutputDistribution {
    let distribution = |kind: ColumnKind| match kind {
        ColumnKind::Binary => OutputDistribution::Bernoulli,
        ColumnKind::Integer { low, high } if low < high && high - low < MOST_LEVELS => {
            OutputDistribution::Categorical { levels: (high - low + 1) as usize }
        }
        _ => OutputDistribution::gaussian_mixture(),
    };
    let columns: Vec<_> = kind_of_columns(data).into_iter().map(distribution).collect();
    let is_shared = columns.windows(2).all(|pair| pair[0] == pair[1]);
    let is_categorical = matches!(columns[0], OutputDistribution::Categorical { .. });
    if is_shared && !is_categorical { columns[0].clone() } else { OutputDistribution::Mixed { columns } }
}

/// The map from data to the coordinates of a model with this output distribution.
///
/// # Errors
/// Settings of columns that do not fit the data.
pub fn preprocessing(
    output: &OutputDistribution,
    request: &Request,
    info: &SourceInfo,
) -> Result<PreprocessorConfig> {
    Ok(match output {
        OutputDistribution::GaussianMixture { .. } => {
            ColumnSettings::of(request, info)?.preprocessing(info)?
        }
        OutputDistribution::Mixed { columns } => of_columns(columns, info),
        _ => PreprocessorConfig::Identity,
    })
}

/// Levels begin at 0, real columns have mean 0 and standard deviation 1.
fn of_columns(columns: &[OutputDistribution], info: &SourceInfo) -> PreprocessorConfig {
    let Some(data) = info.data else {
        return PreprocessorConfig::Standardize { shift: Vec::new(), scale: Vec::new(), tails: None };
    };
    let values = columns_of(&data.train);
    let mut preprocessing = PreprocessorConfig::standardize(&values);
    if let PreprocessorConfig::Standardize { shift, scale, .. } = &mut preprocessing {
        for (i, (column, values)) in columns.iter().zip(&values).enumerate() {
            let first = match column {
                OutputDistribution::GaussianMixture { .. } => continue,
                OutputDistribution::Categorical { .. } => {
                    values.iter().copied().fold(f64::INFINITY, f64::min)
                }
                _ => 0.0,
            };
            (shift[i], scale[i]) = (first, 1.0);
        }
    }
    preprocessing
}

/// Whether a distribution is one of real numbers.
pub fn is_real(output: &OutputDistribution) -> bool {
    matches!(output, OutputDistribution::GaussianMixture { .. })
}

/// A model's variables, as the data see them.
#[derive(Clone, Copy)]
pub struct Outputs<'a> {
    /// The distribution of each variable.
    pub distribution: &'a OutputDistribution,
    /// The map from data to the coordinates of the model.
    pub preprocessing: &'a PreprocessorConfig,
    /// Units of the real numbers on which the model is conditioned, where it is.
    pub context: Option<&'a ContextUnits>,
    /// Number of variables.
    pub n_visible: usize,
    /// Width of the context.
    pub n_context: usize,
}

impl<'a> Outputs<'a> {
    /// Checks the preprocessing and the context of a run, and that its data fit them before they are binarized.
    ///
    /// # Errors
    /// The first setting that is out of range, or the first value that the model does not have.
    pub fn validate<M, T>(&self, config: &RunConfig<M, T>, data: &Splits) -> Result<()> {
        self.preprocessing.validate(self.n_visible).or_usage_at("model.preprocessing")?;
        data.train.require_width(self.n_visible).or_usage()?;
        config.density().require_bounds(data)?;
        config.density().require_no_circles(&config.experiment)?;
        self.context.iter().try_for_each(|context| context.validate(self.n_context))?;
        let sets = [&data.train, &data.valid, &data.test];
        require_labels(sets, self.n_context, "model.n_classes")?;
        match config.data()?.binarization {
            Binarization::None => sets.into_iter().try_for_each(|set| self.require(set)),
            _ => sets.into_iter().try_for_each(|set| require_unit_interval(set, REAL)),
        }
    }

    /// Binarized data as the model learns them: contexts in standard units, discrete columns with noise.
    ///
    /// # Errors
    /// Contexts that do not fit, or a value of a discrete column that is no multiple of its step.
    pub fn prepare<M, T>(&self, config: &RunConfig<M, T>, binarized: Splits) -> Result<Splits> {
        config.density().with_noise(ContextUnits::standardized(self.context, binarized)?, config.seed)
    }

    /// The map from data to the coordinates of the model.
    ///
    /// # Errors
    /// Settings that do not fit the number of variables.
    pub fn preprocessor(&self) -> Result<Preprocessor> {
        preprocessed::init(self.preprocessing, self.n_visible)
    }

    /// Batches of training examples in the coordinates of the model.
    ///
    /// # Errors
    /// No examples, a batch size of 0, or a real column that has the same value in every example.
    pub fn batches<M, T>(
        self,
        config: &RunConfig<M, TrainConfig<T>>,
        preprocessor: Preprocessor,
        train: &Dataset,
        device: &Device,
    ) -> Result<DataBatches<impl FnMut(gibbs_data::Batch) -> Batch + use<'a, M, T>>> {
        preprocessed::require_varying_columns(train, |column| is_real(self.distribution.of(column)))?;
        let encode = move |batch| self.encode(&preprocessor, batch).0;
        DataBatches::new(train.clone(), config.train.batch_size, config.seed, device, encode).or_usage()
    }

    /// Training examples, evenly spread, for the marginals of the variables; and `ladj [n]` of the preprocessing.
    pub fn representatives(
        &self,
        preprocessor: &Preprocessor,
        train: &Dataset,
        device: &Device,
    ) -> (Tensor<2>, Tensor<1>) {
        let (batch, ladj) = self.encode(preprocessor, train.batch(&spread(train.len(), MARGINALS), device));
        (batch.x, ladj)
    }

    /// Examples in the coordinates of the model, with their contexts or classes; and `ladj [n]` of the preprocessing.
    pub fn encode(&self, preprocessor: &Preprocessor, batch: gibbs_data::Batch) -> (Batch, Tensor<1>) {
        let batch = with_classes(batch, self.n_context);
        let (x, ladj) = preprocessor.forward(self.values(batch.x));
        (Batch { x, ..batch }, ladj)
    }

    /// What draws are conditioned on.
    pub fn conditions(&self, device: &'a Device) -> Conditions<'a> {
        Conditions { units: self.context, n_context: self.n_context, device }
    }

    /// Values `[n, D]` of data as the model receives them: numbers from 0 to 1 as levels of categorical variables, all else as it is.
    pub fn values(&self, x: Tensor<2>) -> Tensor<2> {
        match self.distribution {
            &OutputDistribution::Categorical { levels } => {
                (x * levels as f64).floor().clamp(0.0, (levels - 1) as f64)
            }
            _ => x,
        }
    }

    /// Checks that the model has a likelihood of the examples of these sets, given their contexts or classes.
    ///
    /// # Errors
    /// Another width, a value that the model does not have, or missing labels.
    pub fn require_all(&self, sets: &[&Dataset]) -> Result<()> {
        for set in sets {
            set.require_width(self.n_visible).or_usage()?;
            self.require(set)?;
        }
        require_labels(sets.iter().copied(), self.n_context, "model.n_classes")
    }

    /// Checks that data have the values of the model's variables.
    ///
    /// # Errors
    /// The first value that is none.
    pub fn require(&self, data: &Dataset) -> Result<()> {
        let is_bernoulli = *self.distribution == OutputDistribution::Bernoulli;
        let is_categorical = matches!(self.distribution, OutputDistribution::Categorical { .. });
        if is_bernoulli || is_categorical {
            require_unit_interval(data, REAL)?;
        }
        if is_categorical || is_bernoulli && data.is_binary() {
            return Ok(());
        }
        // Levels are checked as the model counts them, from 0.
        let first = |column: usize| match (self.preprocessing, self.distribution.of(column)) {
            (PreprocessorConfig::Standardize { shift, .. }, OutputDistribution::Categorical { .. }) => {
                shift[column]
            }
            _ => 0.0,
        };
        let width = data.width();
        for (block, rows) in rows(data).chunks(BLOCK).enumerate() {
            let values = data.values(rows).into_iter().enumerate();
            let x: Vec<f64> = values.map(|(i, x)| f64::from(x) - first(i % width)).collect();
            self.distribution.check(&x, width).map_err(|error| {
                let ValueError { example, variable, value, expected } = error;
                let (example, first) = (example + block * BLOCK, first(variable));
                let (value, name) = (value + first, data.name());
                usage(match self.distribution.of(variable) {
                    OutputDistribution::Categorical { levels } => format!(
                        "{name}: the value {value} of column {variable} in example {example} has probability 0: training had the \
                         whole numbers from {first} to {}; leave the example out, or train with data that have the value",
                        first + (levels - 1) as f64
                    ),
                    OutputDistribution::Bernoulli if is_bernoulli => format!(
                        "{name}: the value {value} of variable {variable} in example {example} is not {expected}; give zeros and \
                         ones, or train with --set data.binarization=stochastic or threshold"
                    ),
                    _ => format!(
                        "{name}: the value {value} of column {variable} in example {example} is not {expected}"
                    ),
                })
            })?;
        }
        Ok(())
    }

    /// Values of variables as data: levels become numbers from 0 to 1.
    pub fn decode(&self, preprocessor: &Preprocessor, x: Tensor<2>) -> Vec<f32> {
        let x = to_host(preprocessor.inverse(x));
        match self.distribution {
            &OutputDistribution::Categorical { levels } => {
                x.into_iter().map(|level| (level / (levels - 1) as f64) as f32).collect()
            }
            _ => x.into_iter().map(|x| x as f32).collect(),
        }
    }

    /// The kind of values that are shown.
    pub fn kind(&self) -> Kind {
        if is_real(self.distribution) { Kind::Real } else { Kind::Gray }
    }

    /// Adds bits per dimension from the log-probability of each example, or from its lower bound, for levels.
    pub fn add_bits_per_dim(&self, evaluation: &mut Evaluation, log_prob: &Estimate) {
        if let &OutputDistribution::Categorical { levels } = self.distribution {
            let nats_per_bit = std::f64::consts::LN_2 * self.n_visible as f64;
            evaluation.add("bits_per_dim", &log_prob.clone().affine(-1.0 / nats_per_bit, 0.0), "bits");
            evaluation.note("bits_per_dim", "levels", levels);
        }
    }

    /// Notes on log-probabilities: of what they are, and where the model is conditioned, on what.
    pub fn note(&self, evaluation: &mut Evaluation, names: &[&str]) {
        let mut note = |key: &str, value: &str| {
            evaluation.note_all(names, Some((key, value.to_string())));
        };
        if self.n_context > 0 {
            note("given", if self.context.is_some() { "context" } else { "class" });
        }
        if let OutputDistribution::Mixed { columns } = self.distribution {
            note(
                "of",
                match (columns.iter().any(is_real), columns.iter().all(is_real)) {
                    (_, true) => "density",
                    (true, _) => "mass of the discrete columns times density of the real ones",
                    _ => "mass",
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use OutputDistribution::{Bernoulli, Categorical};

    use super::*;

    fn table(rows: &[[f32; 4]]) -> Dataset {
        Dataset::from_f32("table", rows.concat(), &[4], None).unwrap()
    }

    #[test]
    fn each_column_has_the_distribution_of_its_kind() {
        let data = table(&[[0.0, 3.0, 0.5, 1.0], [1.0, 7.0, -2.0, 900.0], [1.0, 4.0, 1.5, 3.0]]);
        let real = OutputDistribution::gaussian_mixture();
        let columns = vec![Bernoulli, Categorical { levels: 5 }, real.clone(), real.clone()];
        assert_eq!(choose(&data), OutputDistribution::Mixed { columns });
        let bits = table(&[[0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]]);
        assert_eq!(choose(&bits), Bernoulli);
        let constant = table(&[[0.0, 3.0, 2.0, 1.0], [1.0, 4.0, 2.0, 1.0]]);
        let columns = vec![Bernoulli, Categorical { levels: 2 }, real, Bernoulli];
        assert_eq!(choose(&constant), OutputDistribution::Mixed { columns });
    }
}
