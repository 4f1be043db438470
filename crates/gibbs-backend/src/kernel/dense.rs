//! Dense products by the crate `gemm`, one block of the result for each thread.
//!
//! `gemm` can share out a product itself, but on two cores a block for each of them, cut along the longer side of the
//! result, is 5 to 30 percent faster, and what follows on a product finds its rows in the cache of the same core.
//!
//! `gemm` takes the side along which the result lies in memory for its vectors, and rearranges a factor that lies the other
//! way, number by number. For few rows times the transpose of a large matrix, the gradient by the input of a layer, that costs
//! more than the product. There the product is made the other way around, from the matrix as it lies, and the small result is
//! transposed: for 100 rows and a matrix of 1024² in half of the time, for 8 rows in a tenth.

use std::ops::Range;

use rayon::prelude::*;

use super::products::Matrix;
use super::real::Number;
use super::{Isa, Kernel, run};

/// Fewer multiplications than this are not worth waking a thread.
pub(super) const SMALLEST: usize = 1 << 22;

/// Blocks are cut at multiples of this number of rows or columns: the height or width of what `gemm` takes at a time.
const UNIT: usize = 16;

/// `a·b` in row-major order. Each part of a row, as soon as it is there, is handed to `finish` with the index of its
/// first column.
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
    // Of the whole, not of a block, so that the number of threads has no part in it.
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
        // SAFETY: the blocks do not overlap and lie in the matrix, whose capacity was reserved.
        unsafe { block.compute(&a, &b, &target, columns, across, &finish) }
    };
    match side.div_ceil(length.max(1)) {
        1 => block(0),
        blocks => (0..blocks).into_par_iter().with_max_len(1).for_each(block),
    }
    // SAFETY: the capacity is that, and the blocks cover every element.
    unsafe { out.set_len(rows * columns) };
    out
}

/// Whether the last element lies in the buffer.
pub(super) fn fits<T>(x: &Matrix<T>) -> bool {
    let last = |count: usize, stride: usize| count.saturating_sub(1) * stride;
    x.rows == 0
        || x.columns == 0
        || last(x.rows, x.row_stride) + last(x.columns, x.column_stride) < x.values.len()
}

/// The start of the matrix that all threads write to.
pub(super) struct Target<T>(pub(super) *mut T);

// SAFETY: the threads write to different elements, see `product`.
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
    /// The block must lie in the matrix of `width` columns that begins at the target, and nothing else may refer to any
    /// element of it. The factors must fit their buffers.
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
        // SAFETY: the caller promises a place for the product, which is written before slices of it are made.
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
/// As there.
unsafe fn write_product_across<T: Number>(a: Matrix<T>, b: Matrix<T>, out: *mut T, stride: usize) {
    let (rows, columns) = (a.rows, b.columns);
    let mut transposed = Vec::<T>::with_capacity(rows * columns);
    // SAFETY: the capacity is that of the product, all of which is written; for the place of its transpose vouches the caller.
    unsafe {
        write_product(&b.transposed(), &a.transposed(), transposed.as_mut_ptr(), rows, false);
        transposed.set_len(rows * columns);
        run(Transpose { from: &transposed, rows, columns, to: out, stride });
    }
}

/// Writes a matrix whose columns are slices of `from` to where its rows are `stride` elements apart, for which there must be
/// place.
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
        // The lines of the cache that a strip of columns writes to are filled before they leave it.
        for first in (0..self.columns).step_by(UNIT) {
            let end = (first + UNIT).min(self.columns);
            for row in 0..self.rows {
                for column in first..end {
                    let value = self.from[column * self.rows + row];
                    // SAFETY: an element of the matrix, for whose place the maker of this kernel vouches.
                    unsafe { self.to.add(row * self.stride + column).write(value) };
                }
            }
        }
    }
}

/// Writes `a·b` to a matrix in memory, whose rows are `stride` elements apart, or adds it to that.
///
/// # Safety
///
/// From `out` on there must be place for the product, to which nothing else refers; what is added to must have been
/// written. The factors must fit their buffers.
pub(super) unsafe fn write_product<T: Number>(
    a: &Matrix<T>,
    b: &Matrix<T>,
    out: *mut T,
    stride: usize,
    add: bool,
) {
    // SAFETY: the extents and strides of three matrices that fit, as the caller promises; `gemm` writes every element of
    // the product, and reads it only if `read_dst` is on.
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
