//! A look at a table before a model is trained on it: kinds of columns, and what a density would stumble over.
//!
//! ```
//! use gibbs_data::{Dataset, check::DataCheck};
//!
//! let rows = (0..300).flat_map(|i| [(i as f32).sin(), 7.0, (i % 4) as f32]);
//! let data = Dataset::from_f32("three", rows.collect(), &[3], None)?;
//! let check = DataCheck::of(&data);
//! assert_eq!(
//!     check.to_string(),
//!     "data check of three: 300 rows, 3 columns (1 real, 2 integer)\n  \
//!      constant: column 1 (7): data.drop=[1]\n  \
//!      discrete: column 2 (4 values, step 1): data.dequantize=[2] for a density"
//! );
//! # Ok::<(), gibbs_data::DataError>(())
//! ```
//!
//! Cost: columns are sorted, and each is projected on those before it. At most [`VALUES`] values are looked at, so the check takes
//! about a tenth of a second whatever the size of the set. Constant columns and kinds are found from all rows.

mod column;
mod dependence;
mod grid;
mod report;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use serde::Serialize;

use self::column::Sorted;
use self::dependence::dependences;
use crate::Dataset;

pub use grid::Grid;

/// The most values that are looked at; larger sets are represented by rows at equal distances.
pub const VALUES: usize = 1 << 21;

/// Rows that are read at once.
const BLOCK: usize = 1000;

/// The values that a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ColumnKind {
    /// 0 and 1 alone.
    Binary,
    /// Whole numbers.
    Integer {
        /// The smallest.
        low: i64,
        /// The largest.
        high: i64,
    },
    /// Anything else.
    Real,
}

/// Numbers of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KindCounts {
    /// Of zeros and ones alone.
    pub binary: usize,
    /// Of other whole numbers.
    pub integer: usize,
    /// Of others.
    pub real: usize,
}

/// What was found in a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataCheck {
    /// Name of the set.
    pub name: String,
    /// Number of its rows.
    pub rows: usize,
    /// Number of rows that were looked at.
    pub examined: usize,
    /// Number of values of a row.
    pub columns: usize,
    /// How many columns there are of each kind. `None` for pictures.
    pub kinds: Option<KindCounts>,
    /// What a model may stumble over, column by column.
    pub findings: Vec<Finding>,
}

/// Something that a model may stumble over. Columns are given by their names, or by their numbers from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// A column with one value in all rows.
    Constant {
        /// The column.
        column: String,
        /// Its value.
        value: f64,
    },
    /// A column that equals another one in all rows.
    Repeated {
        /// The column.
        column: String,
        /// The earlier one.
        of: String,
    },
    /// A column that is a linear function of others.
    Dependent {
        /// The column.
        column: String,
        /// The earlier ones.
        on: Vec<String>,
        /// Standard deviation of the rest, as a fraction of that of the column.
        rest: f64,
    },
    /// Values that repeat: the column takes each of its values twice or more on average.
    Discrete {
        /// The column.
        column: String,
        /// Number of different values.
        distinct: usize,
        /// The step of which all differences are multiples, if there is one.
        step: Option<f64>,
    },
    /// One value in more than a hundredth of the rows of a column that is not discrete.
    Piled {
        /// The column.
        column: String,
        /// The value.
        value: f64,
        /// The fraction of rows that have it.
        share: f64,
        /// Whether it is the smallest or the largest value.
        is_bound: bool,
    },
    /// Values far from all others.
    Outliers {
        /// The column.
        column: String,
        /// How many.
        count: usize,
        /// The largest distance from the median, in robust standard deviations.
        largest: f64,
        /// Whether all values of the column are above 0, so that they have logarithms.
        is_positive: bool,
    },
    /// A density that ends where it is high, as that of waiting times at 0.
    Edge {
        /// The column.
        column: String,
        /// Its smallest value, if there is an edge.
        low: Option<f64>,
        /// Its largest value, if there is an edge.
        high: Option<f64>,
    },
    /// Rows that equal an earlier row.
    DuplicateRows {
        /// Their fraction.
        share: f64,
    },
}

/// Robust standard deviations from the median beyond which a value is an outlier. Among a million draws of an exponential
/// distribution the largest lies at 20 of them, of a normal one at 5. Beyond 50, a power law or an error made the value.
const FAR: f64 = 50.0;

