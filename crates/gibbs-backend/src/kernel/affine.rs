//! Bias and function of an affine layer, and their backward pass.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::functions::Map;
use super::real::Number;
use super::{Isa, Kernel, run};

/// Numbers in one partial sum over rows. The split of a sum depends only on the width.
const PIECE: usize = 1 << 15;

/// Replaces `x_j` by `f(x_j + b_j)`.
pub(crate) fn add_and_map<F: Map, T: Number>(x: &mut [T], bias: &[T]) {
    run(AddAndMap::<F, T> { x, bias, map: PhantomData });
}

/// Multiplies each gradient by the derivative and returns the sums of the products over the rows of `width` elements.
pub(crate) fn slopes_and_sums<F: Map, T: Number>(saved: &[T], gradient: &mut [T], width: usize) -> Vec<T> {
    assert_eq!(saved.len(), gradient.len());
    let piece = piece(width);
    let pieces = gradient.par_chunks_mut(piece).zip(saved.par_chunks(piece));
    let sums = pieces.map(|(gradient, saved)| {
        let mut sums = vec![T::default(); width];
        run(SlopesAndSums::<F, T> { saved, gradient, sums: &mut sums, map: PhantomData });
        sums
    });
    total(sums.collect(), width)
}

/// The sums over the rows of `width` elements.
pub(crate) fn sums<T: Number>(gradient: &[T], width: usize) -> Vec<T> {
    let sums = gradient.par_chunks(piece(width)).map(|gradient| {
        let mut sums = vec![T::default(); width];
        gradient.chunks_exact(width).for_each(|row| run(Add { row, sums: &mut sums }));
        sums
    });
    total(sums.collect(), width)
}

/// The length of a piece of whole rows.
fn piece(width: usize) -> usize {
    (PIECE / width.max(1)).max(1) * width.max(1)
}

fn total<T: Number>(parts: Vec<Vec<T>>, width: usize) -> Vec<T> {
    let mut total = vec![T::default(); width];
    parts.iter().for_each(|row| run(Add { row, sums: &mut total }));
    total
}

/// See [`add_and_map`].
pub(super) struct AddAndMap<'a, F, T> {
    pub(super) x: &'a mut [T],
    pub(super) bias: &'a [T],
    pub(super) map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for AddAndMap<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (x, bias) in self.x.iter_mut().zip(self.bias) {
            *x = T::lower::<I>(F::value(x.lift::<I>() + bias.lift::<I>()));
        }
    }
}

struct SlopesAndSums<'a, F, T> {
    saved: &'a [T],
    gradient: &'a mut [T],
    sums: &'a mut [T],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for SlopesAndSums<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let width = self.sums.len();
        for (gradient, saved) in self.gradient.chunks_exact_mut(width).zip(self.saved.chunks_exact(width)) {
            for ((gradient, saved), sum) in gradient.iter_mut().zip(saved).zip(self.sums.iter_mut()) {
                let slope = gradient.lift::<I>() * F::derivative(saved.lift::<I>());
                *gradient = T::lower::<I>(slope);
                *sum = T::lower::<I>(sum.lift::<I>() + slope);
            }
        }
    }
}

/// Adds a row to sums.
pub(super) struct Add<'a, T> {
    pub(super) row: &'a [T],
    pub(super) sums: &'a mut [T],
}

impl<T: Number> Kernel for Add<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (sum, x) in self.sums.iter_mut().zip(self.row) {
            *sum = T::lower::<I>(sum.lift::<I>() + x.lift::<I>());
        }
    }
}
