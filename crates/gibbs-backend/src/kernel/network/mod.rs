//! Networks of affine layers, some rows at a time through all layers.
//!
//! ```text
//! h_0 = x,   a_l = h_{l-1}·W_l + b_l,   h_l = f(a_l)                        from the first layer to the last
//! δ_l = g_l ⊙ f'(a_l),   ∂/∂W_l = h_{l-1}ᵀ·δ_l,   ∂/∂b_l = Σ_rows δ_l,   g_{l-1} = δ_l·W_lᵀ      and back
//! ```
//!
//! The weights are packed into panels of [`LANES`] columns. A block of rows passes through all layers while its values are in the
//! cache. The backward pass shares out groups of rows whose number depends on the shapes alone, each with its own sums for the
//! gradients, so that these do not depend on the number of threads.

mod backward;
pub(crate) mod coupling;
mod forward;
mod rows;
mod trace;

use std::ops::Range;

use super::matrix::Matrix;
use super::real::Number;
use super::tile::LANES;
pub(crate) use backward::{Gradients, Layers, Operands, backward};
pub(crate) use forward::{Saves, forward};
pub(crate) use trace::{Traced, traced};

/// Rows that pass through the layers together.
const BLOCK: usize = 64;

/// With fewer multiplications a single thread is faster.
const SMALLEST: usize = 1 << 19;

/// The shapes of a network.
pub(crate) struct Shape {
    /// Of the inputs, then of each layer.
    widths: Vec<usize>,
    /// Number of layers with a function: all or all but the last.
    functions: usize,
}

impl Shape {
    /// From the widths of the inputs and of each layer. The last layer has the function only if it is asked for.
    pub(crate) fn new(widths: Vec<usize>, function_at_last: bool) -> Self {
        let functions = widths.len() - 1 - usize::from(!function_at_last);
        Self { widths, functions }
    }

    /// Number of layers.
    pub(crate) fn layers(&self) -> usize {
        self.widths.len() - 1
    }

    /// Inputs and outputs of a layer.
    pub(crate) fn layer(&self, layer: usize) -> [usize; 2] {
        [self.widths[layer], self.widths[layer + 1]]
    }

    /// The width of the saved numbers of a row: those of all layers with a function, in full panels.
    pub(crate) fn saved(&self) -> usize {
        self.columns(self.functions).start
    }

    /// The place of a layer among the saved numbers of a row.
    fn columns(&self, layer: usize) -> Range<usize> {
        let start = self.widths[1..=layer].iter().map(|&width| padded(width)).sum();
        start..start + self.widths.get(layer + 1).map_or(0, |&width| padded(width))
    }

    /// The largest width of a layer, in full panels.
    fn widest(&self) -> usize {
        self.widths[1..].iter().map(|&width| padded(width)).max().unwrap_or(0)
    }

    /// Multiplications of a row.
    fn multiplications(&self) -> usize {
        self.widths.windows(2).map(|pair| pair[0] * padded(pair[1])).sum()
    }
}

/// The next multiple of [`LANES`].
fn padded(width: usize) -> usize {
    width.next_multiple_of(LANES)
}

/// A matrix in panels of columns, filled with zeros. A panel has a row to start with, then the rows of the matrix.
pub(crate) struct Packed<T> {
    values: Vec<[T; LANES]>,
    rows: usize,
    panels: usize,
}

impl<T: Number> Packed<T> {
    /// Sums begin with `start`, or with zero.
    pub(crate) fn new(matrix: Matrix<T>, start: Option<&[T]>) -> Self {
        let (rows, panels) = (matrix.rows, matrix.columns.div_ceil(LANES));
        let mut values = vec![[T::default(); LANES]; (rows + 1) * panels];
        for (panel, values) in values.chunks_exact_mut(rows + 1).enumerate() {
            let columns = panel * LANES..((panel + 1) * LANES).min(matrix.columns);
            let (first, values) = values.split_at_mut(1);
            if let Some(start) = start {
                first[0][..columns.len()].copy_from_slice(&start[columns.clone()]);
            }
            if matrix.column_stride == 1 {
                for (row, values) in values.iter_mut().enumerate() {
                    let line = matrix.along_row(row, columns.clone());
                    match <&[T; LANES]>::try_from(line) {
                        Ok(line) => *values = *line,
                        Err(_) => values[..line.len()].copy_from_slice(line),
                    }
                }
            } else {
                for (lane, column) in columns.enumerate() {
                    let line = matrix.along_column(column, 0..rows);
                    values.iter_mut().zip(line).for_each(|(values, &value)| values[lane] = value);
                }
            }
        }
        Self { values, rows, panels }
    }

    /// The row to start with and the others.
    #[inline(always)]
    fn panel(&self, panel: usize) -> (&[T; LANES], &[[T; LANES]]) {
        let panel = &self.values[panel * (self.rows + 1)..(panel + 1) * (self.rows + 1)];
        (&panel[0], &panel[1..])
    }

    /// Columns in full panels.
    #[inline(always)]
    fn width(&self) -> usize {
        self.panels * LANES
    }
}

/// Rows of numbers in a buffer.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    values: &'a [T],
    /// Distance of the rows.
    stride: usize,
}
