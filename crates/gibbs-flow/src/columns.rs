//! Choosing columns of a matrix, and putting them back.

use burn::prelude::*;

/// Columns `from[0]`, `from[1]`, … of `x`. Costs nothing where they are all of them in their order.
///
/// # Panics
/// If there is no such column, or `from` is empty.
pub(crate) fn columns(x: Tensor<2>, from: &[usize]) -> Tensor<2> {
    let is_run = from.windows(2).all(|pair| pair[1] == pair[0] + 1);
    if is_run {
        return if from.len() == x.dims()[1] { x } else { x.narrow(1, from[0], from.len()) };
    }
    let from: Vec<i64> = from.iter().map(|&column| column as i64).collect();
    let from = Tensor::<1, Int>::from_data(from.as_slice(), &x.device());
    x.select(1, from)
}

/// The place of each number in a permutation.
pub(crate) fn inverse_permutation(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &number)| places[number] = place);
    places
}

/// Columns in two groups, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// May be empty.
    pub(crate) kept: Vec<usize>,
    /// At least one.
    pub(crate) changed: Vec<usize>,
    /// Where each column is when those kept stand before those changed.
    places: Vec<usize>,
}

impl Partition {
    /// The columns with `keeps` true, and the others.
    pub(crate) fn new(keeps: &[bool]) -> Self {
        let (kept, changed): (Vec<usize>, Vec<usize>) = (0..keeps.len()).partition(|&column| keeps[column]);
        let places = inverse_permutation(&[kept.as_slice(), &changed].concat());
        Self { kept, changed, places }
    }

    /// Both groups of the columns of `x`.
    pub(crate) fn split(&self, x: Tensor<2>) -> (Option<Tensor<2>>, Tensor<2>) {
        let kept = (!self.kept.is_empty()).then(|| columns(x.clone(), &self.kept));
        (kept, columns(x, &self.changed))
    }

    /// The reverse of [`split`](Self::split).
    pub(crate) fn join(&self, kept: Option<Tensor<2>>, changed: Tensor<2>) -> Tensor<2> {
        let Some(kept) = kept else { return changed };
        if self.changed.last() < self.kept.first() {
            Tensor::cat(vec![changed, kept], 1)
        } else {
            columns(Tensor::cat(vec![kept, changed], 1), &self.places)
        }
    }
}

#[cfg(test)]
mod tests {
    use gibbs_core::math::to_host;

    use super::*;

    #[test]
    fn joined_groups_are_the_matrix() {
        let x = Tensor::<2>::from_data([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]], &Device::flex());
        for bits in 0..15_u32 {
            let keeps: Vec<bool> = (0..4).map(|column| bits >> column & 1 == 1).collect();
            let partition = Partition::new(&keeps);
            let (kept, changed) = partition.split(x.clone());
            let first: Vec<f64> = partition.changed.iter().map(|&column| column as f64).collect();
            assert_eq!(to_host(changed.clone().narrow(0, 0, 1)), first, "{keeps:?}");
            assert_eq!(to_host(partition.join(kept, changed)), to_host(x.clone()), "{keeps:?}");
        }
    }
}
