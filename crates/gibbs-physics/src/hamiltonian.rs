//! Energies of spins, and their distribution at a temperature.

use burn::prelude::*;
use gibbs_core::Energy;

use crate::error::{PhysicsError, inverse_temperature};

/// An energy function of `n` spins `s_i ∈ {-1, +1}`.
///
/// The energy `H(s)` is in the units of its couplings and does not depend on temperature. Samplers and variational models use
/// the dimensionless `β H(s)` of the canonical distribution, [`Canonical`].
pub trait Hamiltonian {
    /// Number of spins.
    fn n_spins(&self) -> usize;

    /// `H(s)` of each row of `spins [batch, n_spins]`, entries ±1: `[batch]`, on the device and in the precision of
    /// `spins`. Differentiable in `spins`.
    ///
    /// # Panics
    /// If the width of `spins` is not the number of spins.
    fn energy(&self, spins: Tensor<2>) -> Tensor<1>;
}

impl<H: Hamiltonian + ?Sized> Hamiltonian for &H {
    fn n_spins(&self) -> usize {
        (**self).n_spins()
    }

    fn energy(&self, spins: Tensor<2>) -> Tensor<1> {
        (**self).energy(spins)
    }
}

/// The canonical distribution `p(s) = exp(-β H(s)) / Z(β)`: a Hamiltonian at an inverse temperature.
///
/// Its [`Energy`] is `β H(s)`. Store a reference to a Hamiltonian to use the same couplings at several temperatures.
#[derive(Clone, Debug)]
pub struct Canonical<H> {
    /// `H`.
    pub hamiltonian: H,
    beta: f64,
}

impl<H: Hamiltonian> Canonical<H> {
    /// `hamiltonian` at the inverse temperature `beta = 1 / k_B T`, in units of one over those of the couplings.
    ///
    /// # Errors
    /// If `beta` is negative, infinite or not a number.
    pub fn new(hamiltonian: H, beta: f64) -> Result<Self, PhysicsError> {
        Ok(Self { hamiltonian, beta: inverse_temperature(beta)? })
    }

    /// `β`.
    pub fn beta(&self) -> f64 {
        self.beta
    }
}

impl<H: Hamiltonian> Energy for Canonical<H> {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self.hamiltonian.energy(x) * self.beta
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_core::math::to_host;

    use super::*;
    use crate::{Boundary, Lattice, ising};

    #[test]
    fn the_canonical_energy_is_beta_times_the_hamiltonian() {
        let hamiltonian = ising(&Lattice::square(3, Boundary::Open).unwrap(), 1.0, 0.0).unwrap();
        let spins = Tensor::<2>::ones([2, 9], (&Device::flex(), DType::F64));
        let energies = to_host(Canonical::new(&hamiltonian, 0.25).unwrap().energy(spins));
        assert_eq!(energies, [-3.0, -3.0]);
    }

    #[test]
    fn inverse_temperatures_are_checked() {
        let hamiltonian = ising(&Lattice::square(3, Boundary::Open).unwrap(), 1.0, 0.0).unwrap();
        for (beta, shown) in [(-0.5, "-0.5"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
            let message = Canonical::new(&hamiltonian, beta).unwrap_err().to_string();
            assert_eq!(message, format!("beta = {shown}: must be finite and at least 0"));
        }
    }
}
