//! One step of Adam.

use rayon::prelude::*;

use super::real::{Number, Real};
use super::{Isa, Kernel, PIECE, run};
use crate::AdamStep;

/// Updates parameters and moments in place.
pub(crate) fn adam<T: Number>(
    parameter: &mut [T],
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
    step: AdamStep,
) {
    let n = parameter.len();
    assert!(gradient.len() == n && first.len() == n && second.len() == n);
    let work = |(((parameter, gradient), first), second)| {
        run(Adam { parameter, gradient, first, second, step });
    };
    if n < 2 * PIECE {
        work((((parameter, gradient), first), second));
    } else {
        let pieces = parameter.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE));
        pieces.zip(first.par_chunks_mut(PIECE)).zip(second.par_chunks_mut(PIECE)).for_each(work);
    }
}

struct Adam<'a, T> {
    parameter: &'a mut [T],
    gradient: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
    step: AdamStep,
}

impl<T: Number> Kernel for Adam<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let lift = |value: f64| T::from_f64(value).lift::<I>();
        let AdamStep { beta_1, beta_2, rate, epsilon, keep } = self.step;
        let (rate, epsilon, keep) = (lift(rate), lift(epsilon), lift(keep));
        let (decay_1, share_1) = (lift(beta_1), lift(1.0 - beta_1));
        let (decay_2, share_2) = (lift(beta_2), lift(1.0 - beta_2));
        let moments = self.first.iter_mut().zip(self.second);
        for ((parameter, gradient), (first, second)) in
            self.parameter.iter_mut().zip(self.gradient).zip(moments)
        {
            let g = gradient.lift::<I>();
            let m = decay_1 * first.lift::<I>() + share_1 * g;
            let v = decay_2 * second.lift::<I>() + share_2 * (g * g);
            *first = T::lower::<I>(m);
            *second = T::lower::<I>(v);
            *parameter = T::lower::<I>(keep * parameter.lift::<I>() - rate * m / (v.sqrt() + epsilon));
        }
    }
}
