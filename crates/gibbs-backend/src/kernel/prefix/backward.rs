//! The backward pass.
//!
//! With `g_t = ∂/∂y_t` and `δ_t = (g_t·V_tᵀ) ⊙ f'(a_t)`, from the last variable to the first:
//!
//! ```text
//! ∂/∂a_t = ∂/∂a_{t+1} + δ_t,    ∂/∂W_t = x_tᵀ·∂/∂a_{t+1},    ∂/∂x_t = ∂/∂a_{t+1}·W_tᵀ,    ∂/∂V_t = h_tᵀ·g_t
//! ```
//!
//! While `a` does not change, the `g_t·V_tᵀ` are added and multiplied by the derivative once.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::line::{Lanes, Line};
use super::{Networks, advance};
use crate::kernel::affine::Add;
use crate::kernel::functions::Map;
use crate::kernel::real::Number;
use crate::kernel::{Isa, Kernel, run};

/// Number of panels whose contributions to the gradient of `x` are stored at the same time.
const ROUND: usize = 16;

/// The gradients of the operands in the shapes of the operands, row-major.
pub(crate) struct Gradients<T> {
    pub(crate) start: Vec<T>,
    pub(crate) x: Option<Vec<T>>,
    pub(crate) w: Vec<T>,
    pub(crate) v: Vec<T>,
}

/// The gradients from that of `y`. That of `x`, if requested, is the sum over the panels in their order.
pub(crate) fn backward<F: Map, T: Number>(
    networks: &Networks<T>,
    gradient: &[T],
    derivative_from_result: bool,
    with_x: bool,
) -> Gradients<T> {
    assert_eq!(gradient.len(), networks.examples * networks.v.rows);
    let mut x = with_x.then(|| vec![T::default(); networks.x.len()]);
    let mut panels = Vec::with_capacity(networks.panels());
    for round in (0..networks.panels()).step_by(ROUND) {
        let round = round..(round + ROUND).min(networks.panels());
        panels.par_extend(round.clone().into_par_iter().map(|index| {
            let mut panel = Panel::new(networks, with_x);
            run(Backward::<F, T> {
                networks,
                gradient,
                index,
                derivative_from_result,
                panel: &mut panel,
                map: PhantomData,
            });
            panel
        }));
        for panel in &mut panels[round] {
            if let (Some(sums), Some(share)) = (&mut x, panel.x.take()) {
                run(Add { sums, row: &share });
            }
        }
    }
    let rows = |count: usize, lines: fn(&Panel<T>) -> &[Line<T>]| {
        let mut values = Vec::with_capacity(count * networks.units);
        for row in 0..count {
            for (index, panel) in panels.iter().enumerate() {
                values.extend_from_slice(&lines(panel)[row].0[..networks.units_of(index).len()]);
            }
        }
        values
    };
    let (start, w) = (rows(networks.examples, |panel| &panel.a), rows(networks.w.rows, |panel| &panel.w));
    let mut v = Vec::with_capacity(networks.units * networks.v.rows);
    for (index, panel) in panels.iter().enumerate() {
        for unit in 0..networks.units_of(index).len() {
            v.extend(panel.v.iter().map(|line| line.0[unit]));
        }
    }
    Gradients { start, x, w, v }
}

/// The gradients of a panel.
struct Panel<T> {
    /// The gradient of `a` for each example; at the end that of `start`.
    a: Vec<Line<T>>,
    w: Vec<Line<T>>,
    v: Vec<Line<T>>,
    x: Option<Vec<T>>,
}

impl<T: Number> Panel<T> {
    fn new(networks: &Networks<T>, with_x: bool) -> Self {
        let lines = |count: usize| vec![Line::zero(); count];
        Self {
            a: lines(networks.examples),
            w: lines(networks.w.rows),
            v: lines(networks.v.rows),
            x: with_x.then(|| vec![T::default(); networks.x.len()]),
        }
    }
}

struct Backward<'a, F, T> {
    networks: &'a Networks<'a, T>,
    gradient: &'a [T],
    index: usize,
    derivative_from_result: bool,
    panel: &'a mut Panel<T>,
    map: PhantomData<F>,
}

