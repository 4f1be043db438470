//! Continuous fields that represent spins.

use burn::{prelude::*, tensor::DType};
use gibbs_backend::{Noise, softplus};
use gibbs_core::{Energy, Slope, cache::Cache, check};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::differences::sum_rows;
use crate::{
    Hamiltonian, Pairwise,
    error::{PhysicsError, inverse_temperature, positive},
};

/// The dual of spins coupled in pairs, by the transformation of Hubbard and Stratonovich: a density of `n` real fields.
/// Given the fields, the spins are independent.
///
/// ```text
/// K = β J + α 1,   α = margin - β λ_min(J)           so that the smallest eigenvalue of K is margin > 0
/// exp(sᵀK s / 2) = (2π)^(-n/2) det(K)^(-1/2) ∫ dx exp(-xᵀK⁻¹x / 2 + xᵀs)
/// p(x, s) ∝ exp(-xᵀK⁻¹x / 2 + Σ_i (x_i + β h_i) s_i)
/// E(x) = xᵀK⁻¹x / 2 - Σ_i ln 2cosh(x_i + β h_i)      the spins summed over
/// s_i | x = +1 with probability σ(2 (x_i + β h_i)),   x | s ~ N(K s, K)
/// ```
///
/// As `s_i² = 1`, the diagonal of `K` adds `αn/2` to every `sᵀK s / 2`. So the sums over spins and the integral over fields,
/// `Z_s = Σ_s exp(-β H(s))` and `Z_x = ∫ dx exp(-E(x))`, differ by a constant ([`log_z_offset`](Self::log_z_offset)):
///
/// ```text
/// ln Z_s = ln Z_x - n/2 ln 2π - 1/2 ln det K - α n/2
/// ```
///
/// The marginals of `p(x, s)` are the two distributions, so the conditionals turn draws of one into draws of the other
/// ([`spins`](Self::spins), [`fields`](Self::fields)); `⟨x xᵀ⟩ = K ⟨s sᵀ⟩ K + K`. The fields have the symmetries of the spins;
/// without a field `h`, one of them is the change of all signs.
///
/// With a small margin the Gaussian noise hides the spins less, but the energy is stiffer: its second derivatives reach
/// `1/margin`. Li & Wang take 0.1.
///
/// References: Hubbard, Phys. Rev. Lett. 3:77 (1959), doi:10.1103/PhysRevLett.3.77; Fisher, "Critical phenomena", Lecture
/// Notes in Physics 186:1 (1983), for the Ising model; Li & Wang, Phys. Rev. Lett. 121:260601 (2018), arXiv:1802.02840,
/// and Zhang, E & Wang, arXiv:1809.10188, for flows trained on it.
///
/// Cost: the eigenvectors of `J`, `n³`, once; a product with `K⁻¹`, `batch · n²`, for each energy. In f32 the relative
/// error is that of `xᵀK⁻¹x`, at most about `1e-7 √n λ_max(K) / margin`.
#[derive(Clone, Debug)]
pub struct DualIsing {
    /// `K⁻¹`, `K` and `K^(1/2)`, each `[n, n]`, symmetric.
    inverse: Vec<f64>,
    couplings: Vec<f64>,
    root: Vec<f64>,
    /// `β h [n]`.
    field: Vec<f64>,
    beta: f64,
    shift: f64,
    log_z_offset: f64,
    cache: Cache<Placed>,
}

/// The constants on a device, in one precision.
#[derive(Clone, Debug)]
struct Placed {
    inverse: Tensor<2>,
    couplings: Tensor<2>,
    root: Tensor<2>,
    /// `β h [1, n]`.
    field: Tensor<2>,
}

