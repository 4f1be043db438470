//! Products with a masked matrix. The values outside the mask have no effect.
//!
//! A task is a strip of the masked matrix, see [`strips`](crate::pattern::strips). Full runs are multiplied in place, mixed runs
//! as copies with zeros. Strips and results do not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::dense::{SMALLEST, Target, write_product};
use super::matrix::{Matrix, fits};
use super::real::Number;
use super::{Isa, Kernel, run};
use crate::pattern::strips::{Kind, Run, Strip};
use crate::pattern::{Pattern, WORD};

/// Largest number of rows of the left factor in a task. Each task copies its mixed runs.
const ROWS: usize = 512;

/// `M⊙W` or its transpose. Each row of `W` is a slice.
#[derive(Clone, Copy)]
pub(crate) struct Masked<'a, T> {
    matrix: Matrix<'a, T>,
    pattern: &'a Pattern,
    transposed: bool,
}

impl<'a, T: Number> Masked<'a, T> {
    pub(crate) fn new(matrix: Matrix<'a, T>, pattern: &'a Pattern) -> Self {
        assert!(matrix.column_stride == 1 && fits(&matrix));
        assert_eq!([matrix.rows, matrix.columns], pattern.dims());
        Self { matrix, pattern, transposed: false }
    }

    pub(crate) fn transposed(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    fn dims(&self) -> [usize; 2] {
        let [rows, columns] = self.pattern.dims();
        if self.transposed { [columns, rows] } else { [rows, columns] }
    }

    /// The strips of columns.
    fn strips(&self) -> &[Strip] {
        if self.transposed { self.pattern.strips_of_rows() } else { self.pattern.strips_of_columns() }
    }

    /// Part of a strip. A mixed part is copied.
    fn block<'b>(&self, strip: &Strip, part: &Run, copy: &'b mut Vec<T>) -> Matrix<'b, T>
    where
        'a: 'b,
    {
        let (strip, run) = (strip.range.clone(), part.range.clone());
        let (rows, columns) = if self.transposed { (strip, run) } else { (run, strip) };
        let mut block = self.matrix.part(rows.clone(), columns.clone());
        if part.kind == Kind::Mixed {
            let width = columns.len();
            copy.resize(rows.len() * width, T::default());
            // SAFETY: the copy has this size.
            unsafe { copy_masked(block, self.pattern, rows, columns, copy.as_mut_ptr(), width) };
            block = Matrix { values: copy, row_stride: width, ..block };
        }
        if self.transposed { block.transposed() } else { block }
    }
}

/// `x·w` in row-major order. `finish` receives each completed part of a row, with the index of its first column.
pub(crate) fn product<T: Number>(
    x: Matrix<T>,
    w: Masked<T>,
    finish: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let ([rows, width], strips) = (w.dims(), w.strips());
    assert_eq!(x.columns, rows);
    assert!(fits(&x));
    let mut out = Vec::with_capacity(x.rows * width);
    let target = Target(out.as_mut_ptr());
    let pieces = x.rows.div_ceil(ROWS);
    share_out(strips.len() * pieces, x.rows * x.columns * width, |task, copy| {
        let (strip, piece) = (&strips[task / pieces], task % pieces);
        let rows = piece * ROWS..((piece + 1) * ROWS).min(x.rows);
        let start = target.at(rows.start * width + strip.range.start);
        let mut empty = true;
        for part in strip.runs.iter().filter(|part| part.kind != Kind::Empty) {
            let (x, w) = (x.part(rows.clone(), part.range.clone()), w.block(strip, part, copy));
            // SAFETY: the memory of these rows and of the strip, to which no other task refers. The first product
            // initializes it and does not read it.
            unsafe { write_product(&x, &w, start, width, !empty) };
            empty = false;
        }
        for row in 0..rows.len() {
            // SAFETY: as above. If there is no product, the memory is set to zero before a slice of it exists.
            let row = unsafe {
                let row = start.add(row * width);
                if empty {
                    row.write_bytes(0, strip.range.len());
                }
                std::slice::from_raw_parts_mut(row, strip.range.len())
            };
            finish(strip.range.start, row);
        }
    });
    // SAFETY: the vector has this capacity, and strips and pieces cover all elements.
    unsafe { out.set_len(x.rows * width) };
    out
}

