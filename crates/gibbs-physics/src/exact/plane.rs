//! The Ising ferromagnet on the infinite square lattice.
//!
//! ```text
//! ln Z / n = max(0, ln s) + (1/2π) ∫_0^π ln 2w(θ) dθ,   s = sinh 2K,   K = βJ
//! w(θ) = A + √((A - q)(A + q)),   A = 1 + q² - q cos θ,   q = min(s, 1/s)
//! ⟨H⟩ / n  = -J coth 2K [1 + (2/π) κ K(k)],   κ = 2 tanh² 2K - 1,   k² = 1 - κ²
//! C / n    = (2/π) (K coth 2K)² { 2K(k) - 2E(k) - (1 - κ) [π/2 + κ K(k)] }
//! m        = (1 - s⁻⁴)^{1/8} below the critical temperature, 0 above;   sinh 2K_c = 1
//! ```
//!
//! The integral is Onsager's double integral done in one variable. The double exponential rule evaluates it,
//! also near the critical temperature, where the integrand has a corner at `θ = 0`.
//!
//! References: Onsager, Phys. Rev. 65:117 (1944), doi:10.1103/PhysRev.65.117, for `Z`, energy and heat; Yang, Phys.
//! Rev. 85:808 (1952), doi:10.1103/PhysRev.85.808, for the magnetization; Takahasi & Mori, Publ. RIMS 9:721 (1974),
//! doi:10.2977/prims/1195192451, for the rule.

use std::f64::consts::{FRAC_1_PI, FRAC_PI_2, PI};

use super::{Thermodynamics, elliptic::Elliptic, fourier::Dual, jet::Jet};
use crate::error::{PhysicsError, inverse_temperature};

/// `β_c J = ½ ln(1 + √2)`, where the square lattice orders.
pub const CRITICAL_BETA: f64 = 0.440_686_793_509_771_5;

/// Half the number of points of the quadrature, and their spacing: the last weights are `1e-21`, and the singularity at
/// a distance `δ` from `θ = 0` costs `exp(-2π · 0.15 · 64)` at `δ = 1e-4` times its strength, which is `δ²`.
const POINTS: i32 = 224;
const SPACING: f64 = 1.0 / 64.0;

/// The Ising model `H = -Σ_<ij> s_i s_j` on the infinite square lattice at `β`, per spin.
///
/// The absolute accuracy of all values is about `1e-13`, except for the heat near the critical point. It diverges as
/// `-0.4945 ln |1 - T/T_c|`, and an f64 is at least about `1e-16` away from the critical point.
///
/// # Errors
/// If `beta` is negative or not finite.
///
/// ```
/// use gibbs_physics::exact::{CRITICAL_BETA, onsager};
///
/// let lattice = onsager(CRITICAL_BETA)?;
/// assert!((lattice.energy + 2f64.sqrt()).abs() < 1e-12);
/// assert!((lattice.log_z - 0.929695398341610).abs() < 1e-14);
/// # Ok::<(), gibbs_physics::PhysicsError>(())
/// ```
pub fn onsager(beta: f64) -> Result<Thermodynamics, PhysicsError> {
    let log_z = log_z_per_spin(&Dual::new(inverse_temperature(beta)?)).value;
    let tanh = (2.0 * beta).tanh();
    if tanh == 0.0 {
        return Ok(Thermodynamics { beta, log_z, energy: 0.0, heat_capacity: 0.0 });
    }
    let ordered = tanh * tanh > 0.5;
    // d = 1 - |κ|, from the small one of tanh² and 1 - tanh².
    let d = if ordered { 2.0 * (2.0 * beta).cosh().recip().powi(2) } else { 2.0 * tanh * tanh };
    let elliptic = Elliptic::new((1.0 - d).max(f64::MIN_POSITIVE), d);
    // 1 + (2/π) κ K
    let bracket = if ordered { 2.0 - elliptic.deficit } else { elliptic.deficit };
    let one_minus_kappa = if ordered { d } else { 2.0 - d };
    let braces = 2.0 * elliptic.k_minus_e - one_minus_kappa * FRAC_PI_2 * bracket;
    Ok(Thermodynamics {
        beta,
        log_z,
        energy: -bracket / tanh,
        heat_capacity: 2.0 * FRAC_1_PI * (beta / tanh).powi(2) * braces,
    })
}

/// Spontaneous magnetization per spin of the infinite square lattice at `β`, `J = 1`: in `[0, 1]`, 0 above the critical
/// temperature.
///
/// # Errors
/// If `beta` is negative or not finite.
pub fn yang(beta: f64) -> Result<f64, PhysicsError> {
    let dual = Dual::new(inverse_temperature(beta)?);
    Ok((-(-4.0 * dual.log_s.value).exp_m1()).powf(0.125))
}

/// `ln Z / n` with its derivatives in `β`.
pub(super) fn log_z_per_spin(dual: &Dual) -> Jet {
    let points = (-POINTS..=POINTS).map(|i| SPACING * f64::from(i));
    let sum = points.fold(Jet::ZERO, |sum, t| {
        let below = 1.0 / (1.0 + (-PI * t.sinh()).exp());
        let above = 1.0 / (1.0 + (PI * t.sinh()).exp());
        let weight = SPACING * PI * t.cosh() * below * above;
        sum + (dual.w(PI * below) * 2.0).ln() * weight
    });
    dual.log_s + sum * 0.5
}
