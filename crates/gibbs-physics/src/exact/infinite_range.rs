//! The Curie-Weiss model: every spin coupled to every other alike.
//!
//! ```text
//! H = -(J/n) Σ_{i<j} s_i s_j - h M = -(J/2n) (M² - n) - h M,   M = Σ_i s_i
//! Z = Σ_{k=0}^{n} C(n, k) exp(-β H(M = 2k - n))
//!
//! n → ∞:   m = tanh β(Jm + h),   ln Z / n = ln 2cosh β(Jm + h) - βJm²/2
//! ```
//!
//! Reference: Kochmański, Paszkiewicz & Wolski, "Curie-Weiss magnet: a simple model of phase transition", Eur. J. Phys.
//! 34:1555 (2013), doi:10.1088/0143-0807/34/6/1555.

use super::{Magnetization, Thermodynamics};
use crate::error::{PhysicsError, finite, inverse_temperature};

/// Exact values of a Curie-Weiss model of finite size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurieWeiss {
    /// Of the whole system.
    pub thermodynamics: Thermodynamics,
    /// Moments of the magnetization per spin.
    pub magnetization: Magnetization,
}

/// The Curie-Weiss model of `n` spins with `coupling` `J` and `field` `h` at `β`: that of
/// [`curie_weiss`](crate::curie_weiss), by the sum over the magnetization.
///
/// Cost: `n` logarithms and exponentials.
///
/// # Errors
/// If `n` is 0, `coupling` or `field` is not finite, or `beta` is negative or not finite.
pub fn curie_weiss(n: usize, coupling: f64, field: f64, beta: f64) -> Result<CurieWeiss, PhysicsError> {
    if n == 0 {
        return Err(PhysicsError::NoSpins);
    }
    let (j, h) = (finite("coupling", coupling)?, finite("field", field)?);
    let beta = inverse_temperature(beta)?;
    let size = n as f64;
    let energies: Vec<f64> = (0..=n)
        .map(|up| {
            let m = 2.0 * up as f64 - size;
            -0.5 * j / size * (m * m - size) - h * m
        })
        .collect();
    let mut log_binomial = 0.0;
    let mut log_weights = Vec::with_capacity(n + 1);
    for (up, energy) in energies.iter().enumerate() {
        if up > 0 {
            log_binomial += ((n - up + 1) as f64 / up as f64).ln();
        }
        log_weights.push(log_binomial - beta * energy);
    }
    let max = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_weights.iter().map(|x| (x - max).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mean_of = |f: &dyn Fn(f64) -> f64| {
        weights.iter().zip(&energies).map(|(w, energy)| w * f(*energy)).sum::<f64>() / total
    };
    let energy = mean_of(&|e| e);
    let variance = mean_of(&|e| (e - energy) * (e - energy));
    Ok(CurieWeiss {
        thermodynamics: Thermodynamics {
            beta,
            log_z: max + total.ln(),
            energy,
            heat_capacity: beta * beta * variance,
        },
        magnetization: Magnetization::from_weights(&weights),
    })
}

/// The Curie-Weiss model in the thermodynamic limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanField {
    /// Per spin.
    pub thermodynamics: Thermodynamics,
    /// `m`, the solution of `m = tanh β(Jm + h)` along the field; without a field the one that is not negative.
    pub magnetization: f64,
}

/// The Curie-Weiss model for `n → ∞`. It is also the mean-field theory of any lattice in which `J` is the sum of the
/// couplings of a spin.
///
/// # Errors
/// If `coupling` or `field` is not finite, or `beta` is negative or not finite.
pub fn curie_weiss_limit(coupling: f64, field: f64, beta: f64) -> Result<MeanField, PhysicsError> {
    let (j, h) = (finite("coupling", coupling)?, finite("field", field)?);
    let beta = inverse_temperature(beta)?;
    let m = self_consistent(beta * j, beta * h.abs()).copysign(h);
    let m = if h == 0.0 { m.abs() } else { m };
    let local = j * m + h;
    let susceptible = 1.0 - m * m;
    let heat_capacity = if local == 0.0 {
        0.0
    } else {
        (beta * local).powi(2) * susceptible / (1.0 - beta * j * susceptible)
    };
    let x = (beta * local).abs();
    let thermodynamics = Thermodynamics {
        beta,
        log_z: x + (-2.0 * x).exp().ln_1p() - 0.5 * beta * j * m * m,
        energy: -0.5 * j * m * m - h * m,
        heat_capacity,
    };
    Ok(MeanField { thermodynamics, magnetization: m })
}

/// The largest solution of `m = tanh(k m + f)` in `[0, 1]`, `f ≥ 0`, by bisection to the last bit: the difference of
/// the sides is positive below it and negative above.
fn self_consistent(k: f64, f: f64) -> f64 {
    if f == 0.0 && k <= 1.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return high;
        }
        if (k * middle + f).tanh() > middle {
            low = middle;
        } else {
            high = middle;
        }
    }
}
