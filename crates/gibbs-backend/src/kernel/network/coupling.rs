//! Affine couplings: the network and the map that it controls, some rows at a time.
//!
//! ```text
//! a row x, for each block b:   (t, a) = network(x_A),   s = S·tanh(a/S),   z_B = x_B ⊙ e^s + t,   ladj += Σ s
//! ```
//!
//! See [`coupled`](crate::coupled()). The rows of the network are the blocks of all rows of the matrix.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::backward::{Buffers, Layers, back_through, empty_sums, rows_of_group, totals};
use super::forward::Forward;
use super::{BLOCK, Gradients, Packed, Rows, SMALLEST, Saves, Shape, padded};
use crate::coupling::Couple;
use crate::kernel::functions::Map;
use crate::kernel::real::{Number, Real};
use crate::kernel::{Isa, Kernel, run};
use crate::network::extension::Wanted;

/// Rows of the network that are looked at together to see if they have a gradient.
const FEWEST: usize = 16;

/// A matrix of `width` columns, the last of which has the log-determinants, and how it is coupled.
#[derive(Clone, Copy)]
pub(crate) struct Coupled<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) couple: &'a Couple,
    pub(crate) width: usize,
}

impl Coupled<'_> {
    fn blocks(&self) -> usize {
        self.couple.blocks
    }

    /// Columns of a block that are kept, and those that are changed.
    fn sizes(&self) -> [usize; 2] {
        [&self.couple.kept, &self.couple.changed].map(|columns| columns.len() / self.blocks())
    }

    fn is_small(&self, rows: usize) -> bool {
        rows * self.blocks() * self.shape.multiplications() < SMALLEST
    }

    fn assert_fits(&self) {
        let [n_kept, n_changed] = self.sizes();
        let all = self.couple.kept.iter().chain(self.couple.changed.iter());
        assert!(all.into_iter().all(|&column| column + 1 < self.width));
        assert!(n_kept == self.shape.widths[0] && 2 * n_changed == self.shape.widths[self.shape.layers()]);
    }

    /// Copies the kept columns of blocks, `first` the first one of them in `x`.
    #[inline(always)]
    fn gather<T: Number>(&self, x: &[T], first: usize, kept: &mut [T]) {
        let [n_kept, _] = self.sizes();
        for (index, kept) in kept.chunks_exact_mut(n_kept).enumerate() {
            let (row, block) = ((first + index) / self.blocks(), (first + index) % self.blocks());
            let x = &x[row * self.width..(row + 1) * self.width];
            for (to, &column) in kept.iter_mut().zip(&self.couple.kept[block * n_kept..]) {
                *to = x[column];
            }
        }
    }
}

/// A coupled matrix.
pub(crate) struct Transformed<T> {
    pub(crate) z: Vec<T>,
    /// The numbers of the network that the backward pass needs, and the parameters of all blocks; empty if they are not wanted.
    pub(crate) saved: [Vec<T>; 2],
}

/// The coupled matrix of `x`.
pub(crate) fn forward<F: Map, T: Number>(
    coupled: Coupled,
    weights: &[Packed<T>],
    x: &[T],
    saves: Option<Saves>,
) -> Transformed<T> {
    coupled.assert_fits();
    let (blocks, n_out) = (coupled.blocks(), 2 * coupled.sizes()[1]);
    let rows = x.len() / coupled.width;
    assert!(x.len() == rows * coupled.width && weights.len() == coupled.shape.layers());
    let is_saved = usize::from(saves.is_some());
    let widths = [is_saved * blocks * coupled.shape.saved(), is_saved * blocks * n_out];
    let mut z = x.to_vec();
    let mut hidden = Vec::with_capacity(rows * widths[0]);
    let mut parameters = vec![T::default(); rows * widths[1]];
    let length = (BLOCK / blocks).max(1);
    let mut pieces = Vec::with_capacity(rows.div_ceil(length));
    let (mut to_save, mut of_rows) =
        (&mut hidden.spare_capacity_mut()[..rows * widths[0]], parameters.as_mut_slice());
    for z in z.chunks_mut(length * coupled.width) {
        let rows = z.len() / coupled.width;
        let (hidden, parameters);
        (hidden, to_save) = to_save.split_at_mut(rows * widths[0]);
        (parameters, of_rows) = of_rows.split_at_mut(rows * widths[1]);
        pieces.push(Piece { z, hidden, parameters });
    }
    let work = |buffers: &mut Room<T>, piece: Piece<T>| {
        run(Couples::<F, T> { coupled, weights, saves, piece, buffers, map: PhantomData });
    };
    let buffers = || Room::new(&coupled, BLOCK.min(rows * blocks));
    if coupled.is_small(rows) {
        let mut buffers = buffers();
        pieces.into_iter().for_each(|piece| work(&mut buffers, piece));
    } else {
        pieces.into_par_iter().for_each_init(buffers, work);
    }
    // SAFETY: the layers with a function fill their columns of every row, which are all columns.
    unsafe { hidden.set_len(rows * widths[0]) };
    Transformed { z, saved: [hidden, parameters] }
}

