//! Real numbers on which a model is conditioned, in standard units.

use gibbs_core::math::mean_and_variance;
use gibbs_data::load_file;

use crate::{
    prelude::*,
    source::{classes, rows},
};

/// What draws of a model are conditioned on.
pub struct Conditions<'a> {
    /// Units of the real numbers, where it is conditioned on real numbers; else on classes.
    pub units: Option<&'a ContextUnits>,
    /// How many numbers or classes, 0 for none.
    pub n_context: usize,
    /// Where it is computed.
    pub device: &'a Device,
}

impl Conditions<'_> {
    /// The contexts of `n` draws without a file of them: classes, or the mean of the training examples for real numbers.
    ///
    /// # Errors
    /// A class that the model does not have.
    pub fn of_draws(&self, n: usize, class: Option<usize>) -> Result<Option<Tensor<2>>> {
        if self.units.is_none() {
            return classes(n, class, self.n_context, self.device);
        }
        require!(class.is_none(), "--class: the model is conditioned on real numbers: give --context FILE");
        Ok(Some(Tensor::zeros([n, self.n_context], self.device)))
    }

    /// How many draws `sample` makes, and their contexts: for each row of `--context FILE` as many as `-n`; else those of
    /// [`of_draws`](Self::of_draws).
    ///
    /// # Errors
    /// A file that does not fit, a model without real numbers as its context, or a class that the model does not have.
    pub fn of_sample(
        &self,
        args: &cli::Sample,
        (file, class): (Option<&Path>, Option<usize>),
    ) -> Result<(usize, Option<Tensor<2>>)> {
        let Some(file) = file else { return Ok((args.n(), self.of_draws(args.n(), class)?)) };
        let Some(units) = self.units else {
            refuse!(
                "--context {}: the model is not conditioned on real numbers; train it with --context FILE",
                file.display()
            );
        };
        let contexts = units.read(file, args.asked.unwrap_or(1), self.device)?;
        Ok((contexts.dims()[0], Some(contexts)))
    }
}

/// The units of a context: a model receives `(c - shift)/scale` of each number `c`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextUnits {
    /// Mean of each column over the training examples.
    pub shift: Vec<f64>,
    /// Standard deviation of each column; 1 where it is 0.
    pub scale: Vec<f64>,
}

impl ContextUnits {
    /// Those of the training examples; `None` without contexts.
    pub fn of(info: &SourceInfo) -> Option<Self> {
        let train = &info.data?.train;
        let (context, width) = (train.context()?, train.context_columns().len());
        let column =
            |k: usize| -> Vec<f64> { context.iter().skip(k).step_by(width).map(|c| f64::from(*c)).collect() };
        let (shift, scale) = (0..width)
            .map(|k| mean_and_variance(&column(k)))
            .map(|(mean, variance)| (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 }))
            .unzip();
        Some(Self { shift, scale })
    }

    /// Those of a preset. A complete configuration has its own or none.
    pub fn of_preset(request: &Request, info: &SourceInfo) -> Option<Self> {
        if request.has("model.n_visible") { None } else { Self::of(info) }
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.shift.len()
    }

    /// Checks the units of a model with a context of `n_context` numbers.
    ///
    /// # Errors
    /// Another number of columns, or a scale that is not above 0.
    pub fn validate(&self, n_context: usize) -> Result<()> {
        let Self { shift, scale } = self;
        let holds = shift.len() == n_context
            && scale.len() == n_context
            && shift.iter().all(|x| x.is_finite())
            && scale.iter().all(|x| x.is_finite() && *x > 0.0);
        require!(
            holds,
            "model.context: shift {shift:?} and scale {scale:?} must be {n_context} finite numbers, scales above 0"
        );
        Ok(())
    }

    fn standard(&self, column: usize, value: f32) -> f32 {
        ((f64::from(value) - self.shift[column]) / self.scale[column]) as f32
    }

    /// The examples as a model receives them: with their contexts in these units, if it has any.
    ///
    /// # Errors
    /// Contexts that are missing or of another width.
    pub fn standardized(units: Option<&Self>, data: Splits) -> Result<Splits> {
        let Some(units) = units else { return Ok(data) };
        data.try_map(|set| {
            let (name, found, width) = (set.name(), set.context_columns().len(), units.width());
            require!(
                found == width,
                "{name} has a context of {found} columns, the model one of {width}: give --context FILE"
            );
            Ok(set.map_context(|column, value| units.standard(column, value)))
        })
    }

    /// The contexts in the rows of a file, in standard units, each `times` times: `[rows·times, n_context]`.
    ///
    /// # Errors
    /// A file that cannot be read, or of another width.
    pub fn read(&self, file: &Path, times: usize, device: &Device) -> Result<Tensor<2>> {
        let data: Dataset = load_file(file).or_usage()?;
        data.require_width(self.width()).or_usage()?;
        let values = data.values(&rows(&data));
        let standard = values.iter().enumerate().map(|(i, &value)| self.standard(i % self.width(), value));
        let standard: Vec<f32> = standard.collect();
        let each =
            standard.chunks(self.width()).flat_map(|row| std::iter::repeat_n(row, times).flatten().copied());
        let values: Vec<f32> = each.collect();
        Ok(Tensor::from_data(TensorData::new(values, [data.len() * times, self.width()]), device))
    }
}
