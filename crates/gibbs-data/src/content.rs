//! The content of a file of examples, before it is known what its numbers mean.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Array, DataError, Dataset, Kind, kind::offset};

/// The most classes that a message lists.
const SHOWN: usize = 20;

/// Examples as a file holds them.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// For messages: the path, and the array in an archive.
    pub(crate) name: String,
    /// Shape of one example.
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Array,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) labels: Option<Labels>,
    pub(crate) context: Option<Context>,
    pub(crate) weights: Option<Vec<f64>>,
    /// Whether the format says that the values are gray levels.
    pub(crate) is_gray: bool,
}

/// Labels as a file holds them.
#[derive(Clone, Debug)]
pub(crate) enum Labels {
    Numbers(Vec<f64>),
    Words(Vec<String>),
}

/// Rows of real numbers with names of their columns.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) values: Vec<f64>,
    pub(crate) columns: Vec<String>,
}

impl Content {
    /// Examples along the first axis of an array. Without another axis they have width 1.
    pub(crate) fn of_array(name: String, shape: &[usize], values: Array) -> Self {
        let shape = if shape.len() > 1 { shape[1..].to_vec() } else { vec![1] };
        Self {
            name,
            shape,
            values,
            columns: None,
            labels: None,
            context: None,
            weights: None,
            is_gray: false,
        }
    }

    fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of examples.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.width().max(1)
    }

    /// Whether an example has two axes or more.
    pub(crate) fn is_picture(&self) -> bool {
        self.shape.len() > 1
    }

    /// Leaves out columns.
    ///
    /// # Errors
    ///
    /// [`DataError::Column`] for a column that is not there, [`DataError::Shape`] if examples are pictures.
    pub(crate) fn leave_out(&mut self, drop: &[Column]) -> Result<(), DataError> {
        let width = self.width();
        if self.is_picture() {
            return Err(DataError::Shape {
                name: self.name.clone(),
                found: self.shape.clone(),
                expected: "a table of columns (data.drop)".to_owned(),
            });
        }
        let keep = kept(drop, width, self.columns.as_deref(), &self.name)?;
        let n = self.len();
        let rows: Vec<usize> = (0..n).flat_map(|row| keep.iter().map(move |k| row * width + k)).collect();
        self.values = self.values.select(&rows);
        // Columns without names are from now on called by their numbers in the file.
        let name = |k: usize| self.columns.as_ref().map_or_else(|| k.to_string(), |names| names[k].clone());
        self.columns = Some(keep.iter().map(|&k| name(k)).collect());
        self.shape = vec![keep.len()];
        Ok(())
    }

    /// The values as rows of a context: this file is one of contexts.
    pub(crate) fn into_context(self) -> Context {
        let width = self.width();
        let columns = self.columns.unwrap_or_else(|| (0..width).map(|k| k.to_string()).collect());
        Context { values: self.values.to_f64(), columns }
    }

    /// One number for each example: this file is one of labels or weights.
    ///
    /// # Errors
    ///
    /// [`DataError::Shape`] for more than one.
    pub(crate) fn into_column(self, what: &str) -> Result<Array, DataError> {
        match self.width() {
            1 => Ok(self.values),
            _ => Err(DataError::Shape {
                name: self.name,
                found: self.shape,
                expected: format!("one number for each example, as {what},"),
            }),
        }
    }

    /// The examples, read as numbers of a kind, minus an offset of each column, with labels as indices of `classes`.
    pub(crate) fn into_dataset(
        self,
        kind: Kind,
        offset: Option<&[f64]>,
        classes: Option<&Arc<[String]>>,
    ) -> Result<Dataset, DataError> {
        let width = self.width();
        let columns: Option<Arc<[String]>> = self.columns.map(Into::into);
        if self.values.is_empty() || width == 0 {
            return Err(DataError::Empty { name: self.name });
        }
        let name = self.name;
        let column = |k: usize| match &columns {
            Some(columns) => format!(", column \"{}\"", columns[k]),
            None => String::new(),
        };
        let refuse = |at: usize, values: &Array| DataError::Kind {
            name: name.clone(),
            row: at / width,
            column: column(at % width),
            value: values.get(at),
            kind,
        };
        let check = |values: &Array, is_wrong: &dyn Fn(f64) -> bool| match values.position(is_wrong) {
            Some(at) => Err(refuse(at, values)),
            None => Ok(()),
        };
        // The scale of a picture file is that of its format.
        let kind_of_bytes = if self.is_gray && kind == Kind::UnitGray { Kind::Gray } else { kind };
        let dataset = match kind_of_bytes {
            Kind::Binary => {
                check(&self.values, &|x| x != 0.0 && x != 1.0)?;
                Dataset::from_bytes_as(true, &name, self.values.into_bytes(|x| x as u8), &self.shape)?
            }
            Kind::Gray => {
                check(&self.values, &|x| !crate::kind::is_byte(x))?;
                Dataset::from_bytes_as(false, &name, self.values.into_bytes(|x| x as u8), &self.shape)?
            }
            Kind::UnitGray => {
                check(&self.values, &|x| !crate::kind::is_level(x))?;
                let bytes = self.values.into_bytes(|x| (255.0 * x).round() as u8);
                Dataset::from_bytes_as(false, &name, bytes, &self.shape)?
            }
            Kind::Real => {
                let values =
                    offset::subtract(self.values, offset.unwrap_or(&[])).map_err(|(at, value)| {
                        let (row, column) = (at / width, column(at % width));
                        DataError::NotFinite { name: name.clone(), row, column, value }
                    })?;
                let set = Dataset::from_f32(name.as_str(), values, &self.shape, None)?;
                match offset {
                    Some(offset) => set.with_offset(offset),
                    None => set,
                }
            }
        };
        // The draws of a binarization do not depend on the path of the file.
        let mut dataset = dataset.with_kind(kind).with_origin("file");
        if let Some(columns) = &columns {
            dataset = dataset.with_columns(columns.clone());
        }
        if let Some(labels) = self.labels {
            dataset = dataset.with_labels(labels.indices(&name, classes.map(|classes| &classes[..]))?)?;
            if let Some(classes) = classes {
                dataset = dataset.with_classes(classes.clone());
            }
        }
        if let Some(Context { values, columns }) = self.context {
            offset::require_single(&values, &columns, &name)?;
            dataset = dataset.with_context(values.iter().map(|&x| x as f32).collect(), columns)?;
        }
        if let Some(weights) = self.weights {
            dataset = dataset.with_weights(weights.iter().map(|&w| w as f32).collect())?;
        }
        Ok(dataset)
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// By its index among the columns of the examples, from 0.
    Index(usize),
    /// By its name.
    Name(String),
}

