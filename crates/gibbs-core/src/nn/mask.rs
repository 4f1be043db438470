//! Masks: which outputs depend on which inputs, as a matrix of bits.

use std::collections::BTreeSet;
use std::fmt;

use gibbs_backend::Pattern;

use crate::ConfigError;

/// A matrix of booleans `[outputs, inputs]`: a mask of one layer, or the dependencies of a whole network.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mask {
    n_in: usize,
    rows: Vec<Bits>,
}

/// A set of inputs, 64 to a word.
type Bits = Vec<u64>;

fn is_subset(a: &Bits, b: &Bits) -> bool {
    a.iter().zip(b).all(|(a, b)| a & !b == 0)
}

fn count(bits: &Bits) -> usize {
    bits.iter().map(|word| word.count_ones() as usize).sum()
}

fn contains(bits: &Bits, input: usize) -> bool {
    bits[input / 64] >> (input % 64) & 1 == 1
}

impl Mask {
    /// The mask in which output `i` sees input `j` if `allowed(i, j)`.
    pub fn from_fn(n_out: usize, n_in: usize, allowed: impl Fn(usize, usize) -> bool) -> Self {
        let row = |i| {
            let mut bits = vec![0; n_in.div_ceil(64)];
            (0..n_in).filter(|&j| allowed(i, j)).for_each(|j| bits[j / 64] |= 1 << (j % 64));
            bits
        };
        Self { n_in, rows: (0..n_out).map(row).collect() }
    }

    /// Number of outputs.
    pub fn n_out(&self) -> usize {
        self.rows.len()
    }

    /// Number of inputs.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Whether output `i` sees input `j`.
    ///
    /// # Panics
    /// If `i` or `j` is out of range.
    pub fn get(&self, i: usize, j: usize) -> bool {
        assert!(j < self.n_in, "input {j} of a mask with {} inputs", self.n_in);
        contains(&self.rows[i], j)
    }

    /// Number of inputs that output `i` sees.
    pub fn connections(&self, i: usize) -> usize {
        count(&self.rows[i])
    }

    /// Masks for a network whose units carry labels: a unit sees a unit of the layer below if `sees(own label, label below)`.
    ///
    /// `labels` holds one list for each layer: the inputs first, then the hidden layers, then the outputs.
    ///
    /// # Panics
    /// If there are fewer than two layers.
    pub fn from_labels<L>(labels: &[Vec<L>], sees: impl Fn(&L, &L) -> bool) -> Vec<Self> {
        assert!(labels.len() > 1, "a network has inputs and outputs");
        let mask = |pair: &[Vec<L>]| {
            Self::from_fn(pair[1].len(), pair[0].len(), |i, j| sees(&pair[1][i], &pair[0][j]))
        };
        labels.windows(2).map(mask).collect()
    }

    /// The composition of two masks: output `i` of `next` sees input `j` of `self` if it sees some unit `k` between them that
    /// sees `j`.
    ///
    /// # Panics
    /// If `next` has another number of inputs than `self` has outputs.
    pub fn then(&self, next: &Self) -> Self {
        assert_eq!(
            next.n_in,
            self.n_out(),
            "a mask of {} inputs after one of {} outputs",
            next.n_in,
            self.n_out()
        );
        let row = |through: &Bits| {
            let mut bits = vec![0; self.n_in.div_ceil(64)];
            for (k, seen) in self.rows.iter().enumerate() {
                if contains(through, k) {
                    bits.iter_mut().zip(seen).for_each(|(word, more)| *word |= more);
                }
            }
            bits
        };
        Self { n_in: self.n_in, rows: next.rows.iter().map(row).collect() }
    }

    /// The dependencies of a whole network with these masks, one for each layer, inputs first.
    ///
    /// # Panics
    /// If there are no masks or they do not fit each other.
    pub fn through(masks: &[Self]) -> Self {
        assert!(!masks.is_empty(), "a network has at least one layer");
        masks[1..].iter().fold(masks[0].clone(), |reach, next| reach.then(next))
    }