/// Rows of a matrix, and room for what is saved of them.
struct Piece<'a, T> {
    /// At first the operand.
    z: &'a mut [T],
    hidden: &'a mut [MaybeUninit<T>],
    parameters: &'a mut [T],
}

/// Numbers of a block of rows of the network.
struct Room<T> {
    layers: [Vec<T>; 2],
    kept: Vec<T>,
    parameters: Vec<T>,
    scales: Scales<T>,
}

impl<T: Number> Room<T> {
    fn new(coupled: &Coupled, rows: usize) -> Self {
        let [n_kept, n_changed] = coupled.sizes();
        let zeros = |width: usize| vec![T::default(); rows * width];
        Self {
            layers: [(); 2].map(|()| zeros(coupled.shape.widest())),
            kept: zeros(n_kept),
            parameters: zeros(2 * n_changed),
            scales: Scales::default(),
        }
    }
}

/// The scales of a block of rows, row by row.
#[derive(Default)]
struct Scales<T> {
    /// `tanh(a/S)`
    tanhs: Vec<T>,
    /// `e^s` or `e^-s`.
    factors: Vec<T>,
}

impl<T: Number> Scales<T> {
    #[inline(always)]
    fn set<I: Isa>(&mut self, parameters: &[T], n_changed: usize, couple: &Couple) {
        self.tanhs.clear();
        for row in parameters.chunks_exact(2 * n_changed) {
            self.tanhs.extend_from_slice(&row[n_changed..]);
        }
        let inverse = T::from_f64(couple.bound.recip()).lift::<I>();
        for value in &mut self.tanhs {
            *value = T::lower::<I>((value.lift::<I>() * inverse).tanh());
        }
        let bound = T::from_f64(if couple.inverse { -couple.bound } else { couple.bound }).lift::<I>();
        self.factors.clear();
        self.factors.extend(self.tanhs.iter().map(|tanh| T::lower::<I>((tanh.lift::<I>() * bound).exp())));
    }
}

