//! Log-space mathematics and statistics of samples: in f64 on the host, and on tensors.

use burn::prelude::*;

use crate::{Estimate, Kind, importance::WeightSpread};

/// `ln √(2π)`, nats. The log-density of a standard normal variable at 0 is its negative.
pub const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// `log Σ exp(x_i)` without overflow. An empty slice gives `-∞`; a NaN gives NaN.
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, |a, b| if a.is_nan() || a > b { a } else { b });
    if max.is_infinite() || max.is_nan() {
        return max;
    }
    max + x.iter().map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// `log(exp(a) + exp(b))` without overflow.
pub fn log_add_exp(a: f64, b: f64) -> f64 {
    log_sum_exp(&[a, b])
}

/// `log (1/n Σ exp(x_i))` without overflow.
pub fn log_mean_exp(x: &[f64]) -> f64 {
    log_sum_exp(x) - (x.len() as f64).ln()
}

/// Mean and unbiased variance (Welford, Technometrics 4:419, 1962).
///
/// The variance of fewer than two samples is NaN. The mean of no samples is NaN.
pub fn mean_and_variance(samples: &[f64]) -> (f64, f64) {
    let (mut mean, mut m2) = (0.0, 0.0);
    for (i, x) in samples.iter().enumerate() {
        let delta = x - mean;
        mean += delta / (i + 1) as f64;
        m2 += delta * (x - mean);
    }
    let mean = if samples.is_empty() { f64::NAN } else { mean };
    let variance = if samples.len() < 2 { f64::NAN } else { m2 / (samples.len() - 1) as f64 };
    (mean, variance)
}

/// `log mean exp` of independent log-weights, with its standard error by the delta method:
/// `σ(w) / (w̄ √n)` for weights `w = exp(x)`.
///
/// The estimate is asymptotic: `log` is concave, so the expectation is below the true value by about half the squared
/// standard error. It carries its effective sample size and the share of its largest weight, and is marked if its weights are
/// too uneven; see [`importance`](crate::importance).
pub fn log_mean_exp_estimate(log_weights: &[f64]) -> Estimate {
    let value = log_mean_exp(log_weights);
    let relative: Vec<f64> = log_weights.iter().map(|x| (x - value).exp()).collect();
    let (_, variance) = mean_and_variance(&relative);
    let std_err = (variance / log_weights.len() as f64).sqrt();
    let estimate = Estimate::sampled(value, std_err, Kind::Asymptotic, log_weights.len());
    WeightSpread::of(log_weights).describe(estimate)
}

/// Effective sample size `(Σ w)² / Σ w²` of importance weights `w`, from their logarithms (Kish, Survey Sampling, 1965).
pub fn effective_sample_size(log_weights: &[f64]) -> f64 {
    let squares: Vec<f64> = log_weights.iter().map(|x| 2.0 * x).collect();
    (2.0 * log_sum_exp(log_weights) - log_sum_exp(&squares)).exp()
}

/// The logarithm of a term that is lost in a sum with 1.
const LEAST_TERM: f64 = -40.0;

/// `log Σ exp(x)` over each row, without overflow: `[batch, n] -> [batch]`. Differentiable.
///
/// A row of `-∞` gives `-∞`. Terms below `e^-40` of the largest one, which is less than the rounding of a sum in f64, have no gradient:
/// that would be made of subnormal numbers, with which processors are slow.
pub fn log_sum_exp_rows(x: Tensor<2>) -> Tensor<1> {
    let max = x.clone().detach().max_dim(1).clamp_min(-f32::MAX);
    let below = x - max.clone();
    let is_small = below.clone().detach().lower_elem(LEAST_TERM);
    let sum = below.exp().mask_fill(is_small, 0.0).sum_dim(1);
    (sum.log() + max).squeeze_dim(1)
}

/// Copies the values of a tensor to the host, row by row, as f64. Waits for the device.
///
/// # Panics
/// If the device fails.
pub fn to_host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The sum of each row of `x [n, width]`: `[n]`.
pub fn row_sums(x: Tensor<2>) -> Tensor<1> {
    x.sum_dim(1).squeeze_dim(1)
}

