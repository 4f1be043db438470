//! The three parts of a data set.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::names::named;
use crate::{Binarization, DataError, Dataset, KnownDensity};

/// One of the three parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For the fit of parameters.
    Train,
    /// For the selection of models and settings.
    Valid,
    /// For the metrics that are reported.
    Test,
}

impl Split {
    /// All three, in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The name, as on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

named!(Split, "split");

/// How a data set came to its three parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Division {
    /// A named set with the parts that its authors published, or that its generator makes.
    #[default]
    Published,
    /// Files or arrays of their own.
    Files,
    /// Rows of a file in its own order.
    Order,
    /// Rows of a file in the random order of a seed.
    Shuffled {
        /// The seed.
        seed: u64,
    },
    /// No division: each part is the whole.
    Whole,
}

/// A data set in its three parts, each with at least one example, all of the same shape.
#[derive(Clone, Debug)]
pub struct Splits {
    /// For the fit of parameters.
    pub train: Dataset,
    /// For the selection of models and settings.
    pub valid: Dataset,
    /// For the metrics that are reported.
    pub test: Dataset,
    /// The exact distribution of the examples, if it is known.
    pub known_density: Option<Arc<dyn KnownDensity>>,
    /// How the parts came about.
    pub division: Division,
}

impl Splits {
    /// The rows of `whole` before `valid`, from there to `test`, and from there on. The parts are views: no value is copied.
    ///
    /// # Panics
    ///
    /// If the rows are not in this order, or beyond the last example.
    pub fn at(whole: &Dataset, valid: usize, test: usize) -> Self {
        Self {
            train: whole.rows(0..valid),
            valid: whole.rows(valid..test),
            test: whole.rows(test..whole.len()),
            known_density: None,
            division: Division::Published,
        }
    }

    /// All of `whole` in each part.
    pub fn whole(whole: Dataset) -> Self {
        let division = Division::Whole;
        Self { train: whole.clone(), valid: whole.clone(), test: whole, known_density: None, division }
    }

    /// Splits `whole` in its own order: the last tenth (rounded down) is test, the tenth before it valid, the rest train.
    /// The parts are views: no value is copied.
    ///
    /// # Errors
    ///
    /// [`DataError::EmptySplit`] for fewer than 10 examples.
    pub fn by_tenths(whole: &Dataset) -> Result<Self, DataError> {
        let (n, tenth) = (whole.len(), whole.len() / 10);
        if tenth == 0 {
            let split = if n == 0 { "train" } else { "test" };
            return Err(DataError::EmptySplit { name: whole.name().to_owned(), split, examples: n });
        }
        Ok(Self { division: Division::Order, ..Self::at(whole, n - 2 * tenth, n - tenth) })
    }

    /// One of the parts.
    pub fn get(&self, split: Split) -> &Dataset {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }

    /// Applies `change` to each part.
    ///
    /// # Errors
    ///
    /// The first error of `change`.
    pub fn try_map<E>(self, mut change: impl FnMut(Dataset) -> Result<Dataset, E>) -> Result<Self, E> {
        let Self { train, valid, test, .. } = self;
        Ok(Self { train: change(train)?, valid: change(valid)?, test: change(test)?, ..self })
    }

    /// Binarizes all parts, see [`Dataset::binarized`].
    ///
    /// # Errors
    ///
    /// [`DataError::OutsideUnit`] for values outside `[0, 1]`.
    pub fn binarized(self, kind: Binarization, seed: u64) -> Result<Self, DataError> {
        self.try_map(|part| part.binarized(kind, seed))
    }

    /// The name of the set.
    pub fn name(&self) -> &str {
        self.train.name()
    }

    /// Number of values of one example.
    pub fn width(&self) -> usize {
        self.train.width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(n: usize) -> Dataset {
        let values = (0..n).map(|i| i as f32).collect();
        Dataset::from_f32("counted", values, &[1], None).unwrap()
    }

    #[test]
    fn a_single_file_is_split_in_its_own_order() {
        let splits = Splits::by_tenths(&counted(25)).unwrap();
        let values = |split: Split| splits.get(split).values(&[0, splits.get(split).len() - 1]);
        assert_eq!(values(Split::Train), [0.0, 20.0]);
        assert_eq!(values(Split::Valid), [21.0, 22.0]);
        assert_eq!(values(Split::Test), [23.0, 24.0]);
    }

    #[test]
    fn a_split_without_examples_is_an_error() {
        let error = Splits::by_tenths(&counted(9)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "counted: the test split is empty: it is a tenth of 9 examples; give at least 10"
        );
        assert_eq!(Splits::by_tenths(&counted(10)).unwrap().test.len(), 1);
    }

    #[test]
    fn names_read_back() {
        for split in Split::ALL {
            assert_eq!(split.name().parse(), Ok(split));
        }
        assert!("validation".parse::<Split>().is_err());
    }
}
