//! A hidden layer with one network for each prefix of the variables.
//!
//! ```text
//! h_t = f(a_t),    y_t = b_t + h_t·V_t,    a_{t+1} = a_t + x_t·W_t
//! ```
//!
//! The hidden units form panels of [`WIDTH`] units, for which the rows of `W` and `V` are contiguous. If all inputs of a variable
//! are zero, `a` and `h` do not change, and the function is not evaluated again. The variables form segments of about `√D`.
//! In the forward pass the weights of a segment stay in the cache for several examples. The backward pass stores `a` at the
//! start of each segment and computes the rest again.

mod backward;
mod forward;
mod line;

use std::ops::Range;

use rayon::prelude::*;

use super::Isa;
use super::matrix::Matrix;
use super::real::Number;
pub(crate) use backward::{Gradients, backward};
pub(crate) use forward::forward;
use line::{Line, WIDTH};

/// The operands with the weights in panels.
pub(crate) struct Networks<'a, T> {
    start: &'a [T],
    x: &'a [T],
    w: Panels<T>,
    v: Panels<T>,
    examples: usize,
    variables: usize,
    units: usize,
    /// Elements of `x` for each variable.
    inputs: usize,
    /// Elements of `y` for each variable.
    outputs: usize,
}

impl<'a, T: Number> Networks<'a, T> {
    /// From `start [n, H]`, `x [n, D·E]`, `w [D·E, H]` and `v [H, D·P]`, for `D` variables.
    pub(crate) fn new(start: &'a [T], x: &'a [T], w: Matrix<T>, v: Matrix<T>, variables: usize) -> Self {
        let (inputs, outputs, units) = (w.rows / variables, v.columns / variables, w.columns);
        let examples = x.len() / w.rows;
        assert!(v.rows == units && start.len() == examples * units && x.len() == examples * w.rows);
        assert!(w.rows == inputs * variables && v.columns == outputs * variables);
        let (w, v) = (Panels::pack(w), Panels::pack(v.transposed()));
        Self { start, x, w, v, examples, variables, units, inputs, outputs }
    }

    fn panels(&self) -> usize {
        self.units.div_ceil(WIDTH)
    }

    /// The units of a panel.
    fn units_of(&self, panel: usize) -> Range<usize> {
        panel * WIDTH..((panel + 1) * WIDTH).min(self.units)
    }

    /// The first `a`.
    #[inline(always)]
    fn start(&self, example: usize, panel: usize) -> Line<T> {
        Line::read(&self.start[example * self.units..][self.units_of(panel)])
    }

    /// The inputs of a variable.
    #[inline(always)]
    fn x(&self, example: usize, variable: usize) -> &'a [T] {
        &self.x[(example * self.variables + variable) * self.inputs..][..self.inputs]
    }

    /// The rows of a panel of `W` that belong to a variable.
    #[inline(always)]
    fn rows(&self, variable: usize) -> Range<usize> {
        variable * self.inputs..(variable + 1) * self.inputs
    }

    /// Largest number of variables in a segment.
    fn segment(&self) -> usize {
        self.variables.isqrt().max(1)
    }

    /// The segments in order.
    fn segments(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator + use<T> {
        let (length, variables) = (self.segment(), self.variables);
        (0..variables.div_ceil(length)).map(move |i| i * length..((i + 1) * length).min(variables))
    }
}

/// A matrix whose rows are cut into lines. The lines of the first columns come first.
struct Panels<T> {
    lines: Vec<Line<T>>,
    rows: usize,
}

impl<T: Number> Panels<T> {
    fn pack(matrix: Matrix<T>) -> Self {
        let mut lines = vec![Line::zero(); matrix.columns.div_ceil(WIDTH) * matrix.rows];
        lines.par_chunks_mut(matrix.rows).enumerate().for_each(|(panel, lines)| {
            let columns = panel * WIDTH..((panel + 1) * WIDTH).min(matrix.columns);
            for (row, line) in lines.iter_mut().enumerate() {
                for (value, column) in line.0.iter_mut().zip(columns.clone()) {
                    *value = matrix.values[row * matrix.row_stride + column * matrix.column_stride];
                }
            }
        });
        Self { lines, rows: matrix.rows }
    }

    fn panel(&self, panel: usize) -> &[Line<T>] {
        &self.lines[panel * self.rows..(panel + 1) * self.rows]
    }
}

/// Adds the inputs of a variable times their rows to `a`. Returns whether an input is not zero.
#[inline(always)]
fn advance<I: Isa, T: Number>(a: &mut Line<T>, x: &[T], rows: &[Line<T>]) -> bool {
    let mut changed = false;
    for (&x, row) in x.iter().zip(rows) {
        if x.to_f64() != 0.0 {
            a.add_multiple::<I>(x, row);
            changed = true;
        }
    }
    changed
}
