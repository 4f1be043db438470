//! Dynamics of spins with pair couplings.

use std::borrow::Borrow;

use gibbs_backend::Noise;

use super::{Dynamics, recall::in_parts};
use crate::{Pairwise, PhysicsError, error::inverse_temperature, monte_carlo::Rule, named::named};

named! {
    /// Which spins are updated together.
    Updates {
        /// One after the other, in a new random order in each step (Hopfield)
        Asynchronous = "asynchronous",
        /// All at once (Little)
        Synchronous = "synchronous",
    }
}

/// Recall in a network of couplings `J`: with the local field `f_i = Σ_j J_ij s_j + h_i`,
///
/// ```text
/// temperature zero       s_i <- sign f_i,   and s_i stays if f_i = 0
/// inverse temperature β  s_i <- +1 with probability 1 / (1 + exp(-2 β f_i)), else -1
/// ```
///
/// A step updates every spin once. Asynchronous steps never raise `H` at temperature zero, so they end in a fixed
/// point, and above it the Boltzmann distribution `exp(-β H)` is stationary. Synchronous steps end in a fixed point or a
/// cycle of two configurations, since `-Σ_ij s_i(t) J_ij s_j(t-1) - Σ_i h_i (s_i(t) + s_i(t-1))` never rises, while `H`
/// itself may; above zero the stationary distribution is `exp(β Σ_i h_i s_i) Π_i 2 cosh(β f_i)`.
///
/// A field within its own rounding error counts as zero, and the spin stays. This acts as a weak positive coupling of the spin to
/// itself and does not change these statements.
///
/// Cost: `n + 2 bonds` multiplications a step.
///
/// References: Hopfield, PNAS 79:2554 (1982), doi:10.1073/pnas.79.8.2554; Little, Math. Biosci. 19:101 (1974),
/// doi:10.1016/0025-5564(74)90031-5; Glauber, J. Math. Phys. 4:294 (1963), doi:10.1063/1.1703954; the stationary distribution of the
/// synchronous dynamics: Peretto, Biol. Cybern. 50:51 (1984), doi:10.1007/BF00317939; the cycles: Goles-Chacc,
/// Fogelman-Soulié & Pellegrin, Discrete Appl. Math. 12:261 (1985), doi:10.1016/0166-218X(85)90029-0.
#[derive(Clone, Debug)]
pub struct SpinDynamics<J> {
    couplings: J,
    updates: Updates,
    /// `None` at temperature zero.
    beta: Option<f64>,
    /// Rounding error of each local field.
    rounding: Vec<f64>,
}

impl<J: Borrow<Pairwise>> SpinDynamics<J> {
    /// The dynamics at temperature zero. `couplings` may be a [`Pairwise`] or a reference to one.
    pub fn new(couplings: J, updates: Updates) -> Self {
        let system: &Pairwise = couplings.borrow();
        let rounding = (0..system.field().len())
            .map(|i| {
                let list = system.neighbors(i);
                let size = system.field()[i].abs() + list.iter().map(|(_, value)| value.abs()).sum::<f64>();
                (list.len() + 1) as f64 * f64::EPSILON * size
            })
            .collect();
        Self { couplings, updates, beta: None, rounding }
    }

    /// The dynamics at the inverse temperature `beta`.
    ///
    /// # Errors
    /// If `beta` is negative, infinite or not a number.
    pub fn at(self, beta: f64) -> Result<Self, PhysicsError> {
        Ok(Self { beta: Some(inverse_temperature(beta)?), ..self })
    }

    /// The new value of spin `i`.
    fn update(&self, state: &[i8], i: usize, noise: &mut Noise) -> i8 {
        let cost = self.couplings.borrow().flip_cost(state, i);
        let flips = match self.beta {
            None => cost < -2.0 * self.rounding[i],
            Some(beta) => noise.next_uniform() < Rule::HeatBath.flip_probability(beta, cost),
        };
        if flips { -state[i] } else { state[i] }
    }
}

impl<J: Borrow<Pairwise>> Dynamics for SpinDynamics<J> {
    fn step_in_parts(&self, mut state: Vec<i8>, parts: usize, noise: &mut Noise) -> Vec<Vec<i8>> {
        let n = self.rounding.len();
        assert_eq!(state.len(), n, "one value for each spin");
        match self.updates {
            Updates::Synchronous => vec![(0..n).map(|i| self.update(&state, i, noise)).collect()],
            Updates::Asynchronous => in_parts(&noise.permutation(n), parts, |order| {
                for i in order {
                    state[*i] = self.update(&state, *i, noise);
                }
                state.clone()
            }),
        }
    }

    fn energy(&self, state: &[i8]) -> f64 {
        self.couplings.borrow().energy_of(state)
    }

    fn is_deterministic(&self) -> bool {
        self.beta.is_none()
    }
}
