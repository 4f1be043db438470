//! Which units of a masked network see which: orders and degrees.
//!
//! ```text
//! a variable at position t = 0 … D-1 of the order has the degree t+1 as input, context inputs have degree 0
//! a hidden unit of degree m sees units below of degree ≤ m:   M(k', k) = 1[m(k) ≥ m(k')]
//! the output at position t sees hidden units of degree ≤ t:   M(k, d)  = 1[t(d) ≥ m(k)],   so nothing of x_d itself
//! direct connections:                                         M(d', d) = 1[t(d) > t(d')]
//! ```
//!
//! References: Germain, Gregor, Murray & Larochelle, "MADE", ICML 2015, arXiv:1502.03509, equations 12 and 13 and section
//! 4.2 (several orders and connectivities).

use gibbs_backend::Noise;
use gibbs_core::nn::Mask;
use serde::{Deserialize, Serialize};

use crate::Order;

/// How the degrees of hidden units are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degrees {
    /// Shared out evenly, in ascending order: unit `k` of `K` has the degree `lowest + ⌊k·N/K⌋` of `N` possible ones.
    #[default]
    Uniform,
    /// Drawn, all equally likely from the lowest degree in the layer below up, as in the paper.
    Random,
}

/// An order of the variables and a degree for each hidden unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiring {
    order: Order,
    hidden: Vec<Vec<usize>>,
}

impl Wiring {
    /// Degrees for hidden layers of these widths.
    ///
    /// The lowest degree is 1, or 0 where there is a context: units of degree 0 see it alone. The highest is `D - 1`, as no
    /// output could see a unit of degree `D`.
    pub fn new(
        order: Order,
        hidden: &[usize],
        degrees: Degrees,
        has_context: bool,
        noise: &mut Noise,
    ) -> Self {
        let highest = order.len().saturating_sub(1);
        let mut lowest = usize::from(!has_context).min(highest);
        let mut layer = |width: usize| -> Vec<usize> {
            let n = highest - lowest + 1;
            match degrees {
                Degrees::Uniform => (0..width).map(|k| lowest + k * n / width).collect(),
                Degrees::Random => {
                    let layer: Vec<usize> = (0..width).map(|_| lowest + noise.below(n)).collect();
                    lowest = layer.iter().copied().min().unwrap_or(lowest);
                    layer
                }
            }
        };
        let hidden = hidden.iter().map(|&width| layer(width)).collect();
        Self { order, hidden }
    }

    /// The order of the variables.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Degrees of the hidden units, layer by layer.
    pub fn degrees(&self) -> &[Vec<usize>] {
        &self.hidden
    }

    /// The masks of the layers from the inputs up, for variables with this many inputs and outputs each and a context.
    pub fn masks(&self, n_inputs: usize, n_context: usize, n_outputs: usize) -> Vec<Mask> {
        let (mut below, outputs) = self.ends(n_inputs, n_context, n_outputs);
        let mut masks = Vec::with_capacity(self.hidden.len() + 1);
        for layer in &self.hidden {
            masks.push(Mask::from_fn(layer.len(), below.len(), |k, j| layer[k] >= below[j]));
            below.clone_from(layer);
        }
        masks.push(Mask::from_fn(outputs.len(), below.len(), |d, k| outputs[d] >= below[k]));
        masks
    }

    /// The mask of direct connections from the inputs to the outputs.
    pub fn direct_mask(&self, n_inputs: usize, n_context: usize, n_outputs: usize) -> Mask {
        let (inputs, outputs) = self.ends(n_inputs, n_context, n_outputs);
        Mask::from_fn(outputs.len(), inputs.len(), |d, j| outputs[d] >= inputs[j])
    }

    /// Degrees of the inputs, context last, and the highest degree that each output may see.
    fn ends(&self, n_inputs: usize, n_context: usize, n_outputs: usize) -> (Vec<usize>, Vec<usize>) {
        let positions = self.order.positions();
        let of_variables = |per: usize, shift: usize| {
            positions.iter().flat_map(move |t| std::iter::repeat_n(t + shift, per))
        };
        let inputs = of_variables(n_inputs, 1).chain(std::iter::repeat_n(0, n_context)).collect();
        (inputs, of_variables(n_outputs, 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wirings(n: usize, hidden: &[usize], has_context: bool) -> Vec<Wiring> {
        let mut noise = Noise::new(0, "wiring");
        let mut all = Vec::new();
        for degrees in [Degrees::Uniform, Degrees::Random] {
            for order in [Order::natural(n), Order::new(noise.permutation(n)).unwrap()] {
                all.push(Wiring::new(order, hidden, degrees, has_context, &mut noise));
            }
        }
        all
    }

    #[test]
    fn outputs_see_exactly_the_hidden_degrees_that_earlier_variables_allow() {
        for n_context in [0, 2] {
            for wiring in wirings(6, &[40, 30], n_context > 0) {
                let reach = Mask::through(&wiring.masks(1, n_context, 1));
                let positions = wiring.order().positions();
                for d in 0..6 {
                    for j in 0..6 {
                        assert_eq!(reach.get(d, j), positions[j] < positions[d], "{d} {j} {wiring:?}");
                    }
                    assert!((6..6 + n_context).all(|j| reach.get(d, j)), "{d} {wiring:?}");
                }
            }
        }
    }

    #[test]
    fn direct_connections_are_the_whole_triangle() {
        for wiring in wirings(5, &[], false) {
            let (mask, positions) = (wiring.direct_mask(2, 1, 3), wiring.order().positions());
            for d in 0..15 {
                assert!((0..10).all(|j| mask.get(d, j) == (positions[j / 2] < positions[d / 3])));
                assert!(mask.get(d, 10));
            }
        }
    }

    #[test]
    fn degrees_lie_in_their_range_and_no_unit_is_cut_off() {
        for has_context in [false, true] {
            for wiring in wirings(7, &[9, 4, 5], has_context) {
                let mut lowest = usize::from(!has_context);
                for layer in wiring.degrees() {
                    assert!(layer.iter().all(|&m| (lowest..=6).contains(&m)), "{wiring:?}");
                    lowest = *layer.iter().min().unwrap();
                }
            }
        }
    }

    #[test]
    fn one_variable_needs_no_hidden_units() {
        for wiring in wirings(1, &[3], false) {
            let masks = wiring.masks(1, 0, 1);
            assert_eq!(Mask::through(&masks).connections(0), 0);
        }
    }

    #[test]
    fn uniform_degrees_are_evenly_spaced() {
        let wiring = Wiring::new(Order::natural(5), &[8], Degrees::Uniform, false, &mut Noise::new(0, ""));
        assert_eq!(wiring.degrees()[0], [1, 1, 2, 2, 3, 3, 4, 4]);
    }
}
