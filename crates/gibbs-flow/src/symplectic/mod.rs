//! Canonical transformations: invertible maps of phase space that keep the form of Hamilton's equations, to harmonic oscillators.
//!
//! ```text
//! x = (q, p),   z = (Q, P) = T(x),   J = ∂z/∂x,   Jᵀ Ω J = Ω,   Ω = [[0, 1], [-1, 0]]       so det J = 1
//! H(x) = E(q) + |p|²/2,     K(z) = Σ_k (P_k² + ω_k² Q_k²) / 2
//! ρ(x) = exp(-K(T(x))) Π_k ω_k / (2π)^n                  the density of the flow: its ladj is 0
//! E_ρ[ln ρ + H] ≥ -ln Z_q - (n/2) ln 2π,   Z_q = ∫ dq exp(-E(q))     equality where K(T(x)) = H(x) + constant
//! ```
//!
//! | layer | map |
//! |---|---|
//! | [`Shear`] | `p ← p - ∇V(q)` or `q ← q + ∇V(p)`, with the closed gradient of a network `V` |
//! | [`LinearSymplectic`] | `x ← exp(Ω S) x`, `S` symmetric |
//! | [`PointTransformation`] | `Q = f(q)`, `P = (∂q/∂Q)ᵀ p`, where `f` is an affine coupling |
//!
//! The flow is trained on a Hamiltonian by the path gradient in phase space, as every flow
//! ([`PathGradientObjective`](gibbs_core::variational::PathGradientObjective)), or on positions as data
//! ([`PositionLikelihood`]). Where the transformation is perfect, its trajectories are
//! those of independent oscillators: `Q_k` of a small `ω_k` are slow collective coordinates. For a quadratic energy the
//! frequencies `ω_k` are unique (Williamson's theorem): those of the normal modes.
//!
//! References: Li, Dong, Zhang & Wang, "Neural canonical transformation with symplectic flows", Phys. Rev. X 10:021020 (2020),
//! arXiv:1910.00024; Arnold, "Mathematical methods of classical mechanics", chapters 8 and 9; Williamson, Am. J. Math. 58:141
//! (1936), doi:10.2307/2371062; Moler & Van Loan, SIAM Rev. 45:3 (2003), doi:10.1137/S00361445024180, for the exponential.
//!
//! Differences from the paper: the paper has point transformations of Real NVP alone; shears and linear maps mix positions and
//! momenta. The derivative of a coupling's network is written out, so that autodiff of first order trains it.
//!
//! Cost: a shear is two passes of its network, a coupling three; a linear map the exponential of a matrix `2n × 2n` and a
//! product.

mod config;
mod coordinate;
mod flow;
mod layer;
mod linear;
mod point;
mod positions;
mod shear;
#[cfg(test)]
mod tests;

use burn::prelude::*;

pub use config::CanonicalConfig;
pub use coordinate::CollectiveCoordinate;
pub use flow::{CanonicalFlow, PhaseSpace};
pub use layer::SymplecticLayer;
pub use linear::LinearSymplectic;
pub use point::PointTransformation;
pub use positions::PositionLikelihood;
pub use shear::Shear;

/// Positions and momenta `[batch, n]` of points of phase space `[batch, 2n]`.
///
/// # Panics
/// If the width is odd.
pub fn halves(x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let width = x.dims()[1];
    assert!(width.is_multiple_of(2), "phase space has as many momenta as positions, not {width} variables");
    (x.clone().narrow(1, 0, width / 2), x.narrow(1, width / 2, width / 2))
}

/// Points of phase space of positions and momenta.
pub fn joined(q: Tensor<2>, p: Tensor<2>) -> Tensor<2> {
    Tensor::cat(vec![q, p], 1)
}
