//! Tests of the noise, with seeds fixed and bounds from the error of the statistic: 4.5 standard deviations.

mod distributions;
#[cfg(feature = "flex")]
mod on_flex;
mod streams;
mod tensors;

use burn::tensor::Tensor;

use super::*;

/// Long enough for several threads, and no multiple of anything.
const LONG: usize = 50_001;

fn noise(name: &str) -> Noise {
    Noise::new(20_240_229, name)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Largest distance between the distribution function and that of the sample, times the root of the sample's size. By
/// Kolmogorov's distribution it exceeds 1.95 once in a thousand times.
fn kolmogorov(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let gap = sample.iter().enumerate().map(|(i, &x)| {
        let f = distribution(x);
        (f - i as f64 / n).max((i as f64 + 1.0) / n - f)
    });
    gap.fold(0.0, f64::max) * n.sqrt()
}

/// Σ (observed - expected)²/expected, standardized by the mean and variance of the χ² distribution.
fn chi_square(observed: &[usize], probs: &[f64]) -> f64 {
    let n = observed.iter().sum::<usize>() as f64;
    let sum: f64 = observed.iter().zip(probs).map(|(&o, p)| (o as f64 - n * p).powi(2) / (n * p)).sum();
    let freedom = observed.len() as f64 - 1.0;
    (sum - freedom) / (2.0 * freedom).sqrt()
}
