//! Dense products by the crate `gemm`, one block of the result for each thread.
//!
//! `gemm` can share out a product itself, but on two cores a block for each of them, cut along the longer side of the
//! result, is 5 to 30 percent faster, and what follows on a product finds its rows in the cache of the same core.

use std::ops::Range;

use rayon::prelude::*;

use super::products::Matrix;
use super::real::Number;

/// Fewer multiplications than this are not worth waking a thread.
const SMALLEST: usize = 1 << 22;

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
        unsafe { block.compute(&a, &b, &target, columns, &finish) }
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
fn fits<T>(x: &Matrix<T>) -> bool {
    let last = |count: usize, stride: usize| count.saturating_sub(1) * stride;
    x.rows == 0
        || x.columns == 0
        || last(x.rows, x.row_stride) + last(x.columns, x.column_stride) < x.values.len()
}

/// The start of the matrix that all threads write to.
struct Target<T>(*mut T);

// SAFETY: the threads write to different elements, see `product`.
unsafe impl<T: Send> Sync for Target<T> {}

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
        finish: &impl Fn(usize, &mut [T]),
    ) {
        let (height, breadth) = (self.rows.len(), self.columns.len());
        // SAFETY: offsets of elements of the three matrices, as the caller promises; `gemm` writes every element of
        // the block (`read_dst` is off) and only then are slices of it made.
        unsafe {
            let start = target.0.add(self.rows.start * width + self.columns.start);
            gemm::gemm(
                height,
                breadth,
                a.columns,
                start,
                1,
                width as isize,
                false,
                a.values.as_ptr().add(self.rows.start * a.row_stride),
                a.column_stride as isize,
                a.row_stride as isize,
                b.values.as_ptr().add(self.columns.start * b.column_stride),
                b.column_stride as isize,
                b.row_stride as isize,
                T::from_f64(0.0),
                T::from_f64(1.0),
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
            for row in 0..height {
                finish(self.columns.start, std::slice::from_raw_parts_mut(start.add(row * width), breadth));
            }
        }
    }
}
