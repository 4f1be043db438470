//! The Ising model to play with: its square lattice at any temperature, by heat-bath sweeps.

use std::sync::Arc;

use gibbs_physics::{
    Boundary, Lattice as SquareLattice, Pairwise, PhysicsError,
    exact::{CRITICAL_BETA, onsager, yang},
    ising,
    monte_carlo::{Chain, Observation, Rule, Sweep},
};
use gibbs_serve::{
    Toy,
    playground::{Dice, Lattice, PlayError, Playground, Spins},
};

use crate::play;

/// Lengths of the lattices.
const LENGTHS: [usize; 4] = [32, 64, 128, 256];
/// Temperatures from well below to well above the critical one, 2.269.
const TEMPERATURES: (f64, f64) = (0.5, 5.0);

/// Ferromagnets on square lattices with periodic boundaries, coupling 1, no field.
struct Ferromagnets(Vec<(usize, Pairwise)>);

/// The lattices of all lengths.
pub(super) fn toy() -> Result<Toy, PhysicsError> {
    let model =
        |length: usize| Ok((length, ising(&SquareLattice::square(length, Boundary::Periodic)?, 1.0, 0.0)?));
    let lattices = LENGTHS.into_iter().map(model).collect::<Result<_, PhysicsError>>()?;
    Ok(Toy {
        name: "ising",
        title: "Ising lattice",
        about: "A magnet in the computer. Turn the temperature: below the critical one the spins order, above it they do not.",
        playground: Arc::new(Ferromagnets(lattices)),
    })
}

impl Playground for Ferromagnets {
    fn lattice(&self) -> Option<&dyn Lattice> {
        Some(self)
    }
}

impl Lattice for Ferromagnets {
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
