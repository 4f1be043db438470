//! Matrices as views of slices.

use std::ops::Range;

/// A matrix in a buffer that starts with its first element. One of its strides is 1.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T = f32> {
    pub(crate) values: &'a [T],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// A block.
    pub(crate) fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let start = rows.start * self.row_stride + columns.start * self.column_stride;
        let values = self.values.get(start..).unwrap_or_default();
        Self { values, rows: rows.len(), columns: columns.len(), ..*self }
    }

    /// Part of a row. The stride of the columns must be 1.
    #[inline(always)]
    pub(crate) fn along_row(&self, row: usize, columns: Range<usize>) -> &'a [T] {
        let start = row * self.row_stride;
        &self.values[start + columns.start..start + columns.end]
    }

    /// Part of a column. The stride of the rows must be 1.
    #[inline(always)]
    pub(super) fn along_column(&self, column: usize, rows: Range<usize>) -> &'a [T] {
        let start = column * self.column_stride;
        &self.values[start + rows.start..start + rows.end]
    }
}

/// Whether the last element lies inside the buffer.
pub(super) fn fits<T>(x: &Matrix<T>) -> bool {
    let last = |count: usize, stride: usize| count.saturating_sub(1) * stride;
    x.rows == 0
        || x.columns == 0
        || last(x.rows, x.row_stride) + last(x.columns, x.column_stride) < x.values.len()
}
