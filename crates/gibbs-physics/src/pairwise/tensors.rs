//! Energies on a device.

use burn::{prelude::*, tensor::DType};
use gibbs_core::check;

use super::Pairwise;
use crate::Hamiltonian;

/// Entries of the full matrix that cost as much, in a product, as gathering both ends of one bond (measured on the CPU).
const ENTRIES_PER_BOND: usize = 128;

/// The couplings on a device.
#[derive(Clone, Debug)]
enum Couplings {
    /// `J [n, n]`.
    Full(Box<Tensor<2>>),
    /// One by one.
    Bonds(Box<Bonds>),
    /// No bonds.
    None,
}

/// Both ends and the coupling of each bond.
#[derive(Clone, Debug)]
struct Bonds {
    /// `[bonds]`.
    first: Tensor<1, Int>,
    /// `[bonds]`.
    second: Tensor<1, Int>,
    /// `J [bonds, 1]`.
    values: Tensor<2>,
}

/// A Hamiltonian on a device, in one precision.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    couplings: Couplings,
    /// `h [n, 1]`.
    field: Tensor<2>,
}

impl Placed {
    fn new(hamiltonian: &Pairwise, device: &Device, dtype: DType) -> Self {
        let n = hamiltonian.n_spins();
        let n_bonds = hamiltonian.n_bonds();
        let matrix = |values: Vec<f64>, shape: [usize; 2]| {
            Tensor::<2>::from_data(TensorData::new(values, shape), (device, dtype))
        };
        let sites = |sites: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(sites, [n_bonds]), device);
        let couplings = if n_bonds == 0 {
            Couplings::None
        } else if n * n <= ENTRIES_PER_BOND * n_bonds {
            Couplings::Full(Box::new(matrix(hamiltonian.matrix(), [n, n])))
        } else {
            Couplings::Bonds(Box::new(Bonds {
                first: sites(hamiltonian.bonds().map(|(i, _, _)| i as i64).collect()),
                second: sites(hamiltonian.bonds().map(|(_, j, _)| j as i64).collect()),
                values: matrix(hamiltonian.bonds().map(|(_, _, value)| value).collect(), [n_bonds, 1]),
            }))
        };
        let field = matrix(hamiltonian.field().to_vec(), [n, 1]);
        Self { couplings, field }
    }

    fn energy(self, spins: Tensor<2>) -> Tensor<1> {
        let single = spins.clone().matmul(self.field);
        let total = match self.couplings {
            Couplings::None => single,
            Couplings::Full(matrix) => single + (spins.clone().matmul(*matrix) * spins).sum_dim(1) * 0.5,
            Couplings::Bonds(bonds) => {
                let Bonds { first, second, values } = *bonds;
                single + (spins.clone().select(1, first) * spins.select(1, second)).matmul(values)
            }
        };
        total.neg().squeeze_dim(1)
    }
}

impl Hamiltonian for Pairwise {
    fn n_spins(&self) -> usize {
        self.field.len()
    }

    fn energy(&self, spins: Tensor<2>) -> Tensor<1> {
        check::require_width("the spin system", &spins, self.n_spins());
        self.cache.get(&spins, |device, dtype| Placed::new(self, device, dtype)).energy(spins)
    }
}
