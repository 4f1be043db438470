//! A pattern cut into strips, and each strip into runs that are empty, full or mixed.
//!
//! A product with a masked matrix takes strip after strip of it. The empty runs cost nothing, the full ones are products of
//! the matrix as it is, and only the mixed ones need a copy with zeros. In the patterns of autoregressive networks with
//! units in order, which are staircases, there is about one mixed run to a strip.

use std::ops::Range;

use super::{Pattern, WORD};

/// Rows or columns to a strip: a multiple of the heights of what `gemm` takes at a time, 48 and 24.
const WIDTH: usize = 96;

/// Runs shorter than this are not worth a product of their own.
const SHORTEST: usize = 48;

/// Mixed runs are cut at this length, so that their copies stay in the second-level cache.
const LONGEST: usize = 256;

/// Some neighboring rows or columns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Strip {
    pub(crate) range: Range<usize>,
    /// Along the strip, from end to end.
    pub(crate) runs: Vec<Run>,
}

/// Part of a strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
}

/// What the elements of a block are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Empty,
    Full,
    Mixed,
}

impl Pattern {
    /// Strips of rows, whose runs are ranges of columns that begin with a word.
    pub(crate) fn strips_of_rows(&self) -> &[Strip] {
        let [rows, columns] = self.dims();
        self.0.strips[0].get_or_init(|| strips(rows, columns, |strip, run| self.kind(strip, run)))
    }

    /// Strips of columns, which begin with a word; their runs are ranges of rows.
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

/// The range in parts of this length.
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

/// Neighbors of one kind as one run.
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
