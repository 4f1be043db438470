//! The two-sample test by the maximum mean discrepancy: do two sets of draws come from the same distribution?
//!
//! ```text
//! MMD² = E k(x, x') + E k(y, y') - 2 E k(x, y),    k(x, y) = exp(-|x - y|²/(2ℓ²))
//! unbiased: 1/(n(n-1)) Σ_{i≠j} h_ij,    h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)
//! variance: 4(n-2)/(n(n-1))·ζ_1 + 2/(n(n-1))·ζ_2,    ζ_1 = Var E[h_ij | i],  ζ_2 = Var h_ij
//! p-value:  exchange x_i and y_i at random, s_i = ±1: h_ij becomes s_i·s_j·h_ij
//! ```
//!
//! `MMD²` is 0 if and only if both distributions are the same. Under exchanges the statistic has its distribution for equal
//! distributions, so the p-value is exact for any number of draws.
//!
//! References: Gretton, Borgwardt, Rasch, Schölkopf & Smola, "A kernel two-sample test", JMLR 13:723 (2012), lemma 6 (the estimate)
//! and section 8.1 (the median heuristic); Hoeffding, Ann. Math. Statist. 19:293 (1948), doi:10.1214/aoms/1177730196, for the
//! variance; Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9:39 (2010), doi:10.2202/1544-6115.1585, for p-values from random
//! permutations.
//!
//! Cost: `2n²` kernels for `n` draws of each, and `n²` products for each exchange, on the host.

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::{Estimate, Kind, math::to_host};

/// The most points whose distances give a median: the median of a million distances has an error of 0.1 %.
const MOST_POINTS: usize = 1500;

/// The result of a two-sample test.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoSample {
    /// The unbiased estimate of `MMD²`, with its standard error. It is negative about as often as not for equal distributions.
    pub mmd: Estimate,
    /// The fraction of exchanges with a statistic as large or larger: uniform for equal distributions, small for different ones. The
    /// least value is `1/(exchanges + 1)`.
    pub p_value: f64,
    /// `ℓ`, the bandwidth of the kernel.
    pub bandwidth: f64,
}

/// The median heuristic: the median distance of two different points among the rows of `x [n, D]` and `y [m, D]`. 1 if it is 0.
///
/// # Panics
/// If the widths differ, or a value is NaN.
pub fn median_distance(x: &Tensor<2>, y: &Tensor<2>) -> f64 {
    let (width, rows) = rows_of(x, y);
    let points: Vec<&[f64]> = rows.iter().flat_map(|rows| rows.chunks(width)).collect();
    let every = points.len().div_ceil(MOST_POINTS);
    let points: Vec<&[f64]> = points.into_iter().step_by(every).collect();
    let mut distances: Vec<f64> = (1..points.len())
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| squared_distance(points[i], points[j]))
        .collect();
    assert!(!distances.iter().any(|d| d.is_nan()), "distances of points that are not numbers");
    if distances.is_empty() {
        return 1.0;
    }
    let middle = distances.len() / 2;
    let (_, median, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
    if *median > 0.0 { median.sqrt() } else { 1.0 }
}

