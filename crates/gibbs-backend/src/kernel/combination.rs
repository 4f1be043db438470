//! Linear combinations in one pass.

use super::real::Number;
use super::{Isa, Kernel, in_pieces, run};

/// `start + (Σ_k w_k·x_k)`, with the roundings of separate operations.
pub(crate) fn combination<T: Number>(start: Option<&[T]>, terms: &[&[T]], weights: &[f64]) -> Vec<T> {
    let n = terms[0].len();
    assert!(terms.len() == weights.len() && terms.iter().chain(&start).all(|term| term.len() == n));
    let mut out = vec![T::default(); n];
    in_pieces(&mut out, 1, terms.len(), |first, out| {
        run(Combination { start, terms, weights, first, out });
    });
    out
}

struct Combination<'a, T> {
    start: Option<&'a [T]>,
    terms: &'a [&'a [T]],
    weights: &'a [f64],
    first: usize,
    out: &'a mut [T],
}

impl<T: Number> Kernel for Combination<'_, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (k, (term, &weight)) in self.terms.iter().zip(self.weights).enumerate() {
            let weight = T::from_f64(weight).lift::<I>();
            for (sum, x) in self.out.iter_mut().zip(&term[self.first..]) {
                let scaled = x.lift::<I>() * weight;
                *sum = T::lower::<I>(if k == 0 { scaled } else { sum.lift::<I>() + scaled });
            }
        }
        if let Some(start) = self.start {
            for (sum, x) in self.out.iter_mut().zip(&start[self.first..]) {
                *sum = T::lower::<I>(x.lift::<I>() + sum.lift::<I>());
            }
        }
    }
}
