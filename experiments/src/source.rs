//! What a run learns from: a data set, or a target density.

use anyhow::Result;
use burn::prelude::*;
use gibbs_data::{Binarization, Dataset, Splits, example_shape};
use serde::{Serialize, de::DeserializeOwned};

use crate::{cli::Preset, request::Request};

/// A density that a model learns without data, such as that of a Hamiltonian.
pub trait Target: Clone + Serialize + DeserializeOwned {
    /// Its name, for folders and results.
    fn name(&self) -> String;

    /// One line with its sizes and constants.
    fn describe(&self) -> String;

    /// Sizes of its lattice, or its number of variables.
    ///
    /// # Errors
    /// Sizes or constants that make no target.
    fn shape(&self) -> Result<Vec<usize>>;
}

/// No target: families that learn from data only.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
pub enum NoTarget {}

impl Target for NoTarget {
    fn name(&self) -> String {
        match *self {}
    }

    fn describe(&self) -> String {
        match *self {}
    }

    fn shape(&self) -> Result<Vec<usize>> {
        match *self {}
    }
}

/// What a run learns from.
#[allow(clippy::large_enum_variant, reason = "a run has one of them")]
pub enum Source<T> {
    /// Examples.
    Data(Splits),
    /// A density.
    Target(T),
}

impl<T: Target> Source<T> {
    /// The data.
    ///
    /// # Errors
    /// A source without any.
    pub fn data(&self) -> Result<&Splits> {
        match self {
            Self::Data(data) => Ok(data),
            Self::Target(target) => Err(usage!("{} has no data: give --data", target.name())),
        }
    }

    /// Name of the data set or of the target.
    pub fn name(&self) -> String {
        match self {
            Self::Data(data) => data.train.name().to_string(),
            Self::Target(target) => target.name(),
        }
    }

    /// One line with its sizes.
    pub fn describe(&self) -> String {
        match self {
            Self::Data(data) => data.train.describe(),
            Self::Target(target) => target.describe(),
        }
    }
}

/// The data that a run learned from, when it is measured: what a family fits for its metrics, such as a baseline, it fits to
/// these.
#[derive(Clone, Debug, Default)]
#[allow(clippy::large_enum_variant, reason = "a measurement has one of them")]
pub enum OwnData {
    /// They are the data that are measured.
    #[default]
    Measured,
    /// Other data are measured.
    Loaded(Splits),
    /// Other data are measured, and those of the run cannot be read or do not fit its model.
    Missing,
}

impl OwnData {
    /// The data to fit to: those of the run, or the measured ones in their place.
    pub fn or<'a>(&'a self, measured: &'a Splits) -> &'a Splits {
        match self {
            Self::Loaded(own) => own,
            Self::Measured | Self::Missing => measured,
        }
    }

    /// The note of metrics that depend on [`or`](Self::or), where other data than those of the run are measured.
    pub fn note(&self, measured: &Splits) -> Option<(&'static str, String)> {
        let is_plain = match self {
            Self::Measured => true,
            Self::Loaded(own) => own.name() == measured.name(),
            Self::Missing => false,
        };
        (!is_plain).then(|| ("fitted_on", self.or(measured).name().to_string()))
    }
}

/// Training examples from which on there are many. The sets of pictures have 18000 and more; tables and counts that people
/// bring along mostly have fewer.
const FEW: usize = 10_000;

/// What presets may depend on.
pub struct SourceInfo<'a> {
    /// The data, where there are any at hand.
    pub data: Option<&'a Splits>,
    /// Values of an example, or variables of a target.
    pub width: usize,
    /// Shape of an example, or of the lattice.
    pub shape: Vec<usize>,
}

impl<'a> SourceInfo<'a> {
    /// Of a source.
    ///
    /// # Errors
    /// A target that cannot be built.
    pub fn of<T: Target>(source: &'a Source<T>) -> Result<Self> {
        Ok(match source {
            Source::Data(data) => {
                Self { width: data.width(), shape: data.train.shape().to_vec(), data: Some(data) }
            }
            Source::Target(target) => Self::of_shape(target.shape()?),
        })
    }

    /// Of a lattice of this shape.
    pub fn of_shape(shape: Vec<usize>) -> Self {
        Self { width: shape.iter().product(), shape, data: None }
    }

