//! Rational-quadratic splines: loops over groups of elements.

mod bin;
mod bins;

use rayon::prelude::*;

use super::real::{Number, Real};
use super::{Isa, Kernel, PIECE, run};
use crate::spline::extension::Pass;
use bins::{Bins, Gradients};

/// Elements in a group: a register of AVX-512.
const LANES: usize = 16;

/// One number for each element of a group.
type Lanes<R> = [R; LANES];

/// See [`spline`](crate::spline()), with the elements of `x [n, width]`.
pub(crate) fn forward<T: Number>(x: &[T], parameters: &[T], [n, width]: [usize; 2], pass: Pass) -> Vec<T> {
    let of_row = pass.n_parameters() * width;
    assert!(x.len() == n * width && parameters.len() == n * of_row);
    let mut out = vec![T::default(); n * (width + 1)];
    if width > 0 {
        let rows = rows_of_piece(of_row);
        out.par_chunks_mut(rows * (width + 1))
            .zip(x.par_chunks(rows * width))
            .zip(parameters.par_chunks(rows * of_row))
            .for_each(|((out, x), parameters)| run(Forward { x, parameters, out, width, pass }));
    }
    out
}

/// The gradients of `x` and `parameters` from that of the result.
pub(crate) fn backward<T: Number>(
    x: &[T],
    parameters: &[T],
    gradient: &[T],
    [n, width]: [usize; 2],
    pass: Pass,
) -> (Vec<T>, Vec<T>) {
    let of_row = pass.n_parameters() * width;
    assert!(x.len() == n * width && parameters.len() == n * of_row && gradient.len() == n * (width + 1));
    let (mut by_x, mut by_parameters) = (vec![T::default(); x.len()], vec![T::default(); parameters.len()]);
    if width > 0 {
        let rows = rows_of_piece(of_row);
        let operands = x.par_chunks(rows * width).zip(parameters.par_chunks(rows * of_row));
        let results = by_x.par_chunks_mut(rows * width).zip(by_parameters.par_chunks_mut(rows * of_row));
        operands.zip(gradient.par_chunks(rows * (width + 1))).zip(results).for_each(
            |(((x, parameters), gradient), (by_x, by_parameters))| {
                run(Backward { x, parameters, gradient, by_x, by_parameters, width, pass });
            },
        );
    }
    (by_x, by_parameters)
}

/// Rows in one task, each with this number of parameters.
fn rows_of_piece(of_row: usize) -> usize {
    (PIECE / of_row).max(1)
}

/// Up to [`LANES`] neighboring elements. If there are fewer, the last one is repeated.
struct Places {
    first: usize,
    count: usize,
    rows: Lanes<usize>,
    columns: Lanes<usize>,
}

impl Places {
    /// The elements from `first` on, of `n` in rows of `width`.
    #[inline(always)]
    fn new(first: usize, n: usize, width: usize) -> Self {
        let count = (n - first).min(LANES);
        let (mut row, mut column) = (first / width, first % width);
        let (mut rows, mut columns) = ([0; LANES], [0; LANES]);
        for lane in 0..LANES {
            (rows[lane], columns[lane]) = (row, column);
            if lane + 1 < count {
                column += 1;
                if column == width {
                    (row, column) = (row + 1, 0);
                }
            }
        }
        Self { first, count, rows, columns }
    }

    /// The `x` of these elements.
    #[inline(always)]
    fn of<I: Isa, T: Number>(&self, x: &[T], zero: T::Real<I>) -> Lanes<T::Real<I>> {
        let mut all = [zero; LANES];
        for (lane, each) in all.iter_mut().enumerate() {
            *each = x[self.first + lane.min(self.count - 1)].lift::<I>();
        }
        all
    }

    /// Whether the elements are in one row.
    #[inline(always)]
    fn are_neighbors(&self) -> bool {
        self.count == LANES && self.rows[0] == self.rows[LANES - 1]
    }

    /// The indices of the first parameters of the elements, with `of_row` parameters per row.
    #[inline(always)]
    fn starts(&self, of_row: usize) -> Lanes<usize> {
        let mut starts = self.columns;
        for (start, row) in starts.iter_mut().zip(self.rows) {
            *start += row * of_row;
        }
        starts
    }
}

struct Forward<'a, T> {
    x: &'a [T],
    parameters: &'a [T],
    out: &'a mut [T],
    width: usize,
    pass: Pass,
}

// No closures in these kernels: the compiler does not inline large ones, and they would use the baseline.

