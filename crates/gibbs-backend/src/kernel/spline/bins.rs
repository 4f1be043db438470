//! The bins of several splines from their parameters, and the gradients of the parameters.

use super::bin::{Bin, Gradient};
use super::{LANES, Lanes, Places};
use crate::kernel::Isa;
use crate::kernel::real::{Number, Real};
use crate::spline::extension::Pass;

/// The parameters of several splines. [`find`](Self::find) replaces the logits by their exponentials, and
/// [`differentiate`](Self::differentiate) replaces all by gradients.
pub(super) struct Bins<R> {
    n: usize,
    inverse: bool,
    /// Variables of a row.
    variables: usize,
    parameters: Vec<Lanes<R>>,
    /// Sums of the exponentials of widths and of heights.
    sums: [Lanes<R>; 2],
    /// The bin of each spline: its index, its edges and sizes along `x` and `z`, and the parameters of its slopes.
    index: Lanes<R>,
    starts: [Lanes<R>; 2],
    sizes: [Lanes<R>; 2],
    slopes: [Lanes<R>; 2],
    zero: R,
    start: R,
    /// The length that the softmax distributes, and the least size of a bin.
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
            starts: [[zero; LANES]; 2],
            sizes: [[zero; LANES]; 2],
            slopes: [[zero; LANES]; 2],
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

    /// Finds the bins of values in the box.
    #[inline(always)]
    pub(super) fn find(&mut self, value: &Lanes<R>) {
        let (zero, one) = (self.zero, R::ONE);
        self.exponentiate(0);
        self.exponentiate(1);
        // Widths and heights. A value `z` lies in one of the heights.
        let (along, across) = if self.inverse { (1, 0) } else { (0, 1) };
        let (mut index, mut edge, mut number) = ([zero; LANES], [self.start; LANES], zero);
        let (mut start, mut width) = (edge, index);
        let scale = self.scale(along);
        for each in &self.parameters[along * self.n..][..self.n] {
            for lane in 0..LANES {
                let size = each[lane] * scale[lane] + self.least;
                let reached = (number < one) | (value[lane] >= edge[lane]);
                index[lane] = if reached { number } else { index[lane] };
                start[lane] = if reached { edge[lane] } else { start[lane] };
                width[lane] = if reached { size } else { width[lane] };
                edge[lane] = edge[lane] + size;
            }
            number = number + one;
        }
        (self.starts[along], self.sizes[along], self.index) = (start, width, index);

        (edge, number) = ([self.start; LANES], zero);
        let scale = self.scale(across);
        for each in &self.parameters[across * self.n..][..self.n] {
            for lane in 0..LANES {
                let size = each[lane] * scale[lane] + self.least;
                let here = number == index[lane];
                start[lane] = if here { edge[lane] } else { start[lane] };
                width[lane] = if here { size } else { width[lane] };
                edge[lane] = edge[lane] + size;
            }
            number = number + one;
        }
        (self.starts[across], self.sizes[across]) = (start, width);

        let [mut before, mut behind] = [[zero; LANES]; 2];
        number = zero;
        for each in &self.parameters[2 * self.n..] {
            for lane in 0..LANES {
                before[lane] = if number + one == index[lane] { each[lane] } else { before[lane] };
                behind[lane] = if number == index[lane] { each[lane] } else { behind[lane] };
            }
            number = number + one;
        }
        self.slopes = [before, behind];
    }

    /// The bin of a lane. The slope 1 at an end has no parameter: it is that of parameter 0, whose gradient is not used.
    #[inline(always)]
    pub(super) fn bin(&self, lane: usize) -> Bin<R> {
        let (left, right) = (self.slope(0, lane), self.slope(1, lane));
        Bin {
            left: self.starts[0][lane],
            width: self.sizes[0][lane],
            bottom: self.starts[1][lane],
            height: self.sizes[1][lane],
            slopes: [left.0, right.0],
            slopes_by_parameters: [left.1, right.1],
        }
    }

