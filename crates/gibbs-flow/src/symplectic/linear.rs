//! Linear symplectic maps by the exponential of their algebra.
//!
//! ```text
//! x ← M x,   M = exp(X),   X = Ω S,   S = (G + Gᵀ)/2          XᵀΩ + ΩX = 0, so MᵀΩM = Ω;   M⁻¹ = exp(-X)
//! exp(X) = (Σ_{k ≤ 12} Y^k / k!)^(2^6),   Y = X / 2^6
//! ```
//!
//! The error of the sum is near rounding for `|X| ≤ 32`: `(32/64)^13 / 13! = 2e-14`. More squarings would add rounding errors, which
//! double with each.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise};
use gibbs_core::{Bijection, math::row_zeros};

/// Terms of the sum behind the first, and squarings.
const TERMS: usize = 12;
const SQUARINGS: i32 = 6;

/// A linear symplectic map near the identity; it begins as the identity.
#[derive(Module, Debug)]
pub struct LinearSymplectic {
    /// `G [2n, 2n]`.
    pub generator: Param<Tensor<2>>,
}

impl LinearSymplectic {
    /// The identity of the phase space of `n` positions and `n` momenta.
    pub fn new(n: usize, device: &Device) -> Self {
        Self { generator: Init::Zeros.param([2 * n, 2 * n], device, &mut Noise::new(0, "zeros")) }
    }

    /// `exp(±X)ᵀ`, which multiplies rows from the right. `Xᵀ = S Ωᵀ = [S_p, -S_q]` for the halves `S = [S_q, S_p]` of columns.
    pub fn matrix(&self, sign: f64) -> Tensor<2> {
        let generator = self.generator.val();
        let n = generator.dims()[0];
        let symmetric = (generator.clone() + generator.transpose()) * 0.5;
        let half = |start: usize| symmetric.clone().narrow(1, start, n / 2);
        let scale = sign * 0.5f64.powi(SQUARINGS);
        let small = Tensor::cat(vec![half(n / 2), half(0).neg()], 1) * scale;
        let one = || Tensor::<2>::eye(n, &small.device()).cast(small.dtype());
        let sum =
            (1..=TERMS).rev().fold(one(), |sum, k| one() + small.clone().matmul(sum) * (1.0 / k as f64));
        (0..SQUARINGS).fold(sum, |matrix, _| matrix.clone().matmul(matrix))
    }
}

impl Bijection for LinearSymplectic {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let none = row_zeros(&x);
        (x.matmul(self.matrix(1.0)), none)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let none = row_zeros(&z);
        (z.matmul(self.matrix(-1.0)), none)
    }
}