impl DualIsing {
    /// The fields of `spins` at `beta`, with `margin` as the smallest eigenvalue of `K`.
    ///
    /// # Errors
    /// If `beta` is negative or not finite, or `margin` not positive and finite.
    pub fn new(spins: &Pairwise, beta: f64, margin: f64) -> Result<Self, PhysicsError> {
        let (beta, margin) = (inverse_temperature(beta)?, positive("margin", margin)?);
        let n = spins.n_spins();
        let eigen = SymmetricEigen::new(DMatrix::from_row_slice(n, n, &spins.matrix()));
        let lowest = eigen.eigenvalues.min();
        let shift = margin - beta * lowest;
        let eigenvalues = eigen.eigenvalues.map(|value| beta * (value - lowest) + margin);
        // Q f(k) Qᵀ, made symmetric to the last bit.
        let function = |f: fn(f64) -> f64| {
            let scaled = &eigen.eigenvectors * DMatrix::from_diagonal(&DVector::from(eigenvalues.map(f)));
            let matrix = scaled * eigen.eigenvectors.transpose();
            ((&matrix + matrix.transpose()) * 0.5).as_slice().to_vec()
        };
        let log_determinant: f64 = eigenvalues.iter().map(|value| value.ln()).sum();
        let offset = -0.5 * (n as f64 * (std::f64::consts::TAU.ln() + shift) + log_determinant);
        Ok(Self {
            inverse: function(f64::recip),
            couplings: function(|value| value),
            root: function(f64::sqrt),
            field: spins.field().iter().map(|h| beta * h).collect(),
            beta,
            shift,
            log_z_offset: offset,
            cache: Cache::default(),
        })
    }

    /// Number of spins, and of fields.
    pub fn n_spins(&self) -> usize {
        self.field.len()
    }

    /// `β`.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// `α`.
    pub fn shift(&self) -> f64 {
        self.shift
    }

    /// `K [n, n]`.
    pub fn couplings(&self) -> &[f64] {
        &self.couplings
    }

    /// `ln Z_s - ln Z_x`, nats. Add it to `ln Z` of the fields, or to a bound of it, to obtain that of the spins.
    pub fn log_z_offset(&self) -> f64 {
        self.log_z_offset
    }

    /// `⟨s_i⟩ = tanh(x_i + β h_i)` given the fields `x [batch, n]`.
    ///
    /// # Panics
    /// If the width of `x` is not the number of spins.
    pub fn spin_means(&self, x: Tensor<2>) -> Tensor<2> {
        let field = self.placed(&x).field;
        gibbs_backend::tanh(x + field)
    }

    /// Draws spins ±1 given the fields `x [batch, n]`. Draws of the fields become draws of the canonical distribution. Each spin
    /// uses one word of noise.
    ///
    /// # Panics
    /// If the width of `x` is not the number of spins.
    pub fn spins(&self, x: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let field = self.placed(&x).field;
        noise.bernoulli_logits((x + field) * 2.0) * 2.0 - 1.0
    }

    /// Draws fields given `spins [batch, n]`, ±1. Draws of the canonical distribution become draws of the fields. Each field uses
    /// one normal number.
    ///
    /// # Panics
    /// If the width of `spins` is not the number of spins.
    pub fn fields(&self, spins: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let Placed { couplings, root, .. } = self.placed(&spins);
        let normal = noise.normal(spins.dims(), (&spins.device(), spins.dtype()));
        spins.matmul(couplings) + normal.matmul(root)
    }

    fn placed(&self, x: &Tensor<2>) -> Placed {
        let n = self.n_spins();
        check::require_width("the dual spin system", x, n);
        self.cache.get(x, |device, dtype| self.place(device, dtype))
    }

    fn place(&self, device: &Device, dtype: DType) -> Placed {
        let n = self.n_spins();
        let matrix = |values: &[f64], rows: usize| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, n]), (device, dtype))
        };
        Placed {
            inverse: matrix(&self.inverse, n),
            couplings: matrix(&self.couplings, n),
            root: matrix(&self.root, n),
            field: matrix(&self.field, 1),
        }
    }
}

impl Energy for DualIsing {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let Placed { inverse, field, .. } = self.placed(&x);
        let gaussian = x.clone().matmul(inverse) * x.clone() * 0.5;
        // ln 2cosh y = ln(1 + exp 2y) - y
        let total = x + field;
        sum_rows(gaussian - softplus(total.clone() * 2.0) + total)
    }
}

impl Slope for DualIsing {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        let Placed { inverse, field, .. } = self.placed(&x);
        x.clone().matmul(inverse) - gibbs_backend::tanh(x + field)
    }
}
