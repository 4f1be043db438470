//! The Fourier modes of the square lattice. The torus and the infinite lattice share them.
//!
//! Kaufman's formula is made of `cosh γ(θ) = s + 1/s - cos θ` with `s = sinh 2K`, in which `s` and `1/s` (the dual
//! temperature of Kramers & Wannier, doi:10.1103/PhysRev.60.252) play the same part. In `q = min(s, 1/s)` it is
//!
//! ```text
//! e^{|γ|} = w / q,   w = A + √((A - q)(A + q)),   A = 1 + q² - q cos θ
//! A - q = (1 - q)² + 2q sin²(θ/2),   A + q = 1 + q² + 2q sin²(θ/2)
//! ```
//!
//! without cancellation and without infinities from `β = 0` to the largest. At `θ = 0` the root of `A - q` is taken as
//! `1 - q`, which keeps it smooth through `q = 1`.

use std::f64::consts::LN_2;

use super::jet::Jet;

/// The temperature of a square lattice in the variables of its Fourier modes; derivatives are in `β`, with `J = 1`.
pub(super) struct Dual {
    /// `q = min(sinh 2β, 1 / sinh 2β)`, in `[0, 1]`.
    pub(super) q: Jet,
    /// `max(0, ln sinh 2β)`, what the ordered phase has beyond its dual.
    pub(super) log_s: Jet,
    /// Whether `sinh 2β > 1`, below the critical temperature: the sign of `γ(0)`.
    pub(super) ordered: bool,
}

impl Dual {
    pub(super) fn new(beta: f64) -> Self {
        let beta = Jet::variable(beta);
        let ordered = (2.0 * beta.value).sinh() > 1.0;
        if ordered {
            // sinh 2β = e^{2β} (1 - e^{-4β}) / 2
            let log_s = beta * 2.0 + (-(beta * -4.0).exp_m1()).ln() + -LN_2;
            Self { q: (-log_s).exp(), log_s, ordered }
        } else {
            Self { q: (beta * 2.0).sinh(), log_s: Jet::ZERO, ordered }
        }
    }

    /// `w(θ)`.
    pub(super) fn w(&self, theta: f64) -> Jet {
        let q = self.q;
        let momentum = q * (2.0 * (0.5 * theta).sin().powi(2));
        let square = q * q + 1.0;
        let gap = -q + 1.0;
        let root = if theta == 0.0 { gap } else { (gap * gap + momentum).sqrt() };
        square - q + momentum + root * (square + momentum).sqrt()
    }
}