/// `M⊙(xᵀ·y)` in row-major order.
pub(crate) fn outer<T: Number>(x: Matrix<T>, y: Matrix<T>, pattern: &Pattern) -> Vec<T> {
    assert_eq!(x.rows, y.rows);
    assert_eq!([x.columns, y.columns], pattern.dims());
    assert!(fits(&x) && fits(&y));
    let (batch, width) = (x.rows, y.columns);
    let (by_rows, by_columns) = (pattern.strips_of_rows(), pattern.strips_of_columns());
    let by_row = by_rows.len() >= by_columns.len();
    let strips = if by_row { by_rows } else { by_columns };
    let mut out = Vec::<T>::with_capacity(x.columns * width);
    let target = Target(out.as_mut_ptr());
    share_out(strips.len(), x.rows * x.columns * width, |task, copy| {
        let strip = &strips[task];
        for part in &strip.runs {
            let (strip, run) = (strip.range.clone(), part.range.clone());
            let (rows, columns) = if by_row { (strip, run) } else { (run, strip) };
            let start = target.at(rows.start * width + columns.start);
            let x = x.part(0..batch, rows.clone()).transposed();
            let y = y.part(0..batch, columns.clone());
            // SAFETY: the memory of this block, to which no other task refers, or a copy of the size of the block.
            unsafe {
                match part.kind {
                    Kind::Empty => {
                        (0..x.rows).for_each(|row| start.add(row * width).write_bytes(0, y.columns))
                    }
                    Kind::Full => write_product(&x, &y, start, width, false),
                    Kind::Mixed => {
                        copy.resize(x.rows * y.columns, T::default());
                        write_product(&x, &y, copy.as_mut_ptr(), y.columns, false);
                        let all = Matrix {
                            values: copy,
                            rows: x.rows,
                            columns: y.columns,
                            row_stride: y.columns,
                            column_stride: 1,
                        };
                        copy_masked(all, pattern, rows, columns, start, width);
                    }
                }
            }
        }
    });
    // SAFETY: the vector has this capacity, and strips and their runs cover all elements.
    unsafe { out.set_len(x.columns * width) };
    out
}

/// Runs all tasks, on all threads if there are enough `multiplications`. Each thread has its own buffer.
fn share_out<T: Number>(tasks: usize, multiplications: usize, task: impl Fn(usize, &mut Vec<T>) + Sync) {
    if multiplications < SMALLEST {
        let mut buffer = Vec::new();
        (0..tasks).for_each(|index| task(index, &mut buffer));
    } else {
        let tasks = (0..tasks).into_par_iter().with_max_len(1);
        tasks.for_each_init(Vec::new, |buffer, index| task(index, buffer));
    }
}

/// Copies a block to memory where rows are `stride` elements apart, with zeros outside the pattern.
///
/// # Safety
///
/// There must be memory for the block from `to`, to which nothing else refers.
unsafe fn copy_masked<T: Number>(
    from: Matrix<T>,
    pattern: &Pattern,
    rows: Range<usize>,
    columns: Range<usize>,
    to: *mut T,
    stride: usize,
) {
    assert_eq!([from.rows, from.columns], [rows.len(), columns.len()]);
    run(CopyMasked { from, pattern, rows, columns, to, stride });
}

struct CopyMasked<'a, T> {
    from: Matrix<'a, T>,
    pattern: &'a Pattern,
    rows: Range<usize>,
    columns: Range<usize>,
    to: *mut T,
    stride: usize,
}

impl<T: Number> Kernel for CopyMasked<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let width = self.columns.len();
        for (i, row) in self.rows.enumerate() {
            let (from, words) =
                (self.from.along_row(i, 0..width), self.pattern.words(row, self.columns.clone()));
            let parts = from.chunks(WORD).zip(words).enumerate();
            for (part, (from, &word)) in parts {
                for (lane, &x) in from.iter().enumerate() {
                    let x = if word >> lane & 1 == 1 { x } else { T::default() };
                    // SAFETY: an element of the block, for which the caller of `copy_masked` guarantees memory.
                    unsafe { self.to.add(i * self.stride + part * WORD + lane).write(x) };
                }
            }
        }
    }
}
