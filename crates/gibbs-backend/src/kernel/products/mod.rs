//! Products whose left factor has many zeros.
//!
//! ```text
//! out_r = Σ_k x_rk · w_k        over the k with x_rk ≠ 0, in ascending order
//! ```
//!
//! `w` is divided into strips of [`WIDTH`] columns. The sums of a row of `x` over a strip are in registers. A strip is divided
//! into blocks of rows, which stay in the first-level cache for all rows of `x`. If `x` has only zeros and ones, no
//! multiplication is needed. Then `G` rows of `w` form a group whose `2^G - 1` sums are tabulated first, and a row of `x` costs
//! one addition for each group with a one (the method of the four Russians: Arlazarov, Dinic, Kronrod, Faradzhev 1970).

mod lists;
mod table;

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::dense::Target;
use super::matrix::Matrix;
use super::{Isa, Kernel, run};
use lists::Lists;
use table::Table;

/// Columns of a strip: their sums fill eight registers of AVX2.
const WIDTH: usize = 64;

/// The sums or a row of a strip. The alignment prevents loads from two cache lines.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([f32; WIDTH]);

impl Line {
    const ZERO: Self = Self([0.0; WIDTH]);
}

/// Largest number of rows of the left factor in a task: their sums fit into the second-level cache.
const MOST_ROWS: usize = 256;

/// Smallest number of rows of the left factor in a task.
const FEWEST_ROWS: usize = 32;

/// Statistics of the elements of a matrix.
pub(crate) struct Survey {
    pub(crate) nonzeros: usize,
    /// Whether all are zero or one.
    pub(crate) binary: bool,
}

/// Counts the elements that are not zero.
pub(crate) fn survey(x: Matrix) -> Survey {
    let mut survey = Survey { nonzeros: 0, binary: true };
    run(Count { x, survey: &mut survey });
    survey
}

struct Count<'a> {
    x: Matrix<'a>,
    survey: &'a mut Survey,
}

impl Kernel for Count<'_> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let x = if self.x.column_stride == 1 { self.x } else { self.x.transposed() };
        for row in 0..x.rows {
            let (mut nonzeros, mut others) = (0u32, 0u32);
            for &value in x.along_row(row, 0..x.columns) {
                nonzeros += u32::from(value != 0.0);
                others |= u32::from(value != 0.0) & u32::from(value != 1.0);
            }
            self.survey.nonzeros += nonzeros as usize;
            self.survey.binary &= others == 0;
        }
    }
}

/// `x·w` in row-major order, for any `x`.
pub(crate) fn product(x: Matrix, w: Matrix) -> Vec<f32> {
    by_lists::<1>(Lists::new::<1>(x).with_factors(x), x, w)
}

/// `x·w` in row-major order, for an `x` of zeros and ones, with `G` rows of `w` to a group.
pub(crate) fn binary_product<const G: usize>(x: Matrix, w: Matrix) -> Vec<f32> {
    by_lists::<G>(Lists::new::<G>(x), x, w)
}

fn by_lists<const G: usize>(lists: Lists, x: Matrix, w: Matrix) -> Vec<f32> {
    assert_eq!(x.columns, w.rows);
    let (rows, columns) = (x.rows, w.columns);
    if x.columns == 0 {
        return vec![0.0; rows * columns];
    }
    let mut out = Vec::with_capacity(rows * columns);
    let target = Target(out.as_mut_ptr());
    let strips = columns.div_ceil(WIDTH);
    // The sums do not depend on the division of the rows.
    let least = (2 * rayon::current_num_threads()).div_ceil(strips.max(1)).min(rows / FEWEST_ROWS);
    let height = rows.div_ceil(least.max(rows.div_ceil(MOST_ROWS)).max(1)).max(1);
    (0..strips * rows.div_ceil(height)).into_par_iter().for_each(|task| {
        let (strip, part) = (task % strips, task / strips);
        run(Strip::<G> {
            lists: &lists,
            w,
            rows: part * height..((part + 1) * height).min(rows),
            columns: strip * WIDTH..((strip + 1) * WIDTH).min(columns),
            target: &target,
            width: columns,
        });
    });
    // SAFETY: the vector has this capacity, and the strips with their rows cover all elements.
    unsafe { out.set_len(rows * columns) };
    out
}

/// Some rows of a strip of the product; there is at least one block.
struct Strip<'a, const G: usize> {
    lists: &'a Lists,
    w: Matrix<'a>,
    rows: Range<usize>,
    columns: Range<usize>,
    target: &'a Target<f32>,
    /// Columns of the product.
    width: usize,
}

impl<const G: usize> Kernel for Strip<'_, G> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let last = self.lists.blocks() - 1;
        let mut sums = vec![Line::ZERO; self.rows.len()];
        let mut table = Table::new::<G>();
        for block in 0..=last {
            let lines = table.fill::<G>(&self.w, block, self.columns.clone());
            for (row, sum) in self.rows.clone().zip(&mut sums) {
                match self.lists.get(row, block) {
                    (entries, None) => add(sum, lines, entries),
                    (entries, Some(factors)) => add_multiples::<I>(sum, lines, entries, factors),
                };
                if block == last {
                    let start =
                        self.target.at(row * self.width + self.columns.start).cast::<MaybeUninit<f32>>();
                    // SAFETY: the row and the columns lie in the product and in no other strip.
                    let out = unsafe { std::slice::from_raw_parts_mut(start, self.columns.len()) };
                    out.write_copy_of_slice(&sum.0[..self.columns.len()]);
                }
            }
        }
    }
}

#[inline(always)]
fn add(sum: &mut Line, lines: &[Line], entries: &[u8]) {
    let mut total = *sum;
    for &entry in entries {
        let line = &lines[usize::from(entry)];
        for column in 0..WIDTH {
            total.0[column] += line.0[column];
        }
    }
    *sum = total;
}

#[inline(always)]
fn add_multiples<I: Isa>(sum: &mut Line, lines: &[Line], entries: &[u8], factors: &[f32]) {
    let mut total = *sum;
    for (&entry, &factor) in entries.iter().zip(factors) {
        let line = &lines[usize::from(entry)];
        for column in 0..WIDTH {
            total.0[column] = I::mul_add(factor, line.0[column], total.0[column]);
        }
    }
    *sum = total;
}

#[cfg(test)]
mod tests;
