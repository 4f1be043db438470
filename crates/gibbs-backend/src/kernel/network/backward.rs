//! The backward pass.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::forward::Saves;
use super::rows::{add_outer, product};
use super::{BLOCK, Packed, Rows, SMALLEST, Shape, padded};
use crate::kernel::affine::Add;
use crate::kernel::functions::Map;
use crate::kernel::real::Number;
use crate::kernel::{Isa, Kernel, run};

/// Rows and number of the groups with their own sums.
const GROUP: usize = 64;
const FEW: usize = 4;
const MOST: usize = 16;

/// The gradients of the operands, row-major.
pub(crate) struct Gradients<T> {
    /// Of the weight and bias of each layer.
    pub(crate) layers: Vec<[Vec<T>; 2]>,
    pub(crate) x: Option<Vec<T>>,
}

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a, T> {
    pub(crate) shape: &'a Shape,
    /// The transposed weights of each layer; that of the first one only for the gradient of `x`.
    pub(crate) weights: &'a [Option<Packed<T>>],
    pub(crate) x: &'a [T],
    /// See [`forward`](super::forward()).
    pub(crate) saved: &'a [T],
    pub(crate) saves: Saves,
    /// The gradient of the outputs.
    pub(crate) gradient: &'a [T],
}

/// The gradients of weights and biases, and with `with_x` that of `x`.
pub(crate) fn backward<F: Map, T: Number>(operands: &Operands<T>, with_x: bool) -> Gradients<T> {
    let shape = operands.shape;
    let [n_in, n_out] = [shape.widths[0], shape.widths[shape.layers()]];
    let rows = operands.gradient.len() / n_out;
    assert!(operands.gradient.len() == rows * n_out && operands.x.len() == rows * n_in);
    assert!(operands.saved.len() == rows * shape.saved() && operands.weights.len() == shape.layers());
    let mut x = vec![T::default(); if with_x { rows * n_in } else { 0 }];
    let groups = rows.div_ceil(GROUP).min(FEW).max(rows / (MOST * GROUP / 2)).clamp(1, MOST);
    let length = rows.div_ceil(groups).max(1);
    let group = |index: usize, x: &mut [T]| {
        let mut sums = vec![T::default(); sums_of(shape, shape.layers()).start];
        let first = index * length;
        let rows = length.min(rows - first);
        run(Backward::<F, T> { operands, first, rows, x, sums: &mut sums, map: PhantomData });
        sums
    };
    let n_groups = rows.div_ceil(length);
    let sums: Vec<Vec<T>> = if rows * shape.multiplications() < SMALLEST || n_groups < 2 {
        let mut rest = x.as_mut_slice();
        let in_turn = (0..n_groups).map(|index| {
            let size = if with_x { length.min(rows - index * length) * n_in } else { 0 };
            let (x, after) = std::mem::take(&mut rest).split_at_mut(size);
            rest = after;
            group(index, x)
        });
        in_turn.collect()
    } else if with_x {
        x.par_chunks_mut(length * n_in)
            .enumerate()
            .with_max_len(1)
            .map(|(index, x)| group(index, x))
            .collect()
    } else {
        (0..n_groups).into_par_iter().with_max_len(1).map(|index| group(index, &mut [])).collect()
    };
    let layers = (0..shape.layers()).map(|layer| {
        let ([rows, columns], all) = (shape.layer(layer), sums_of(shape, layer));
        let parts: Vec<&[T]> = sums.iter().map(|sums| &sums[all.clone()]).collect();
        let (mut weight, mut bias) = (vec![T::default(); rows * columns], vec![T::default(); columns]);
        run(Total { parts: &parts, rows, columns, weight: &mut weight, bias: &mut bias });
        [weight, bias]
    });
    Gradients { layers: layers.collect(), x: with_x.then_some(x) }
}

/// The place of the sums of a layer: the rows of its weight in full panels, then its bias.
fn sums_of(shape: &Shape, layer: usize) -> Range<usize> {
    let size = |layer| {
        let [rows, columns] = shape.layer(layer);
        (rows + 1) * padded(columns)
    };
    let start = (0..layer).map(size).sum();
    start..start + if layer < shape.layers() { size(layer) } else { 0 }
}