/// `ln N(z; 0, 1)` of each row of `z [n, width]`, nats: `[n]`.
pub fn log_normal(z: Tensor<2>) -> Tensor<1> {
    let width = z.dims()[1] as f64;
    row_sums(z.powi_scalar(2)) * -0.5 - width * LN_SQRT_TAU
}

/// Each row of `x [n, width]` repeated `copies` times, next to each other: `[n · copies, width]`.
pub fn repeat_rows(x: Tensor<2>, copies: usize) -> Tensor<2> {
    let [n, width] = x.dims();
    match copies {
        1 => x,
        _ => x.unsqueeze_dim::<3>(1).expand([n, copies, width]).reshape([n * copies, width]),
    }
}

/// A zero for each row of `x [n, width]`: `[n]`. It is the log-determinant of a map that conserves volume.
pub fn row_zeros(x: &Tensor<2>) -> Tensor<1> {
    Tensor::zeros([x.dims()[0]], (&x.device(), x.dtype()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sum_exp_agrees_with_the_plain_sum_and_survives_the_tails() {
        assert!((log_sum_exp(&[0.0, 1.0, 2.0]) - (1.0 + 1f64.exp() + 2f64.exp()).ln()).abs() < 1e-14);
        assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2f64.ln())).abs() < 1e-12);
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[0.0, f64::INFINITY]), f64::INFINITY);
        assert!(log_sum_exp(&[f64::NAN, 0.0]).is_nan());
        assert!(log_sum_exp(&[0.0, f64::NAN]).is_nan());
    }

    #[test]
    fn the_constant_of_normal_densities() {
        assert!((LN_SQRT_TAU - 0.5 * std::f64::consts::TAU.ln()).abs() < 1e-15);
    }

    #[test]
    fn rows_agree_with_the_host() {
        let device = Device::flex();
        let rows = [[0.5, -3.0, 2.0], [-90.0, -91.0, -90.5], [80.0, 90.0, 95.0]];
        let sums = to_host(log_sum_exp_rows(Tensor::from_data(rows, &device)));
        for (row, sum) in rows.iter().zip(sums) {
            assert!((log_sum_exp(row) - sum).abs() < 1e-5 * sum.abs().max(1.0));
        }
    }

    /// Small terms change neither the sum nor, with a gradient of zero, what depends on them.
    #[test]
    fn small_terms_have_no_gradient() {
        let device = Device::flex().autodiff();
        let rows = [[0.0, -39.0, -41.0], [1.0, 1.0, -200.0]];
        let x = Tensor::<2>::from_data(rows, (&device, burn::tensor::DType::F64)).require_grad();
        let sums = log_sum_exp_rows(x.clone());
        let gradient = to_host(x.grad(&sums.clone().sum().backward()).unwrap());
        assert_eq!(to_host(sums), rows.map(|row| log_sum_exp(&row)));
        let want = [1.0, (-39f64).exp(), 0.0, 0.5, 0.5, 0.0];
        assert!(
            gradient.iter().zip(want).all(|(have, want)| (have - want).abs() <= 1e-15 * want),
            "{gradient:?}"
        );
    }

    #[test]
    fn effective_sample_size_of_equal_and_of_single_weights() {
        assert!((effective_sample_size(&[3.0; 7]) - 7.0).abs() < 1e-10);
        assert!((effective_sample_size(&[500.0, 0.0, 0.0]) - 1.0).abs() < 1e-10);
    }

    #[test]
    fn the_delta_method_error_is_exact_for_known_weights() {
        let estimate = log_mean_exp_estimate(&[1f64.ln(), 3f64.ln()]);
        assert!((estimate.value - 2f64.ln()).abs() < 1e-14);
        assert!((estimate.std_err - (2.0f64 / 4.0 / 2.0).sqrt()).abs() < 1e-14);
    }
}