    /// As a configuration has it, for models that are used without their data.
    ///
    /// # Errors
    /// A configuration without the width of the model.
    pub fn of_config(request: &Request) -> Result<Self> {
        let width = ["model.n_visible", "model.n_spins"].into_iter().find_map(|path| request.get(path));
        let of_name = || example_shape(&request.get::<String>("data.name")?);
        let shape: Option<Vec<usize>> = request.get("data.shape").or_else(of_name);
        let width = width.or_else(|| Some(shape.as_ref()?.iter().product()));
        let width = width
            .ok_or_else(|| usage!("model.n_visible is not set: give the number of the weights' variables"))?;
        let shape = shape.filter(|shape| shape.iter().product::<usize>() == width);
        Ok(Self { data: None, width, shape: shape.unwrap_or_else(|| vec![width]) })
    }

    /// The classes of the labels that a user gives with the data, of which a model should make use; 0 without. The labels of named
    /// sets are used on request.
    pub fn n_given_classes(&self, request: &Request) -> usize {
        let are_given = ["data.labels", "data.label_column"].into_iter().any(|path| request.has(path));
        if are_given { self.n_classes() } else { 0 }
    }

    /// Whether there are fewer than 10,000 training examples: a model then needs more regularization than time.
    pub fn has_few(&self) -> bool {
        self.n_train() < FEW
    }

    /// Whether the data are the small set of bars and stripes, which has presets of its own.
    pub fn is_bars_and_stripes(&self, request: &Request) -> bool {
        request.or("data.name", String::new()).starts_with("bars-and-stripes")
    }

    /// Number of training examples; 1 without data.
    pub fn n_train(&self) -> usize {
        self.data.map_or(1, |data| data.train.len())
    }

    /// Epochs with at least this many steps, but at most `most` of them.
    pub fn epochs(&self, steps: usize, batch_size: usize, most: usize) -> usize {
        steps.div_ceil(self.n_train().div_ceil(batch_size.max(1))).min(most)
    }

    /// Mean variance of the columns of zeros and ones, or of gray values that are binarized; 0 without data.
    pub fn mean_variance_of_bits(&self) -> f64 {
        let means = self.data.map_or(Vec::new(), |data| data.train.mean());
        means.iter().map(|p| p * (1.0 - p)).sum::<f64>() / means.len().max(1) as f64
    }

    /// Rows and columns of the examples, where they are pictures.
    pub fn rows_and_columns(&self) -> Option<[usize; 2]> {
        <[usize; 2]>::try_from(self.shape.clone()).ok()
    }

    /// Whether the examples have rows and columns for a convolutional network of two scales.
    pub fn can_be_halved_twice(&self) -> bool {
        self.rows_and_columns().is_some_and(|shape| shape.iter().all(|n| n.is_multiple_of(4)))
    }

    /// Whether all values are 0 or 1.
    pub fn is_binary(&self) -> bool {
        self.data.is_some_and(|data| data.train.is_binary())
    }

    /// How gray values are binarized for a model of two values.
    pub fn binarization(&self, is_two_valued: bool) -> Binarization {
        if is_two_valued && !self.is_binary() { Binarization::Stochastic } else { Binarization::None }
    }

    /// Whether all values lie in \[0, 1\].
    pub fn is_unit_interval(&self) -> bool {
        self.data.is_some_and(|data| data.train.require_unit_interval().is_ok())
    }

    /// Whether the values are grey levels, which can be dequantized.
    pub fn is_grey(&self) -> bool {
        self.data.is_some_and(|data| !data.train.is_binary() && data.train.clone().dequantized(0).is_ok())
    }

    /// One more than the largest label of the training examples; 0 without labels.
    pub fn n_classes(&self) -> usize {
        let labels = self.data.and_then(|data| data.train.labels());
        labels.and_then(|labels| labels.iter().max()).map_or(0, |largest| usize::from(*largest) + 1)
    }
}

/// Whether all values lie in \[0, 1\]. `real` is the setting with which the family learns real columns.
///
/// # Errors
/// The first other value.
pub fn require_unit_interval(data: &Dataset, real: &str) -> Result<()> {
    data.require_unit_interval()
        .map_err(|error| usage!("{error}, or learn real columns as they are with --set {real}"))
}

/// Training images of a smoke test of a slow network.
const TINY: usize = 3000;
/// Width from which on examples are images.
const WIDE: usize = 100;

