//! Compares the inverse and the log-determinant of a bijection with its Jacobian.

use burn::{prelude::*, tensor::DType};
use gibbs_core::{Bijection, math::to_host};

/// Checks a bijection on the rows of `x [batch, width]` and their contexts, in f64 on a device without autodiff: the inverse of
/// the result is `x`, the two log-determinants add up to zero, and they agree with the Jacobian by autodiff.
///
/// # Panics
/// If a value differs by more than `tolerance · max(1, |value|)`.
pub fn check_bijection(
    bijection: &impl Bijection,
    x: Tensor<2>,
    context: Option<&Tensor<2>>,
    tolerance: f64,
) {
    let (z, ladj) = bijection.forward(x.clone(), context);
    let (back, inverse_ladj) = bijection.inverse(z, context);
    check_close("inverse of forward", &to_host(back), &to_host(x.clone()), tolerance);
    check_close("inverse log-determinant", &to_host(inverse_ladj.neg()), &to_host(ladj.clone()), tolerance);
    check_close(
        "log-determinant",
        &to_host(ladj),
        &jacobian_log_determinants(bijection, x, context),
        tolerance,
    );
}

fn check_close(what: &str, have: &[f64], want: &[f64], tolerance: f64) {
    for (i, (have, want)) in have.iter().zip(want).enumerate() {
        let bound = tolerance * want.abs().max(1.0);
        assert!((have - want).abs() <= bound, "{what}, value {i}: {have} instead of {want}");
    }
}

/// `log |det ∂z/∂x|` of each row, with one backward pass for each output.
fn jacobian_log_determinants(
    bijection: &impl Bijection,
    x: Tensor<2>,
    context: Option<&Tensor<2>>,
) -> Vec<f64> {
    let [batch, width] = x.dims();
    let device = x.device().autodiff();
    let bijection = bijection.clone().fork(&device);
    let context = context.map(|context| context.clone().autodiff());
    let values = to_host(x);
    let mut jacobians = vec![vec![0.0; width * width]; batch];
    for output in 0..width {
        let x: Tensor<2> =
            Tensor::from_data(TensorData::new(values.clone(), [batch, width]), (&device, DType::F64));
        let x = x.require_grad();
        let (z, _) = bijection.forward(x.clone(), context.as_ref());
        let gradients = z.slice([0..batch, output..output + 1]).sum().backward();
        let rows = x.grad(&gradients).map_or_else(|| vec![0.0; batch * width], to_host);
        for (jacobian, row) in jacobians.iter_mut().zip(rows.chunks(width)) {
            jacobian[output * width..(output + 1) * width].copy_from_slice(row);
        }
    }
    jacobians.into_iter().map(|jacobian| log_abs_determinant(jacobian, width)).collect()
}

/// Gaussian elimination with partial pivoting; `-∞` for a singular matrix.
fn log_abs_determinant(mut a: Vec<f64>, n: usize) -> f64 {
    let mut log_det = 0.0;
    for column in 0..n {
        let by_size = |i: &usize, j: &usize| a[i * n + column].abs().total_cmp(&a[j * n + column].abs());
        let Some(pivot) = (column..n).max_by(by_size) else { return log_det };
        if pivot != column {
            for k in 0..n {
                a.swap(pivot * n + k, column * n + k);
            }
        }
        let diagonal = a[column * n + column];
        log_det += diagonal.abs().ln();
        for row in column + 1..n {
            let factor = a[row * n + column] / diagonal;
            for k in column..n {
                a[row * n + k] -= factor * a[column * n + k];
            }
        }
    }
    log_det
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, Param};

    use super::*;

    /// `z = s·x`. `claim` is added to the log-determinant that it reports.
    #[derive(Module, Debug)]
    struct Scaling {
        scale: Param<Tensor<1>>,
        claim: f64,
    }

    impl Bijection for Scaling {
        fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
            let scale = self.scale.val().unsqueeze::<2>();
            let ladj = (scale.clone().abs().log() + x.clone() * 0.0).sum_dim(1).squeeze_dim(1) + self.claim;
            (x * scale, ladj)
        }

        fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
            let scale = self.scale.val().unsqueeze::<2>();
            let ladj = (scale.clone().abs().log().neg() + z.clone() * 0.0).sum_dim(1).squeeze_dim(1);
            (z / scale, ladj - self.claim)
        }
    }

    fn check(claim: f64) {
        let device = Device::flex();
        let tensor = |values: Vec<f64>, shape: [usize; 2]| -> Tensor<2> {
            Tensor::from_data(TensorData::new(values, shape), (&device, DType::F64))
        };
        let scale = Param::from_tensor(tensor(vec![2.0, -0.5, 3.0], [1, 3]).squeeze_dim(0));
        let x = tensor(vec![0.1, -4.0, 2.0, 1.0, 0.0, 7.0], [2, 3]);
        check_bijection(&Scaling { scale, claim }, x, None, 1e-12);
    }

    #[test]
    fn a_scaling_passes() {
        check(0.0);
    }

    #[test]
    #[should_panic(expected = "log-determinant")]
    fn a_consistent_but_wrong_log_determinant_fails() {
        check(0.3);
    }

    #[test]
    fn determinant_of_a_known_matrix() {
        let matrix = vec![0.0, 2.0, 1.0, 1.0, 0.0, 3.0, 4.0, 1.0, 0.0];
        assert!((log_abs_determinant(matrix, 3) - 25f64.ln()).abs() < 1e-14);
    }
}
