//! Whitening: the linear map after which examples have mean 0 and covariance 1.
//!
//! ```text
//! C = Σ_j λ_j u_j u_jᵀ,   C^s = Σ_j max(λ_j, λ_min)^s u_j u_jᵀ
//! z = (x - m)·C^(-1/2),   x = z·C^(1/2) + m,   ladj = -½ Σ_j ln max(λ_j, λ_min)
//! ```
//!
//! The root is symmetric. Of all roots it moves examples the least: a variable without correlations keeps an axis of its own.
//! With a standard normal base, whitening is the Gaussian of maximum likelihood. It is a good start for a flow behind it.
//!
//! References: Kessy, Lewin & Strimmer, The American Statistician 72:309 (2018), arXiv:1512.00809 (ZCA whitening).
//!
//! Differences from the paper: variances below `λ_min`, `1e-8` of the mean variance, are replaced by it. Variables that are functions
//! of others then stay finite.
//!
//! Cost: the decomposition takes `D³` operations in f64 on the host, a second for 784 variables. The map is a matrix product.

use burn::{
    module::{Module, Param},
    prelude::*,
    tensor::DType,
};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::{Bijection, ColumnMoments};

/// The least variance along an axis, as a fraction of the mean variance. f32 has a relative precision of 1e-7, so it still represents
/// deviations of `√LEAST = 1e-4` with three digits.
const LEAST: f64 = 1e-8;

/// The whitening of variables with known moments. Its tensors are saved with a model and not trained.
#[derive(Module, Debug)]
pub struct Whitening {
    /// `m [D]`.
    pub mean: Param<Tensor<1>>,
    /// `C^(-1/2) [D, D]`.
    pub root: Param<Tensor<2>>,
    /// `C^(1/2) [D, D]`.
    pub inverse: Param<Tensor<2>>,
    /// `ladj [1]`.
    pub log_volume: Param<Tensor<1>>,
}

impl Whitening {
    /// The identity of `n_variables`.
    pub fn identity(n_variables: usize, device: &Device) -> Self {
        Self {
            mean: fixed(Tensor::zeros([n_variables], device)),
            root: fixed(Tensor::eye(n_variables, device)),
            inverse: fixed(Tensor::eye(n_variables, device)),
            log_volume: fixed(Tensor::zeros([1], device)),
        }
    }

    /// The whitening of examples with these moments. If no variable varies, all keep their scale.
    ///
    /// # Panics
    /// If a moment is NaN or infinite.
    pub fn new(moments: &ColumnMoments, options: (&Device, DType)) -> Self {
        assert!(
            moments.mean.iter().chain(&moments.covariance).all(|x| x.is_finite()),
            "whitening by moments that are not finite"
        );
        let n = moments.mean.len();
        let SymmetricEigen { eigenvalues, eigenvectors } =
            SymmetricEigen::new(DMatrix::from_row_slice(n, n, &moments.covariance));
        let mean = eigenvalues.mean();
        let variances: DVector<f64> = match mean > 0.0 {
            true => eigenvalues.map(|variance| variance.max(LEAST * mean)),
            false => DVector::from_element(n, 1.0),
        };
        let power = |exponent: f64| {
            let scaled = &eigenvectors * DMatrix::from_diagonal(&variances.map(|v| v.powf(exponent)));
            let matrix = scaled * eigenvectors.transpose();
            fixed(Tensor::from_data(TensorData::new(matrix.as_slice().to_vec(), [n, n]), options))
        };
        let log_volume = -0.5 * variances.iter().map(|variance| variance.ln()).sum::<f64>();
        Self {
            mean: fixed(Tensor::from_data(moments.mean.as_slice(), options)),
            root: power(-0.5),
            inverse: power(0.5),
            log_volume: fixed(Tensor::from_data([log_volume], options)),
        }
    }

    fn mean(&self) -> Tensor<2> {
        self.mean.val().unsqueeze()
    }

    fn log_volumes(&self, like: &Tensor<2>) -> Tensor<1> {
        self.log_volume.val().expand([like.dims()[0]])
    }
}

fn fixed<const D: usize>(values: Tensor<D>) -> Param<Tensor<D>> {
    Param::from_tensor(values).no_grad()
}

impl Bijection for Whitening {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = self.log_volumes(&x);
        ((x - self.mean()).matmul(self.root.val()), ladj)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = self.log_volumes(&z).neg();
        (z.matmul(self.inverse.val()) + self.mean(), ladj)
    }
}
