//! What goes with the values of a data set: names of the columns, offsets, labels, contexts, weights.

use std::{collections::BTreeMap, sync::Arc};

use super::Dataset;
use crate::DataError;

/// What goes with the values of a whole file. All its views share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Companions {
    labels: Option<Arc<Vec<u16>>>,
    classes: Option<Arc<[String]>>,
    context: Option<Context>,
    weights: Option<Arc<Vec<f32>>>,
    columns: Option<Arc<[String]>>,
    offset: Option<Arc<[f64]>>,
}

/// Rows of real numbers, one row for each example.
#[derive(Clone, Debug)]
struct Context {
    values: Arc<Vec<f32>>,
    columns: Arc<[String]>,
}

impl Companions {
    pub(super) fn bytes_in_memory(&self) -> usize {
        let context = self.context.as_ref().map_or(0, |context| context.values.capacity());
        let weights = self.weights.as_ref().map_or(0, |weights| weights.capacity());
        self.labels.as_ref().map_or(0, |labels| labels.capacity()) + (context + weights) * size_of::<f32>()
    }

    /// What there is, each with a comma before it.
    pub(super) fn describe(&self) -> String {
        let mut text = String::new();
        match (&self.labels, &self.classes) {
            (Some(_), Some(classes)) => text += &format!(", labels {}", classes.join(", ")),
            (Some(_), None) => text += ", labels",
            _ => {}
        }
        if let Some(context) = &self.context {
            text += &format!(", context of {}", context.columns.len());
        }
        if self.weights.is_some() {
            text += ", weights";
        }
        text
    }
}

impl Dataset {
    /// The same examples with `labels`, one for each.
    ///
    /// # Errors
    ///
    /// [`DataError::Labels`] if the numbers of labels and examples differ.
    ///
    /// # Panics
    ///
    /// If `self` is a view of a part of its file.
    pub fn with_labels(mut self, labels: Vec<u16>) -> Result<Self, DataError> {
        self.require_whole("labels");
        if labels.len() != self.len() {
            let (name, examples) = (self.name.to_string(), self.len());
            return Err(DataError::Labels { name, examples, labels: labels.len() });
        }
        self.companions.labels = Some(Arc::new(labels));
        Ok(self)
    }

    /// The same examples with the names of their classes: label `k` means `classes[k]`.
    #[must_use]
    pub fn with_classes(mut self, classes: impl Into<Arc<[String]>>) -> Self {
        self.companions.classes = Some(classes.into());
        self
    }