/// A column takes few values if it has at most this many different ones per row.
const DISCRETE: f64 = 0.5;

/// Fewer rows tell nothing about discreteness.
const FEW_ROWS: usize = 20;

/// The fraction of rows from which on one value, or one row, is said to repeat.
const REPEATED: f64 = 0.01;

impl DataCheck {
    /// Looks at a data set, without its binarization or dequantization. Pictures (examples with several axes) and gray values get
    /// no findings: their columns are pixels. Of zeros and ones only constant columns and duplicate rows are reported.
    pub fn of(data: &Dataset) -> Self {
        let (rows, columns) = (data.len(), data.width());
        let mut check = Self {
            name: data.name().to_owned(),
            rows,
            examined: rows.min((VALUES / columns).max(1)),
            columns,
            kinds: None,
            findings: Vec::new(),
        };
        if data.shape().len() > 1 || data.is_gray() {
            return check;
        }
        let kinds = kind_of_columns(data);
        let count = |wanted: fn(&ColumnKind) -> bool| kinds.iter().filter(|kind| wanted(kind)).count();
        let (binary, real) = (count(|k| *k == ColumnKind::Binary), count(|k| *k == ColumnKind::Real));
        check.kinds = Some(KindCounts { binary, integer: columns - binary - real, real });
        let constant = constant_columns(data);
        let name = |column: usize| data.column_label(column);
        let offset = |column: usize| data.offset().map_or(0.0, |offset| offset[column]);
        let constants = constant.iter().map(|&(column, value)| Finding::Constant {
            column: name(column),
            value: f64::from(value) + offset(column),
        });
        check.findings.extend(constants);

        let chosen: Vec<usize> = (0..check.examined).map(|i| i * rows / check.examined).collect();
        let values = data.plain().values(&chosen);
        if !data.is_binary() {
            let varying: Vec<usize> = (0..columns).filter(|c| constant.iter().all(|(k, _)| k != c)).collect();
            let by_column: Vec<Vec<f32>> = varying
                .par_iter()
                .map(|&column| values.iter().skip(column).step_by(columns).copied().collect())
                .collect();
            let repeats = repeated(&by_column);
            let independent: Vec<usize> = (0..varying.len())
                .filter(|&k| repeats[k].is_none() && kinds[varying[k]] != ColumnKind::Binary)
                .collect();
            let of = |k: usize| name(varying[k]);
            for (k, repeat) in repeats.iter().enumerate() {
                check.findings.extend(repeat.map(|first| Finding::Repeated { column: of(k), of: of(first) }));
            }
            let views: Vec<&[f32]> = independent.iter().map(|&k| by_column[k].as_slice()).collect();
            for (k, dependence) in independent.iter().zip(dependences(&views)) {
                check.findings.extend(dependence.map(|found| Finding::Dependent {
                    column: of(*k),
                    on: found.on.iter().map(|&i| of(independent[i])).collect(),
                    rest: found.rest,
                }));
            }
            let single: Vec<Vec<Finding>> = (0..varying.len())
                .into_par_iter()
                .filter(|&k| repeats[k].is_none())
                .map(|k| Sorted::new(&by_column[k], offset(varying[k])).findings(&of(k)))
                .collect();
            check.findings.extend(single.into_iter().flatten());
        }
        // Rows of discrete values repeat by chance.
        let repeats_by_chance =
            |finding: &Finding| matches!(finding, Finding::Discrete { .. } | Finding::Repeated { .. });
        let others =
            check.findings.iter().filter(|finding| repeats_by_chance(finding)).count() + constant.len();
        if columns > 1 && others < columns {
            let share = duplicate_share(&values, columns);
            check.findings.extend((share > REPEATED).then_some(Finding::DuplicateRows { share }));
        }
        check
    }

    /// The same check with the findings for which `is_open` holds.
    #[must_use]
    pub fn filtered(mut self, is_open: impl Fn(&Finding) -> bool) -> Self {
        self.findings.retain(is_open);
        self
    }
}

impl Finding {
    /// The column, or an empty text for findings about rows.
    pub fn column(&self) -> &str {
        match self {
            Self::Constant { column, .. }
            | Self::Repeated { column, .. }
            | Self::Dependent { column, .. }
            | Self::Discrete { column, .. }
            | Self::Piled { column, .. }
            | Self::Outliers { column, .. }
            | Self::Edge { column, .. } => column,
            Self::DuplicateRows { .. } => "",
        }
    }