/// Tests whether independent draws `x [n, D]` and `y [n, D]` have the same distribution, with a Gaussian kernel of this bandwidth, such
/// as [`median_distance`], and this number of random exchanges.
///
/// # Panics
/// If the shapes differ, if there are fewer than two draws, or if the bandwidth is not above 0.
pub fn two_sample_test(
    x: &Tensor<2>,
    y: &Tensor<2>,
    bandwidth: f64,
    exchanges: usize,
    noise: &mut Noise,
) -> TwoSample {
    assert_eq!(x.dims(), y.dims(), "as many draws of each");
    assert!(bandwidth > 0.0, "a bandwidth of {bandwidth}");
    let n = x.dims()[0];
    assert!(n > 1, "two draws of each or more");
    let h = differences(x, y, bandwidth);
    let sums: Vec<f64> = h.chunks(n).map(|row| row.iter().map(|h| f64::from(*h)).sum()).collect();
    let total: f64 = sums.iter().sum();
    let pairs = (n * (n - 1)) as f64;
    let mean = total / pairs;
    let squares: f64 = h.iter().map(|h| f64::from(*h).powi(2)).sum();
    let zeta_2 = (squares / pairs - mean * mean).max(0.0);
    // The variance of row means, less what their finite number of terms adds.
    let of_rows = sums.iter().map(|sum| (sum / (n - 1) as f64 - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    let zeta_1 = (of_rows - zeta_2 / (n - 1) as f64).max(0.0);
    let variance = (4.0 * (n as f64 - 2.0) * zeta_1 + 2.0 * zeta_2) / pairs;
    let as_large = (0..exchanges)
        .filter(|_| {
            let signs: Vec<f32> =
                (0..n).map(|_| if noise.next_u32() & 1 == 0 { 1.0 } else { -1.0 }).collect();
            let exchanged: f64 = h
                .chunks(n)
                .zip(&signs)
                .map(|(row, sign)| f64::from(*sign) * f64::from(dot(row, &signs)))
                .sum();
            exchanged >= total
        })
        .count();
    TwoSample {
        mmd: Estimate::sampled(mean, variance.sqrt(), Kind::Unbiased, n),
        p_value: (1 + as_large) as f64 / (1 + exchanges) as f64,
        bandwidth,
    }
}

/// `h [n, n]`, row by row, 0 on the diagonal.
fn differences(x: &Tensor<2>, y: &Tensor<2>, bandwidth: f64) -> Vec<f32> {
    let (width, [x, y]) = rows_of(x, y);
    let n = x.len() / width;
    let rate = -0.5 / (bandwidth * bandwidth);
    let kernel = |a: &[f64], b: &[f64]| (rate * squared_distance(a, b)).exp();
    let mut h = vec![0.0f32; n * n];
    for (i, (x_i, y_i)) in x.chunks(width).zip(y.chunks(width)).enumerate() {
        for (j, (x_j, y_j)) in x.chunks(width).zip(y.chunks(width)).enumerate().take(i) {
            let value = kernel(x_i, x_j) + kernel(y_i, y_j) - kernel(x_i, y_j) - kernel(y_i, x_j);
            h[i * n + j] = value as f32;
            h[j * n + i] = value as f32;
        }
    }
    h
}

/// The width, and the values of both row by row.
fn rows_of(x: &Tensor<2>, y: &Tensor<2>) -> (usize, [Vec<f64>; 2]) {
    let [width, other] = [x, y].map(|draws| draws.dims()[1]);
    assert_eq!(width, other, "draws of another width");
    (width, [x, y].map(|draws| to_host(draws.clone())))
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;

    use super::*;
    use crate::math::mean_and_variance;

    const WIDTH: usize = 2;

    /// Draws of a normal distribution.
    fn normal(name: &str, n: usize, shift: f64, std: f64) -> Tensor<2> {
        Noise::new(0, name).normal([n, WIDTH], (&Device::flex(), DType::F64)) * std + shift
    }

    /// `E k(x, y)` of normal distributions.
    fn mean_kernel(shift: f64, variances: f64, bandwidth: f64) -> f64 {
        let total = bandwidth * bandwidth + variances;
        ((bandwidth * bandwidth / total).sqrt() * (-0.5 * shift * shift / total).exp()).powi(WIDTH as i32)
    }

    #[test]
    fn the_discrepancy_of_normal_distributions_has_its_closed_form() {
        let (bandwidth, n) = (1.3, 600);
        for (shift, std) in [(0.0, 1.0), (0.3, 1.0), (0.0, 1.4), (1.0, 0.5)] {
            let truth = mean_kernel(0.0, 2.0, bandwidth) + mean_kernel(0.0, 2.0 * std * std, bandwidth)
                - 2.0 * mean_kernel(shift, 1.0 + std * std, bandwidth);
            let (x, y) = (normal("x", n, 0.0, 1.0), normal("y", n, shift, std));
            let found = two_sample_test(&x, &y, bandwidth, 99, &mut Noise::new(0, "exchanges"));
            let errors = (found.mmd.value - truth) / found.mmd.std_err;
            assert!(errors.abs() < 4.5, "shift {shift}, std {std}: {found:?}, the truth is {truth}");
            assert_eq!(found.p_value < 0.02, (shift, std) != (0.0, 1.0), "{found:?}");
        }
    }

    /// Over many sets of equal distributions the p-values are uniform, the estimates have mean 0, and their spread is the standard
    /// error.
    #[test]
    fn equal_distributions_have_uniform_p_values_and_the_stated_error() {
        let (sets, n) = (200, 60);
        let noise = &mut Noise::new(0, "exchanges");
        let found: Vec<TwoSample> = (0..sets)
            .map(|set| {
                let [x, y] = ["x", "y"].map(|name| normal(&format!("{name}/{set}"), n, 0.0, 1.0));
                two_sample_test(&x, &y, median_distance(&x, &y), 199, noise)
            })
            .collect();
        let (mean, variance) =
            mean_and_variance(&found.iter().map(|test| test.mmd.value).collect::<Vec<_>>());
        assert!(mean.abs() < 4.5 * (variance / sets as f64).sqrt(), "{mean} with {variance}");
        let stated = found.iter().map(|test| test.mmd.std_err.powi(2)).sum::<f64>() / sets as f64;
        // A variance of heavy-tailed values: its own error is below 30 % for 200 of them.
        assert!((0.5..2.0).contains(&(stated / variance)), "{stated} {variance}");
        let p: Vec<f64> = found.iter().map(|test| test.p_value).collect();
        let (mean, _) = mean_and_variance(&p);
        assert!((mean - 0.5).abs() < 4.5 * (1.0 / 12.0 / sets as f64).sqrt(), "{mean}");
        let small = p.iter().filter(|p| **p <= 0.1).count() as f64 / sets as f64;
        assert!((small - 0.1).abs() < 4.5 * (0.09 / sets as f64).sqrt(), "{small}");
    }

    /// The squared distance of two normal points with variance 1 in two dimensions is 4 times an exponential variable: the median is
    /// `√(4 ln 2)`.
    #[test]
    fn the_median_distance_of_normal_points() {
        let found = median_distance(&normal("x", 2000, 0.0, 1.0), &normal("y", 2000, 0.0, 1.0));
        // 1500 points: the error of a median of their distances is below 1/√1500.
        assert!((found - (4.0 * 2f64.ln()).sqrt()).abs() < 4.5 / 1500f64.sqrt(), "{found}");
        let point = Tensor::zeros([3, WIDTH], &Device::flex());
        assert_eq!(median_distance(&point, &point), 1.0);
    }
}
