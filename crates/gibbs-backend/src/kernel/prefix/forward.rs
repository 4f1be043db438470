//! The forward pass.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::line::Lanes;
use super::{Networks, advance};
use crate::kernel::functions::Map;
use crate::kernel::real::Number;
use crate::kernel::{Isa, Kernel, run};

/// Largest number of examples in a task: their `a` and `h` fit into the second-level cache.
const MOST_EXAMPLES: usize = 64;

/// `y` `[n, D·P]` for a bias `[D·P]`. The sums do not depend on the distribution of the examples to threads.
pub(crate) fn forward<F: Map, T: Number>(networks: &Networks<T>, bias: &[T]) -> Vec<T> {
    let mut y = vec![T::default(); networks.examples * bias.len()];
    let share = networks.examples.div_ceil(2 * rayon::current_num_threads()).clamp(1, MOST_EXAMPLES);
    y.par_chunks_mut(share * bias.len()).enumerate().for_each(|(index, y)| {
        run(Forward::<F, T> { networks, bias, first: index * share, y, map: PhantomData });
    });
    y
}

struct Forward<'a, F, T> {
    networks: &'a Networks<'a, T>,
    bias: &'a [T],
    first: usize,
    y: &'a mut [T],
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for Forward<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let networks = self.networks;
        let (panels, outputs) = (networks.panels(), networks.outputs);
        let examples = self.first..self.first + self.y.len() / self.bias.len();
        let mut hidden = Vec::with_capacity(examples.len() * panels);
        for example in examples.clone() {
            for panel in 0..panels {
                let a = networks.start(example, panel);
                hidden.push((a, a.map::<I, F>()));
            }
        }
        let mut sums = vec![Lanes::zero(); networks.segment() * outputs];
        for segment in networks.segments() {
            let window = segment.start * outputs..segment.end * outputs;
            for (row, example) in examples.clone().enumerate() {
                sums.fill(Lanes::zero());
                for (panel, (a, h)) in hidden[row * panels..][..panels].iter_mut().enumerate() {
                    let (w, v) = (networks.w.panel(panel), &networks.v.panel(panel)[window.clone()]);
                    let steps = v.chunks_exact(outputs).zip(sums.chunks_exact_mut(outputs));
                    for (variable, (v, sums)) in segment.clone().zip(steps) {
                        for (sum, v) in sums.iter_mut().zip(v) {
                            sum.add_products::<I>(h, v);
                        }
                        if advance::<I, T>(a, networks.x(example, variable), &w[networks.rows(variable)]) {
                            *h = a.map::<I, F>();
                        }
                    }
                }
                let y = &mut self.y[row * self.bias.len()..][window.clone()];
                for ((y, sum), bias) in y.iter_mut().zip(&sums).zip(&self.bias[window.clone()]) {
                    *y = T::lower::<I>(bias.lift::<I>() + sum.total::<I>().lift::<I>());
                }
            }
        }
    }
}