    /// Whether only a density of real columns stumbles over it.
    pub fn is_of_density(&self) -> bool {
        matches!(self, Self::Discrete { .. } | Self::Piled { .. } | Self::Outliers { .. } | Self::Edge { .. })
    }
}

/// Whether a column with this number of different values in `rows` rows takes each of them repeatedly.
pub fn is_discrete(distinct: usize, rows: usize) -> bool {
    rows >= FEW_ROWS && distinct as f64 <= DISCRETE * rows as f64
}

/// The kind of each column, from all rows. Gray values are real.
pub fn kind_of_columns(data: &Dataset) -> Vec<ColumnKind> {
    /// Larger whole numbers are not exact in f32.
    const EXACT: f32 = 16_777_216.0;
    let width = data.width();
    if data.is_binary() {
        return vec![ColumnKind::Binary; width];
    }
    // Smallest and largest value while all are whole numbers.
    let mut ranges = vec![Some((f32::INFINITY, f32::NEG_INFINITY)); width];
    for_each_block(data, |values| {
        for row in values.chunks(width) {
            for (range, &x) in ranges.iter_mut().zip(row) {
                *range = range
                    .filter(|_| x.fract() == 0.0 && x.abs() < EXACT)
                    .map(|(low, high)| (x.min(low), x.max(high)));
            }
        }
        ranges.iter().any(Option::is_some)
    });
    let kind = |(column, range): (usize, Option<(f32, f32)>)| {
        let offset = data.offset().map_or(0.0, |offset| offset[column]);
        match range.map(|(low, high)| (f64::from(low) + offset, f64::from(high) + offset)) {
            Some((low, _)) if low.fract() != 0.0 => ColumnKind::Real,
            Some((low, high)) if low >= 0.0 && high <= 1.0 => ColumnKind::Binary,
            Some((low, high)) => ColumnKind::Integer { low: low as i64, high: high as i64 },
            None => ColumnKind::Real,
        }
    };
    ranges.into_iter().enumerate().map(kind).collect()
}

/// The columns with one value in all rows, and their values.
pub fn constant_columns(data: &Dataset) -> Vec<(usize, f32)> {
    let (first, width) = (data.plain().values(&[0]), data.width());
    let mut left: Vec<usize> = (0..width).collect();
    for_each_block(data, |values| {
        left.retain(|&column| values.iter().skip(column).step_by(width).all(|x| *x == first[column]));
        !left.is_empty()
    });
    left.into_iter().map(|column| (column, first[column])).collect()
}

/// The values of each column of the examples, row by row, as stored.
pub fn columns_of(data: &Dataset) -> Vec<Vec<f64>> {
    let width = data.width();
    let mut columns = vec![Vec::with_capacity(data.len()); width];
    for_each_block(data, |values| {
        values.iter().enumerate().for_each(|(i, &x)| columns[i % width].push(f64::from(x)));
        true
    });
    columns
}

/// Hands the values of the examples over block by block, as long as `more` returns true.
fn for_each_block(data: &Dataset, mut more: impl FnMut(&[f32]) -> bool) {
    let data = data.plain();
    let rows: Vec<usize> = (0..data.len()).collect();
    let _ = rows.chunks(BLOCK).all(|rows| more(&data.values(rows)));
}

/// For each column the first one that it equals.
fn repeated(columns: &[Vec<f32>]) -> Vec<Option<usize>> {
    let bits: Vec<Vec<u32>> =
        columns.par_iter().map(|column| column.iter().map(|x| (x + 0.0).to_bits()).collect()).collect();
    let mut first = HashMap::new();
    bits.iter()
        .enumerate()
        .map(|(k, bits)| Some(*first.entry(bits).or_insert(k)).filter(|&i| i != k))
        .collect()
}

/// The fraction of rows that equal an earlier one.
fn duplicate_share(values: &[f32], width: usize) -> f64 {
    let rows =
        || values.chunks(width).map(|row| row.iter().map(|x| (x + 0.0).to_bits()).collect::<Vec<u32>>());
    let distinct: HashSet<Vec<u32>> = rows().collect();
    1.0 - distinct.len() as f64 / rows().len() as f64
}
