//! The bins of some splines side by side, from their parameters, and the way back of the gradients.

use super::bin::{Bin, Gradient};
use super::{LANES, Lanes, Places, lanes};
use crate::kernel::Isa;
use crate::kernel::real::{Number, Real};
use crate::spline::extension::Pass;

/// The parameters of some splines; after [`find`](Self::find) the logits are exponentials of them, and after
/// [`differentiate`](Self::differentiate) all are gradients.
pub(super) struct Bins<R> {
    n: usize,
    inverse: bool,
    /// Variables of a row.
    variables: usize,
    parameters: Vec<Lanes<R>>,
    /// Of the exponentials of widths and heights.
    sums: [Lanes<R>; 2],
    /// The bin of each spline.
    index: Lanes<R>,
    slopes_at: [Lanes<R>; 2],
    zero: R,
    start: R,
    /// What is shared by the softmax, and what each bin has anyway.
    shared: R,
    least: R,
    max_log_slope: R,
}

impl<R: Real> Bins<R> {
    #[inline(always)]
    pub(super) fn new<I: Isa, T: Number<Real<I> = R>>(pass: Pass, variables: usize) -> Self {
        let real = |value: f64| T::from_f64(value).lift::<I>();
        let (spline, zero) = (pass.spline, real(0.0));
        let box_width = 2.0 * spline.bound;
        Self {
            n: spline.bins,
            inverse: pass.inverse,
            variables,
            parameters: vec![[zero; LANES]; pass.n_parameters()],
            sums: [[zero; LANES]; 2],
            index: [zero; LANES],
            slopes_at: [[zero; LANES]; 2],
            zero,
            start: real(-spline.bound),
            shared: real(box_width * (1.0 - spline.least * spline.bins as f64)),
            least: real(box_width * spline.least),
            max_log_slope: real(spline.max_log_slope),
        }
    }

