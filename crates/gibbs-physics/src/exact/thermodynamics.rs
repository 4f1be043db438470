//! Thermodynamic quantities from the partition function.

use super::jet::Jet;

/// Thermodynamics in the canonical ensemble at one inverse temperature: of a whole system, or per spin where a
/// function is documented so.
///
/// ```text
/// Z = Σ_s exp(-β H(s)),   ⟨H⟩ = -∂ ln Z / ∂β,   C = β² ∂² ln Z / ∂β² = β² (⟨H²⟩ - ⟨H⟩²)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermodynamics {
    /// `β`.
    pub beta: f64,
    /// `ln Z`, nats.
    pub log_z: f64,
    /// Mean energy `⟨H⟩`, in units of the couplings.
    pub energy: f64,
    /// Heat capacity `C`, in units of `k_B`; per spin it is the specific heat.
    pub heat_capacity: f64,
}

impl Thermodynamics {
    /// From `ln Z` and its derivatives in `β`.
    pub(super) fn from_log_z(beta: f64, log_z: Jet) -> Self {
        Self { beta, log_z: log_z.value, energy: -log_z.first, heat_capacity: beta * beta * log_z.second }
    }

    /// Free energy `F = -ln Z / β`, in units of the couplings; `-∞` at `β = 0`.
    pub fn free_energy(&self) -> f64 {
        -self.log_z / self.beta
    }

    /// Entropy `S = ln Z + β ⟨H⟩`, nats.
    pub fn entropy(&self) -> f64 {
        self.log_z + self.beta * self.energy
    }

    /// All of it divided by the number of spins.
    pub fn per_spin(&self, n_spins: usize) -> Self {
        let n = n_spins as f64;
        Self {
            beta: self.beta,
            log_z: self.log_z / n,
            energy: self.energy / n,
            heat_capacity: self.heat_capacity / n,
        }
    }
}

/// Moments of the magnetization per spin, `m = (1/n) Σ_i s_i`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Magnetization {
    /// `⟨m⟩`.
    pub mean: f64,
    /// `⟨|m|⟩`.
    pub abs: f64,
    /// `⟨m²⟩`.
    pub second: f64,
    /// `⟨m⁴⟩`.
    pub fourth: f64,
}

impl Magnetization {
    /// From weights of the numbers `0..=n` of spins up, of any common factor.
    pub(super) fn from_weights(weights: &[f64]) -> Self {
        let n = (weights.len() - 1) as f64;
        let total: f64 = weights.iter().sum();
        let mean_of = |f: fn(f64) -> f64| {
            let terms = weights.iter().enumerate().map(|(up, w)| w * f((2.0 * up as f64 - n) / n));
            terms.sum::<f64>() / total
        };
        Self {
            mean: mean_of(|m| m),
            abs: mean_of(f64::abs),
            second: mean_of(|m| m * m),
            fourth: mean_of(|m| m.powi(4)),
        }
    }

    /// Binder's cumulant `1 - ⟨m⁴⟩ / 3⟨m²⟩²`: 0 for a Gaussian `m`, 2/3 in an ordered phase.
    ///
    /// Reference: Binder, Zeitschrift für Physik B 43:119 (1981), doi:10.1007/BF01293604.
    pub fn binder(&self) -> f64 {
        1.0 - self.fourth / (3.0 * self.second * self.second)
    }
}