    /// `exp(S·tanh(c/S))` and its derivative.
    #[inline(always)]
    fn slope(&self, side: usize, lane: usize) -> (R, R) {
        let tanh = (self.slopes[side][lane] / self.max_log_slope).tanh();
        let slope = (tanh * self.max_log_slope).exp();
        (slope, slope * (R::ONE - tanh * tanh))
    }

    /// Gradients of the parameters from gradients with respect to the bins.
    #[inline(always)]
    pub(super) fn differentiate(&mut self, by_bins: &Gradients<R>) {
        let (zero, one) = (self.zero, R::ONE);
        self.softmax_backward(0, by_bins);
        self.softmax_backward(1, by_bins);
        let (index, [before, behind]) = (self.index, by_bins.slopes);
        let mut number = zero;
        for each in &mut self.parameters[2 * self.n..] {
            for lane in 0..LANES {
                let other = if number + one == index[lane] { before[lane] } else { zero };
                each[lane] = if number == index[lane] { behind[lane] } else { other };
            }
            number = number + one;
        }
    }

    /// Replaces the logits of widths (0) or heights (1) by their exponentials. The largest exponential is 1.
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

    /// The factor between an exponential and the size of its bin beyond the least size.
    #[inline(always)]
    fn scale(&self, which: usize) -> Lanes<R> {
        let mut scale = self.sums[which];
        for each in &mut scale {
            *each = self.shared / *each;
        }
        scale
    }

    /// Replaces the exponentials by the gradients of the logits, from those with respect to start and size of the bin:
    /// `∂start/∂size_i = 1` for the bins before it.
    #[inline(always)]
    fn softmax_backward(&mut self, which: usize, by_bins: &Gradients<R>) {
        let (zero, one) = (self.zero, R::ONE);
        let (by_start, by_size) = (by_bins.starts[which], by_bins.sizes[which]);
        let (index, sum) = (self.index, self.sums[which]);
        let mut mean = [zero; LANES];
        for write in [false, true] {
            let mut number = zero;
            for each in &mut self.parameters[which * self.n..][..self.n] {
                for lane in 0..LANES {
                    let share = each[lane] / sum[lane];
                    let before = if number < index[lane] { by_start[lane] } else { zero };
                    let by_own = if number == index[lane] { by_size[lane] } else { before };
                    let centered = self.shared * share * (by_own - mean[lane]);
                    mean[lane] = if write { mean[lane] } else { mean[lane] + share * by_own };
                    each[lane] = if write { centered } else { each[lane] };
                }
                number = number + one;
            }
        }
    }
}

/// Gradients with respect to the bins: edges and sizes along `x` and `z`, and the parameters of the slopes.
pub(super) struct Gradients<R> {
    starts: [Lanes<R>; 2],
    sizes: [Lanes<R>; 2],
    slopes: [Lanes<R>; 2],
}

impl<R: Real> Gradients<R> {
    #[inline(always)]
    pub(super) fn zeros(zero: R) -> Self {
        let zeros = [[zero; LANES]; 2];
        Self { starts: zeros, sizes: zeros, slopes: zeros }
    }

    /// Sets the gradient of one bin, or zero for a value outside the box.
    #[inline(always)]
    pub(super) fn put(&mut self, lane: usize, gradient: &Gradient<R>, outside: bool, zero: R) {
        self.starts[0][lane] = if outside { zero } else { gradient.left };
        self.starts[1][lane] = if outside { zero } else { gradient.bottom };
        self.sizes[0][lane] = if outside { zero } else { gradient.width };
        self.sizes[1][lane] = if outside { zero } else { gradient.height };
        self.slopes[0][lane] = if outside { zero } else { gradient.slopes[0] };
        self.slopes[1][lane] = if outside { zero } else { gradient.slopes[1] };
    }
}