    /// The same examples with a context for each: the real numbers on which it depends, `values` row after row, one column for
    /// each name in `columns`.
    ///
    /// # Errors
    ///
    /// [`DataError::Companion`] if the numbers of rows and examples differ, or for a value that is not finite.
    ///
    /// # Panics
    ///
    /// If `self` is a view of a part of its file.
    pub fn with_context(
        mut self,
        values: Vec<f32>,
        columns: impl Into<Arc<[String]>>,
    ) -> Result<Self, DataError> {
        self.require_whole("a context");
        let columns = columns.into();
        let width = columns.len().max(1);
        if values.len() != self.len() * width {
            return Err(self.unfit("context", format!("has {} rows", values.len() / width)));
        }
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return Err(self.unfit("context", format!("of example {} is {}", at / width, values[at])));
        }
        self.companions.context = Some(Context { values: Arc::new(values), columns });
        Ok(self)
    }

    /// The same examples with each number of their contexts replaced by `change` of its column and itself.
    #[must_use]
    pub fn map_context(mut self, change: impl Fn(usize, f32) -> f32) -> Self {
        if let Some(context) = &mut self.companions.context {
            let width = context.columns.len();
            let values =
                context.values.iter().enumerate().map(|(i, &value)| change(i % width, value)).collect();
            context.values = Arc::new(values);
        }
        self
    }

    /// The same examples with `weights`, one for each. An example of weight 2 counts as two equal examples.
    ///
    /// # Errors
    ///
    /// [`DataError::Companion`] if the numbers of weights and examples differ, for a weight that is negative or not finite, and
    /// if all are 0.
    ///
    /// # Panics
    ///
    /// If `self` is a view of a part of its file.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self, DataError> {
        self.require_whole("weights");
        if weights.len() != self.len() {
            return Err(self.unfit("weights", format!("are {}", weights.len())));
        }
        if let Some(at) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(self.unfit("weights", format!("hold {} for example {at}", weights[at])));
        }
        if weights.iter().all(|w| *w == 0.0) {
            return Err(self.unfit("weights", "are all 0".to_owned()));
        }
        self.companions.weights = Some(Arc::new(weights));
        Ok(self)
    }

    /// The same examples with a name for each of their values.
    ///
    /// # Panics
    ///
    /// If the number of names is not the width of an example.
    #[must_use]
    pub fn with_columns(mut self, columns: impl Into<Arc<[String]>>) -> Self {
        let columns = columns.into();
        assert_eq!(columns.len(), self.width(), "names of the columns of `{}`", self.name);
        self.companions.columns = Some(columns);
        self
    }

    /// The same examples, whose values are those of the file minus `offset`, one for each value of an example.
    ///
    /// # Panics
    ///
    /// If the number of offsets is not the width of an example.
    #[must_use]
    pub fn with_offset(mut self, offset: impl Into<Arc<[f64]>>) -> Self {
        let offset = offset.into();
        assert_eq!(offset.len(), self.width(), "offsets of the columns of `{}`", self.name);
        self.companions.offset = Some(offset);
        self
    }

    /// The labels, one for each example.
    pub fn labels(&self) -> Option<&[u16]> {
        self.companions.labels.as_ref().map(|labels| &labels[self.rows.clone()])
    }

    /// The rows of `n` labeled examples, in ascending order: the first ones of each class, as many of each class as possible. All rows
    /// if there are at most `n`; none without labels.
    pub fn balanced_rows(&self, n: usize) -> Vec<usize> {
        let mut seen = BTreeMap::new();
        let mut ranked: Vec<(usize, usize)> = Vec::new();
        for (row, label) in self.labels().into_iter().flatten().enumerate() {
            let rank = seen.entry(label).or_insert(0);
            ranked.push((*rank, row));
            *rank += 1;
        }
        ranked.sort_unstable();
        ranked.truncate(n);
        let mut rows: Vec<usize> = ranked.into_iter().map(|(_, row)| row).collect();
        rows.sort_unstable();
        rows
    }

    /// The names of the classes, if the labels were words: label `k` means `classes[k]`.
    pub fn classes(&self) -> Option<&[String]> {
        self.companions.classes.as_deref()
    }

    /// The contexts, row after row: `[n, n_context]` real numbers on which each example depends.
    pub fn context(&self) -> Option<&[f32]> {
        let context = self.companions.context.as_ref()?;
        let width = context.columns.len();
        Some(&context.values[self.rows.start * width..self.rows.end * width])
    }

    /// The names of the columns of the context; empty without one.
    pub fn context_columns(&self) -> &[String] {
        self.companions.context.as_ref().map_or(&[], |context| &context.columns)
    }

    /// The weights, one for each example: at least 0, and 1 for all where there are none.
    pub fn weights(&self) -> Option<&[f32]> {
        self.companions.weights.as_ref().map(|weights| &weights[self.rows.clone()])
    }

    /// The names of the values of an example, where a file has them.
    pub fn columns(&self) -> Option<&[String]> {
        self.companions.columns.as_deref()
    }

    /// How a message calls value `k` of an example: `column "name"`, or `column k` (from 0) without names.
    pub fn column_name(&self, k: usize) -> String {
        match self.columns().and_then(|columns| columns.get(k)) {
            Some(name) => format!("column \"{name}\""),
            None => format!("column {k}"),
        }
    }

    /// What was subtracted from each column in f64 when it was read. The values of the file are those of the set plus this. A
    /// shift has a unit Jacobian, so that densities are those of the columns of the file.
    pub fn offset(&self) -> Option<&[f64]> {
        self.companions.offset.as_deref()
    }

    /// The rows `order` of a whole file, in this order.
    pub(crate) fn reordered(&self, order: &[usize]) -> Self {
        self.require_whole("a new order");
        let rows = |values: &[f32], width: usize| -> Arc<Vec<f32>> {
            Arc::new(order.iter().flat_map(|&i| &values[i * width..(i + 1) * width]).copied().collect())
        };
        let mut companions = self.companions.clone();
        if let Some(labels) = &mut companions.labels {
            *labels = Arc::new(order.iter().map(|&i| labels[i]).collect());
        }
        if let Some(context) = &mut companions.context {
            context.values = rows(&context.values, context.columns.len());
        }
        if let Some(weights) = &mut companions.weights {
            *weights = rows(weights, 1);
        }
        Self {
            values: self.values.reordered(order, self.width()),
            rows: 0..order.len(),
            companions,
            ..self.clone()
        }
    }

    fn require_whole(&self, what: &str) {
        let whole = 0..self.values.len() / self.width();
        assert_eq!(self.rows, whole, "{what} for a part of `{}`: give them to the whole set", self.name);
    }

    fn unfit(&self, what: &'static str, reason: String) -> DataError {
        DataError::Companion { name: self.name.to_string(), what, reason, examples: self.len() }
    }
}
