//! Products of a block of rows with packed weights.

use super::{Packed, Rows};
use crate::kernel::Isa;
use crate::kernel::real::Number;
use crate::kernel::tile::{Factors, LANES, TALL, TALLER, tile};

/// Writes `start + a·W` for the first `rows` rows to `out`, whose rows are full panels.
#[inline(always)]
pub(super) fn product<I: Isa, T: Number>(a: Rows<T>, rows: usize, weight: &Packed<T>, out: &mut [T]) {
    if I::IS_WIDE {
        product_by::<I, T, TALLER>(a, rows, weight, out);
    } else {
        product_by::<I, T, TALL>(a, rows, weight, out);
    }
}

#[inline(always)]
fn product_by<I: Isa, T: Number, const N: usize>(a: Rows<T>, rows: usize, weight: &Packed<T>, out: &mut [T]) {
    let (depth, width) = (weight.rows, weight.width());
    assert!(rows == 0 || (rows - 1) * a.stride + depth <= a.values.len());
    assert!(rows * width <= out.len());
    for panel in 0..weight.panels {
        let (start, lines) = weight.panel(panel);
        let factors = |first: usize| Factors {
            a: a.values.as_ptr().wrapping_add(first * a.stride),
            row: a.stride,
            step: 1,
            lanes: lines.as_ptr().cast(),
            stride: LANES,
            depth,
        };
        let mut write = |first: usize, sums: &[[T; LANES]]| {
            for (i, sums) in sums.iter().enumerate() {
                let at = (first + i) * width + panel * LANES;
                out[at..at + LANES].copy_from_slice(sums);
            }
        };
        if rows < N {
            for first in 0..rows {
                // SAFETY: a row below `rows` lies inside the values by the assertion, and a panel has `depth` lines.
                write(first, &unsafe { tile::<I, T, 1>([*start], &factors(first)) });
            }
        } else {
            for first in (0..rows).step_by(N) {
                // The last tile reaches back over rows that are known, and gets the same numbers for them.
                let first = first.min(rows - N);
                // SAFETY: as above, for rows from `first` to below `rows`.
                write(first, &unsafe { tile::<I, T, N>([*start; N], &factors(first)) });
            }
        }
    }
}

/// Adds `aᵀ·b` over the first `rows` rows to `sums [depth, width]`, for `depth` columns of `a` and rows of `b` in full panels.
#[inline(always)]
pub(super) fn add_outer<I: Isa, T: Number>(
    a: Rows<T>,
    depth: usize,
    b: &[T],
    width: usize,
    rows: usize,
    sums: &mut [T],
) {
    if I::IS_WIDE {
        add_outer_by::<I, T, TALLER>(a, depth, b, width, rows, sums);
    } else {
        add_outer_by::<I, T, TALL>(a, depth, b, width, rows, sums);
    }
}

#[inline(always)]
fn add_outer_by<I: Isa, T: Number, const N: usize>(
    a: Rows<T>,
    depth: usize,
    b: &[T],
    width: usize,
    rows: usize,
    sums: &mut [T],
) {
    assert!(rows == 0 || (rows - 1) * a.stride + depth <= a.values.len());
    assert!(rows * width <= b.len() && depth * width <= sums.len() && width.is_multiple_of(LANES));
    for panel in (0..width).step_by(LANES) {
        let factors = |first: usize| Factors {
            a: a.values.as_ptr().wrapping_add(first),
            row: 1,
            step: a.stride,
            lanes: b.as_ptr().wrapping_add(panel),
            stride: width,
            depth: rows,
        };
        let zero = [T::default(); LANES];
        let mut add = |first: usize, tile: &[[T; LANES]]| {
            for (i, tile) in tile.iter().enumerate() {
                let at = (first + i) * width + panel;
                for (sum, value) in sums[at..at + LANES].iter_mut().zip(tile) {
                    *sum = T::lower::<I>(sum.lift::<I>() + value.lift::<I>());
                }
            }
        };
        let tall = depth - depth % N;
        for first in (0..tall).step_by(N) {
            // SAFETY: columns below `depth` of `rows` rows of `a`, and of `b` the panel at this column, inside by the assertions.
            add(first, &unsafe { tile::<I, T, N>([zero; N], &factors(first)) });
        }
        for first in tall..depth {
            // SAFETY: as above.
            add(first, &unsafe { tile::<I, T, 1>([zero], &factors(first)) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::matrix::Matrix;
    use crate::kernel::{Fused, Separate, Wide};

    /// Sums of small whole numbers are exact in any order, so that all instruction sets give the same.
    #[test]
    fn tiles_of_all_heights_are_exact() {
        let number = |i: usize| ((i * 7919 + 3) % 11) as f32 - 5.0;
        let values: Vec<f32> = (0..4000).map(number).collect();
        for [rows, depth, columns] in [[1, 3, 1], [4, 1, 16], [7, 5, 17], [8, 16, 32], [19, 21, 40]] {
            let matrix =
                Matrix { values: &values[5..], rows: depth, columns, row_stride: columns, column_stride: 1 };
            let (weight, a) =
                (Packed::new(matrix, Some(&values)), Rows { values: &values, stride: depth + 2 });
            let width = weight.width();
            let mut outs = [(); 3].map(|()| vec![0.0; rows * width]);
            let mut sums = [(); 3].map(|()| vec![1.0; depth * width]);
            product::<Fused, f32>(a, rows, &weight, &mut outs[0]);
            product::<Wide, f32>(a, rows, &weight, &mut outs[1]);
            product::<Separate, f32>(a, rows, &weight, &mut outs[2]);
            add_outer::<Fused, f32>(a, depth, &outs[0], width, rows, &mut sums[0]);
            add_outer::<Wide, f32>(a, depth, &outs[0], width, rows, &mut sums[1]);
            add_outer::<Separate, f32>(a, depth, &outs[0], width, rows, &mut sums[2]);
            let of_a = |row: usize, k: usize| values[row * (depth + 2) + k];
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let terms = (0..depth).map(|k| of_a(row, k) * values[5 + k * columns + column]);
                let want = values[column] + terms.sum::<f32>();
                assert!(outs.iter().all(|out| out[row * width + column] == want), "{rows} {depth} {columns}");
            }
            for (k, column) in (0..depth).flat_map(|k| (0..width).map(move |column| (k, column))) {
                let want =
                    1.0 + (0..rows).map(|row| of_a(row, k) * outs[0][row * width + column]).sum::<f32>();
                assert!(sums.iter().all(|sums| sums[k * width + column] == want), "{rows} {depth} {columns}");
            }
        }
    }
}