impl<F: Map, T: Number> Kernel for Backward<'_, F, T> {
    #[inline(always)]
    fn run<I: Isa>(mut self) {
        let examples = self.networks.examples;
        let starts = self.starts::<I>();
        let mut runs = Runs::new(self.networks.segment());
        for (index, segment) in self.networks.segments().enumerate().rev() {
            for example in 0..examples {
                self.replay::<I>(starts[index * examples + example], example, segment.clone(), &mut runs);
                self.pass::<I>(example, segment.clone(), &runs);
            }
        }
    }
}

/// The hidden layer of one example in a segment. A run is a series of variables with the same `a`.
struct Runs<T> {
    /// The run of each variable.
    of: Vec<usize>,
    /// `f(a)` of each run.
    values: Vec<Line<T>>,
    /// `f'(a)` of each run.
    slopes: Vec<Line<T>>,
}

impl<T: Number> Runs<T> {
    fn new(segment: usize) -> Self {
        let lines = vec![Line::zero(); segment];
        Self { of: vec![0; segment], values: lines.clone(), slopes: lines }
    }
}

impl<F: Map, T: Number> Backward<'_, F, T> {
    /// `a` at the start of each segment, for one example after the other.
    #[inline(always)]
    fn starts<I: Isa>(&self) -> Vec<Line<T>> {
        let networks = self.networks;
        let w = networks.w.panel(self.index);
        let mut starts = Vec::with_capacity(networks.segments().len() * networks.examples);
        starts.extend((0..networks.examples).map(|example| networks.start(example, self.index)));
        for segment in networks.segments().take(networks.segments().len() - 1) {
            let before = starts.len() - networks.examples;
            for example in 0..networks.examples {
                let mut a = starts[before + example];
                for variable in segment.clone() {
                    advance::<I, T>(&mut a, networks.x(example, variable), &w[networks.rows(variable)]);
                }
                starts.push(a);
            }
        }
        starts
    }

    /// Computes the hidden layer again.
    #[inline(always)]
    fn replay<I: Isa>(&self, mut a: Line<T>, example: usize, segment: Range<usize>, runs: &mut Runs<T>) {
        let networks = self.networks;
        let w = networks.w.panel(self.index);
        let (mut run, mut changed, last) = (0, true, segment.end - 1);
        for (step, variable) in segment.enumerate() {
            if changed {
                run += usize::from(step > 0);
                runs.values[run] = a.map::<I, F>();
                let saved = if self.derivative_from_result { &runs.values[run] } else { &a };
                runs.slopes[run] = saved.derivative::<I, F>();
            }
            runs.of[step] = run;
            changed = variable < last
                && advance::<I, T>(&mut a, networks.x(example, variable), &w[networks.rows(variable)]);
        }
    }

    /// The backward pass from the last variable of a segment to the first.
    #[inline(always)]
    fn pass<I: Isa>(&mut self, example: usize, segment: Range<usize>, runs: &Runs<T>) {
        let networks = self.networks;
        let (w, v) = (networks.w.panel(self.index), networks.v.panel(self.index));
        let outputs = networks.outputs;
        let gradient = &self.gradient[example * v.len()..][..v.len()];
        let Panel { a, w: w_sums, v: v_sums, x: x_share } = &mut *self.panel;
        let a = &mut a[example];
        let mut current = runs.of[segment.len() - 1];
        let mut gathered = Line::zero();
        for variable in segment.clone().rev() {
            let run = runs.of[variable - segment.start];
            if run != current || x_share.is_some() {
                a.add_products::<I>(&gathered, &runs.slopes[current]);
                gathered = Line::zero();
                current = run;
            }
            let rows = networks.rows(variable);
            for (&x, sum) in networks.x(example, variable).iter().zip(&mut w_sums[rows.clone()]) {
                if x.to_f64() != 0.0 {
                    sum.add_multiple::<I>(x, a);
                }
            }
            if let Some(share) = x_share {
                let share = &mut share[example * w.len()..][rows.clone()];
                for (share, row) in share.iter_mut().zip(&w[rows]) {
                    let mut product = Lanes::zero();
                    product.add_products::<I>(a, row);
                    *share = product.total::<I>();
                }
            }
            let outputs = variable * outputs..(variable + 1) * outputs;
            let h = &runs.values[run];
            for ((&g, v), sum) in
                gradient[outputs.clone()].iter().zip(&v[outputs.clone()]).zip(&mut v_sums[outputs])
            {
                sum.add_multiple::<I>(g, h);
                gathered.add_multiple::<I>(g, v);
            }
        }
        a.add_products::<I>(&gathered, &runs.slopes[current]);
    }
}