/// The indices of the columns that remain of `width` columns.
///
/// # Errors
///
/// [`DataError::Column`] for a column that is not there.
pub(crate) fn kept(
    drop: &[Column],
    width: usize,
    names: Option<&[String]>,
    file: &str,
) -> Result<Vec<usize>, DataError> {
    let find = |column: &Column| {
        let (found, text) = match column {
            Column::Index(k) => (Some(*k).filter(|k| *k < width), k.to_string()),
            Column::Name(name) => {
                (names.and_then(|names| names.iter().position(|known| known == name)), name.clone())
            }
        };
        found.ok_or_else(|| DataError::Column {
            name: file.to_owned(),
            column: text,
            setting: "data.drop",
            known: match names {
                Some(names) => names.join(", "),
                None => format!("{width} columns without names, counted from 0"),
            },
        })
    };
    let drop: Vec<usize> = drop.iter().map(find).collect::<Result<_, _>>()?;
    Ok((0..width).filter(|k| !drop.contains(k)).collect())
}

impl Labels {
    /// Whole numbers from 0 to 65535, or indices of `classes`.
    fn indices(&self, name: &str, classes: Option<&[String]>) -> Result<Vec<u16>, DataError> {
        let refuse = |row: usize, label: String| DataError::Label {
            name: name.to_owned(),
            row,
            label: label.escape_debug().to_string(),
            expected: match classes {
                Some(classes) if classes.len() <= SHOWN => {
                    format!("one of the classes {}", classes.join(", "))
                }
                Some(classes) => format!("one of {} classes", classes.len()),
                None => "a whole number from 0 to 65535".to_owned(),
            },
        };
        match (self, classes) {
            (Self::Numbers(numbers), None) => {
                let is_index = |x: f64| (0.0..=f64::from(u16::MAX)).contains(&x) && x.fract() == 0.0;
                let index = |(row, &x): (usize, &f64)| match is_index(x) {
                    true => Ok(x as u16),
                    false => Err(refuse(row, x.to_string())),
                };
                numbers.iter().enumerate().map(index).collect()
            }
            (Self::Numbers(numbers), Some(_)) => {
                Self::Words(numbers.iter().map(f64::to_string).collect()).indices(name, classes)
            }
            (Self::Words(words), classes) => {
                let places: HashMap<&String, u16> = classes.into_iter().flatten().zip(0..=u16::MAX).collect();
                let index = |(row, word): (usize, &String)| {
                    places.get(word).copied().ok_or_else(|| refuse(row, word.clone()))
                };
                words.iter().enumerate().map(index).collect()
            }
        }
    }
}

/// The classes of labels that are words, in alphabetical order; `None` if all labels are numbers.
pub(crate) fn classes<'a>(
    labels: impl IntoIterator<Item = &'a Labels>,
    name: &str,
) -> Result<Option<Vec<String>>, DataError> {
    let labels: Vec<&Labels> = labels.into_iter().collect();
    if labels.iter().all(|labels| matches!(labels, Labels::Numbers(_))) {
        return Ok(None);
    }
    let mut classes: Vec<String> = labels
        .into_iter()
        .flat_map(|labels| match labels {
            Labels::Words(words) => words.clone(),
            Labels::Numbers(numbers) => numbers.iter().map(f64::to_string).collect(),
        })
        .collect();
    classes.sort_unstable();
    classes.dedup();
    match classes.len() {
        ..=65_536 => Ok(Some(classes)),
        n => Err(DataError::Classes { name: name.to_owned(), n }),
    }
}