    /// Masks for a network with hidden layers of these widths. Its output `i` depends on input `j` only if `self` has
    /// `(i, j)`.
    ///
    /// Each hidden unit has a set of inputs that it may see: one of the distinct non-empty rows of `self`. The sets are sorted
    /// by size and distributed evenly over each layer, so that a layer with at least as many units as there are sets contains
    /// every set. A unit with the set S sees the units (or inputs) of the layer below whose set is a subset of S. By
    /// induction, nothing outside S reaches it. If all layers are wide enough, everything inside S reaches it: the network
    /// then has *exactly* the dependencies of `self`. Narrower layers lose some dependencies and never add one;
    /// [`through`](Self::through) returns those that remain. For the strictly lower triangle this is MADE (Germain et al.
    /// 2015, equations 12 and 13) with evenly spaced degrees.
    ///
    /// # Errors
    /// If a width is 0, or if the layers are so narrow that an output with a non-empty row sees no input.
    pub fn layers(&self, hidden: &[usize]) -> Result<Vec<Self>, ConfigError> {
        if self.n_in == 0 || self.rows.is_empty() || hidden.contains(&0) {
            let widths = [&[self.n_in], hidden, &[self.n_out()]].concat();
            super::widths::check(&widths)?;
        }
        let sets: BTreeSet<&Bits> = self.rows.iter().filter(|row| count(row) > 0).collect();
        let mut sets: Vec<&Bits> = sets.into_iter().collect();
        sets.sort_by_key(|set| count(set));
        let empty: Bits = vec![0; self.n_in.div_ceil(64)];
        let share = |width: usize| -> Vec<&Bits> {
            (0..width).map(|k| if sets.is_empty() { &empty } else { sets[k * sets.len() / width] }).collect()
        };
        let inputs = Self::from_fn(self.n_in, self.n_in, |i, j| i == j).rows;
        let hidden_sets = hidden.iter().map(|&width| share(width));
        let sets_of_layers: Vec<Vec<&Bits>> = [inputs.iter().collect()]
            .into_iter()
            .chain(hidden_sets)
            .chain([self.rows.iter().collect()])
            .collect();
        let masks = Self::from_labels(&sets_of_layers, |own, below| is_subset(below, own));
        let reach = Self::through(&masks);
        let lost = (0..self.n_out()).find(|&i| self.connections(i) > 0 && reach.connections(i) == 0);
        match lost {
            Some(output) => Err(ConfigError::new(
                "n_hidden",
                format!("{hidden:?}"),
                format!(
                    "too narrow for the {0} different sets of inputs: output {output} is connected to none of its inputs; {0} \
                     units in each layer are enough",
                    sets.len()
                ),
            )),
            None => Ok(masks),
        }
    }

    /// The mask as a pattern of weights, which are stored as `[inputs, outputs]`.
    pub fn pattern(&self) -> Pattern {
        Pattern::from_fn(self.n_in, self.n_out(), |j, i| contains(&self.rows[i], j))
    }
}

impl fmt::Debug for Mask {
    /// One line of `#` and `.` for each output.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Mask [{}, {}]", self.n_out(), self.n_in)?;
        for row in &self.rows {
            let line: String = (0..self.n_in).map(|j| if contains(row, j) { '#' } else { '.' }).collect();
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triangle(n: usize) -> Mask {
        Mask::from_fn(n, n, |i, j| j < i)
    }

    #[test]
    fn wide_layers_keep_every_dependency_and_add_none() {
        let cases = [
            triangle(5),
            triangle(70),
            Mask::from_fn(6, 6, |i, j| i == j),
            Mask::from_fn(4, 130, |i, j| j % 4 == i || j == 129),
            Mask::from_fn(3, 4, |i, _| i == 1),
            Mask::from_fn(8, 5, |i, j| (i * 7 + j * 3) % 4 == 0),
            Mask::from_fn(2, 2, |_, _| false),
        ];
        for adjacency in cases {
            for hidden in [vec![], vec![70], vec![130, 70], vec![69, 71, 70]] {
                let masks = adjacency.layers(&hidden).unwrap();
                assert_eq!(masks.len(), hidden.len() + 1);
                assert_eq!(Mask::through(&masks), adjacency, "{hidden:?}");
            }
        }
    }

    #[test]
    fn narrow_layers_lose_dependencies_and_add_none() {
        let adjacency = triangle(9);
        let reach = Mask::through(&adjacency.layers(&[4]).unwrap());
        assert_ne!(reach, adjacency);
        for i in 0..9 {
            assert!((0..9).all(|j| adjacency.get(i, j) || !reach.get(i, j)));
            assert!(i == 0 || reach.connections(i) > 0);
        }
    }

    #[test]
    fn an_output_cut_off_from_its_inputs_is_an_error() {
        let message = Mask::from_fn(3, 3, |i, j| i == j).layers(&[2]).unwrap_err().to_string();
        assert!(message.contains("output 2") && message.contains("3 units"), "{message}");
        assert!(triangle(3).layers(&[4, 0]).is_err_and(|error| error.field == "widths"));
        assert!(triangle(0).layers(&[4]).is_err_and(|error| error.field == "widths"));
    }

    #[test]
    fn the_hidden_units_of_a_triangle_are_those_of_made() {
        // Degrees 1, 1, 2, 2, 3, 3 for six units over four inputs: unit k sees inputs 0..degree, output i sees degrees ≤ i.
        let masks = triangle(4).layers(&[6]).unwrap();
        let degree = |k: usize| k / 2 + 1;
        assert_eq!(masks[0], Mask::from_fn(6, 4, |k, j| j < degree(k)));
        assert_eq!(masks[1], Mask::from_fn(4, 6, |i, k| degree(k) <= i));
    }

    #[test]
    fn patterns_are_stored_inputs_first() {
        let mask = Mask::from_fn(70, 40, |i, j| i % 40 < j);
        let pattern = mask.pattern();
        assert_eq!(pattern.dims(), [40, 70]);
        assert!((0..40).all(|j| (0..70).all(|i| pattern.contains(j, i) == mask.get(i, j))));
    }

    #[test]
    #[should_panic(expected = "a mask of 4 inputs after one of 3 outputs")]
    fn masks_that_do_not_fit_panic() {
        triangle(3).then(&triangle(4));
    }
}
