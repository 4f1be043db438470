//! Examples in memory.

mod columns;
mod companions;
mod read;

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::storage::{Rule, Storage};
use crate::{Binarization, DataError, Kind};
use companions::Companions;

/// Examples in memory, as bytes or `f32`, with a shape and, as far as they are known: names of the columns, labels, contexts,
/// weights, and an offset of each column.
///
/// A `Dataset` is a view: clones and [rows](Self::rows) share the values. Examples become `f32` when they are read: bytes
/// are scaled to `[0, 1]`, then [binarized](Self::binarized) or [dequantized](Self::dequantized) if requested. The random
/// draws depend only on the seed, on the index of the example in its file and on the [epoch](Self::at_epoch), not on
/// the order or the size of batches.
#[derive(Clone, Debug)]
pub struct Dataset {
    name: Arc<str>,
    /// Part of the names of the noise streams. All views of a file have the same.
    origin: Arc<str>,
    values: Storage,
    kind: Kind,
    companions: Companions,
    shape: Arc<[usize]>,
    rows: Range<usize>,
    rule: Rule,
    epoch: u64,
}

impl Dataset {
    /// Examples of `shape` from bytes, one example after the other, row-major. If no byte is above 1 they are zeros and
    /// ones ([`is_binary`](Self::is_binary)). Otherwise they are gray values, which mean `byte / 255`.
    ///
    /// # Errors
    ///
    /// [`DataError::Empty`] without examples, [`DataError::Shape`] if the number of bytes is not a multiple of the width of an
    /// example, [`DataError::Labels`] if the numbers of labels and examples differ.
    pub fn from_bytes(
        name: impl Into<Arc<str>>,
        bytes: Vec<u8>,
        shape: &[usize],
        labels: Option<Vec<u8>>,
    ) -> Result<Self, DataError> {
        let gray = bytes.par_iter().any(|&byte| byte > 1);
        let bytes = Arc::new(bytes);
        let values = if gray { Storage::Gray(bytes) } else { Storage::Binary(bytes) };
        Self::new(name.into(), values, shape, labels)
    }

    /// Examples of `shape` from real values, one example after the other, row-major.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), and [`DataError::NotFinite`] for NaN and infinite values.
    pub fn from_f32(
        name: impl Into<Arc<str>>,
        values: Vec<f32>,
        shape: &[usize],
        labels: Option<Vec<u8>>,
    ) -> Result<Self, DataError> {
        let dataset = Self::new(name.into(), Storage::Real(Arc::new(values)), shape, labels)?;
        match dataset.position(|x| !x.is_finite()) {
            None => Ok(dataset),
            Some((row, value)) => {
                let (name, value) = (dataset.name.to_string(), f64::from(value));
                Err(DataError::NotFinite { name, row, column: String::new(), value })
            }
        }
    }

    /// Examples of zeros and ones if `binary`, else of gray values.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), and [`DataError::NotBinary`] if `binary` and another byte occurs.
    pub(crate) fn from_bytes_as(
        binary: bool,
        name: &str,
        bytes: Vec<u8>,
        shape: &[usize],
    ) -> Result<Self, DataError> {
        let wrong = if binary { bytes.iter().position(|&byte| byte > 1) } else { None };
        if let Some(at) = wrong {
            let (row, value) = (at / shape.iter().product::<usize>().max(1), bytes[at]);
            return Err(DataError::NotBinary { name: name.to_owned(), row, value });
        }
        let bytes = Arc::new(bytes);
        let values = if binary { Storage::Binary(bytes) } else { Storage::Gray(bytes) };
        Self::new(name.into(), values, shape, None)
    }

    fn new(
        name: Arc<str>,
        values: Storage,
        shape: &[usize],
        labels: Option<Vec<u8>>,
    ) -> Result<Self, DataError> {
        let width = shape.iter().product::<usize>();
        if values.len() == 0 || width == 0 {
            return Err(DataError::Empty { name: name.to_string() });
        }
        if !values.len().is_multiple_of(width) {
            return Err(DataError::Shape {
                name: name.to_string(),
                found: vec![values.len()],
                expected: format!("a multiple of the {width} values of one example"),
            });
        }
        let rows = 0..values.len() / width;
        let dataset = Self {
            origin: name.clone(),
            name,
            kind: values.kind(),
            values,
            companions: Companions::default(),
            shape: shape.into(),
            rows,
            rule: Rule::Plain,
            epoch: 0,
        };
        match labels {
            Some(labels) => dataset.with_labels(labels.into_iter().map(u16::from).collect()),
            None => Ok(dataset),
        }
    }

