//! The forward pass.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::rows::product;
use super::{BLOCK, Packed, Rows, SMALLEST, Shape};
use crate::kernel::functions::Map;
use crate::kernel::real::Number;
use crate::kernel::{Isa, Kernel, run};

/// The outputs of all rows of `x`. With `saves`, also what the backward pass needs of each row: the results of the function in
/// each layer, or its arguments.
pub(crate) fn forward<F: Map, T: Number>(
    shape: &Shape,
    weights: &[Packed<T>],
    x: &[T],
    rows: usize,
    saves: Option<Saves>,
) -> (Vec<T>, Vec<T>) {
    let [n_in, n_out] = [shape.widths[0], shape.widths[shape.layers()]];
    assert!(x.len() == rows * n_in && weights.len() == shape.layers());
    let width = if saves.is_some() { shape.saved() } else { 0 };
    let (mut y, mut saved) = (vec![T::default(); rows * n_out], Vec::with_capacity(rows * width));
    let to_save = &mut saved.spare_capacity_mut()[..rows * width];
    let work = |buffers: &mut [Vec<T>; 2], (block, y): (usize, &mut [T]), saved: &mut [MaybeUninit<T>]| {
        let x = &x[block * BLOCK * n_in..][..y.len() / n_out * n_in];
        run(Forward::<F, T> { shape, weights, x, y, saves, saved, buffers, map: PhantomData });
    };
    let buffers = || [0, 1].map(|_| vec![T::default(); BLOCK.min(rows) * shape.widest()]);
    let blocks = y.chunks_mut(BLOCK * n_out).enumerate();
    if rows * shape.multiplications() < SMALLEST {
        let mut buffers = buffers();
        let mut rest = to_save;
        for (block, y) in blocks {
            let (saved, after) = rest.split_at_mut(y.len() / n_out * width);
            rest = after;
            work(&mut buffers, (block, y), saved);
        }
    } else if width == 0 {
        let blocks = y.par_chunks_mut(BLOCK * n_out).enumerate();
        blocks.for_each_init(buffers, |buffers, block| work(buffers, block, &mut []));
    } else {
        let blocks = y.par_chunks_mut(BLOCK * n_out).enumerate().zip(to_save.par_chunks_mut(BLOCK * width));
        blocks.for_each_init(buffers, |buffers, (block, saved)| work(buffers, block, saved));
    }
    // SAFETY: the layers with a function fill their columns of every row, which are all columns.
    unsafe { saved.set_len(rows * width) };
    (y, saved)
}

/// Which numbers the backward pass needs.
#[derive(Clone, Copy)]
pub(crate) enum Saves {
    Arguments,
    Results,
}

pub(super) struct Forward<'a, F, T> {
    pub(super) shape: &'a Shape,
    pub(super) weights: &'a [Packed<T>],
    pub(super) x: &'a [T],
    pub(super) y: &'a mut [T],
    pub(super) saves: Option<Saves>,
    pub(super) saved: &'a mut [MaybeUninit<T>],
    pub(super) buffers: &'a mut [Vec<T>; 2],
    pub(super) map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for Forward<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let shape = self.shape;
        let n_out = shape.widths[shape.layers()];
        let rows = self.y.len() / n_out;
        let [from, to] = self.buffers;
        for (layer, weight) in self.weights.iter().enumerate() {
            let width = weight.width();
            let a = match layer {
                0 => Rows { values: self.x, stride: shape.widths[0] },
                _ => Rows { values: from, stride: self.weights[layer - 1].width() },
            };
            product::<I, T>(a, rows, weight, to);
            if layer < shape.functions {
                let values = &mut to[..rows * width];
                if matches!(self.saves, Some(Saves::Arguments)) {
                    save(shape, layer, values, self.saved);
                }
                for value in values.iter_mut() {
                    *value = T::lower::<I>(F::value(value.lift::<I>()));
                }
                if matches!(self.saves, Some(Saves::Results)) {
                    save(shape, layer, values, self.saved);
                }
            }
            std::mem::swap(from, to);
        }
        let width = super::padded(n_out);
        for (y, values) in self.y.chunks_exact_mut(n_out).zip(from.chunks_exact(width)) {
            y.copy_from_slice(&values[..n_out]);
        }
    }
}

/// Copies the numbers of a layer to their place in each row.
#[inline(always)]
fn save<T: Number>(shape: &Shape, layer: usize, values: &[T], saved: &mut [MaybeUninit<T>]) {
    let columns = shape.columns(layer);
    for (saved, values) in saved.chunks_exact_mut(shape.saved()).zip(values.chunks_exact(columns.len())) {
        saved[columns.clone()].write_copy_of_slice(values);
    }
}