struct Couples<'a, 'b, F, T> {
    coupled: Coupled<'a>,
    weights: &'a [Packed<T>],
    saves: Option<Saves>,
    piece: Piece<'a, T>,
    buffers: &'b mut Room<T>,
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for Couples<'_, '_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { coupled, weights, saves, piece: Piece { z, hidden, parameters: saved }, .. } = self;
        let Room { layers, kept, parameters, scales } = self.buffers;
        let (shape, [n_kept, n_changed]) = (coupled.shape, coupled.sizes());
        let (n, n_out) = (z.len() / coupled.width * coupled.blocks(), 2 * n_changed);
        let sign = if coupled.couple.inverse { -coupled.couple.bound } else { coupled.couple.bound };
        let bound = T::from_f64(sign).lift::<I>();
        for first in (0..n).step_by(BLOCK) {
            let rows = BLOCK.min(n - first);
            let (kept, parameters) = (&mut kept[..rows * n_kept], &mut parameters[..rows * n_out]);
            coupled.gather(z, first, kept);
            let saved_columns = if saves.is_some() { shape.saved() } else { 0 };
            Forward::<F, T> {
                shape,
                weights,
                x: kept,
                y: parameters,
                saves,
                saved: &mut hidden[first * saved_columns..(first + rows) * saved_columns],
                buffers: layers,
                map: PhantomData,
            }
            .run::<I>();
            if saves.is_some() {
                saved[first * n_out..(first + rows) * n_out].copy_from_slice(parameters);
            }
            scales.set::<I>(parameters, n_changed, coupled.couple);
            let scales = scales.tanhs.chunks_exact(n_changed).zip(scales.factors.chunks_exact(n_changed));
            for (index, (parameters, (tanhs, factors))) in
                parameters.chunks_exact(n_out).zip(scales).enumerate()
            {
                let (row, block) = ((first + index) / coupled.blocks(), (first + index) % coupled.blocks());
                let z = &mut z[row * coupled.width..(row + 1) * coupled.width];
                let mut sum = T::default().lift::<I>();
                let columns = &coupled.couple.changed[block * n_changed..(block + 1) * n_changed];
                for (j, &column) in columns.iter().enumerate() {
                    let (x, shift) = (z[column].lift::<I>(), parameters[j].lift::<I>());
                    let factor = factors[j].lift::<I>();
                    z[column] = T::lower::<I>(match coupled.couple.inverse {
                        false => x * factor + shift,
                        true => (x - shift) * factor,
                    });
                    sum = sum + tanhs[j].lift::<I>();
                }
                let ladj = &mut z[coupled.width - 1];
                *ladj = T::lower::<I>(ladj.lift::<I>() + sum * bound);
            }
        }
    }
}

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a, T> {
    pub(crate) layers: Layers<'a, T>,
    pub(crate) x: &'a [T],
    /// See [`Transformed::saved`].
    pub(crate) saved: [&'a [T]; 2],
    /// The gradient of the result.
    pub(crate) gradient: &'a [T],
}

/// The gradients that are wanted; that of `x` in any case. Rows whose gradient is zero, such as those of a component of a mixture that
/// has no weight, are skipped.
pub(crate) fn backward<F: Map, T: Number>(
    coupled: Coupled,
    operands: &Operands<T>,
    wanted: Wanted,
) -> Gradients<T> {
    coupled.assert_fits();
    let (blocks, n_out, shape) = (coupled.blocks(), 2 * coupled.sizes()[1], coupled.shape);
    let rows = operands.x.len() / coupled.width;
    assert!(operands.x.len() == rows * coupled.width && operands.gradient.len() == operands.x.len());
    assert!(operands.saved[0].len() == rows * blocks * shape.saved());
    assert!(operands.saved[1].len() == rows * blocks * n_out);
    let mut x = operands.gradient.to_vec();
    let length = rows_of_group(rows * blocks).div_ceil(blocks);
    let group = |(index, of_x): (usize, &mut [T])| {
        let mut sums = empty_sums(shape, wanted);
        let first = index * length;
        run(CouplesBack::<F, T> { coupled, operands, first, of_x, sums: &mut sums, map: PhantomData });
        sums
    };
    let sums: Vec<Vec<T>> = if coupled.is_small(rows) {
        x.chunks_mut(length * coupled.width).enumerate().map(group).collect()
    } else {
        x.par_chunks_mut(length * coupled.width).enumerate().with_max_len(1).map(group).collect()
    };
    Gradients { layers: if wanted.layers { totals(shape, &sums) } else { Vec::new() }, x: Some(x) }
}

/// The rows of the network, `blocks` for each row of the matrix, that belong to rows with a gradient.
fn with_gradient<T: Number>(gradient: &[T], width: usize, blocks: usize) -> Vec<Range<usize>> {
    let length = FEWEST.div_ceil(blocks);
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (index, rows) in gradient.chunks(length * width).enumerate() {
        let first = index * length * blocks;
        let all = first..first + rows.len() / width * blocks;
        if rows.iter().all(|&slope| slope == T::default()) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == all.start => run.end = all.end,
            _ => runs.push(all),
        }
    }
    runs
}

/// The first number of each piece of up to `most` numbers, and how many it has.
fn pieces_of(all: Range<usize>, most: usize) -> impl Iterator<Item = (usize, usize)> {
    all.clone().step_by(most).map(move |first| (first, most.min(all.end - first)))
}

