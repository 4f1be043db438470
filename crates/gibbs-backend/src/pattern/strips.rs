//! Division of a pattern into strips, and of each strip into empty, full and mixed runs.
//!
//! A product with a masked matrix goes over the strips. Empty runs cost nothing, full runs are products with the matrix, and
//! only mixed runs need a copy with zeros. The patterns of autoregressive networks with ordered units are block triangular
//! and have about one mixed run per strip.

use std::ops::Range;

use super::{Pattern, WORD};

/// Rows or columns in a strip: a multiple of the heights 48 and 24 of the inner kernels of `gemm`.
const WIDTH: usize = 96;

/// Shorter runs join a neighboring mixed run.
const SHORTEST: usize = 48;

/// Largest length of a mixed run: its copy fits into the second-level cache.
const LONGEST: usize = 256;

/// A range of rows or columns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Strip {
    pub(crate) range: Range<usize>,
    /// The runs along the strip.
    pub(crate) runs: Vec<Run>,
}

/// Part of a strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
}

/// Whether a block contains no, all or some elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Empty,
    Full,
    Mixed,
}

impl Pattern {
    /// Strips of rows. Their runs are ranges of columns and begin with a word.
    pub(crate) fn strips_of_rows(&self) -> &[Strip] {
        let [rows, columns] = self.dims();
        self.0.strips[0].get_or_init(|| strips(rows, columns, |strip, run| self.kind(strip, run)))
    }

    /// Strips of columns, which begin with a word. Their runs are ranges of rows.
    pub(crate) fn strips_of_columns(&self) -> &[Strip] {
        let [rows, columns] = self.dims();
        self.0.strips[1].get_or_init(|| strips(columns, rows, |strip, run| self.kind(run, strip)))
    }

    fn kind(&self, rows: Range<usize>, columns: Range<usize>) -> Kind {
        let ones = rows.clone().flat_map(|row| self.words(row, columns.clone()));
        match ones.map(|word| word.count_ones() as usize).sum() {
            0 => Kind::Empty,
            ones if ones == rows.len() * columns.len() => Kind::Full,
            _ => Kind::Mixed,
        }
    }
}

fn strips(side: usize, length: usize, kind: impl Fn(Range<usize>, Range<usize>) -> Kind) -> Vec<Strip> {
    let strip = |range: Range<usize>| {
        let units =
            cut(0..length, WORD).map(|unit| Run { kind: kind(range.clone(), unit.clone()), range: unit });
        Strip { runs: runs(units), range }
    };
    cut(0..side, WIDTH).map(strip).collect()
}

/// The range in parts of this length; the last part may be shorter.
fn cut(range: Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(length).map(move |start| start..(start + length).min(end))
}

fn runs(units: impl Iterator<Item = Run>) -> Vec<Run> {
    let mut runs = joined(units);
    for i in 0..runs.len() {
        let mixed = |i: usize| runs.get(i).is_some_and(|run| run.kind == Kind::Mixed);
        if runs[i].range.len() < SHORTEST && (mixed(i + 1) || mixed(i.wrapping_sub(1))) {
            runs[i].kind = Kind::Mixed;
        }
    }
    let parts = |run: Run| {
        let longest = if run.kind == Kind::Mixed { LONGEST } else { run.range.len() };
        cut(run.range, longest).map(move |range| Run { range, kind: run.kind })
    };
    joined(runs.into_iter()).into_iter().flat_map(parts).collect()
}

/// Joins neighbors of the same kind.
fn joined(runs: impl Iterator<Item = Run>) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.kind == run.kind => last.range.end = run.range.end,
            _ => joined.push(run),
        }
    }
    joined
}
