//! Loops over memory.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::functions::Map;
use super::real::{Number, Real};
use super::{Isa, Kernel, in_pieces, run, written_in_pieces};

/// `f(x)` for each `x`, in a new vector.
pub(crate) fn map<F: Map, T: Number>(x: &[T]) -> Vec<T> {
    // SAFETY: the kernel writes one element for each argument.
    unsafe {
        written_in_pieces(x.len(), |start, out| {
            run(MapTo::<F, T> { x: &x[start..start + out.len()], out, map: PhantomData });
        })
    }
}

/// Replaces each `x` by `f(x)`.
pub(crate) fn map_in_place<F: Map, T: Number>(x: &mut [T]) {
    in_pieces(x, 1, 1, |_, x| run(MapInPlace::<F, T> { x, map: PhantomData }));
}

/// Multiplies each gradient by the derivative.
pub(crate) fn map_backward<F: Map, T: Number>(saved: &[T], gradient: &mut [T]) {
    assert_eq!(saved.len(), gradient.len());
    in_pieces(gradient, 1, 1, |start, gradient| {
        run(MapBackward::<F, T> { saved: &saved[start..start + gradient.len()], gradient, map: PhantomData });
    });
}

/// Binary cross-entropy of each row of `width` logits and targets.
pub(crate) fn bce_rows<T: Number>(logits: &[T], targets: &[T], rows: usize, width: usize) -> Vec<T> {
    assert!(logits.len() == rows * width && targets.len() == rows * width);
    let mut loss = vec![T::default(); rows];
    in_pieces(&mut loss, 1, width, |start, loss| {
        let window = start * width..(start + loss.len()) * width;
        run(BceRows { logits: &logits[window.clone()], targets: &targets[window], width, loss });
    });
    loss
}

/// Replaces the logits by `gradient_i·(sigmoid(x_ij) - t_ij)`.
pub(crate) fn bce_rows_backward<T: Number>(logits: &mut [T], targets: &[T], gradient: &[T], width: usize) {
    assert!(logits.len() == targets.len() && targets.len() == gradient.len() * width);
    in_pieces(logits, width, 1, |start, logits| {
        let targets = &targets[start..start + logits.len()];
        run(BceRowsBackward { logits, targets, gradient: &gradient[start / width.max(1)..], width });
    });
}

struct MapTo<'a, F, T> {
    x: &'a [T],
    out: &'a mut [MaybeUninit<T>],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for MapTo<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            out.write(T::lower::<I>(F::value(x.lift::<I>())));
        }
    }
}

struct MapInPlace<'a, F, T> {
    x: &'a mut [T],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for MapInPlace<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for x in self.x {
            *x = T::lower::<I>(F::value(x.lift::<I>()));
        }
    }
}

struct MapBackward<'a, F, T> {
    saved: &'a [T],
    gradient: &'a mut [T],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for MapBackward<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (gradient, &saved) in self.gradient.iter_mut().zip(self.saved) {
            *gradient = T::lower::<I>(gradient.lift::<I>() * F::derivative(saved.lift::<I>()));
        }
    }
}

struct BceRows<'a, T> {
    logits: &'a [T],
    targets: &'a [T],
    width: usize,
    loss: &'a mut [T],
}

impl<T: Number> Kernel for BceRows<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (row, loss) in self.loss.iter_mut().enumerate() {
            let window = row * self.width..(row + 1) * self.width;
            *loss = T::from_f64(bce_row::<I, T>(&self.logits[window.clone()], &self.targets[window]));
        }
    }
}

/// Sums in a fixed number of lanes for every instruction set. Every few elements the lanes are added in f64.
#[inline(always)]
fn bce_row<I: Isa, T: Number>(logits: &[T], targets: &[T]) -> f64 {
    const LANES: usize = 16;
    const BLOCK: usize = 16 * LANES;
    let mut total = 0.0;
    for (logits, targets) in logits.chunks(BLOCK).zip(targets.chunks(BLOCK)) {
        let mut sums = [T::default(); LANES];
        let (x, t) = (logits.chunks_exact(LANES), targets.chunks_exact(LANES));
        for (&x, &t) in x.remainder().iter().zip(t.remainder()) {
            total += bce::<I, T>(x, t).to_f64();
        }
        for (x, t) in x.zip(t) {
            for lane in 0..LANES {
                let term = bce::<I, T>(x[lane], t[lane]);
                sums[lane] = T::lower::<I>(sums[lane].lift::<I>() + term.lift::<I>());
            }
        }
        total += sums.iter().map(|sum| sum.to_f64()).sum::<f64>();
    }
    total
}

/// `(max(x, 0) - t·x) + ln(1 + exp(-|x|))`: the bracket is exact for targets 0 and 1.
#[inline(always)]
fn bce<I: Isa, T: Number>(x: T, t: T) -> T {
    let (x, t) = (x.lift::<I>(), t.lift::<I>());
    T::lower::<I>((x.positive_part() - t * x) + x.log1p_exp_neg_abs())
}

struct BceRowsBackward<'a, T> {
    logits: &'a mut [T],
    targets: &'a [T],
    gradient: &'a [T],
    width: usize,
}

impl<T: Number> Kernel for BceRowsBackward<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let width = self.width.max(1);
        let rows = self.logits.chunks_mut(width).zip(self.targets.chunks(width));
        for ((logits, targets), &gradient) in rows.zip(self.gradient) {
            for (x, &t) in logits.iter_mut().zip(targets) {
                *x = T::lower::<I>(gradient.lift::<I>() * (x.lift::<I>().sigmoid() - t.lift::<I>()));
            }
        }
    }
}
