//! The outputs of a network of two hidden layers with the trace of its derivative.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::rows::product;
use super::{BLOCK, Packed, Rows, SMALLEST, padded};
use crate::kernel::functions::Map;
use crate::kernel::real::{Number, Real};
use crate::kernel::tile::LANES;
use crate::kernel::{Isa, Kernel, run};

/// The weights of a network with two hidden layers, and the matrix `M` of its trace.
pub(crate) struct Traced<T> {
    pub(crate) weights: [Packed<T>; 3],
    pub(crate) joint: Packed<T>,
    pub(crate) n_in: usize,
    pub(crate) n_out: usize,
    pub(crate) derivative_from_result: bool,
}

/// The outputs of all rows of `x`, and `f'(a_1)·M·f'(a_2)ᵀ` of each.
pub(crate) fn traced<F: Map, T: Number>(network: &Traced<T>, x: &[T], rows: usize) -> (Vec<T>, Vec<T>) {
    let &Traced { n_in, n_out, .. } = network;
    assert!(x.len() == rows * n_in);
    let (mut y, mut trace) = (vec![T::default(); rows * n_out], vec![T::default(); rows]);
    let widest = network.weights.iter().map(Packed::width).max().unwrap_or(0);
    let buffers = || [0; 5].map(|_| vec![T::default(); BLOCK.min(rows) * widest]);
    let work = |buffers: &mut [Vec<T>; 5], ((y, trace), x)| {
        run(Forward::<F, T> { network, x, y, trace, buffers, map: PhantomData });
    };
    let [first, second, last] = &network.weights;
    let products = n_in * first.width() + 2 * first.width() * second.width() + second.width() * last.width();
    if rows * products < SMALLEST {
        let blocks = y.chunks_mut(BLOCK * n_out).zip(trace.chunks_mut(BLOCK)).zip(x.chunks(BLOCK * n_in));
        let mut buffers = buffers();
        blocks.for_each(|block| work(&mut buffers, block));
    } else {
        let blocks = y.par_chunks_mut(BLOCK * n_out).zip(trace.par_chunks_mut(BLOCK));
        blocks.zip(x.par_chunks(BLOCK * n_in)).for_each_init(buffers, work);
    }
    (y, trace)
}

struct Forward<'a, F, T> {
    network: &'a Traced<T>,
    x: &'a [T],
    y: &'a mut [T],
    trace: &'a mut [T],
    buffers: &'a mut [Vec<T>; 5],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for Forward<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Traced { weights: [first, second, last], joint, n_in, n_out, derivative_from_result } =
            self.network;
        let rows = self.trace.len();
        let [h, slopes, g, bends, out] = self.buffers;
        let (of_first, of_second) = (rows * first.width(), rows * second.width());
        product::<I, T>(Rows { values: self.x, stride: *n_in }, rows, first, h);
        differentiate::<I, F, T>(&mut h[..of_first], &mut slopes[..of_first], *derivative_from_result);
        product::<I, T>(Rows { values: h, stride: first.width() }, rows, second, g);
        differentiate::<I, F, T>(&mut g[..of_second], &mut bends[..of_second], *derivative_from_result);
        product::<I, T>(Rows { values: slopes, stride: first.width() }, rows, joint, out);
        let width = second.width();
        for ((trace, a), b) in
            self.trace.iter_mut().zip(out.chunks_exact(width)).zip(bends.chunks_exact(width))
        {
            *trace = dot::<I, T>(a, b);
        }
        product::<I, T>(Rows { values: g, stride: width }, rows, last, out);
        for (y, out) in self.y.chunks_exact_mut(*n_out).zip(out.chunks_exact(padded(*n_out))) {
            y.copy_from_slice(&out[..*n_out]);
        }
    }
}

/// Replaces arguments by values of the function, and writes its derivatives.
#[inline(always)]
fn differentiate<I: Isa, F: Map, T: Number>(values: &mut [T], slopes: &mut [T], from_result: bool) {
    for (value, slope) in values.iter_mut().zip(slopes) {
        let argument = value.lift::<I>();
        let result = F::value(argument);
        *value = T::lower::<I>(result);
        *slope = T::lower::<I>(F::derivative(if from_result { result } else { argument }));
    }
}

/// The sum of the products, in lanes.
#[inline(always)]
fn dot<I: Isa, T: Number>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::default(); LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            let sum = a[lane].lift::<I>().mul_add(b[lane].lift::<I>(), sums[lane].lift::<I>());
            sums[lane] = T::lower::<I>(sum);
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
