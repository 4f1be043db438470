//! Convolutions as products with overlapping windows. The channels of a site are neighbors in memory.
//!
//! ```text
//! y_q = Σ_i P[(q + i·W)·c … + w·c]·K_i        for all places q of a map P of W columns and c channels, row by row
//! ```
//!
//! The `w` sites of a window in one row are neighbors in memory. The windows of all places are therefore the rows of a matrix
//! with overlapping rows, which needs no copy. The product also has rows for places whose window crosses the end of a row of
//! the map; they are not used. An example with its margins fits into the cache.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::affine::{Add, AddAndMap};
use super::dense::write_product;
use super::functions::Map;
use super::matrix::Matrix;
use super::real::Number;
use super::run;
use crate::Window;

/// Examples in one task: few, so that the threads have equal work. The weight gradients of a task are summed first, so that the
/// total does not depend on the number of threads.
const EXAMPLES: usize = 4;

/// Maps `[n, rows, columns, channels]` in row-major order.
#[derive(Clone, Copy)]
pub(crate) struct Maps<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) channels: usize,
}

impl<'a, T: Number> Maps<'a, T> {
    fn size(&self) -> usize {
        self.rows * self.columns * self.channels
    }

    fn example(&self, index: usize) -> &'a [T] {
        &self.values[index * self.size()..(index + 1) * self.size()]
    }

    fn count(&self) -> usize {
        self.values.len() / self.size().max(1)
    }

    /// Columns including margins.
    fn wide(&self, window: Window) -> usize {
        self.columns + window.left + window.right
    }

    /// Places whose windows lie inside the buffer.
    fn places(&self, window: Window) -> usize {
        window.rows_out(self.rows) * self.wide(window) - (window.left + window.right)
    }

    /// Zeros for an example with its margins.
    fn blank(&self, window: Window) -> Vec<T> {
        let rows = self.rows + window.above + window.below;
        vec![T::default(); rows * self.wide(window) * self.channels]
    }

    /// Writes an example and its margins into the buffer.
    fn pad(&self, index: usize, window: Window, padded: &mut [T]) {
        let (width, length) = (self.columns * self.channels, self.wide(window) * self.channels);
        let (left, right) = (window.left * self.channels, window.right * self.channels);
        let rows = padded.chunks_exact_mut(length).skip(window.above);
        for (padded, row) in rows.zip(self.example(index).chunks_exact(width)) {
            padded[left..left + width].copy_from_slice(row);
            if window.periodic {
                padded[..left].copy_from_slice(&row[width - left..]);
                padded[left + width..].copy_from_slice(&row[..right]);
            }
        }
    }

    /// The windows of all places in one row of the window, `[places, w·c]`.
    fn windows<'b>(&self, window: Window, row: usize, padded: &'b [T]) -> Matrix<'b, T> {
        Matrix {
            values: &padded[row * self.wide(window) * self.channels..],
            rows: self.places(window),
            columns: (window.left + window.right + 1) * self.channels,
            row_stride: self.channels,
            column_stride: 1,
        }
    }
}

/// A matrix in row-major order.
fn matrix<T>(values: &[T], columns: usize) -> Matrix<'_, T> {
    Matrix { values, rows: values.len() / columns, columns, row_stride: columns, column_stride: 1 }
}

/// `f(Σ_ij x_{r+i, c+j}·K_ij + b)` for a weight `[height·width·in, out]`: `[n·R·C, out]`.
pub(crate) fn convolution<F: Map, T: Number>(x: Maps<T>, weight: &[T], bias: &[T], window: Window) -> Vec<T> {
    let (n_out, rows, wide) = (bias.len(), window.rows_out(x.rows), x.wide(window));
    let per_row = weight.len() / window.height;
    assert_eq!(per_row, (window.left + window.right + 1) * x.channels * n_out);
    let bias = bias.repeat(x.columns);
    let mut out = vec![T::default(); x.count() * rows * bias.len()];
    out.par_chunks_mut(EXAMPLES * rows * bias.len()).enumerate().for_each(|(chunk, out)| {
        let mut padded = x.blank(window);
        let mut sums = vec![T::default(); rows * wide * n_out];
        for (index, out) in out.chunks_exact_mut(rows * bias.len()).enumerate() {
            x.pad(chunk * EXAMPLES + index, window, &mut padded);
            for (i, weight) in weight.chunks_exact(per_row).enumerate() {
                let (windows, weight) = (x.windows(window, i, &padded), matrix(weight, n_out));
                // SAFETY: there are at most as many places as sites with margins, the last window ends with the buffer,
                // and all sums are initialized.
                unsafe { write_product(&windows, &weight, sums.as_mut_ptr(), n_out, i > 0) };
            }
            for (out, sums) in out.chunks_exact_mut(bias.len()).zip(sums.chunks_exact(wide * n_out)) {
                out.copy_from_slice(&sums[..bias.len()]);
                run(AddAndMap::<F, T> { x: out, bias: &bias, map: PhantomData });
            }
        }
    });
    out
}

/// `Σ x_{r+i, c+j}ᵀ·δ_rc` over sites and examples, `[height·width·in, out]`, for `δ [n·R·C, out]`.
pub(crate) fn weight_gradient<T: Number>(x: Maps<T>, slopes: &[T], n_out: usize, window: Window) -> Vec<T> {
    let (rows, wide, width) = (window.rows_out(x.rows), x.wide(window), x.columns * n_out);
    let per_row = (window.left + window.right + 1) * x.channels * n_out;
    let parts = slopes.par_chunks(EXAMPLES * rows * width).enumerate().map(|(chunk, slopes)| {
        let mut gradient = vec![T::default(); window.height * per_row];
        let mut padded = x.blank(window);
        // Zero in the margins: places without a site contribute nothing.
        let mut spread = vec![T::default(); rows * wide * n_out];
        for (index, slopes) in slopes.chunks_exact(rows * width).enumerate() {
            x.pad(chunk * EXAMPLES + index, window, &mut padded);
            for (spread, slopes) in spread.chunks_exact_mut(wide * n_out).zip(slopes.chunks_exact(width)) {
                spread[..width].copy_from_slice(slopes);
            }
            let spread = matrix(&spread[..x.places(window) * n_out], n_out);
            for (i, gradient) in gradient.chunks_exact_mut(per_row).enumerate() {
                let windows = x.windows(window, i, &padded).transposed();
                // SAFETY: the gradient has a row for each element of a window, all of them written, and the last window
                // ends with the buffer.
                unsafe { write_product(&windows, &spread, gradient.as_mut_ptr(), n_out, true) };
            }
        }
        gradient
    });
    let mut total = vec![T::default(); window.height * per_row];
    parts.collect::<Vec<_>>().iter().for_each(|row| run(Add { row, sums: &mut total }));
    total
}
