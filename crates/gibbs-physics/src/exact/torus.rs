//! The Ising ferromagnet on a torus.
//!
//! ```text
//! Z = ½ (2 sinh 2K)^{nm/2} [ Π_r 2cosh(m γ_{2r+1}/2) + Π_r 2sinh(m γ_{2r+1}/2)
//!                          + Π_r 2cosh(m γ_{2r}/2)   + Π_r 2sinh(m γ_{2r}/2) ],   r = 0 … n-1,   K = βJ
//! cosh γ_l = cosh 2K coth 2K - cos(π l/n),   γ_0 = 2K + ln tanh K
//! ```
//!
//! `γ_0` and the last product are negative above the critical temperature. Computing `γ_0` as an inverse hyperbolic cosine, which
//! is positive, would make `ln Z` wrong there by up to ln 2.
//!
//! It is computed in `q = min(s, 1/s)`, `s = sinh 2K`, and `w = q e^{|γ|}`. Each factor `(2s)^{m/2} 2cosh(mγ/2)` is
//! `(2w)^{m/2} (1 + (q/w)^m)`, times `s^m` in the ordered phase, and each sine has a minus in the place of the plus.
//! With `A = 1 + q² - q cos θ` and `θ = π l/n`, `w = A + √((A - q)(A + q))`: all stays finite for every `β ≥ 0`.
//!
//! Reference: Kaufman, Phys. Rev. 76:1232 (1949), doi:10.1103/PhysRev.76.1232.

use std::f64::consts::{LN_2, PI};

use super::{Thermodynamics, fourier::Dual, jet::Jet};
use crate::{
    error::{PhysicsError, inverse_temperature},
    lattice::Axis,
};

/// The Ising model `H = -Σ_<ij> s_i s_j` on the `rows × columns` torus at `β`, whole system. Energy and heat capacity
/// are analytic derivatives, carried along in the sum.
///
/// A side of two sites has two bonds to the same neighbor, as [`Lattice`](crate::Lattice) has. The antiferromagnet has
/// the same values if both sides are even. Rounding is some `1e-15` of `ln Z` and `1e-13` of the energy for sides of
/// hundreds of sites. The limit of large sides is [`onsager`](super::onsager()).
///
/// Cost: `2 · rows` square roots and powers.
///
/// # Errors
/// If a side is shorter than 2, or `beta` is negative or not finite.
///
/// ```
/// use gibbs_physics::exact::{CRITICAL_BETA, kaufman};
///
/// let torus = kaufman(16, 16, CRITICAL_BETA)?;
/// assert!((torus.log_z - 238.642256635133).abs() < 1e-11);
/// # Ok::<(), gibbs_physics::PhysicsError>(())
/// ```
pub fn kaufman(rows: usize, columns: usize, beta: f64) -> Result<Thermodynamics, PhysicsError> {
    let rows = Axis::periodic(rows).check(0)?.length;
    let columns = Axis::periodic(columns).check(1)?.length;
    let dual = Dual::new(inverse_temperature(beta)?);
    let [odd_cosh, odd_sinh] = products(&dual, rows, columns, 1);
    let [even_cosh, even_sinh] = products(&dual, rows, columns, 0);
    let even_sinh = if dual.ordered { even_sinh } else { (-even_sinh.0, even_sinh.1) };
    let log_z = log_sum(&[odd_cosh, odd_sinh, even_cosh, even_sinh]) + -LN_2;
    Ok(Thermodynamics::from_log_z(beta, log_z + dual.log_s * (rows * columns) as f64))
}

/// `Π_r (2w)^{m/2} (1 ± (q/w)^m)` over `θ = π (2r + shift)/n`: the products of hyperbolic cosines and sines, each as a
/// factor and the logarithm of the rest. The factor is the term of `γ_0`, which passes through zero with the sine.
fn products(dual: &Dual, n: usize, m: usize, shift: usize) -> [(Jet, Jet); 2] {
    let mut terms = [(Jet::ONE, Jet::ZERO); 2];
    for l in (shift..2 * n).step_by(2) {
        let w = dual.w(PI * l as f64 / n as f64);
        let ratio = (dual.q * w.recip()).powi(m as i32);
        let log_cosh = (w * 2.0).ln() * (0.5 * m as f64);
        for (term, ratio) in terms.iter_mut().zip([ratio, -ratio]) {
            term.1 = term.1 + log_cosh;
            match l {
                0 => term.0 = ratio + 1.0,
                _ => term.1 = term.1 + ratio.ln_1p(),
            }
        }
    }
    terms
}

/// `ln Σ factor · exp(log)`.
fn log_sum(terms: &[(Jet, Jet)]) -> Jet {
    let max = terms.iter().map(|(_, log)| log.value).fold(f64::NEG_INFINITY, f64::max);
    let sum = terms.iter().fold(Jet::ZERO, |sum, (factor, log)| sum + *factor * (*log + -max).exp());
    sum.ln() + max
}
