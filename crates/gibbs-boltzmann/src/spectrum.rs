//! The spectrum of the weights, by which one sees an RBM learn.
//!
//! ```text
//! W = Σ_k w_k u_k v_kᵀ,    w_1 ≥ w_2 ≥ …
//! ```
//!
//! Random weights have singular values below an edge near `std·(√visible + √hidden)`. In training one after the other leaves the bulk:
//! each is a direction that the machine has learned.
//!
//! Reference: Decelle, Fissore & Furtlehner, EPL 119:60001 (2017), arXiv:1708.02917.

use burn::prelude::*;
use gibbs_core::math::to_host;
use nalgebra::DMatrix;

/// The singular values of a matrix `[rows, columns]`, largest first: the roots of the eigenvalues of its smaller Gram matrix, in f64.
pub fn singular_values(matrix: Tensor<2>) -> Vec<f64> {
    let [rows, columns] = matrix.dims();
    let matrix = DMatrix::from_row_slice(rows, columns, &to_host(matrix));
    let gram = if rows < columns { &matrix * matrix.transpose() } else { matrix.transpose() * &matrix };
    let mut values: Vec<f64> =
        gram.symmetric_eigenvalues().iter().map(|value| value.max(0.0).sqrt()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::tensor;

    #[test]
    fn singular_values_are_those_of_a_rotated_diagonal() {
        let (c, s) = (0.6, 0.8);
        // Rows (3c, -2s, 0) and (3s, 2c, 0): a rotation times diag(3, 2), with a column of zeros.
        let matrix = tensor(vec![3.0 * c, -2.0 * s, 0.0, 3.0 * s, 2.0 * c, 0.0], [2, 3]);
        for matrix in [matrix.clone(), matrix.transpose()] {
            let values = singular_values(matrix);
            assert!(values.len() == 2 && (values[0] - 3.0).abs() < 1e-12 && (values[1] - 2.0).abs() < 1e-12);
        }
    }
}
