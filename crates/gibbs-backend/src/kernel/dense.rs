//! Dense products with the crate `gemm`, one block of the result for each thread.
//!
//! `gemm` has its own threads. But on two cores one block per core along the longer side of the result is 5 to 30 percent
//! faster, and later operations find the rows in the cache of the same core.
//!
//! `gemm` vectorizes along the contiguous side of the result and copies a factor with the other layout number by number. For few
//! rows times the transpose of a large matrix, as in the gradient of the input of a layer, the copy costs more than the
//! product. In this case the transposed product is computed and the small result is transposed. This takes half of the time
//! for 100 rows and a matrix of 1024², and a tenth for 8 rows.

use std::ops::Range;

use rayon::prelude::*;

use super::matrix::{Matrix, fits};
use super::real::Number;
use super::{Isa, Kernel, run};

/// With fewer multiplications a single thread is faster.
pub(super) const SMALLEST: usize = 1 << 22;

/// Blocks begin at multiples of this number of rows or columns, the size of the inner kernel of `gemm`.
const UNIT: usize = 16;

/// `a·b` in row-major order. `finish` receives each completed part of a row, with the index of its first column.
pub(crate) fn product<T: Number>(
    a: Matrix<T>,
    b: Matrix<T>,
    finish: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    assert_eq!(a.columns, b.rows);
    assert!(fits(&a) && fits(&b));
    let (rows, columns) = (a.rows, b.columns);
    let mut out = Vec::with_capacity(rows * columns);
    let target = Target(out.as_mut_ptr());
    let threads = if rows * columns * a.columns < SMALLEST { 1 } else { rayon::current_num_threads() };
    // Decided for the whole product, so that it does not depend on the number of threads.
    let across = b.column_stride > b.row_stride && 2 * rows <= columns;
    let side = rows.max(columns);
    let length = side.div_ceil(threads).next_multiple_of(UNIT);
    let block = |index: usize| {
        let range = index * length..((index + 1) * length).min(side);
        let block = if rows >= columns {
            Block { rows: range, columns: 0..columns }
        } else {
            Block { rows: 0..rows, columns: range }
        };
        // SAFETY: the blocks do not overlap and lie inside the matrix, whose memory is allocated.
        unsafe { block.compute(&a, &b, &target, columns, across, &finish) }
    };
    match side.div_ceil(length.max(1)) {
        1 => block(0),
        blocks => (0..blocks).into_par_iter().with_max_len(1).for_each(block),
    }
    // SAFETY: the vector has this capacity, and the blocks cover all elements.
    unsafe { out.set_len(rows * columns) };
    out
}

/// The start of a matrix to which all threads write.
pub(super) struct Target<T>(pub(super) *mut T);

// SAFETY: the threads write to different elements.
unsafe impl<T: Send> Sync for Target<T> {}

impl<T> Target<T> {
    /// The element with this index.
    #[inline(always)]
    pub(super) fn at(&self, index: usize) -> *mut T {
        self.0.wrapping_add(index)
    }
}

/// Part of the result.
struct Block {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Block {
    /// # Safety
    ///
    /// The block must lie inside the matrix of `width` columns that begins at the target. Nothing else may refer to its
    /// elements. The factors must fit their buffers.
    unsafe fn compute<T: Number>(
        self,
        a: &Matrix<T>,
        b: &Matrix<T>,
        target: &Target<T>,
        width: usize,
        across: bool,
        finish: &impl Fn(usize, &mut [T]),
    ) {
        let (height, breadth) = (self.rows.len(), self.columns.len());
        let (a, b) = (a.part(self.rows.clone(), 0..a.columns), b.part(0..b.rows, self.columns.clone()));
        let start = target.at(self.rows.start * width + self.columns.start);
        // SAFETY: the caller guarantees memory for the product. It is initialized before slices of it exist.
        unsafe {
            if across {
                write_product_across(a, b, start, width);
            } else {
                write_product(&a, &b, start, width, false);
            }
            for row in 0..height {
                finish(self.columns.start, std::slice::from_raw_parts_mut(start.add(row * width), breadth));
            }
        }
    }
}

/// [`write_product`] as the transpose of `bᵀ·aᵀ`.
///
/// # Safety
///
/// As for [`write_product`].
unsafe fn write_product_across<T: Number>(a: Matrix<T>, b: Matrix<T>, out: *mut T, stride: usize) {
    let (rows, columns) = (a.rows, b.columns);
    let mut transposed = Vec::<T>::with_capacity(rows * columns);
    // SAFETY: the vector has the capacity of the product, which is written completely. The caller guarantees memory for the
    // transpose.
    unsafe {
        write_product(&b.transposed(), &a.transposed(), transposed.as_mut_ptr(), rows, false);
        transposed.set_len(rows * columns);
        run(Transpose { from: &transposed, rows, columns, to: out, stride });
    }
}

/// Writes the matrix whose columns are slices of `from` to memory where its rows are `stride` elements apart.
struct Transpose<'a, T> {
    from: &'a [T],
    rows: usize,
    columns: usize,
    to: *mut T,
    stride: usize,
}

impl<T: Number> Kernel for Transpose<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        // A strip of columns fills its cache lines before they leave the cache.
        for first in (0..self.columns).step_by(UNIT) {
            let end = (first + UNIT).min(self.columns);
            for row in 0..self.rows {
                for column in first..end {
                    let value = self.from[column * self.rows + row];
                    // SAFETY: an element of the matrix, for which the creator of this kernel guarantees memory.
                    unsafe { self.to.add(row * self.stride + column).write(value) };
                }
            }
        }
    }
}

/// Writes `a·b` to a matrix whose rows are `stride` elements apart, or adds it to this matrix.
///
/// # Safety
///
/// There must be memory for the product from `out`, to which nothing else refers. With `add` it must be initialized. The
/// factors must fit their buffers.
pub(super) unsafe fn write_product<T: Number>(
    a: &Matrix<T>,
    b: &Matrix<T>,
    out: *mut T,
    stride: usize,
    add: bool,
) {
    // SAFETY: the caller guarantees that the three matrices fit. `gemm` writes each element of the product and reads it only
    // if `read_dst` is set.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out,
            1,
            stride as isize,
            add,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            T::from_f64(if add { 1.0 } else { 0.0 }),
            T::from_f64(1.0),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