struct Backward<'a, F, T> {
    operands: &'a Operands<'a, T>,
    first: usize,
    rows: usize,
    x: &'a mut [T],
    sums: &'a mut [T],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for Backward<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Operands { shape, weights, x, saved, saves, gradient } = *self.operands;
        let [n_in, n_out] = [shape.widths[0], shape.widths[shape.layers()]];
        let size = BLOCK.min(self.rows) * shape.widest().max(padded(n_in));
        let mut slopes = vec![T::default(); size];
        let mut next = vec![T::default(); size];
        let mut hidden = vec![T::default(); size];
        for start in (0..self.rows).step_by(BLOCK) {
            let rows = BLOCK.min(self.rows - start);
            let first = self.first + start;
            let x = &x[first * n_in..(first + rows) * n_in];
            let saved = &saved[first * shape.saved()..(first + rows) * shape.saved()];
            let gradient = &gradient[first * n_out..(first + rows) * n_out];
            for (to, from) in slopes.chunks_exact_mut(padded(n_out)).zip(gradient.chunks_exact(n_out)) {
                to[..n_out].copy_from_slice(from);
                to[n_out..].fill(T::default());
            }
            if shape.functions == shape.layers() {
                multiply::<I, F, T>(shape, shape.layers() - 1, saved, &mut slopes);
            }
            for layer in (0..shape.layers()).rev() {
                let [depth, columns] = shape.layer(layer);
                let width = padded(columns);
                let sums = &mut self.sums[sums_of(shape, layer)];
                let (weight, bias) = sums.split_at_mut(depth * width);
                for row in slopes[..rows * width].chunks_exact(width) {
                    Add { row, sums: bias }.run::<I>();
                }
                let h = match (layer, saves) {
                    (0, _) => Rows { values: x, stride: n_in },
                    (_, Saves::Results) => {
                        Rows { values: &saved[shape.columns(layer - 1).start..], stride: shape.saved() }
                    }
                    (_, Saves::Arguments) => {
                        let columns = shape.columns(layer - 1);
                        let all =
                            hidden.chunks_exact_mut(columns.len()).zip(saved.chunks_exact(shape.saved()));
                        for (h, saved) in all {
                            for (h, argument) in h.iter_mut().zip(&saved[columns.clone()]) {
                                *h = T::lower::<I>(F::value(argument.lift::<I>()));
                            }
                        }
                        Rows { values: &hidden, stride: columns.len() }
                    }
                };
                add_outer::<I, T>(h, depth, &slopes, width, rows, weight);
                let Some(weight) = &weights[layer] else { continue };
                product::<I, T>(Rows { values: &slopes, stride: width }, rows, weight, &mut next);
                if layer > 0 {
                    multiply::<I, F, T>(shape, layer - 1, saved, &mut next);
                    std::mem::swap(&mut slopes, &mut next);
                } else {
                    let x = &mut self.x[start * n_in..(start + rows) * n_in];
                    for (to, from) in x.chunks_exact_mut(n_in).zip(next.chunks_exact(padded(n_in))) {
                        to.copy_from_slice(&from[..n_in]);
                    }
                }
            }
        }
    }
}

/// Multiplies the gradients of the results of a layer by the derivative.
#[inline(always)]
fn multiply<I: Isa, F: Map, T: Number>(shape: &Shape, layer: usize, saved: &[T], gradients: &mut [T]) {
    let columns = shape.columns(layer);
    let rows = gradients.chunks_exact_mut(columns.len()).zip(saved.chunks_exact(shape.saved()));
    for (gradients, saved) in rows {
        for (gradient, saved) in gradients.iter_mut().zip(&saved[columns.clone()]) {
            *gradient = T::lower::<I>(gradient.lift::<I>() * F::derivative(saved.lift::<I>()));
        }
    }
}

/// Adds the sums of the groups, in their order.
struct Total<'a, T> {
    parts: &'a [&'a [T]],
    rows: usize,
    columns: usize,
    weight: &'a mut [T],
    bias: &'a mut [T],
}

impl<T: Number> Kernel for Total<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let width = padded(self.columns);
        for part in self.parts {
            let (weight, bias) = part.split_at(self.rows * width);
            let rows = self.weight.chunks_exact_mut(self.columns).zip(weight.chunks_exact(width));
            rows.for_each(|(sums, row)| Add { row: &row[..self.columns], sums }.run::<I>());
            Add { row: &bias[..self.columns], sums: self.bias }.run::<I>();
        }
    }
}
