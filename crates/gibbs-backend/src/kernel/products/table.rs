//! Tables of sums for a block of the right factor.

use std::ops::Range;

use super::{Line, Matrix, WIDTH};

/// Largest number of lines of a table: 28 kB of the first-level cache.
pub(super) const LINES: usize = 112;

/// Columns in a word of marks with one bit each: seven bytes.
pub(super) const BITS: usize = 56;

/// Groups of `G` rows in a block: as many whole words as fit into a table.
pub(super) const fn groups_per_block<const G: usize>() -> usize {
    const { assert!(LINES < u8::MAX as usize) };
    LINES / lines_per_group::<G>() / groups_per_word::<G>() * groups_per_word::<G>()
}

/// Groups of `G` rows whose marks are in one word.
pub(super) const fn groups_per_word<const G: usize>() -> usize {
    let (in_word, in_table) = (BITS / G, LINES / lines_per_group::<G>());
    if in_word < in_table { in_word } else { in_table }
}

const fn lines_per_group<const G: usize>() -> usize {
    (1 << G) - 1
}

/// The sums over all nonempty subsets of the rows of each group. Subset `s` of group `g` is in line `g·(2^G - 1) + s - 1`. For
/// `G = 1` the sums are the rows.
pub(super) struct Table {
    rows: Vec<Line>,
    sums: Vec<Line>,
}

impl Table {
    #[inline(always)]
    pub(super) fn new<const G: usize>() -> Self {
        let groups = groups_per_block::<G>();
        let sums = if G == 1 { 0 } else { groups * lines_per_group::<G>() };
        Self { rows: vec![Line::ZERO; groups * G], sums: vec![Line::ZERO; sums] }
    }

    /// Computes the table of a block of `w`. Missing rows and columns are zeros.
    #[inline(always)]
    pub(super) fn fill<const G: usize>(
        &mut self,
        w: &Matrix,
        block: usize,
        columns: Range<usize>,
    ) -> &[Line] {
        let start = block * self.rows.len();
        let end = (start + self.rows.len()).min(w.rows);
        let (rows, missing) = self.rows.split_at_mut(end - start);
        missing.fill(Line::ZERO);
        if w.column_stride == 1 {
            for (line, row) in rows.iter_mut().zip(start..end) {
                let values = w.along_row(row, columns.clone());
                line.0[..values.len()].copy_from_slice(values);
            }
        } else {
            transpose(w, start..end, columns, rows);
        }
        if G == 1 {
            return &self.rows;
        }
        for (rows, sums) in self.rows.chunks_exact(G).zip(self.sums.chunks_exact_mut(lines_per_group::<G>()))
        {
            tabulate::<G>(rows, sums);
        }
        &self.sums
    }
}

#[inline(always)]
fn tabulate<const G: usize>(rows: &[Line], sums: &mut [Line]) {
    for (bit, row) in rows[..G].iter().enumerate() {
        let (lower, upper) = sums.split_at_mut((1 << bit) - 1);
        let (single, upper) = upper.split_at_mut(1);
        single[0] = *row;
        for (lower, upper) in lower.iter().zip(upper) {
            for column in 0..WIDTH {
                upper.0[column] = lower.0[column] + row.0[column];
            }
        }
    }
}

/// Copies part of a matrix that is stored by columns, square by square.
#[inline(always)]
fn transpose(w: &Matrix, rows: Range<usize>, columns: Range<usize>, lines: &mut [Line]) {
    const SIDE: usize = 4;
    let (high, wide) = (lines.len() / SIDE * SIDE, columns.len() / SIDE * SIDE);
    for first in (0..wide).step_by(SIDE) {
        let sources: [_; SIDE] =
            std::array::from_fn(|i| w.along_column(columns.start + first + i, rows.clone()));
        let squares = std::array::from_fn::<_, SIDE, _>(|i| sources[i].as_chunks::<SIDE>().0);
        for (index, lines) in lines.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
            let square = transposed(squares.map(|column| column[index]));
            for (line, values) in lines.iter_mut().zip(square) {
                line.0[first..first + SIDE].copy_from_slice(&values);
            }
        }
        for (line, row) in lines[high..].iter_mut().zip(high..) {
            for (value, source) in line.0[first..].iter_mut().zip(sources) {
                *value = source[row];
            }
        }
    }
    for offset in wide..columns.len() {
        let source = w.along_column(columns.start + offset, rows.clone());
        for (line, &value) in lines.iter_mut().zip(source) {
            line.0[offset] = value;
        }
    }
}

/// The transpose of a square in registers. The compiler does not vectorize it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transposed(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS};
    // SAFETY: both types are sixteen contiguous numbers, and every 64-bit x86 processor has these instructions.
    unsafe {
        let [mut a, mut b, mut c, mut d]: [__m128; 4] = std::mem::transmute(rows);
        _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
        std::mem::transmute([a, b, c, d])
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn transposed(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    std::array::from_fn(|column| rows.map(|row| row[column]))
}