    #[inline(always)]
    pub(super) fn read<I: Isa, T: Number<Real<I> = R>>(&mut self, from: &[T], places: &Places) {
        let starts = places.starts(self.parameters.len() * self.variables);
        for (k, each) in self.parameters.iter_mut().enumerate() {
            let shift = k * self.variables;
            if places.are_neighbors() {
                let row = &from[starts[0] + shift..][..LANES];
                for lane in 0..LANES {
                    each[lane] = row[lane].lift::<I>();
                }
            } else {
                for lane in 0..LANES {
                    each[lane] = from[starts[lane] + shift].lift::<I>();
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn write<I: Isa, T: Number<Real<I> = R>>(&self, to: &mut [T], places: &Places) {
        let starts = places.starts(self.parameters.len() * self.variables);
        for (k, each) in self.parameters.iter().enumerate() {
            let shift = k * self.variables;
            if places.are_neighbors() {
                let row = &mut to[starts[0] + shift..][..LANES];
                for lane in 0..LANES {
                    row[lane] = T::lower::<I>(each[lane]);
                }
            } else {
                for lane in 0..places.count {
                    to[starts[lane] + shift] = T::lower::<I>(each[lane]);
                }
            }
        }
    }

    /// The bins of values in the box.
    #[inline(always)]
    pub(super) fn find(&mut self, value: &Lanes<R>) -> Lanes<Bin<R>> {
        let (zero, one) = (self.zero, R::ONE);
        self.exponentiate(0);
        self.exponentiate(1);
        // Widths and heights; the value lies in one of the latter if it is a `z`.
        let (along, across) = if self.inverse { (1, 0) } else { (0, 1) };
        let mut starts = [[self.start; LANES]; 2];
        let mut sizes = [[zero; LANES]; 2];
        let scale = self.scales();
        self.index = [zero; LANES];

        let mut edge = [self.start; LANES];
        let mut number = zero;
        for each in &self.parameters[along * self.n..][..self.n] {
            for lane in 0..LANES {
                let size = each[lane] * scale[along][lane] + self.least;
                let reached = number < one || value[lane] >= edge[lane];
                self.index[lane] = if reached { number } else { self.index[lane] };
                starts[along][lane] = if reached { edge[lane] } else { starts[along][lane] };
                sizes[along][lane] = if reached { size } else { sizes[along][lane] };
                edge[lane] = edge[lane] + size;
            }
            number = number + one;
        }

        let mut edge = [self.start; LANES];
        let mut number = zero;
        for each in &self.parameters[across * self.n..][..self.n] {
            for lane in 0..LANES {
                let size = each[lane] * scale[across][lane] + self.least;
                let here = number == self.index[lane];
                starts[across][lane] = if here { edge[lane] } else { starts[across][lane] };
                sizes[across][lane] = if here { size } else { sizes[across][lane] };
                edge[lane] = edge[lane] + size;
            }
            number = number + one;
        }

        self.slopes_at = [[zero; LANES]; 2];
        let mut number = zero;
        for each in &self.parameters[2 * self.n..] {
            for lane in 0..LANES {
                let [before, behind] = [number + one == self.index[lane], number == self.index[lane]];
                self.slopes_at[0][lane] = if before { each[lane] } else { self.slopes_at[0][lane] };
                self.slopes_at[1][lane] = if behind { each[lane] } else { self.slopes_at[1][lane] };
            }
            number = number + one;
        }

        lanes(|lane| {
            // No parameter stands behind the slope 1 at an end: it is that of 0, and its gradient goes nowhere.
            let tanh = [0, 1].map(|side| (self.slopes_at[side][lane] / self.max_log_slope).tanh());
            let slopes = tanh.map(|tanh| (tanh * self.max_log_slope).exp());
            let by_parameter = |side: usize| slopes[side] * (one - tanh[side] * tanh[side]);
            Bin {
                left: starts[0][lane],
                width: sizes[0][lane],
                bottom: starts[1][lane],
                height: sizes[1][lane],
                slopes,
                slopes_by_parameters: [by_parameter(0), by_parameter(1)],
            }
        })
    }

    /// From gradients by the bins that were found to gradients of the parameters.
    #[inline(always)]
    pub(super) fn differentiate(&mut self, by_bin: &Lanes<Gradient<R>>) {
        let (zero, one) = (self.zero, R::ONE);
        self.softmax_backward(0, &lanes(|lane| [by_bin[lane].left, by_bin[lane].width]));
        self.softmax_backward(1, &lanes(|lane| [by_bin[lane].bottom, by_bin[lane].height]));
        let slopes = lanes(|lane| by_bin[lane].slopes);
        let mut number = zero;
        for each in &mut self.parameters[2 * self.n..] {
            for lane in 0..LANES {
                let before = if number + one == self.index[lane] { slopes[lane][0] } else { zero };
                each[lane] = if number == self.index[lane] { slopes[lane][1] } else { before };
            }
            number = number + one;
        }
    }

    /// Replaces the logits of widths (0) or heights (1) by their exponentials, the largest being 1.
    #[inline(always)]
    fn exponentiate(&mut self, which: usize) {
        let logits = &mut self.parameters[which * self.n..][..self.n];
        let mut largest = logits[0];
        for each in logits.iter() {
            for lane in 0..LANES {
                largest[lane] = if each[lane] > largest[lane] { each[lane] } else { largest[lane] };
            }
        }
        let mut sum = [self.zero; LANES];
        for each in logits {
            for lane in 0..LANES {
                each[lane] = (each[lane] - largest[lane]).exp();
                sum[lane] = sum[lane] + each[lane];
            }
        }
        self.sums[which] = sum;
    }

    /// Size of a bin for each unit of its exponential, beyond the least.
    #[inline(always)]
    fn scales(&self) -> [Lanes<R>; 2] {
        [0, 1].map(|which| lanes(|lane| self.shared / self.sums[which][lane]))
    }

    /// Replaces the exponentials by the gradients of the logits, from those by the start and by the size of the bin that was
    /// found: `∂start/∂size_i = 1` for the bins before it.
    #[inline(always)]
    fn softmax_backward(&mut self, which: usize, by_bin: &Lanes<[R; 2]>) {
        let (zero, one) = (self.zero, R::ONE);
        let mut mean = [zero; LANES];
        for write in [false, true] {
            let mut number = zero;
            for each in &mut self.parameters[which * self.n..][..self.n] {
                for lane in 0..LANES {
                    let share = each[lane] / self.sums[which][lane];
                    let [by_start, by_size] = by_bin[lane];
                    let before = if number < self.index[lane] { by_start } else { zero };
                    let by_own = if number == self.index[lane] { by_size } else { before };
                    if write {
                        each[lane] = self.shared * share * (by_own - mean[lane]);
                    } else {
                        mean[lane] = mean[lane] + share * by_own;
                    }
                }
                number = number + one;
            }
        }
    }
}
