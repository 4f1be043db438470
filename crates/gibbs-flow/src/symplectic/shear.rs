//! Shears of phase space.
//!
//! ```text
//! kick    p ← p - ∇V(q)
//! drift   q ← q + ∇V(p)
//! ```

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Bijection, ConfigError, math::row_zeros};

use super::{halves, joined};
use crate::continuous::{Potential, PotentialConfig, VelocityField, time};

/// A shear along the gradient of a network.
#[derive(Module, Debug)]
pub struct Shear {
    /// `V`.
    pub potential: Potential,
    /// Whether positions move (drift) instead of momenta (kick).
    moves_positions: bool,
}

impl Shear {
    /// A shear of `potential`'s variables, of positions or else of momenta.
    ///
    /// # Errors
    /// If a field is out of range, or the potential depends on time.
    pub fn new(
        potential: &PotentialConfig,
        moves_positions: bool,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Self, ConfigError> {
        ConfigError::require(!potential.timed, "timed", potential.timed, "a shear has no time")?;
        Ok(Self { potential: potential.init(device, noise)?, moves_positions })
    }

    /// The shear, or with the sign -1 its inverse.
    fn moved(&self, x: Tensor<2>, sign: f64) -> Tensor<2> {
        let (q, p) = halves(x);
        let slope = |at: &Tensor<2>| self.potential.velocity(None).at(&time(0.0, at), at.clone());
        if self.moves_positions {
            let q = q + slope(&p) * sign;
            joined(q, p)
        } else {
            let p = p - slope(&q) * sign;
            joined(q, p)
        }
    }
}

impl Bijection for Shear {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let none = row_zeros(&x);
        (self.moved(x, 1.0), none)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let none = row_zeros(&z);
        (self.moved(z, -1.0), none)
    }
}
