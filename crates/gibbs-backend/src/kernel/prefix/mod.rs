//! A hidden layer that takes in one variable after the other, with a network read off before each.
//!
//! ```text
//! h_t = f(a_t),    y_t = b_t + h_t·V_t,    a_{t+1} = a_t + x_t·W_t
//! ```
//!
//! The hidden units are cut into panels of [`WIDTH`], whose rows of `W` and `V` lie one behind the other. A variable whose
//! inputs are all zero leaves `a` and `h` as they are, so the function is computed anew only behind a nonzero one. The
//! variables are passed in segments of about `√D`: forward their weights stay in the cache while several examples
//! pass, backward `a` is kept at the start of each and computed again from there.

mod backward;
mod forward;
mod line;

use std::ops::Range;

use rayon::prelude::*;

use super::Isa;
use super::products::Matrix;
use super::real::Number;
pub(crate) use backward::{Gradients, backward};
pub(crate) use forward::forward;
use line::{Line, WIDTH};

/// The operands, with the weights in panels.
pub(crate) struct Networks<'a, T> {
    start: &'a [T],
    x: &'a [T],
    w: Panels<T>,
    v: Panels<T>,
    examples: usize,
    variables: usize,
    units: usize,
    /// Elements of `x` to a variable.
    inputs: usize,
    /// Elements of `y` to a variable.
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

    /// Where `a` starts.
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

    /// The most variables in a segment.
    fn segment(&self) -> usize {
        self.variables.isqrt().max(1)
    }

    /// All variables in order.
    fn segments(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator + use<T> {
        let (length, variables) = (self.segment(), self.variables);
        (0..variables.div_ceil(length)).map(move |i| i * length..((i + 1) * length).min(variables))
    }
}

/// A matrix whose rows are cut into lines; the lines of the first columns come first.
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

/// Adds the inputs of a variable, times their rows, to `a`. Returns whether there was anything to add.
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
