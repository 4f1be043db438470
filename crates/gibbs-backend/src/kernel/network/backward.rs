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
use crate::network::extension::Wanted;

/// Rows and number of the groups with their own sums.
const GROUP: usize = 64;
const FEW: usize = 4;
const MOST: usize = 16;

/// The gradients of the operands, row-major.
pub(crate) struct Gradients<T> {
    /// Of the weight and bias of each layer, if they are wanted.
    pub(crate) layers: Vec<[Vec<T>; 2]>,
    pub(crate) x: Option<Vec<T>>,
}

/// The layers as the backward pass reads them.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a, T> {
    pub(crate) shape: &'a Shape,
    /// The transposed weights of each layer; that of the first one only for the gradient of `x`.
    pub(crate) weights: &'a [Option<Packed<T>>],
    pub(crate) saves: Saves,
}

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a, T> {
    pub(crate) layers: Layers<'a, T>,
    pub(crate) x: &'a [T],
    /// See [`forward`](super::forward()).
    pub(crate) saved: &'a [T],
    /// The gradient of the outputs.
    pub(crate) gradient: &'a [T],
}

/// Rows of a group, for this many rows in all. It depends on nothing else, so that the order of sums does not depend on threads.
pub(super) fn rows_of_group(rows: usize) -> usize {
    let groups = rows.div_ceil(GROUP).min(FEW).max(rows / (MOST * GROUP / 2)).clamp(1, MOST);
    rows.div_ceil(groups).max(1)
}

/// The gradients that are wanted.
pub(crate) fn backward<F: Map, T: Number>(operands: &Operands<T>, wanted: Wanted) -> Gradients<T> {
    let shape = operands.layers.shape;
    let [n_in, n_out] = [shape.widths[0], shape.widths[shape.layers()]];
    let rows = operands.gradient.len() / n_out;
    assert!(operands.gradient.len() == rows * n_out && operands.x.len() == rows * n_in);
    assert!(operands.saved.len() == rows * shape.saved() && operands.layers.weights.len() == shape.layers());
    let mut x = vec![T::default(); if wanted.x { rows * n_in } else { 0 }];
    let length = rows_of_group(rows);
    let group = |index: usize, x: &mut [T]| {
        let mut sums = empty_sums(shape, wanted);
        let first = index * length;
        let rows = length.min(rows - first);
        run(Backward::<F, T> { operands, first, rows, x, sums: &mut sums, map: PhantomData });
        sums
    };
    let n_groups = rows.div_ceil(length);
    let sums: Vec<Vec<T>> = if rows * shape.multiplications() < SMALLEST || n_groups < 2 {
        let mut rest = x.as_mut_slice();
        let in_turn = (0..n_groups).map(|index| {
            let size = if wanted.x { length.min(rows - index * length) * n_in } else { 0 };
            let (x, after) = std::mem::take(&mut rest).split_at_mut(size);
            rest = after;
            group(index, x)
        });
        in_turn.collect()
    } else if wanted.x {
        x.par_chunks_mut(length * n_in)
            .enumerate()
            .with_max_len(1)
            .map(|(index, x)| group(index, x))
            .collect()
    } else {
        (0..n_groups).into_par_iter().with_max_len(1).map(|index| group(index, &mut [])).collect()
    };
    let layers = if wanted.layers { totals(shape, &sums) } else { Vec::new() };
    Gradients { layers, x: wanted.x.then_some(x) }
}

/// Zeros to which the gradients of all layers are added; none if they are not wanted.
pub(super) fn empty_sums<T: Number>(shape: &Shape, wanted: Wanted) -> Vec<T> {
    vec![T::default(); if wanted.layers { sums_of(shape, shape.layers()).start } else { 0 }]
}

