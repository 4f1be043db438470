//! Principal component analysis: the linear autoencoder of least squared error.
//!
//! ```text
//! m = 1/n Σ x_i,   C = 1/n Σ (x_i - m)(x_i - m)ᵀ = Σ_j λ_j u_j u_jᵀ,   λ_1 ≥ λ_2 ≥ …    eigendecomposition
//! z = (x - m)·Uᵀ                                                          code, U = rows u_1 … u_k
//! x̂ = z·U + m                                                             reconstruction
//! 1/n Σ |x_i - x̂_i|² = Σ_{j>k} λ_j                                        on the training examples
//! ```
//!
//! References: Pearson, Philosophical Magazine 2:559 (1901); Baldi & Hornik, Neural Networks 2:53 (1989), for the linear
//! autoencoder; Hinton & Salakhutdinov, Science 313:504 (2006), for the comparison with deep autoencoders (13.87 on
//! MNIST with 30 components).
//!
//! Cost: one pass over the data, `n·width²` multiplications in the precision of the batches; their sums, the mean and the
//! eigendecomposition (`width³`, half a second for 784) in f64 on the host. Memory: one batch.

use burn::prelude::*;
use gibbs_core::{ColumnMoments, check};
use nalgebra::{DMatrix, SymmetricEigen};
use thiserror::Error;

/// Why principal components cannot be computed.
#[derive(Debug, Error, PartialEq)]
pub enum PcaError {
    /// There is no example.
    #[error("principal components of no examples: give at least one batch")]
    Empty,
    /// The number of components exceeds the number of columns or examples, or is 0.
    #[error(
        "{k} principal components of {examples} examples of width {width}: give a number from 1 to {}",
        width.min(examples)
    )]
    Components {
        /// Requested components.
        k: usize,
        /// Width of an example.
        width: usize,
        /// Number of examples.
        examples: usize,
    },
    /// A value is NaN or infinite, or so large that its square is.
    #[error(
        "principal components: a value of the examples, or its square, is NaN or infinite; clean or scale the data"
    )]
    NotFinite,
}

/// The mean and the first `k` principal components of a set of examples.
#[derive(Clone, Debug)]
pub struct Pca {
    /// `[width]`.
    mean: Tensor<1>,
    /// `[k, width]`, orthonormal rows. The entry of largest magnitude of each row is positive.
    components: Tensor<2>,
    /// All eigenvalues, not only the first `k`.
    eigenvalues: Vec<f64>,
}

impl Pca {
    /// The first `k` components of all examples in `batches`, each `[batch, width]`.
    ///
    /// The result has the device and the precision of the first batch.
    ///
    /// # Errors
    /// [`PcaError::Empty`] without examples, [`PcaError::Components`] if `k` is 0 or larger than the width or the
    /// number of examples, [`PcaError::NotFinite`].
    ///
    /// # Panics
    /// If the batches differ in width.
    pub fn fit(batches: impl IntoIterator<Item = Tensor<2>>, k: usize) -> Result<Self, PcaError> {
        let mut batches = batches.into_iter().filter(|x| x.dims()[0] > 0).peekable();
        let like = batches.peek().ok_or(PcaError::Empty)?.clone();
        let ColumnMoments { examples, mean, covariance } =
            ColumnMoments::of(batches).ok_or(PcaError::Empty)?;
        let width = mean.len();
        if k == 0 || k > width.min(examples) {
            return Err(PcaError::Components { k, width, examples });
        }
        if covariance.iter().any(|value| !value.is_finite()) {
            return Err(PcaError::NotFinite);
        }
        let covariance = DMatrix::from_row_slice(width, width, &covariance);
        let (eigenvalues, components) = sorted(SymmetricEigen::new(covariance), k);
        let options = (&like.device(), like.dtype());
        Ok(Self {
            mean: Tensor::from_data(TensorData::new(mean, [width]), options),
            components: Tensor::from_data(TensorData::new(components, [k, width]), options),
            eigenvalues,
        })
    }

    /// The mean of the examples, `[width]`.
    pub fn mean(&self) -> Tensor<1> {
        self.mean.clone()
    }

    /// The components as rows, `[k, width]`, in order of decreasing variance.
    pub fn components(&self) -> Tensor<2> {
        self.components.clone()
    }

    /// All eigenvalues of the covariance in decreasing order: the variances along the first `k` components and the others.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// The part of the variance that the `k` components keep, 0 to 1; NaN if all examples are equal.
    pub fn explained(&self) -> f64 {
        let [k, _] = self.components.dims();
        self.eigenvalues[..k].iter().sum::<f64>() / self.eigenvalues.iter().sum::<f64>()
    }

    /// `[batch, width] -> [batch, k]`.
    ///
    /// # Panics
    /// If the width of `x` is not that of the data.
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        check::require_width("the PCA", &x, self.mean.dims()[0]);
        (x - self.mean.clone().unsqueeze()).matmul(self.components.clone().transpose())
    }

    /// `[batch, k] -> [batch, width]`.
    ///
    /// # Panics
    /// If the width of `z` is not the number of components.
    pub fn decode(&self, z: Tensor<2>) -> Tensor<2> {
        check::require_width("the code of the PCA", &z, self.components.dims()[0]);
        z.matmul(self.components.clone()) + self.mean.clone().unsqueeze()
    }

    /// The projection onto the plane of the components through the mean: [`decode`](Self::decode) of [`encode`](Self::encode).
    pub fn reconstruct(&self, x: Tensor<2>) -> Tensor<2> {
        self.decode(self.encode(x))
    }

    /// `Σ_d (x_d - x̂_d)²` of each example, `[batch, width] -> [batch]`.
    pub fn squared_error(&self, x: Tensor<2>) -> Tensor<1> {
        (x.clone() - self.reconstruct(x)).square().sum_dim(1).squeeze_dim(1)
    }
}

/// All eigenvalues in decreasing order and the first `k` eigenvectors, concatenated. An eigenvalue that is negative by
/// rounding becomes zero.
fn sorted(eigen: SymmetricEigen<f64, nalgebra::Dyn>, k: usize) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let values = order.iter().map(|&j| eigen.eigenvalues[j].max(0.0)).collect();
    let vectors = order[..k].iter().flat_map(|&j| {
        let vector = eigen.eigenvectors.column(j);
        let sign = vector[vector.icamax()].signum();
        vector.iter().map(|value| sign * value).collect::<Vec<_>>()
    });
    (values, vectors.collect())
}

#[cfg(test)]
mod tests;
