//! Files of one's own: which files hold the examples and what goes with them, and how they are divided.

use std::path::Path;
use std::sync::Arc;

use gibbs_backend::Noise;
use serde::{Deserialize, Serialize};

use crate::content::{Column, Content, Context, Labels, classes};
use crate::kind::{offset, recognize};
use crate::names::named;
use crate::table::Words;
use crate::{DataError, Dataset, Division, Kind, Splits, formats};

/// How the rows of a file are divided into training, validation and test examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitOrder {
    /// In their own order: the last tenth is test, the tenth before it validation.
    #[default]
    Order,
    /// The same after a random permutation.
    Shuffle,
}

impl SplitOrder {
    /// Both orders.
    pub const ALL: [Self; 2] = [Self::Order, Self::Shuffle];

    /// The name, as in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Shuffle => "shuffle",
        }
    }
}

named!(SplitOrder, "split");

/// How files become a data set: the files besides that of the training examples, and what their numbers mean.
///
/// A file of labels has one whole number from 0 to 65535 or one word for each example, a file of contexts one row of real numbers,
/// a file of weights one number. Named sets ignore all of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadConfig {
    /// What the numbers mean. `None`: recognized by their values. The config of a run has what was recognized.
    pub kind: Option<Kind>,
    /// How a file without splits of its own is divided.
    pub split: SplitOrder,
    /// Seed of [`SplitOrder::Shuffle`]. It is not the seed of the run, so that runs with different seeds have the same test
    /// examples.
    pub split_seed: u64,
    /// File of the validation examples. `None`: a tenth of the training file.
    pub valid: Option<String>,
    /// File of the test examples. `None`: a tenth of the training file.
    pub test: Option<String>,
    /// Labels of the training file.
    pub labels: Option<String>,
    /// Labels of the validation file.
    pub valid_labels: Option<String>,
    /// Labels of the test file.
    pub test_labels: Option<String>,
    /// Contexts of the training file: real numbers on which the examples depend.
    pub context: Option<String>,
    /// Contexts of the validation file.
    pub valid_context: Option<String>,
    /// Contexts of the test file.
    pub test_context: Option<String>,
    /// Weights of the training file.
    pub weights: Option<String>,
    /// Weights of the validation file.
    pub valid_weights: Option<String>,
    /// Weights of the test file.
    pub test_weights: Option<String>,
    /// The column of a table that holds the labels.
    pub label_column: Option<String>,
    /// The columns of a table that are the context.
    pub context_columns: Option<Vec<String>>,
    /// Columns of the examples that are left out, by name or by index from 0.
    pub drop: Vec<Column>,
    /// Names of the classes where labels are words, in the order of their indices. `None`: those of the files, in alphabetical
    /// order.
    pub classes: Option<Vec<String>>,
    /// Subtracted from each column in double precision while reading; an empty list subtracts nothing. `None`: what single
    /// precision needs, see [`Dataset::offset`].
    pub offset: Option<Vec<f64>>,
    /// Whether a file without splits of its own stays whole: each part is all of it.
    #[serde(skip)]
    pub whole: bool,
    /// Whether these are other files for the model of a run. A file for a model of zeros and ones then may have other values, of the
    /// same scale; whether they fit, the model says.
    #[serde(skip)]
    pub is_other: bool,
}

/// The files of one part, besides its examples.
struct Companions<'a> {
    labels: &'a Option<String>,
    context: &'a Option<String>,
    weights: &'a Option<String>,
}

impl ReadConfig {
    /// How another file is read for the same model: its numbers mean the same, and it is not divided. Its own labels, contexts
    /// and weights are those in its columns.
    #[must_use]
    pub fn for_other_file(&self) -> Self {
        Self {
            kind: self.kind,
            label_column: self.label_column.clone(),
            context_columns: self.context_columns.clone(),
            drop: self.drop.clone(),
            classes: self.classes.clone(),
            offset: Some(self.offset.clone().unwrap_or_default()),
            whole: true,
            is_other: true,
            ..Self::default()
        }
    }