/// The gradients of weight and bias of each layer from the sums of all groups, in their order.
pub(super) fn totals<T: Number>(shape: &Shape, sums: &[Vec<T>]) -> Vec<[Vec<T>; 2]> {
    let layers = (0..shape.layers()).map(|layer| {
        let ([rows, columns], all) = (shape.layer(layer), sums_of(shape, layer));
        let parts: Vec<&[T]> = sums.iter().map(|sums| &sums[all.clone()]).collect();
        let (mut weight, mut bias) = (vec![T::default(); rows * columns], vec![T::default(); columns]);
        run(Total { parts: &parts, rows, columns, weight: &mut weight, bias: &mut bias });
        [weight, bias]
    });
    layers.collect()
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
    /// Of the gradients of the layers; empty if they are not wanted.
    sums: &'a mut [T],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for Backward<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Operands { layers, x, saved, gradient } = *self.operands;
        let shape = layers.shape;
        let [n_in, n_out] = [shape.widths[0], shape.widths[shape.layers()]];
        let mut buffers = Buffers::new(shape, BLOCK.min(self.rows));
        for start in (0..self.rows).step_by(BLOCK) {
            let rows = BLOCK.min(self.rows - start);
            let first = self.first + start;
            let gradient = &gradient[first * n_out..(first + rows) * n_out];
            for (to, from) in buffers.slopes.chunks_exact_mut(padded(n_out)).zip(gradient.chunks_exact(n_out))
            {
                to[..n_out].copy_from_slice(from);
                to[n_out..].fill(T::default());
            }
            let x = Rows { values: &x[first * n_in..(first + rows) * n_in], stride: n_in };
            let saved = &saved[first * shape.saved()..(first + rows) * shape.saved()];
            back_through::<I, F, T>(layers, x, saved, rows, &mut buffers, self.sums);
            if layers.weights[0].is_some() {
                let x = &mut self.x[start * n_in..(start + rows) * n_in];
                for (to, from) in x.chunks_exact_mut(n_in).zip(buffers.next.chunks_exact(padded(n_in))) {
                    to.copy_from_slice(&from[..n_in]);
                }
            }
        }
    }
}

/// Numbers of a block of rows on its way back, row by row in full panels.
pub(super) struct Buffers<T> {
    /// At first the gradient of the outputs.
    pub(super) slopes: Vec<T>,
    /// At last the gradient of the inputs, if the weights of the first layer are there.
    pub(super) next: Vec<T>,
    hidden: Vec<T>,
    factors: Vec<T>,
}

impl<T: Number> Buffers<T> {
    pub(super) fn new(shape: &Shape, rows: usize) -> Self {
        let size = rows * shape.widest().max(padded(shape.widths[0]));
        let [slopes, next, hidden, factors] = [(); 4].map(|()| vec![T::default(); size]);
        Self { slopes, next, hidden, factors }
    }
}

/// A block of rows through all layers, from the last to the first. Adds the gradients of the layers to `sums` unless it is empty.
#[inline(always)]
pub(super) fn back_through<I: Isa, F: Map, T: Number>(
    layers: Layers<T>,
    x: Rows<T>,
    saved: &[T],
    rows: usize,
    buffers: &mut Buffers<T>,
    sums: &mut [T],
) {
    let Layers { shape, weights, saves } = layers;
    let Buffers { slopes, next, hidden, factors } = buffers;
    if shape.functions == shape.layers() {
        multiply::<I, F, T>(shape, shape.layers() - 1, saved, slopes);
    }
    for layer in (0..shape.layers()).rev() {
        let [depth, columns] = shape.layer(layer);
        let width = padded(columns);
        // The function and its derivative share most of their arithmetic.
        let knows_factors = layer > 0 && !sums.is_empty() && matches!(saves, Saves::Arguments);
        if !sums.is_empty() {
            let (weight, bias) = sums[sums_of(shape, layer)].split_at_mut(depth * width);
            for row in slopes[..rows * width].chunks_exact(width) {
                Add { row, sums: bias }.run::<I>();
            }
            let h = match (layer, saves) {
                (0, _) => x,
                (_, Saves::Results) => {
                    Rows { values: &saved[shape.columns(layer - 1).start..], stride: shape.saved() }
                }
                (_, Saves::Arguments) => {
                    let columns = shape.columns(layer - 1);
                    let to =
                        hidden.chunks_exact_mut(columns.len()).zip(factors.chunks_exact_mut(columns.len()));
                    for ((h, factors), saved) in to.zip(saved.chunks_exact(shape.saved())) {
                        let to = h.iter_mut().zip(factors);
                        for ((h, factor), argument) in to.zip(&saved[columns.clone()]) {
                            let argument = argument.lift::<I>();
                            *h = T::lower::<I>(F::value(argument));
                            *factor = T::lower::<I>(F::derivative(argument));
                        }
                    }
                    Rows { values: hidden, stride: columns.len() }
                }
            };
            add_outer::<I, T>(h, depth, slopes, width, rows, weight);
        }
        let Some(weight) = &weights[layer] else { continue };
        product::<I, T>(Rows { values: slopes, stride: width }, rows, weight, next);
        if layer > 0 {
            if knows_factors {
                for (gradient, factor) in next[..rows * padded(depth)].iter_mut().zip(factors.iter()) {
                    *gradient = T::lower::<I>(gradient.lift::<I>() * factor.lift::<I>());
                }
            } else {
                multiply::<I, F, T>(shape, layer - 1, saved, next);
            }
            std::mem::swap(slopes, next);
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