    /// Sets what the numbers of the file mean, where it is more than the memory shows.
    pub(crate) fn with_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Sets the name of the file in the names of the noise streams.
    pub(crate) fn with_origin(mut self, origin: impl Into<Arc<str>>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Name of the set or file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no example, which is the case for an empty range of [rows](Self::rows).
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Shape of one example, such as `[28, 28]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of values of one example.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether all values are 0 or 1, because of the stored bytes or of the binarization.
    pub fn is_binary(&self) -> bool {
        match self.rule {
            Rule::Threshold | Rule::Draw { .. } => true,
            Rule::Spread { .. } => false,
            _ => matches!(self.values, Storage::Binary(_)),
        }
    }

    /// What the numbers mean.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Memory of the whole file in bytes: values, labels, contexts and weights. All views share it.
    pub fn bytes_in_memory(&self) -> usize {
        self.values.bytes_in_memory() + self.companions.bytes_in_memory()
    }

    /// A description in one line, such as
    /// `mnist: 50000 examples of 28x28, gray values 0 to 255, scaled to [0, 1], labels`.
    pub fn describe(&self) -> String {
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let rule = match &self.rule {
            Rule::Plain => "",
            Rule::Threshold => ", binarized by threshold",
            Rule::Draw { per_epoch: true, .. } => ", binarized in each epoch",
            Rule::Draw { per_epoch: false, .. } => ", binarized once",
            Rule::Dequantize { .. } => ", dequantized",
            Rule::Spread { .. } => ", with noise on discrete columns",
        };
        let (name, n, kind) = (&self.name, self.len(), self.kind().describe());
        format!("{name}: {n} examples of {}, {kind}{rule}{}", shape.join("x"), self.companions.describe())
    }

    /// A view of some of the examples, in the same order.
    ///
    /// # Panics
    ///
    /// If `rows` ends after the last example.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.len(), "rows {rows:?} of {} examples", self.len());
        let rows = self.rows.start + rows.start..self.rows.start + rows.end;
        Self { rows, ..self.clone() }
    }

    /// The same examples with the draws of another epoch. A new set is at epoch 0.
    pub fn at_epoch(&self, epoch: u64) -> Self {
        Self { epoch, ..self.clone() }
    }

    /// The same examples as zeros and ones. Sets that are stored as zeros and ones do not change.
    ///
    /// # Errors
    ///
    /// [`DataError::OutsideUnit`] for values outside `[0, 1]`, also if `kind` is [`Binarization::None`].
    pub fn binarized(mut self, kind: Binarization, seed: u64) -> Result<Self, DataError> {
        self.require_unit_interval()?;
        self.rule = match kind {
            _ if matches!(self.values, Storage::Binary(_)) => Rule::Plain,
            Binarization::None => Rule::Plain,
            Binarization::Threshold => Rule::Threshold,
            Binarization::Stochastic => Rule::Draw { seed, per_epoch: true },
            Binarization::Fixed => Rule::Draw { seed, per_epoch: false },
        };
        Ok(self)
    }

    /// The same examples with uniform dequantization: `(byte + u) / 256` with `u` uniform on `(0, 1)`, with new draws in each
    /// epoch. A density model can then not concentrate its mass on the 256 gray values (Theis, van den Oord and Bethge, *A
    /// note on the evaluation of generative models*, ICLR 2016, arXiv:1511.01844).
    ///
    /// # Errors
    ///
    /// [`DataError::NotQuantized`] if the set is not stored as gray bytes.
    pub fn dequantized(mut self, seed: u64) -> Result<Self, DataError> {
        if !matches!(self.values, Storage::Gray(_)) {
            return Err(DataError::NotQuantized {
                name: self.name.to_string(),
                found: self.kind().describe(),
            });
        }
        self.rule = Rule::Dequantize { seed };
        Ok(self)
    }

    /// Checks that all values lie in `[0, 1]`, as for models of binary units.
    ///
    /// # Errors
    ///
    /// [`DataError::OutsideUnit`] with the first other value.
    pub fn require_unit_interval(&self) -> Result<(), DataError> {
        match self.position(|x| !(0.0..=1.0).contains(&x)) {
            None => Ok(()),
            Some((row, value)) => Err(DataError::OutsideUnit { name: self.name.to_string(), row, value }),
        }
    }

    /// Checks that an example has `expected` values, for example the width of a model.
    ///
    /// # Errors
    ///
    /// [`DataError::Width`] if it has another width.
    pub fn require_width(&self, expected: usize) -> Result<(), DataError> {
        let width = self.width();
        if width == expected {
            return Ok(());
        }
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let found = format!("{width} ({})", shape.join("x"));
        Err(DataError::Width { name: self.name.to_string(), found, expected })
    }

    /// The first real value for which `is_wrong` holds, with the index of its example.
    fn position(&self, is_wrong: impl Fn(f32) -> bool + Sync) -> Option<(usize, f32)> {
        let Storage::Real(values) = &self.values else { return None };
        let width = self.width();
        let at = values[self.rows.start * width..self.rows.end * width]
            .par_iter()
            .position_first(|&x| is_wrong(x))?;
        Some((at / width, values[self.rows.start * width + at]))
    }
}

#[cfg(test)]
mod tests;
