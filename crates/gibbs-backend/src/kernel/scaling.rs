//! Bounded affine maps of chosen columns: a few rows at a time, so that narrow matrices are vectorized too.

use rayon::prelude::*;

use super::real::{Number, Real};
use super::{Isa, Kernel, PIECE, run};
use crate::scaling::Scaling;

/// Numbers in the buffers of a block of rows.
const BLOCK: usize = 1 << 10;

/// See [`scaled`](crate::scaled()), with rows of `width` numbers.
pub(crate) fn forward<T: Number>(x: &[T], parameters: &[T], width: usize, scaling: &Scaling) -> Vec<T> {
    let mut out = x.to_vec();
    let changed = scaling.columns.as_ref().map_or(width, |columns| columns.len());
    if out.is_empty() || changed == 0 {
        return out;
    }
    assert!(parameters.len() == x.len() / width * 2 * changed);
    let rows = (BLOCK / changed).max(1);
    let blocks = out.par_chunks_mut(rows * width).zip(parameters.par_chunks(rows * 2 * changed));
    let blocks = blocks.with_min_len((PIECE / (rows * changed)).max(1));
    blocks.for_each_init(Vec::new, |scales, (out, parameters)| {
        run(Forward { out, parameters, width, changed, scaling, scales });
    });
    out
}

/// The gradients of `x` and the parameters, from `x`, the parameters, and the gradient of the result.
pub(crate) fn backward<T: Number>(
    [x, parameters, gradient]: [&[T]; 3],
    width: usize,
    scaling: &Scaling,
) -> [Vec<T>; 2] {
    let mut of_x = gradient.to_vec();
    let mut of_parameters = vec![T::default(); parameters.len()];
    let changed = scaling.columns.as_ref().map_or(width, |columns| columns.len());
    if of_x.is_empty() || changed == 0 {
        return [of_x, of_parameters];
    }
    assert!(x.len() == gradient.len() && parameters.len() == x.len() / width * 2 * changed);
    let rows = (BLOCK / changed).max(1);
    let results = of_x.par_chunks_mut(rows * width).zip(of_parameters.par_chunks_mut(rows * 2 * changed));
    let operands = x.par_chunks(rows * width).zip(parameters.par_chunks(rows * 2 * changed));
    let blocks = results.zip(operands).with_min_len((PIECE / (rows * changed)).max(1));
    let buffers = || (Vec::new(), Vec::new());
    blocks.for_each_init(buffers, |(scales, slopes), ((of_x, of_parameters), (x, parameters))| {
        run(Backward { x, parameters, of_x, of_parameters, width, changed, scaling, scales, slopes });
    });
    [of_x, of_parameters]
}

/// The sums of the log-scales of each of `n` rows.
pub(crate) fn sums<T: Number>(parameters: &[T], [n, changed]: [usize; 2], bound: f64) -> Vec<T> {
    let mut out = vec![T::default(); n];
    assert!(parameters.len() == n * 2 * changed);
    if parameters.is_empty() {
        return out;
    }
    let rows = (BLOCK / changed).max(1);
    let blocks = out.par_chunks_mut(rows).zip(parameters.par_chunks(rows * 2 * changed));
    let blocks = blocks.with_min_len((PIECE / (rows * changed)).max(1));
    blocks.for_each_init(Vec::new, |scales, (out, parameters)| {
        run(Sums { out, parameters, changed, bound, scales });
    });
    out
}

/// The gradient of the parameters from that of the sums.
pub(crate) fn sums_backward<T: Number>(parameters: &[T], gradient: &[T], bound: f64) -> Vec<T> {
    let mut out = vec![T::default(); parameters.len()];
    if out.is_empty() {
        return out;
    }
    let changed = parameters.len() / gradient.len() / 2;
    assert!(parameters.len() == gradient.len() * 2 * changed);
    let rows = (BLOCK / changed).max(1);
    let blocks = out.par_chunks_mut(rows * 2 * changed).zip(gradient.par_chunks(rows));
    let blocks = blocks.zip(parameters.par_chunks(rows * 2 * changed));
    let blocks = blocks.with_min_len((PIECE / (rows * changed)).max(1));
    blocks.for_each_init(Vec::new, |scales, ((out, gradient), parameters)| {
        run(SumsBackward { out, gradient, parameters, changed, bound, scales });
    });
    out
}

/// `tanh(a/S)` of all rows of parameters, side by side.
#[inline(always)]
fn bounded<I: Isa, T: Number>(parameters: &[T], changed: usize, bound: f64, out: &mut Vec<T>) {
    out.clear();
    for row in parameters.chunks_exact(2 * changed) {
        out.extend_from_slice(&row[changed..]);
    }
    let inverse = T::from_f64(bound.recip()).lift::<I>();
    for value in out.iter_mut() {
        *value = T::lower::<I>((value.lift::<I>() * inverse).tanh());
    }
}

/// The column of the `j`-th parameter.
#[inline(always)]
fn column(scaling: &Scaling, j: usize) -> usize {
    scaling.columns.as_ref().map_or(j, |columns| columns[j])
}

struct Forward<'a, T> {
    out: &'a mut [T],
    parameters: &'a [T],
    width: usize,
    changed: usize,
    scaling: &'a Scaling,
    scales: &'a mut Vec<T>,
}

