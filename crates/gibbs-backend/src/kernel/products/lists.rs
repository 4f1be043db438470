//! Where a matrix is not zero.

use rayon::prelude::*;

use super::table::groups_per_block;
use super::{FEWEST_ROWS, Matrix};
use crate::kernel::{Isa, Kernel, run};

/// For each row of the left factor and each block of the right one, the lines of the block's table to be added.
///
/// Every pair of row and block has room for as many entries as the block has groups.
pub(super) struct Lists {
    entries: Vec<u16>,
    /// The elements that the entries stand for; empty if all are one.
    factors: Vec<f32>,
    lengths: Vec<u16>,
    shape: Shape,
}

#[derive(Clone, Copy)]
struct Shape {
    groups: usize,
    per_block: usize,
    blocks: usize,
}

impl Lists {
    /// The lists of a matrix, taken for zeros and ones, with `G` columns to a group.
    pub(super) fn new<const G: usize>(x: Matrix) -> Self {
        let groups = x.columns.div_ceil(G);
        let per_block = groups_per_block::<G>();
        let shape = Shape { groups, per_block, blocks: groups.div_ceil(per_block) };
        let mut entries = vec![0; x.rows * groups];
        let mut lengths = vec![0; x.rows * shape.blocks];
        if groups > 0 {
            let pieces = entries.par_chunks_mut(FEWEST_ROWS * groups);
            let pieces = pieces.zip(lengths.par_chunks_mut(FEWEST_ROWS * shape.blocks));
            pieces.enumerate().for_each(|(piece, (entries, lengths))| {
                run(Rows::<G> { x, first: piece * FEWEST_ROWS, entries, lengths, shape });
            });
        }
        Self { entries, factors: Vec::new(), lengths, shape }
    }

    /// Adds the values of the elements; for lists of one column to a group.
    pub(super) fn with_factors(mut self, x: Matrix) -> Self {
        let Shape { groups, per_block, blocks } = self.shape;
        let mut factors = vec![0f32; self.entries.len()];
        if groups > 0 {
            factors.par_chunks_mut(groups).with_min_len(FEWEST_ROWS).enumerate().for_each(
                |(row, factors)| {
                    for block in 0..blocks {
                        let first = block * per_block;
                        let (entries, _) = self.get(row, block);
                        for (factor, &entry) in factors[first..].iter_mut().zip(entries) {
                            let column = first + usize::from(entry);
                            *factor = x.values[row * x.row_stride + column * x.column_stride];
                        }
                    }
                },
            );
        }
        self.factors = factors;
        self
    }

    pub(super) fn blocks(&self) -> usize {
        self.shape.blocks
    }

    /// The entries of a row for a block, and their factors unless all are one.
    #[inline(always)]
    pub(super) fn get(&self, row: usize, block: usize) -> (&[u16], Option<&[f32]>) {
        let start = row * self.shape.groups + block * self.shape.per_block;
        let end = start + usize::from(self.lengths[row * self.shape.blocks + block]);
        let factors = if self.factors.is_empty() { None } else { Some(&self.factors[start..end]) };
        (&self.entries[start..end], factors)
    }
}

/// Writes the lists of some rows.
struct Rows<'a, const G: usize> {
    x: Matrix<'a>,
    first: usize,
    entries: &'a mut [u16],
    lengths: &'a mut [u16],
    shape: Shape,
}

impl<const G: usize> Kernel for Rows<'_, G> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Shape { groups, blocks, .. } = self.shape;
        let rows = self.entries.len() / groups;
        let lists = self.entries.chunks_exact_mut(groups).zip(self.lengths.chunks_exact_mut(blocks));
        if self.x.column_stride == 1 {
            let mut codes = vec![0; groups];
            for (row, (entries, lengths)) in lists.enumerate() {
                let values = self.x.along_row(self.first + row, 0..self.x.columns);
                encode::<G>(values, &mut codes);
                compact::<G>(|group| codes[group], entries, lengths, self.shape);
            }
        } else {
            let mut codes = vec![[0u8; FEWEST_ROWS]; groups];
            for column in 0..self.x.columns {
                let values = self.x.along_column(column, self.first..self.first + rows);
                for (code, &value) in codes[column / G].iter_mut().zip(values) {
                    *code |= u8::from(value != 0.0) << (column % G);
                }
            }
            for (row, (entries, lengths)) in lists.enumerate() {
                compact::<G>(|group| codes[group][row], entries, lengths, self.shape);
            }
        }
    }
}

/// For each group of elements the bits that say which are not zero.
#[inline(always)]
fn encode<const G: usize>(values: &[f32], codes: &mut [u8]) {
    let groups = values.chunks_exact(G);
    let rest = groups.remainder();
    for (code, group) in codes.iter_mut().zip(groups) {
        *code = mark(group);
    }
    if !rest.is_empty() {
        codes[values.len() / G] = mark(rest);
    }
}

#[inline(always)]
fn mark(group: &[f32]) -> u8 {
    group.iter().enumerate().fold(0, |code, (bit, &value)| code | u8::from(value != 0.0) << bit)
}

/// The entries of a row from the codes of its groups, without a branch on what they are.
#[inline(always)]
fn compact<const G: usize>(
    code: impl Fn(usize) -> u8,
    entries: &mut [u16],
    lengths: &mut [u16],
    shape: Shape,
) {
    let lines = (1 << G) - 1;
    for (block, (list, length)) in entries.chunks_mut(shape.per_block).zip(lengths).enumerate() {
        let (mut count, mut base) = (0, 0u16);
        for group in 0..list.len() {
            let code = code(block * shape.per_block + group);
            list[count] = (base + u16::from(code)).wrapping_sub(1);
            count += usize::from(code != 0);
            base += lines;
        }
        *length = count as u16;
    }
}
