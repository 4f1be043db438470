//! Lists of the nonzero elements of a matrix.

use rayon::prelude::*;

use super::table::{BITS, LINES, groups_per_block, groups_per_word};
use super::{FEWEST_ROWS, Matrix};
use crate::kernel::{Isa, Kernel, run};

/// For each row of the left factor and each block of the right one: the lines of the table of the block to be added.
///
/// Each pair of row and block has room for one entry per group.
pub(super) struct Lists {
    entries: Vec<u8>,
    /// The elements of the entries. Empty if all are one.
    factors: Vec<f32>,
    lengths: Vec<u8>,
    shape: Shape,
}

#[derive(Clone, Copy)]
struct Shape {
    blocks: usize,
    /// Groups in a block.
    room: usize,
}

impl Lists {
    /// The lists of a matrix of zeros and ones with `G` columns in a group. Other nonzero elements count as one.
    pub(super) fn new<const G: usize>(x: Matrix) -> Self {
        let room = groups_per_block::<G>();
        let shape = Shape { blocks: x.columns.div_ceil(room * G), room };
        let mut entries = vec![0; x.rows * shape.blocks * room];
        let mut lengths = vec![0; x.rows * shape.blocks];
        if shape.blocks > 0 {
            let pieces = entries.par_chunks_mut(FEWEST_ROWS * shape.blocks * room);
            let pieces = pieces.zip(lengths.par_chunks_mut(FEWEST_ROWS * shape.blocks));
            pieces.enumerate().for_each(|(piece, (entries, lengths))| {
                run(Rows::<G> { x, first: piece * FEWEST_ROWS, entries, lengths, shape });
            });
        }
        Self { entries, factors: Vec::new(), lengths, shape }
    }

    /// Adds the values of the elements to lists with one column in a group.
    pub(super) fn with_factors(mut self, x: Matrix) -> Self {
        let Shape { blocks, room } = self.shape;
        let mut factors = vec![0f32; self.entries.len()];
        if blocks > 0 {
            factors.par_chunks_mut(blocks * room).with_min_len(FEWEST_ROWS).enumerate().for_each(
                |(row, factors)| {
                    for (block, factors) in factors.chunks_exact_mut(room).enumerate() {
                        for (factor, &entry) in factors.iter_mut().zip(self.get(row, block).0) {
                            let column = block * room + usize::from(entry);
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

    /// The entries of a row for a block, and their factors if not all are one.
    #[inline(always)]
    pub(super) fn get(&self, row: usize, block: usize) -> (&[u8], Option<&[f32]>) {
        let list = row * self.shape.blocks + block;
        let start = list * self.shape.room;
        let end = start + usize::from(self.lengths[list]);
        let factors = if self.factors.is_empty() { None } else { Some(&self.factors[start..end]) };
        (&self.entries[start..end], factors)
    }
}

/// Writes the lists of some rows.
struct Rows<'a, const G: usize> {
    x: Matrix<'a>,
    first: usize,
    entries: &'a mut [u8],
    lengths: &'a mut [u8],
    shape: Shape,
}

impl<const G: usize> Kernel for Rows<'_, G> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Shape { blocks, room } = self.shape;
        let span = G * groups_per_word::<G>();
        let words_per_block = room * G / span;
        let words = blocks * words_per_block;
        let rows = self.lengths.len() / blocks;
        let mut marks = vec![[0u64; FEWEST_ROWS]; words];
        if self.x.column_stride == 1 {
            let mut bytes = vec![0; words * span + BITS];
            for row in 0..rows {
                let values = self.x.along_row(self.first + row, 0..self.x.columns);
                for (byte, &value) in bytes.iter_mut().zip(values) {
                    *byte = u8::from(value != 0.0);
                }
                for (word, marks) in marks.iter_mut().enumerate() {
                    marks[row] = gather(&bytes[word * span..][..BITS]) & ((1 << span) - 1);
                }
            }
        } else {
            for column in 0..self.x.columns {
                let values = self.x.along_column(column, self.first..self.first + rows);
                for (marks, &value) in marks[column / span].iter_mut().zip(values) {
                    *marks |= u64::from(value != 0.0) << (column % span);
                }
            }
        }
        let lists = self.entries.chunks_exact_mut(room).zip(self.lengths);
        for (list, (entries, length)) in lists.enumerate() {
            let (row, block) = (list / blocks, list % blocks);
            let marks = marks[block * words_per_block..][..words_per_block].iter().map(|marks| marks[row]);
            *length = enumerate::<G>(marks, entries);
        }
    }
}

/// Packs bytes that are zero or one into bits.
#[inline(always)]
fn gather(bytes: &[u8]) -> u64 {
    let gathered = bytes.as_chunks::<8>().0.iter().enumerate().map(|(index, &bytes)| {
        // Byte `i` contributes to bit `56 + i` of the product. No two contributions overlap.
        (u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * index)
    });
    gathered.fold(0, |word, byte| word | byte)
}

/// Writes the entries of a list and returns their number.
#[inline(always)]
fn enumerate<const G: usize>(words: impl Iterator<Item = u64>, entries: &mut [u8]) -> u8 {
    // A power of two, so that the remainder below is cheaper than a bounds check. It never changes an index.
    const ROOM: usize = LINES.next_power_of_two();
    let mut found = [0u8; ROOM];
    let (mut count, groups) = (0, groups_per_word::<G>());
    for (index, mut word) in words.enumerate() {
        let mut base = (index * groups * ((1 << G) - 1)) as u8;
        if G == 1 {
            while word != 0 {
                found[count % ROOM] = base + word.trailing_zeros() as u8;
                count += 1;
                word &= word - 1;
            }
            continue;
        }
        // Without branches on the codes, because many groups have a mark.
        base = base.wrapping_sub(1);
        for _ in 0..groups {
            let code = word as u8 & ((1 << G) - 1);
            found[count % ROOM] = base.wrapping_add(code);
            count += usize::from(code != 0);
            base = base.wrapping_add((1 << G) - 1);
            word >>= G;
        }
    }
    entries.copy_from_slice(&found[..entries.len()]);
    count as u8
}