impl<T: Number> Kernel for Forward<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { out, parameters, width, changed, scaling, scales } = self;
        bounded::<I, T>(parameters, changed, scaling.bound, scales);
        let bound = T::from_f64(if scaling.inverse { -scaling.bound } else { scaling.bound }).lift::<I>();
        for scale in scales.iter_mut() {
            *scale = T::lower::<I>((scale.lift::<I>() * bound).exp());
        }
        let rows = out.chunks_exact_mut(width).zip(parameters.chunks_exact(2 * changed));
        for ((out, shifts), scales) in rows.zip(scales.chunks_exact(changed)) {
            for (j, (shift, scale)) in shifts.iter().zip(scales).enumerate() {
                let x = &mut out[column(scaling, j)];
                let (shift, scale) = (shift.lift::<I>(), scale.lift::<I>());
                *x = T::lower::<I>(match scaling.inverse {
                    false => x.lift::<I>() * scale + shift,
                    true => (x.lift::<I>() - shift) * scale,
                });
            }
        }
    }
}

struct Backward<'a, T> {
    x: &'a [T],
    parameters: &'a [T],
    /// At first the gradient of the result.
    of_x: &'a mut [T],
    of_parameters: &'a mut [T],
    width: usize,
    changed: usize,
    scaling: &'a Scaling,
    scales: &'a mut Vec<T>,
    slopes: &'a mut Vec<T>,
}

impl<T: Number> Kernel for Backward<'_, T> {
    /// `∂z/∂s = x·e^s` forward and `-(z - t)·e^-s` in the inverse; `∂s/∂a = 1 - tanh²(a/S)`.
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, parameters, of_x, of_parameters, width, changed, scaling, scales, slopes } = self;
        bounded::<I, T>(parameters, changed, scaling.bound, scales);
        let bound = T::from_f64(if scaling.inverse { -scaling.bound } else { scaling.bound }).lift::<I>();
        slopes.clear();
        slopes.extend_from_slice(scales);
        for (scale, slope) in scales.iter_mut().zip(slopes.iter_mut()) {
            let tanh = scale.lift::<I>();
            *slope = T::lower::<I>(T::Real::<I>::ONE - tanh * tanh);
            *scale = T::lower::<I>((tanh * bound).exp());
        }
        let rows = of_x.chunks_exact_mut(width).zip(x.chunks_exact(width));
        let rows =
            rows.zip(parameters.chunks_exact(2 * changed).zip(of_parameters.chunks_exact_mut(2 * changed)));
        let rows = rows.zip(scales.chunks_exact(changed).zip(slopes.chunks_exact(changed)));
        for (((of_x, x), (shifts, of_parameters)), (scales, slopes)) in rows {
            for j in 0..changed {
                let at = column(scaling, j);
                let (x, gradient) = (x[at].lift::<I>(), of_x[at].lift::<I>());
                let through = gradient * scales[j].lift::<I>();
                let (of_shift, of_scale) = match scaling.inverse {
                    false => (gradient, through * x),
                    true => (-through, -(through * (x - shifts[j].lift::<I>()))),
                };
                of_x[at] = T::lower::<I>(through);
                of_parameters[j] = T::lower::<I>(of_shift);
                of_parameters[changed + j] = T::lower::<I>(of_scale * slopes[j].lift::<I>());
            }
        }
    }
}

struct Sums<'a, T> {
    out: &'a mut [T],
    parameters: &'a [T],
    changed: usize,
    bound: f64,
    scales: &'a mut Vec<T>,
}

impl<T: Number> Kernel for Sums<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let bound = T::from_f64(self.bound).lift::<I>();
        bounded::<I, T>(self.parameters, self.changed, self.bound, self.scales);
        for (out, row) in self.out.iter_mut().zip(self.scales.chunks_exact(self.changed)) {
            *out = T::lower::<I>(total::<I, T>(row).lift::<I>() * bound);
        }
    }
}

/// The sum in a fixed number of lanes for every instruction set.
#[inline(always)]
fn total<I: Isa, T: Number>(values: &[T]) -> T {
    const LANES: usize = 16;
    let mut sums = [T::default(); LANES];
    for values in values.chunks(LANES) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = T::lower::<I>(sum.lift::<I>() + value.lift::<I>());
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] = T::lower::<I>(sums[lane].lift::<I>() + sums[lane + width].lift::<I>());
        }
        width /= 2;
    }
    sums[0]
}

struct SumsBackward<'a, T> {
    out: &'a mut [T],
    gradient: &'a [T],
    parameters: &'a [T],
    changed: usize,
    bound: f64,
    scales: &'a mut Vec<T>,
}

impl<T: Number> Kernel for SumsBackward<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        bounded::<I, T>(self.parameters, self.changed, self.bound, self.scales);
        let rows = self.out.chunks_exact_mut(2 * self.changed).zip(self.gradient);
        for ((out, gradient), tanh) in rows.zip(self.scales.chunks_exact(self.changed)) {
            for (out, tanh) in out[self.changed..].iter_mut().zip(tanh) {
                let tanh = tanh.lift::<I>();
                *out = T::lower::<I>(gradient.lift::<I>() * (T::Real::<I>::ONE - tanh * tanh));
            }
        }
    }
}