    /// Every path, for changes.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut String> {
        [
            &mut self.valid,
            &mut self.test,
            &mut self.labels,
            &mut self.valid_labels,
            &mut self.test_labels,
            &mut self.context,
            &mut self.valid_context,
            &mut self.test_context,
            &mut self.weights,
            &mut self.valid_weights,
            &mut self.test_weights,
        ]
        .into_iter()
        .flatten()
    }

    /// The data set whose training examples are those of `path`.
    ///
    /// # Errors
    ///
    /// Those of the readers; [`DataError::EmptySplit`] if the file is too short to be divided, [`DataError::Kind`] for a value
    /// that the kind does not have, [`DataError::Labels`], [`DataError::Label`], [`DataError::Companion`] for labels, contexts
    /// and weights that do not fit, [`DataError::Shape`] if the examples of the parts differ.
    pub fn read(&self, path: &Path) -> Result<Splits, DataError> {
        let mut parts = formats::read(path, self)?;
        let [_, valid, test] = &mut parts;
        self.read_part(&self.valid, "valid", valid)?;
        self.read_part(&self.test, "test", test)?;
        let companions = [
            Companions { labels: &self.labels, context: &self.context, weights: &self.weights },
            Companions {
                labels: &self.valid_labels,
                context: &self.valid_context,
                weights: &self.valid_weights,
            },
            Companions {
                labels: &self.test_labels,
                context: &self.test_context,
                weights: &self.test_weights,
            },
        ];
        for (part, (companions, name)) in parts.iter_mut().zip(companions.iter().zip(["", "valid", "test"])) {
            companions.read(part, name)?;
        }
        let [train, valid, test] = self.datasets(parts)?;
        self.divide(train, valid, test)
    }

    /// Reads the file of a part, which has none yet.
    fn read_part(
        &self,
        path: &Option<String>,
        part: &'static str,
        content: &mut Option<Content>,
    ) -> Result<(), DataError> {
        let Some(path) = path else { return Ok(()) };
        if content.is_some() {
            return Err(DataError::TwoParts { path: path.into(), part });
        }
        *content = Some(single(path, self)?);
        Ok(())
    }

    /// The parts as examples of one kind.
    fn datasets(&self, parts: [Option<Content>; 3]) -> Result<[Option<Dataset>; 3], DataError> {
        let there: Vec<&Content> = parts.iter().flatten().collect();
        let (name, shape) = match there.first() {
            Some(first) => (first.name.clone(), first.shape.clone()),
            None => return Ok([None, None, None]),
        };
        if let Some(other) = there.iter().find(|part| part.shape != shape) {
            return Err(DataError::Shape {
                name: other.name.clone(),
                found: other.shape.clone(),
                expected: format!("{shape:?}, the shape of the examples of {name},"),
            });
        }
        let kind = match self.kind {
            Some(Kind::Binary) if self.is_other && recognize(&there) != Kind::Binary => Kind::Real,
            Some(kind) => kind,
            None => recognize(&there),
        };
        let width = shape.iter().product();
        let offset = match &self.offset {
            _ if kind != Kind::Real => None,
            Some(offset) if offset.is_empty() => None,
            Some(offset) if offset.len() != width => {
                return Err(DataError::Shape {
                    name: "data.offset".to_owned(),
                    found: vec![offset.len()],
                    expected: format!("one number for each of the {width} columns of {name}"),
                });
            }
            Some(offset) => Some(offset.clone()),
            None => offset::offsets(&there[0].values, width),
        };
        let classes: Option<Arc<[String]>> = match &self.classes {
            Some(classes) => Some(classes.clone().into()),
            None => classes(there.iter().filter_map(|part| part.labels.as_ref()), &name)?.map(Into::into),
        };
        let dataset = |part: Option<Content>| {
            part.map(|part| part.into_dataset(kind, offset.as_deref(), classes.as_ref())).transpose()
        };
        let [train, valid, test] = parts;
        Ok([dataset(train)?, dataset(valid)?, dataset(test)?])
    }

    /// The three parts; those without a file of their own are tenths of the training file.
    fn divide(
        &self,
        train: Option<Dataset>,
        valid: Option<Dataset>,
        test: Option<Dataset>,
    ) -> Result<Splits, DataError> {
        let Some(train) = train.or_else(|| test.clone()) else { unreachable!("every file has examples") };
        if let (Some(valid), Some(test)) = (&valid, &test) {
            let (valid, test, division) = (valid.clone(), test.clone(), Division::Files);
            return Ok(Splits { train, valid, test, known_density: None, division });
        }
        if self.whole && valid.is_none() && test.is_none() {
            return Ok(Splits::whole(train));
        }
        let (train, division) = match self.split {
            SplitOrder::Order => (train, Division::Order),
            SplitOrder::Shuffle => {
                let order = Noise::new(self.split_seed, "split").permutation(train.len());
                (train.reordered(&order), Division::Shuffled { seed: self.split_seed })
            }
        };
        let (n, tenth) = (train.len(), train.len() / 10);
        let cut = |tenths: usize| train.rows(n - tenths * tenth..n - (tenths - 1) * tenth);
        let splits = match (valid, test) {
            (None, None) => Splits::by_tenths(&train)?,
            (valid, test) if tenth > 0 => {
                let rest = train.rows(0..n - tenth);
                Splits {
                    valid: valid.unwrap_or_else(|| cut(1)),
                    test: test.unwrap_or_else(|| cut(1)),
                    train: rest,
                    known_density: None,
                    division,
                }
            }
            (valid, _) => {
                let split = if valid.is_some() { "test" } else { "valid" };
                return Err(DataError::EmptySplit { name: train.name().to_owned(), split, examples: n });
            }
        };
        Ok(Splits { division, ..splits })
    }
}

