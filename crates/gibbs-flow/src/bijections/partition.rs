//! Columns of a matrix in two groups.

use std::sync::Arc;

use burn::prelude::*;
use gibbs_core::columns::{inverse, select};

/// Columns in two groups, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// May be empty.
    pub(crate) kept: Vec<usize>,
    /// At least one.
    pub(crate) changed: Arc<[usize]>,
    /// The place of each column in the list of kept, then changed columns.
    places: Vec<usize>,
}

impl Partition {
    /// The columns with `keeps` true, and the others.
    pub(crate) fn new(keeps: &[bool]) -> Self {
        let (kept, changed): (Vec<usize>, Vec<usize>) = (0..keeps.len()).partition(|&column| keeps[column]);
        let places = inverse(&[kept.as_slice(), &changed].concat());
        Self { kept, changed: changed.into(), places }
    }

    /// The kept columns of `x`, if there are any.
    pub(crate) fn kept(&self, x: &Tensor<2>) -> Option<Tensor<2>> {
        (!self.kept.is_empty()).then(|| select(x.clone(), &self.kept))
    }

    /// The others.
    pub(crate) fn changed(&self, x: Tensor<2>) -> Tensor<2> {
        select(x, &self.changed)
    }

    /// The matrix with these columns.
    pub(crate) fn join(&self, kept: Option<Tensor<2>>, changed: Tensor<2>) -> Tensor<2> {
        let Some(kept) = kept else { return changed };
        if self.changed.last() < self.kept.first() {
            Tensor::cat(vec![changed, kept], 1)
        } else {
            select(Tensor::cat(vec![kept, changed], 1), &self.places)
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
            let (kept, changed) = (partition.kept(&x), partition.changed(x.clone()));
            let first: Vec<f64> = partition.changed.iter().map(|&column| column as f64).collect();
            assert_eq!(to_host(changed.clone().narrow(0, 0, 1)), first, "{keeps:?}");
            assert_eq!(to_host(partition.join(kept, changed)), to_host(x.clone()), "{keeps:?}");
        }
    }
}