/// Training examples that a request takes of a set of this width; `None` for all. The preset `tiny` takes a part of the images if the
/// network `is_slow`.
pub fn limit(request: &Request, width: usize, is_slow: bool) -> Option<usize> {
    match request.has("data.limit") {
        true => request.get("data.limit"),
        false => (is_slow && request.preset == Preset::Tiny && width >= WIDE).then_some(TINY),
    }
}

/// The first training examples, and a tenth as many for validation. The test split stays whole.
pub fn limited(data: Splits, limit: Option<usize>) -> Splits {
    let Some(n) = limit else { return data };
    Splits { train: head(&data.train, n), valid: head(&data.valid, n.div_ceil(10)), ..data }
}

/// The first `n` examples of a set, or all of a smaller one.
pub fn head(set: &Dataset, n: usize) -> Dataset {
    set.rows(0..n.min(set.len()))
}

/// As many training examples as there are validation examples, to compare both.
pub fn train_like_valid(data: &Splits) -> Dataset {
    head(&data.train, data.valid.len())
}

/// All rows of a set.
pub fn rows(set: &Dataset) -> Vec<usize> {
    (0..set.len()).collect()
}

/// The values of the first `n` examples of a set, or of all of a smaller one.
pub fn first(set: &Dataset, n: usize) -> Vec<f32> {
    set.values(&(0..n.min(set.len())).collect::<Vec<_>>())
}

/// `n` rows of a set of `len`, spread evenly over it.
pub fn spread(len: usize, n: usize) -> Vec<usize> {
    let n = n.min(len);
    (0..n).map(|i| i * len / n).collect()
}

/// Whether every set has the contexts of `n_classes` numbers that a model needs, or labels below it.
///
/// # Errors
/// Neither, or labels that are too large, where there are classes.
pub fn require_labels<'a>(
    sets: impl IntoIterator<Item = &'a Dataset>,
    n_classes: usize,
    wanted_by: &str,
) -> Result<()> {
    if n_classes == 0 {
        return Ok(());
    }
    for set in sets {
        if set.context_columns().len() == n_classes {
            continue;
        }
        let Some(labels) = set.labels() else {
            refuse!(
                "{} has no labels, but {wanted_by} needs them: give --labels FILE, or --context FILE as in training; else set it \
                 to 0, or take a set with labels (digits, mnist)",
                set.name()
            );
        };
        if let Some(i) = labels.iter().position(|label| usize::from(*label) >= n_classes) {
            refuse!(
                "{}: the label {} of example {i} is out of range: there are the classes 0 to {} ({wanted_by})",
                set.name(),
                labels[i],
                n_classes - 1
            );
        }
    }
    Ok(())
}

/// Labels as the context of a model of `n_classes` classes: one-hot rows `[n, n_classes]`. `None` without classes or labels.
pub fn one_hot(labels: Option<&[u16]>, n_classes: usize, device: &Device) -> Option<Tensor<2>> {
    let labels = labels.filter(|_| n_classes > 0)?;
    let row = |&label: &u16| (0..n_classes).map(move |k| f32::from(u8::from(k == usize::from(label))));
    let rows: Vec<f32> = labels.iter().flat_map(row).collect();
    Some(Tensor::from_data(TensorData::new(rows, [labels.len(), n_classes]), device))
}

/// The class with the largest score of each row `[n, n_classes]`, one-hot.
pub fn one_hot_of_best(scores: Tensor<2>) -> Option<Tensor<2>> {
    let (n_classes, device) = (scores.dims()[1], scores.device());
    let best: Vec<i64> = scores.argmax(1).into_data().iter().collect();
    let best: Vec<u16> = best.into_iter().map(|class| class as u16).collect();
    one_hot(Some(&best), n_classes, &device)
}

/// The classes of `n` draws as a context: all of one class, or all classes in equal parts.
///
/// # Errors
/// A class that the model does not have.
pub fn classes(
    n: usize,
    class: Option<usize>,
    n_classes: usize,
    device: &Device,
) -> Result<Option<Tensor<2>>> {
    if let Some(class) = class {
        require!(n_classes > 0, "--class {class}: the model has no classes (model.n_classes = 0)");
        require!(class < n_classes, "--class {class}: the model has the classes 0 to {}", n_classes - 1);
    }
    let labels: Vec<u16> = (0..n).map(|i| class.unwrap_or(i * n_classes / n) as u16).collect();
    Ok(one_hot(Some(&labels), n_classes, device))
}
