//! The Ising model to play with: its square lattice at any temperature, by heat-bath sweeps.

use gibbs_physics::{
    Boundary, Lattice as SquareLattice, Pairwise, PhysicsError,
    exact::{CRITICAL_BETA, onsager, yang},
    ising,
    monte_carlo::{Chain, Observation, Rule, Sweep},
};
use gibbs_serve::playground::{Dice, Lattice, PlayError, Playground, Spins};

use crate::play;

/// Lengths of the lattices.
const LENGTHS: [usize; 4] = [32, 64, 128, 256];
/// Temperatures from well below to well above the critical one, 2.269.
const TEMPERATURES: (f64, f64) = (0.5, 5.0);

/// Ferromagnets on square lattices with periodic boundaries, coupling 1, no field.
pub struct IsingPlayground(Vec<(usize, Pairwise)>);

impl IsingPlayground {
    /// Lattices of all lengths.
    ///
    /// # Errors
    /// Never: the lengths are constants.
    pub fn new() -> Result<Self, PhysicsError> {
        let model = |length: usize| {
            Ok((length, ising(&SquareLattice::square(length, Boundary::Periodic)?, 1.0, 0.0)?))
        };
        LENGTHS.into_iter().map(model).collect::<Result<_, _>>().map(Self)
    }
}

impl Playground for IsingPlayground {
    fn lattice(&self) -> Option<&dyn Lattice> {
        Some(self)
    }
}

impl Lattice for IsingPlayground {
    fn lengths(&self) -> Vec<usize> {
        LENGTHS.to_vec()
    }

    fn temperatures(&self) -> (f64, f64) {
        TEMPERATURES
    }

    fn critical_temperature(&self) -> f64 {
        CRITICAL_BETA.recip()
    }

    fn exact(&self, temperature: f64) -> Result<(f64, f64), PlayError> {
        let beta = temperature.recip();
        Ok((onsager(beta)?.energy, yang(beta)?))
    }

    fn sweep(
        &self,
        spins: Vec<i8>,
        length: usize,
        temperature: f64,
        sweeps: usize,
        dice: Dice,
    ) -> Result<Spins, PlayError> {
        let (_, hamiltonian) =
            self.0.iter().find(|(own, _)| *own == length).ok_or_else(|| play::error("another length"))?;
        let chain = Sweep::new(hamiltonian, temperature.recip(), Rule::HeatBath)?;
        let spins = chain.run(spins, sweeps, &mut play::noise(dice));
        let Observation { energy, magnetization } = Observation::of(hamiltonian, &spins);
        Ok(Spins { energy: energy / spins.len() as f64, magnetization, spins })
    }
}
