//! Complete elliptic integrals by the arithmetic-geometric mean.
//!
//! ```text
//! a_0 = 1, b_0 = k', c_0² = k²,   a_{n+1} = (a_n + b_n)/2,   b_{n+1} = √(a_n b_n),   c_{n+1} = (a_n - b_n)/2
//! K = π / 2a_∞,   K - E = K Σ_{n≥0} 2^{n-1} c_n²
//! ```
//!
//! Reference: Abramowitz & Stegun, Handbook of Mathematical Functions, 17.6.

use std::f64::consts::FRAC_PI_2;

/// Combinations of the complete elliptic integrals of one modulus.
pub(super) struct Elliptic {
    /// `K(k) - E(k)`, of the first kind less the second.
    pub(super) k_minus_e: f64,
    /// `1 - k' / a_∞ = 1 - (2/π) k' K(k)`.
    pub(super) deficit: f64,
}

impl Elliptic {
    /// From `k' > 0` and `d = 1 - k'`, both given, so that nothing cancels for small `d`.
    pub(super) fn new(complement: f64, d: f64) -> Self {
        let (mut a, mut b, mut c) = (1.0, complement, 0.5 * d);
        let mut sum = 0.5 * d * (1.0 + complement);
        let mut above = d;
        let mut power = 1.0;
        while above != above - c {
            (a, b) = (0.5 * (a + b), (a * b).sqrt());
            above -= c;
            sum += power * c * c;
            power *= 2.0;
            c = c * c / (2.0 * (a + b));
        }
        let k = FRAC_PI_2 / a;
        Self { k_minus_e: k * sum, deficit: above / a }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the trapezoidal rule, which converges exponentially for these periodic integrands.
    #[test]
    fn integrals_are_those_of_their_definition() {
        for complement in [1.0, 0.999, 0.5, 0.1f64] {
            let m = 1.0 - complement * complement;
            let n = 400;
            let (mut k, mut e) = (0.0, 0.0);
            for i in 0..n {
                let root =
                    (1.0 - m * (FRAC_PI_2 * (2.0 * f64::from(i) + 1.0) / f64::from(n)).sin().powi(2)).sqrt();
                k += FRAC_PI_2 / f64::from(n) / root;
                e += FRAC_PI_2 / f64::from(n) * root;
            }
            let elliptic = Elliptic::new(complement, 1.0 - complement);
            assert!((elliptic.k_minus_e - (k - e)).abs() < 1e-13, "{complement}: {}", elliptic.k_minus_e);
            assert!((elliptic.deficit - (1.0 - complement * k / FRAC_PI_2)).abs() < 1e-14);
        }
    }

    /// `K - E = π k²/4` and `1 - 2 k' K / π = d/2` to first order in `d`, `k² = 2d`.
    #[test]
    fn nothing_cancels_for_a_small_modulus() {
        let d = 1e-20;
        let elliptic = Elliptic::new(1.0 - d, d);
        assert!((elliptic.k_minus_e / (FRAC_PI_2 * d) - 1.0).abs() < 1e-14);
        assert!((elliptic.deficit / (0.5 * d) - 1.0).abs() < 1e-14);
    }
}
