//! Coupled oscillators.

use std::f64::consts::PI;

use burn::prelude::*;
use gibbs_core::{Energy, Slope, check};

use super::differences::{slope_of_squared_differences, squared_differences, sum_rows};
use crate::{
    error::{PhysicsError, non_negative, positive},
    lattice::Axis,
    named::named,
};

named! {
    /// Where the end springs of a chain are attached.
    Ends {
        /// Walls: one more spring on either side, `x_0 = x_{n+1} = 0`.
        Walls = "walls",
        /// Each other: a ring.
        Ring = "ring",
    }
}

/// The constants of a harmonic chain, in any consistent units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Springs {
    /// `m > 0` of each particle. Only the frequencies depend on it.
    pub mass: f64,
    /// `κ > 0` of the springs between neighbors.
    pub coupling: f64,
    /// `κ₀ ≥ 0` of the springs that tie each particle to its place; above 0 for a ring, which otherwise drifts away.
    pub pinning: f64,
}

/// `n` particles in a row with displacements `x_i` from their places, at the inverse temperature `β`:
///
/// ```text
/// V(x) = κ/2 Σ_<ij> (x_i - x_j)² + κ₀/2 Σ_i x_i² = m/2 xᵀ D x,     E(x) = β V(x)
/// walls   ω_k² = (κ₀ + 4κ sin²(πk / 2(n+1))) / m,   k = 1..n,    modes √(2/(n+1)) sin(πki / (n+1))
/// ring    ω_k² = (κ₀ + 4κ sin²(πk / n)) / m,        k = 0..n-1,  modes cosines and sines
/// ln Z = 1/2 Σ_k ln (2π / β m ω_k²),   ⟨E⟩ = n/2
/// ```
///
/// `Z` is the integral over the displacements, without momenta. `D` is the dynamical matrix and `ω_k²` its eigenvalues.
///
/// Reference: Born & von Kármán, Phys. Z. 13:297 (1912), for the ring; Goldstein, Classical Mechanics, chapter 6, for
/// normal modes.
///
/// Cost: a few passes over the displacements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HarmonicChain {
    n: usize,
    ends: Ends,
    springs: Springs,
    beta: f64,
}

impl HarmonicChain {
    /// `n` particles at `beta`.
    ///
    /// # Errors
    /// If there are no particles, or less than two in a ring, or a constant or `beta` is out of its range.
    pub fn new(n: usize, ends: Ends, springs: Springs, beta: f64) -> Result<Self, PhysicsError> {
        Self::axis(n, ends).check(0)?;
        positive("mass", springs.mass)?;
        positive("coupling", springs.coupling)?;
        match ends {
            Ends::Walls => non_negative("pinning", springs.pinning)?,
            Ends::Ring => positive("pinning", springs.pinning)?,
        };
        Ok(Self { n, ends, springs, beta: positive("beta", beta)? })
    }

    fn axis(n: usize, ends: Ends) -> Axis {
        if ends == Ends::Ring { Axis::periodic(n) } else { Axis::open(n) }
    }

    /// Number of particles.
    pub fn n_particles(&self) -> usize {
        self.n
    }

    /// What follows the particles at both ends.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// `β`.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// The normal modes in ascending order of frequency: the number of half waves along the chain, and whether it is a sine.
    fn half_waves(&self) -> impl Iterator<Item = (usize, bool)> {
        let (n, ends) = (self.n, self.ends);
        (0..n).map(move |mode| match ends {
            Ends::Walls => (mode + 1, true),
            // The constant, then a cosine and a sine of each wavelength. For even n the shortest has the cosine alone.
            Ends::Ring => (2 * mode.div_ceil(2), mode > 0 && mode % 2 == 0),
        })
    }

    /// `π` over the length of the chain: half a wave along it.
    fn half_wave(&self) -> f64 {
        let length = if self.ends == Ends::Ring { self.n } else { self.n + 1 };
        PI / length as f64
    }

    /// `m ω_k²`, ascending.
    fn stiffness(&self) -> impl Iterator<Item = f64> {
        let Springs { coupling, pinning, .. } = self.springs;
        let half_wave = self.half_wave();
        self.half_waves()
            .map(move |(k, _)| pinning + 4.0 * coupling * (0.5 * half_wave * k as f64).sin().powi(2))
    }

    /// The frequencies `ω_k`, ascending.
    pub fn frequencies(&self) -> Vec<f64> {
        self.stiffness().map(|stiffness| (stiffness / self.springs.mass).sqrt()).collect()
    }

    /// The normal modes, an orthogonal matrix `[n, n]`, row-major: row `k` is the shape of the mode of frequency `ω_k`.
    pub fn modes(&self) -> Vec<f64> {
        let half_wave = self.half_wave();
        let mode = |(k, sine): (usize, bool)| {
            let shape: Vec<f64> = (0..self.n)
                .map(|i| match (self.ends, sine) {
                    (Ends::Walls, _) => (half_wave * (k * (i + 1)) as f64).sin(),
                    (Ends::Ring, true) => (half_wave * (k * i) as f64).sin(),
                    (Ends::Ring, false) => (half_wave * (k * i) as f64).cos(),
                })
                .collect();
            let norm = shape.iter().map(|x| x * x).sum::<f64>().sqrt();
            shape.into_iter().map(move |x| x / norm)
        };
        self.half_waves().flat_map(mode).collect()
    }

    /// `ln Z`, nats.
    pub fn log_z(&self) -> f64 {
        self.stiffness().map(|stiffness| 0.5 * (2.0 * PI / (self.beta * stiffness)).ln()).sum()
    }

    /// `⟨E⟩ = n/2`: equipartition.
    pub fn mean_energy(&self) -> f64 {
        0.5 * self.n as f64
    }
}

impl Energy for HarmonicChain {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let n = self.n;
        check::require_width("the chain of particles", &x, n);
        let Springs { coupling, pinning, .. } = self.springs;
        let square = |x: Tensor<2>| sum_rows(x.clone() * x);
        let mut stretched = squared_differences(x.clone(), &[Self::axis(n, self.ends)]);
        if self.ends == Ends::Walls {
            stretched = stretched + square(x.clone().narrow(1, 0, 1)) + square(x.clone().narrow(1, n - 1, 1));
        }
        stretched * (0.5 * self.beta * coupling) + square(x) * (0.5 * self.beta * pinning)
    }
}

impl Slope for HarmonicChain {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        let n = self.n;
        check::require_width("the chain of particles", &x, n);
        let Springs { coupling, pinning, .. } = self.springs;
        let mut stretched = slope_of_squared_differences(x.clone(), &[Self::axis(n, self.ends)]);
        if self.ends == Ends::Walls {
            let walls: Vec<f64> =
                (0..n).map(|i| [0, n - 1].iter().filter(|end| **end == i).count() as f64).collect();
            let walls = Tensor::from_data(TensorData::new(walls, [1, n]), (&x.device(), x.dtype()));
            stretched = stretched + x.clone() * walls * 2.0;
        }
        stretched * (0.5 * self.beta * coupling) + x * (self.beta * pinning)
    }
}