impl<T: Number> Kernel for Forward<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let (width, pass) = (self.width, self.pass);
        let (zero, one) = (T::default().lift::<I>(), T::Real::<I>::ONE);
        let bound = T::from_f64(pass.spline.bound).lift::<I>();
        let mut bins = Bins::new::<I, T>(pass, width);
        let mut logs = vec![0.0; self.x.len() / width];
        for first in (0..self.x.len()).step_by(LANES) {
            let places = Places::new(first, self.x.len(), width);
            let x = places.of::<I, T>(self.x, zero);
            let inside = clamped(&x, bound);
            bins.read::<I, T>(self.parameters, &places);
            bins.find(&inside);
            let (mut values, mut log_slopes) = ([zero; LANES], [zero; LANES]);
            for lane in 0..LANES {
                let bin = bins.bin(lane);
                let (value, slope, sign) = if pass.inverse {
                    let xi = bin.place_of_z(inside[lane]);
                    (bin.x(xi), bin.at(xi).slope(), -one)
                } else {
                    let point = bin.at(bin.place_of_x(inside[lane]));
                    (bin.z(&point), point.slope(), one)
                };
                let outside = (x[lane] < -bound) | (x[lane] > bound);
                values[lane] = if outside { x[lane] } else { value };
                log_slopes[lane] = if outside { zero } else { sign * slope.ln() };
            }
            for lane in 0..places.count {
                let row = places.rows[lane];
                self.out[row * (width + 1) + places.columns[lane]] = T::lower::<I>(values[lane]);
                logs[row] += T::lower::<I>(log_slopes[lane]).to_f64();
            }
        }
        for (row, log) in self.out.chunks_exact_mut(width + 1).zip(logs) {
            row[width] = T::from_f64(log);
        }
    }
}

struct Backward<'a, T> {
    x: &'a [T],
    parameters: &'a [T],
    gradient: &'a [T],
    by_x: &'a mut [T],
    by_parameters: &'a mut [T],
    width: usize,
    pass: Pass,
}

impl<T: Number> Kernel for Backward<'_, T> {
    /// With `F(x; θ)` the spline, `L = ln ∂F/∂x` and `g`, `γ` the gradients of the two results, those of `x` and `θ` are
    /// `g·∂F + γ·∂L`. The inverse has `dx = (dz - ∂F/∂θ·dθ)/F'`. Its gradients are `α·∂F + β·∂L` with respect to `θ`, where
    /// `α = -(g - γ·∂L/∂x)/F'` and `β = -γ`, and `-α` with respect to `z`.
    #[inline(always)]
    fn run<I: Isa>(self) {
        let (width, pass) = (self.width, self.pass);
        let (zero, bound) = (T::default().lift::<I>(), T::from_f64(pass.spline.bound).lift::<I>());
        let mut bins = Bins::new::<I, T>(pass, width);
        for first in (0..self.x.len()).step_by(LANES) {
            let places = Places::new(first, self.x.len(), width);
            let x = places.of::<I, T>(self.x, zero);
            let inside = clamped(&x, bound);
            bins.read::<I, T>(self.parameters, &places);
            bins.find(&inside);
            let (mut by_value, mut by_log) = ([zero; LANES], [zero; LANES]);
            for lane in 0..LANES {
                let row = places.rows[lane] * (width + 1);
                by_value[lane] = self.gradient[row + places.columns[lane]].lift::<I>();
                by_log[lane] = self.gradient[row + width].lift::<I>();
            }
            let (mut by_x, mut by_bins) = ([zero; LANES], Gradients::zeros(zero));
            for lane in 0..LANES {
                let bin = bins.bin(lane);
                let xi =
                    if pass.inverse { bin.place_of_z(inside[lane]) } else { bin.place_of_x(inside[lane]) };
                let point = bin.at(xi);
                let (alpha, beta) = if pass.inverse {
                    let sum = by_value[lane] - by_log[lane] * bin.log_slope_by_x(&point);
                    (-sum / point.slope(), -by_log[lane])
                } else {
                    (by_value[lane], by_log[lane])
                };
                let outside = (x[lane] < -bound) | (x[lane] > bound);
                let gradient = bin.gradient(&point, alpha, beta);
                let inner = if pass.inverse { -alpha } else { gradient.x };
                by_x[lane] = if outside { by_value[lane] } else { inner };
                by_bins.put(lane, &gradient, outside, zero);
            }
            for (place, &by_x) in self.by_x[first..].iter_mut().zip(&by_x) {
                *place = T::lower::<I>(by_x);
            }
            bins.differentiate(&by_bins);
            bins.write::<I, T>(self.by_parameters, &places);
        }
    }
}

/// The values clamped to the box. NaN stays NaN.
#[inline(always)]
fn clamped<R: Real>(x: &Lanes<R>, bound: R) -> Lanes<R> {
    let mut inside = *x;
    for x in &mut inside {
        let above = if *x < -bound { -bound } else { *x };
        *x = if above > bound { bound } else { above };
    }
    inside
}
