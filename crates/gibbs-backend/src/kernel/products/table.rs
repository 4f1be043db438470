//! A block of the right factor, made ready for additions.

use std::ops::Range;

use super::{Line, Matrix, WIDTH};

/// Lines of a table, at most: 28 kB of the first-level cache.
const LINES: usize = 112;

/// Groups of `G` rows whose sums fit in a table.
pub(super) const fn groups_per_block<const G: usize>() -> usize {
    LINES / ((1 << G) - 1)
}

/// The sums over every subset but the empty one of each group's rows, subset `s` of group `g` in line
/// `g·(2^G - 1) + s - 1`. With `G = 1` those are the rows.
pub(super) struct Table {
    rows: Vec<Line>,
    sums: Vec<Line>,
}

impl Table {
    #[inline(always)]
    pub(super) fn new<const G: usize>() -> Self {
        let groups = groups_per_block::<G>();
        let sums = if G == 1 { 0 } else { groups * ((1 << G) - 1) };
        Self { rows: vec![Line::ZERO; groups * G], sums: vec![Line::ZERO; sums] }
    }

    /// Makes this the table of a block of `w`; missing rows and columns count as zeros.
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
        for (rows, sums) in self.rows.chunks_exact(G).zip(self.sums.chunks_exact_mut((1 << G) - 1)) {
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

/// Copies part of a matrix that is stored by columns, in squares.
#[inline(always)]
fn transpose(w: &Matrix, rows: Range<usize>, columns: Range<usize>, lines: &mut [Line]) {
    const SIDE: usize = 8;
    let whole = columns.len() / SIDE * SIDE;
    for offset in (0..whole).step_by(SIDE) {
        let sources: [&[f32]; SIDE] =
            std::array::from_fn(|i| w.along_column(columns.start + offset + i, rows.clone()));
        for (row, line) in lines.iter_mut().enumerate() {
            for i in 0..SIDE {
                line.0[offset + i] = sources[i][row];
            }
        }
    }
    for offset in whole..columns.len() {
        let source = w.along_column(columns.start + offset, rows.clone());
        for (line, &value) in lines.iter_mut().zip(source) {
            line.0[offset] = value;
        }
    }
}
