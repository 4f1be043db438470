//! Products with a matrix of which a pattern keeps some elements, and with no regard to what the others hold.
//!
//! A task is a strip of the masked matrix, see [`strips`](crate::pattern::strips): its full runs are multiplied as they are,
//! its mixed ones as copies with zeros. The strips do not depend on the number of threads, nor then does any result.

use std::ops::Range;

use rayon::prelude::*;

use super::dense::{SMALLEST, Target, fits, write_product};
use super::products::Matrix;
use super::real::Number;
use super::{Isa, Kernel, run};
use crate::pattern::strips::{Kind, Run, Strip};
use crate::pattern::{Pattern, WORD};

/// Rows of the left factor to a task, at most. For each task mixed runs are copied anew.
const ROWS: usize = 512;

/// `M⊙W`, where each row of `W` is a slice, or its transpose.
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

    /// Its columns.
    fn strips(&self) -> &[Strip] {
        if self.transposed { self.pattern.strips_of_rows() } else { self.pattern.strips_of_columns() }
    }

    /// Part of a strip; a mixed one is copied.
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
            // SAFETY: the copy was given this size.
            unsafe { copy_masked(block, self.pattern, rows, columns, copy.as_mut_ptr(), width) };
            block = Matrix { values: copy, row_stride: width, ..block };
        }
        if self.transposed { block.transposed() } else { block }
    }
}

/// `x·w` in row-major order. Each part of a row, as soon as it is there, is handed to `finish` with the index of its first
/// column.
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
            // SAFETY: the place of these rows and of the strip, to which no other task refers. Only the first product
            // finds it unwritten, and does not read it.
            unsafe { write_product(&x, &w, start, width, !empty) };
            empty = false;
        }
        for row in 0..rows.len() {
            // SAFETY: as above; what no product has written is made zero before there is a slice of it.
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
    // SAFETY: the capacity is that, and strips and pieces cover every element.
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
    let along_rows = by_rows.len() >= by_columns.len();
    let strips = if along_rows { by_rows } else { by_columns };
    let mut out = Vec::<T>::with_capacity(x.columns * width);
    let target = Target(out.as_mut_ptr());
    share_out(strips.len(), x.rows * x.columns * width, |task, copy| {
        let strip = &strips[task];
        for part in &strip.runs {
            let (strip, along) = (strip.range.clone(), part.range.clone());
            let (rows, columns) = if along_rows { (strip, along) } else { (along, strip) };
            let start = target.at(rows.start * width + columns.start);
            let x = x.part(0..batch, rows.clone()).transposed();
            let y = y.part(0..batch, columns.clone());
            // SAFETY: the place of this block, to which no other task refers, or a copy of the size of the block.
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
    // SAFETY: the capacity is that, and strips and their runs cover every element.
    unsafe { out.set_len(x.columns * width) };
    out
}

/// Does all tasks, on all threads if there are this many `multiplications` to share, each thread with a buffer of its own.
fn share_out<T: Number>(tasks: usize, multiplications: usize, task: impl Fn(usize, &mut Vec<T>) + Sync) {
    if multiplications < SMALLEST {
        let mut buffer = Vec::new();
        (0..tasks).for_each(|index| task(index, &mut buffer));
    } else {
        let tasks = (0..tasks).into_par_iter().with_max_len(1);
        tasks.for_each_init(Vec::new, |buffer, index| task(index, buffer));
    }
}

/// Copies a block, with zeros where the pattern has nothing, to where rows are `stride` elements apart.
///
/// # Safety
///
/// From `to` on there must be place for the block, to which nothing else refers.
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
                    // SAFETY: an element of the block, for which the caller of `copy_masked` vouches.
                    unsafe { self.to.add(i * self.stride + part * WORD + lane).write(x) };
                }
            }
        }
    }
}
