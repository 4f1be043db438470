//! The masks of a MADE: an order of the variables and a degree for each hidden unit.
//!
//! ```text
//! a variable at position t = 0 … D-1 of the order has the degree t+1 as input; context inputs have degree 0
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

/// How hidden units get their degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degrees {
    /// Evenly spaced, in ascending order: unit `k` of `K` has the degree `lowest + ⌊k·N/K⌋`, where N is the number of possible
    /// degrees.
    #[default]
    Uniform,
    /// Drawn uniformly between the lowest degree in the layer below and the highest possible one, as in the paper.
    Random,
}

/// An order of the variables and a degree for each hidden unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeMasks {
    order: Order,
    hidden: Vec<Vec<usize>>,
}

impl MadeMasks {
    /// Degrees for hidden layers of these widths.
    ///
    /// The lowest degree is 1. With a context it is 0: units of degree 0 see the context only. The highest degree is `D - 1`,
    /// because no output can see a unit of degree `D`.
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

    /// The masks of the layers, inputs first, for these numbers of inputs and outputs of each variable and a context of this
    /// width.
    pub fn layers(&self, n_inputs: usize, n_context: usize, n_outputs: usize) -> Vec<Mask> {
        let [inputs, outputs] = self.ends(n_inputs, n_context, n_outputs);
        Mask::from_labels(&[&[inputs], &self.hidden[..], &[outputs]].concat(), |own, below| own >= below)
    }

    /// The mask of direct connections from the inputs to the outputs.
    pub fn direct(&self, n_inputs: usize, n_context: usize, n_outputs: usize) -> Mask {
        let [inputs, outputs] = self.ends(n_inputs, n_context, n_outputs);
        Mask::from_fn(outputs.len(), inputs.len(), |d, j| outputs[d] >= inputs[j])
    }

    /// Degrees of the inputs, context last, and the highest degree that each output may see.
    fn ends(&self, n_inputs: usize, n_context: usize, n_outputs: usize) -> [Vec<usize>; 2] {
        let positions = self.order.positions();
        let of_variables = |per: usize, shift: usize| {
            positions.iter().flat_map(move |t| std::iter::repeat_n(t + shift, per))
        };
        let inputs = of_variables(n_inputs, 1).chain(std::iter::repeat_n(0, n_context)).collect();
        [inputs, of_variables(n_outputs, 0).collect()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_masks(n: usize, hidden: &[usize], has_context: bool) -> Vec<MadeMasks> {
        let mut noise = Noise::new(0, "wiring");
        let mut all = Vec::new();
        for degrees in [Degrees::Uniform, Degrees::Random] {
            for order in [Order::natural(n), Order::new(noise.permutation(n)).unwrap()] {
                all.push(MadeMasks::new(order, hidden, degrees, has_context, &mut noise));
            }
        }
        all
    }

    #[test]
    fn outputs_see_exactly_the_hidden_degrees_that_earlier_variables_allow() {
        for n_context in [0, 2] {
            for masks in all_masks(6, &[40, 30], n_context > 0) {
                let reach = Mask::through(&masks.layers(1, n_context, 1));
                let positions = masks.order().positions();
                for d in 0..6 {
                    for j in 0..6 {
                        assert_eq!(reach.get(d, j), positions[j] < positions[d], "{d} {j} {masks:?}");
                    }
                    assert!((6..6 + n_context).all(|j| reach.get(d, j)), "{d} {masks:?}");
                }
            }
        }
    }

    #[test]
    fn direct_connections_are_the_whole_triangle() {
        for masks in all_masks(5, &[], false) {
            let (mask, positions) = (masks.direct(2, 1, 3), masks.order().positions());
            for d in 0..15 {
                assert!((0..10).all(|j| mask.get(d, j) == (positions[j / 2] < positions[d / 3])));
                assert!(mask.get(d, 10));
            }
        }
    }

    #[test]
    fn degrees_lie_in_their_range_and_no_unit_is_cut_off() {
        for has_context in [false, true] {
            for masks in all_masks(7, &[9, 4, 5], has_context) {
                let mut lowest = usize::from(!has_context);
                for layer in masks.degrees() {
                    assert!(layer.iter().all(|&m| (lowest..=6).contains(&m)), "{masks:?}");
                    lowest = *layer.iter().min().unwrap();
                }
            }
        }
    }

    #[test]
    fn one_variable_needs_no_hidden_units() {
        for masks in all_masks(1, &[3], false) {
            let masks = masks.layers(1, 0, 1);
            assert_eq!(Mask::through(&masks).connections(0), 0);
        }
    }

    #[test]
    fn uniform_degrees_are_evenly_spaced() {
        let masks = MadeMasks::new(Order::natural(5), &[8], Degrees::Uniform, false, &mut Noise::new(0, ""));
        assert_eq!(masks.degrees()[0], [1, 1, 2, 2, 3, 3, 4, 4]);
    }
}