/// The content of a file that is one part.
fn single(path: &str, columns: &ReadConfig) -> Result<Content, DataError> {
    let parts = formats::read(Path::new(path), columns)?;
    let n = parts.iter().flatten().count();
    match parts.into_iter().flatten().next() {
        Some(content) if n == 1 => Ok(content),
        _ => Err(DataError::SeveralParts { path: path.into(), n }),
    }
}

impl Companions<'_> {
    /// Reads the files of a part, which must be there.
    fn read(&self, part: &mut Option<Content>, name: &'static str) -> Result<(), DataError> {
        let Some(path) = [self.labels, self.context, self.weights].into_iter().flatten().next() else {
            return Ok(());
        };
        let Some(part) = part else {
            return Err(DataError::NoPart { path: path.into(), part: name });
        };
        if let Some(path) = self.labels {
            part.labels = Some(read_labels(path, part.len())?);
        }
        if let Some(path) = self.context {
            part.context = Some(read_context(path)?);
        }
        if let Some(path) = self.weights {
            part.weights = Some(single(path, &ReadConfig::default())?.into_column("weights")?.to_f64());
        }
        Ok(())
    }
}

/// The labels of `n` examples in a file: numbers, or the words of a table of one column. Its first word is a header if there is one
/// word more than examples.
fn read_labels(path: &str, n: usize) -> Result<Labels, DataError> {
    match formats::words(Path::new(path))? {
        Some(Words { header, words }) => {
            let first = header.filter(|_| words.len() < n);
            Ok(Labels::Words(first.into_iter().chain(words).collect()))
        }
        None => Ok(Labels::Numbers(single(path, &ReadConfig::default())?.into_column("labels")?.to_f64())),
    }
}

/// The rows of real numbers in a file of contexts.
///
/// # Errors
///
/// Those of the readers.
pub fn read_context_file(path: &Path) -> Result<(Vec<f32>, Vec<String>), DataError> {
    let Context { values, columns } = read_context(&path.display().to_string())?;
    Ok((values.into_iter().map(|x| x as f32).collect(), columns))
}

fn read_context(path: &str) -> Result<Context, DataError> {
    Ok(single(path, &ReadConfig::default())?.into_context())
}

#[cfg(test)]
mod tests;
