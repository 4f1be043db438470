//! Layers of several kinds, side by side.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;

use super::{
    any::AnyUnits,
    traits::{EnumerableUnits, UnitFamily, UnitMoments, UnitStatistics, Units},
};

/// Layers without couplings to each other, as one layer whose columns are those of all parts: energies and log-partition functions
/// add up.
#[derive(Module, Debug)]
pub struct Joined {
    parts: Vec<AnyUnits>,
}

impl Joined {
    /// Layers in the order of their columns.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(parts: Vec<AnyUnits>) -> Self {
        assert!(!parts.is_empty(), "a layer needs at least one part");
        Self { parts }
    }

    /// The parts, in the order of their columns.
    pub fn parts(&self) -> &[AnyUnits] {
        &self.parts
    }

    /// Each part with its own columns of `x [batch, width]`.
    fn split(&self, x: Tensor<2>) -> impl Iterator<Item = (&AnyUnits, Tensor<2>)> {
        let mut start = 0;
        self.parts.iter().map(move |part| {
            let columns = x.clone().narrow(1, start, part.width());
            start += part.width();
            (part, columns)
        })
    }

    /// The sum over parts.
    fn sum(&self, x: Tensor<2>, term: impl Fn(&AnyUnits, Tensor<2>) -> Tensor<1>) -> Tensor<1> {
        let zeros = Tensor::zeros([x.dims()[0]], (&x.device(), x.dtype()));
        self.split(x).map(|(part, x)| term(part, x)).fold(zeros, |sum, term| sum + term)
    }

    /// The columns of all parts.
    fn columns(&self, x: Tensor<2>, mut columns: impl FnMut(&AnyUnits, Tensor<2>) -> Tensor<2>) -> Tensor<2> {
        let parts: Vec<_> = self.split(x).map(|(part, x)| columns(part, x)).collect();
        match <[_; 1]>::try_from(parts) {
            Ok([only]) => only,
            Err(parts) => Tensor::cat(parts, 1),
        }
    }

    fn map(&self, part: impl Fn(&AnyUnits) -> AnyUnits) -> Self {
        Self { parts: self.parts.iter().map(part).collect() }
    }
}

impl Units for Joined {
    fn width(&self) -> usize {
        self.parts.iter().map(Units::width).sum()
    }

    /// Those of all parts; each has the width of its part.
    fn parameters(&self) -> Vec<&Param<Tensor<1>>> {
        self.parts.iter().flat_map(Units::parameters).collect()
    }

    /// The range that holds those of all parts.
    fn range(&self) -> (f64, f64) {
        let ranges = self.parts.iter().map(Units::range);
        ranges.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), range| {
            (low.min(range.0), high.max(range.1))
        })
    }

    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self.sum(x, Units::energy)
    }

    fn log_partition(&self, input: Tensor<2>) -> Tensor<1> {
        self.sum(input, Units::log_partition)
    }

    fn mean(&self, input: Tensor<2>) -> Tensor<2> {
        self.columns(input, Units::mean)
    }

    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        self.columns(input, |part, input| part.sample(input, noise))
    }
}

impl UnitFamily for Joined {
    fn neutral(&self) -> Self {
        self.map(UnitFamily::neutral)
    }

    fn fitted(&self, data: &UnitMoments) -> Self {
        let mut start = 0;
        let parts = self.parts.iter().map(|part| {
            let columns = |x: &Tensor<1>| x.clone().narrow(0, start, part.width());
            let moments =
                UnitMoments { mean: columns(&data.mean), variance: columns(&data.variance), n: data.n };
            start += part.width();
            part.fitted(&moments)
        });
        Self { parts: parts.collect() }
    }

    /// # Panics
    /// If the parts of the two layers are of different kinds.
    fn interpolate(&self, other: &Self, t: f64) -> Self {
        let parts = self.parts.iter().zip(&other.parts).map(|(a, b)| a.interpolate(b, t));
        Self { parts: parts.collect() }
    }
}

impl UnitStatistics for Joined {
    fn statistics(&self, x: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        self.split(x).flat_map(|(part, x)| part.statistics(x, weights)).collect()
    }

    fn statistics_of_mean(&self, mean: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        self.split(mean).flat_map(|(part, mean)| part.statistics_of_mean(mean, weights)).collect()
    }

    /// Whether it has one part, whose bias is as wide as the layer.
    fn has_linear_bias(&self) -> bool {
        self.parts.len() == 1 && self.parts[0].has_linear_bias()
    }
}

impl EnumerableUnits for Joined {
    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        let mut alphabets = self.parts.iter().map(EnumerableUnits::alphabet);
        let first = alphabets.next()??;
        alphabets.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    fn n_states(&self) -> Option<u64> {
        let mut states = self.parts.iter().map(EnumerableUnits::n_states);
        states.try_fold(1u64, |product, n| product.checked_mul(n?)).filter(|n| *n <= i64::MAX as u64)
    }

    /// The states of the first part change fastest.
    fn states(&self, first: u64, n: usize) -> Tensor<2> {
        if let [only] = &self.parts[..] {
            return only.states(first, n);
        }
        let mut stride = 1u64;
        let parts = self.parts.iter().map(|part| {
            let Some(n_states) = part.n_states() else { panic!("continuous units have no countable states") };
            let states = (first..first + n as u64).map(|state| part.states(state / stride % n_states, 1));
            let states = Tensor::cat(states.collect(), 0);
            stride = stride.saturating_mul(n_states);
            states
        });
        Tensor::cat(parts.collect(), 1)
    }
}