struct CouplesBack<'a, F, T> {
    coupled: Coupled<'a>,
    operands: &'a Operands<'a, T>,
    /// The first row of the group.
    first: usize,
    /// Its gradient, at first that of the result.
    of_x: &'a mut [T],
    sums: &'a mut [T],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for CouplesBack<'_, F, T> {
    /// `∂z/∂s = x·e^s` forward and `-(z - t)·e^-s` in the inverse; `∂s/∂a = 1 - tanh²(a/S)`.
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { coupled, operands, first: first_row, of_x, sums, .. } = self;
        let (blocks, inverse, shape) = (coupled.blocks(), coupled.couple.inverse, coupled.shape);
        let (width, [n_kept, n_changed]) = (coupled.width, coupled.sizes());
        let (n, n_out) = (of_x.len() / width * blocks, 2 * n_changed);
        let mut buffers = Buffers::new(shape, BLOCK.min(n));
        let (mut kept, mut scales) = (vec![T::default(); BLOCK.min(n) * n_kept], Scales::default());
        let x = &operands.x[first_row * width..][..of_x.len()];
        let [hidden, parameters] = operands.saved;
        let firsts = with_gradient(of_x, width, blocks).into_iter();
        for (first, rows) in firsts.flat_map(|run| pieces_of(run, BLOCK)) {
            let at = first_row * blocks + first;
            let parameters = &parameters[at * n_out..(at + rows) * n_out];
            scales.set::<I>(parameters, n_changed, coupled.couple);
            let all = parameters.chunks_exact(n_out);
            let all =
                all.zip(scales.tanhs.chunks_exact(n_changed).zip(scales.factors.chunks_exact(n_changed)));
            let slopes = buffers.slopes.chunks_exact_mut(padded(n_out));
            for (index, ((parameters, (tanhs, factors)), slopes)) in all.zip(slopes).enumerate() {
                let (row, block) = ((first + index) / blocks, (first + index) % blocks);
                let (x, of_x) =
                    (&x[row * width..(row + 1) * width], &mut of_x[row * width..(row + 1) * width]);
                let of_ladj = of_x[width - 1].lift::<I>();
                let of_ladj = if inverse { -of_ladj } else { of_ladj };
                let columns = &coupled.couple.changed[block * n_changed..(block + 1) * n_changed];
                for (j, &column) in columns.iter().enumerate() {
                    let (tanh, shift) = (tanhs[j].lift::<I>(), parameters[j].lift::<I>());
                    let (x, gradient) = (x[column].lift::<I>(), of_x[column].lift::<I>());
                    let (through, one) = (gradient * factors[j].lift::<I>(), T::Real::<I>::ONE);
                    let (of_shift, of_scale) = match inverse {
                        false => (gradient, through * x),
                        true => (-through, -(through * (x - shift))),
                    };
                    of_x[column] = T::lower::<I>(through);
                    slopes[j] = T::lower::<I>(of_shift);
                    slopes[n_changed + j] = T::lower::<I>((of_scale + of_ladj) * (one - tanh * tanh));
                }
                slopes[n_out..].fill(T::default());
            }
            coupled.gather(x, first, &mut kept[..rows * n_kept]);
            let hidden = &hidden[at * shape.saved()..(at + rows) * shape.saved()];
            let inputs = Rows { values: &kept, stride: n_kept };
            back_through::<I, F, T>(operands.layers, inputs, hidden, rows, &mut buffers, sums);
            for (index, of_kept) in buffers.next.chunks_exact(padded(n_kept)).take(rows).enumerate() {
                let (row, block) = ((first + index) / blocks, (first + index) % blocks);
                let of_x = &mut of_x[row * width..(row + 1) * width];
                let columns = &coupled.couple.kept[block * n_kept..(block + 1) * n_kept];
                for (&column, of_kept) in columns.iter().zip(of_kept) {
                    of_x[column] = T::lower::<I>(of_x[column].lift::<I>() + of_kept.lift::<I>());
                }
            }
        }
    }
}
