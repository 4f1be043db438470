//! t-distributed stochastic neighbor embedding (t-SNE): points of many columns in the plane, such that near neighbors stay near.
//!
//! ```text
//! p_{j|i} = exp(-|x_i - x_j|²/2σ_i²) / Σ_{k≠i} exp(-|x_i - x_k|²/2σ_i²),    exp(entropy of p_{·|i}) = perplexity fixes σ_i
//! p_ij    = (p_{j|i} + p_{i|j}) / 2n
//! q_ij    = (1 + |y_i - y_j|²)⁻¹ / Σ_{k≠l} (1 + |y_k - y_l|²)⁻¹
//! C       = Σ p_ij ln(p_ij / q_ij),     ∂C/∂y_i = 4 Σ_j (p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|²)
//! ```
//!
//! Gradient descent with momentum and a gain for each coordinate. At first all `p_ij` are multiplied, so that clusters form. The start are
//! the two first principal components, scaled down.
//!
//! References: van der Maaten & Hinton, "Visualizing data using t-SNE", JMLR 9:2579 (2008); Kobak & Berens, Nature Communications 10:5416
//! (2019), doi:10.1038/s41467-019-13056-x, for the start; Belkina et al., Nature Communications 10:5415 (2019),
//! doi:10.1038/s41467-019-13055-y, for the step size `n/12`.
//!
//! Cost: exact sums over all pairs, `n²` for each of the iterations, and `4 n²` bytes.

use burn::prelude::*;
use gibbs_backend::parallel::*;
use gibbs_core::{ConfigError, math::to_host};
use thiserror::Error;

use crate::pca::{Pca, PcaError};

/// Standard deviation of the first coordinate at the start (Kobak & Berens 2019).
const START: f64 = 1e-4;
/// Factor on all `p_ij` in the first quarter of the iterations (van der Maaten, JMLR 15:3221, 2014).
const EXAGGERATION: f64 = 12.0;
/// Momentum in the first quarter, and later (van der Maaten & Hinton 2008, section 3.4).
const MOMENTUM: [f64; 2] = [0.5, 0.8];
/// How a gain grows while gradient and step disagree in sign, shrinks otherwise, and its least value (the same, after Jacobs 1988).
const GAIN: [f64; 3] = [0.2, 0.8, 0.01];
/// Bisections of a precision `1/2σ²`, each of which halves its interval on a logarithmic scale.
const BISECTIONS: usize = 100;

/// Why points cannot be embedded.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TsneError {
    /// A setting that does not suit the points.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No principal components to start from.
    #[error(transparent)]
    Pca(#[from] PcaError),
}

/// How points are embedded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TsneConfig {
    /// Effective number of neighbors of each point, above 1 and below `(n - 1)/3` (5 to 50 in the paper).
    pub perplexity: f64,
    /// Iterations, at least 1 (1000 in the paper).
    pub iterations: usize,
}

impl Default for TsneConfig {
    fn default() -> Self {
        Self { perplexity: 30.0, iterations: 1000 }
    }
}

impl TsneConfig {
    /// Points `x [n, width]` in the plane, `[x, y]` each. `advance` is called after each iteration.
    ///
    /// # Errors
    /// A setting that does not suit the points, fewer than two columns or points, values that are not finite.
    pub fn embed(&self, x: Tensor<2>, mut advance: impl FnMut()) -> Result<Vec<[f64; 2]>, TsneError> {
        let n = x.dims()[0];
        let fits = self.perplexity > 1.0 && 3.0 * self.perplexity < n as f64 - 1.0;
        let reason =
            format!("must be above 1 and below a third of the points but one, {:.1}", (n as f64 - 1.0) / 3.0);
        ConfigError::require(fits, "perplexity", self.perplexity, reason)?;
        ConfigError::at_least("iterations", self.iterations, 1)?;
        let mut y = start(&x)?;
        let affinities = Affinities::new(&x, self.perplexity);
        let (mut step, mut gains) = (vec![[0.0; 2]; n], vec![[1.0; 2]; n]);
        let early = self.iterations.div_ceil(4);
        let rate = (n as f64 / EXAGGERATION).max(1.0);
        for iteration in 0..self.iterations {
            let is_early = iteration < early;
            let exaggeration = if is_early { EXAGGERATION } else { 1.0 };
            let momentum = MOMENTUM[usize::from(!is_early)];
            let gradient = affinities.gradient(&y, exaggeration);
            for i in 0..n {
                for c in 0..2 {
                    let agrees = gradient[i][c] * step[i][c] > 0.0;
                    let gain = if agrees { gains[i][c] * GAIN[1] } else { gains[i][c] + GAIN[0] };
                    gains[i][c] = gain.max(GAIN[2]);
                    step[i][c] = momentum * step[i][c] - rate * gains[i][c] * gradient[i][c];
                    y[i][c] += step[i][c];
                }
            }
            center(&mut y);
            advance();
        }
        Ok(y)
    }
}

/// The first two principal components, scaled down.
fn start(x: &Tensor<2>) -> Result<Vec<[f64; 2]>, PcaError> {
    let codes = to_host(Pca::fit([x.clone()], 2)?.encode(x.clone()));
    let mut y: Vec<[f64; 2]> = codes.chunks(2).map(|pair| [pair[0], pair[1]]).collect();
    let variance = y.iter().map(|y| y[0] * y[0]).sum::<f64>() / y.len() as f64;
    let scale = if variance > 0.0 { START / variance.sqrt() } else { 1.0 };
    y.iter_mut().flatten().for_each(|y| *y *= scale);
    Ok(y)
}

/// Moves the mean to the origin.
fn center(y: &mut [[f64; 2]]) {
    for c in 0..2 {
        let mean = y.iter().map(|y| y[c]).sum::<f64>() / y.len() as f64;
        y.iter_mut().for_each(|y| y[c] -= mean);
    }
}

/// `p_ij` of all pairs, row by row.
struct Affinities {
    n: usize,
    p: Vec<f32>,
}

impl Affinities {
    fn new(x: &Tensor<2>, perplexity: f64) -> Self {
        let n = x.dims()[0];
        let distances = squared_distances(x);
        let rows: Vec<Vec<f64>> = (0..n)
            .into_par_iter()
            .map(|i| neighbors(&distances[i * n..(i + 1) * n], i, perplexity))
            .collect();
        let p = (0..n * n)
            .into_par_iter()
            .map(|k| ((rows[k / n][k % n] + rows[k % n][k / n]) / (2.0 * n as f64)) as f32)
            .collect();
        Self { n, p }
    }

    /// `∂C/∂y` with `p` multiplied by `exaggeration`.
    fn gradient(&self, y: &[[f64; 2]], exaggeration: f64) -> Vec<[f64; 2]> {
        // Attraction and repulsion of each point, and its part of the normalization.
        let forces: Vec<([f64; 2], [f64; 2], f64)> = (0..self.n)
            .into_par_iter()
            .map(|i| {
                let (mut attraction, mut repulsion, mut total) = ([0.0; 2], [0.0; 2], 0.0);
                for (p, other) in self.p[i * self.n..(i + 1) * self.n].iter().zip(y) {
                    let difference = [y[i][0] - other[0], y[i][1] - other[1]];
                    let kernel = 1.0 / (1.0 + difference[0] * difference[0] + difference[1] * difference[1]);
                    total += kernel;
                    for c in 0..2 {
                        attraction[c] += f64::from(*p) * kernel * difference[c];
                        repulsion[c] += kernel * kernel * difference[c];
                    }
                }
                (attraction, repulsion, total - 1.0)
            })
            .collect();
        let total: f64 = forces.iter().map(|(_, _, total)| total).sum();
        let sum = |(attraction, repulsion, _): &([f64; 2], [f64; 2], f64)| {
            [0, 1].map(|c| 4.0 * (exaggeration * attraction[c] - repulsion[c] / total))
        };
        forces.iter().map(sum).collect()
    }
}

/// `|x_i - x_j|²` of all pairs, row by row.
fn squared_distances(x: &Tensor<2>) -> Vec<f64> {
    let ([n, width], x) = (x.dims(), to_host(x.clone()));
    let row = |i: usize| &x[i * width..(i + 1) * width];
    (0..n * n)
        .into_par_iter()
        .map(|k| row(k / n).iter().zip(row(k % n)).map(|(a, b)| (a - b) * (a - b)).sum())
        .collect()
}

/// `p_{j|i}` from the squared distances of point `i`, with the precision `1/2σ²` at which their perplexity is that asked for.
fn neighbors(distances: &[f64], i: usize, perplexity: f64) -> Vec<f64> {
    let nearest =
        (0..distances.len()).filter(|&j| j != i).map(|j| distances[j]).fold(f64::INFINITY, f64::min);
    let weights = |precision: f64| -> (Vec<f64>, f64) {
        let weight = |(j, d): (usize, &f64)| if j == i { 0.0 } else { (-precision * (d - nearest)).exp() };
        let weights: Vec<f64> = distances.iter().enumerate().map(weight).collect();
        let total: f64 = weights.iter().sum();
        let mean: f64 = weights.iter().zip(distances).map(|(w, d)| w * (d - nearest)).sum::<f64>() / total;
        let entropy = total.ln() + precision * mean;
        (weights.into_iter().map(|weight| weight / total).collect(), entropy)
    };
    let spread = distances.iter().copied().fold(0.0, f64::max) - nearest;
    let unit = if spread > 0.0 { spread.recip() } else { 1.0 };
    let (mut low, mut high): (f64, f64) = ((1e-6 * unit).ln(), (1e12 * unit).ln());
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        // The entropy falls with the precision.
        let is_wide = weights(middle.exp()).1 > perplexity.ln();
        if is_wide { low = middle } else { high = middle }
    }
    weights((0.5 * (low + high)).exp()).0
}

/// The part of points whose label is that of most of their `k` nearest neighbors, from 0 to 1. Of labels that are equally frequent the
/// smallest one counts.
///
/// # Panics
/// If there is not a label for each point `x [n, width]`, or not more than `k` points, or `k` is 0.
pub fn neighbor_accuracy(x: Tensor<2>, labels: &[u16], k: usize) -> f64 {
    let n = x.dims()[0];
    assert_eq!(labels.len(), n, "a label for each point");
    assert!(k > 0 && k < n, "{k} neighbors of {n} points");
    let distances = squared_distances(&x);
    let is_right = |i: usize| {
        let row = &distances[i * n..(i + 1) * n];
        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        others.select_nth_unstable_by(k - 1, |&a, &b| row[a].total_cmp(&row[b]).then(a.cmp(&b)));
        let mut votes = vec![0; usize::from(labels.iter().copied().max().unwrap_or(0)) + 1];
        others[..k].iter().for_each(|&j| votes[usize::from(labels[j])] += 1);
        let most = votes.iter().max().copied().unwrap_or(0);
        votes.iter().position(|&count| count == most) == Some(usize::from(labels[i]))
    };
    let right: usize = (0..n).into_par_iter().map(|i| usize::from(is_right(i))).sum();
    right as f64 / n as f64
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_backend::Noise;
    use gibbs_testkit::check_gradient;

    use super::*;

    /// Three clusters of 40 points in five columns, with their labels.
    fn clusters() -> (Tensor<2>, Vec<u16>) {
        let (device, noise) = (Device::flex(), &mut Noise::new(0, "clusters"));
        let labels: Vec<u16> = (0..120).map(|i| i / 40).collect();
        let centers: Vec<f64> = labels
            .iter()
            .flat_map(|&k| (0..5).map(move |c| if c == usize::from(k) { 6.0 } else { 0.0 }))
            .collect();
        let centers = Tensor::<2>::from_data(TensorData::new(centers, [120, 5]), (&device, DType::F64));
        (noise.normal([120, 5], (&device, DType::F64)) + centers, labels)
    }

    #[test]
    fn every_point_has_the_perplexity_asked_for() {
        let distances = squared_distances(&clusters().0);
        for perplexity in [2.0, 10.0, 35.0] {
            for i in [0, 57, 119] {
                let p = neighbors(&distances[i * 120..(i + 1) * 120], i, perplexity);
                let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
                assert!((entropy.exp() - perplexity).abs() < 1e-6, "{} {perplexity}", entropy.exp());
                assert!(p[i] == 0.0 && (p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_divergence() {
        let affinities = Affinities::new(&clusters().0.narrow(0, 30, 20), 5.0);
        let (n, noise) = (20, &mut Noise::new(1, "plane"));
        let mut y = vec![0.0; 2 * n];
        noise.fill_normal_f64(&mut y);
        let points = |y: &[f64]| -> Vec<[f64; 2]> { y.chunks(2).map(|y| [y[0], y[1]]).collect() };
        let divergence = |y: &[f64]| {
            let y = points(y);
            let kernel =
                |i: usize, j: usize| 1.0 / (1.0 + (y[i][0] - y[j][0]).powi(2) + (y[i][1] - y[j][1]).powi(2));
            let pairs = || (0..n).flat_map(|i| (0..n).filter(move |&j| j != i).map(move |j| (i, j)));
            let total: f64 = pairs().map(|(i, j)| kernel(i, j)).sum();
            let term = |(i, j): (usize, usize)| {
                let p = f64::from(affinities.p[i * n + j]);
                p * (p / (kernel(i, j) / total)).ln()
            };
            pairs().map(term).sum::<f64>()
        };
        let gradient = affinities.gradient(&points(&y), 1.0).concat();
        // The p are rounded to single precision, so their sum is 1 up to 1e-6.
        check_gradient(&gradient, &y, 1e-5, divergence);
    }

    #[test]
    fn clusters_stay_together() {
        let (x, labels) = clusters();
        let mut calls = 0;
        let config = TsneConfig { perplexity: 10.0, iterations: 300 };
        let y = config.embed(x.clone(), || calls += 1).unwrap();
        let flat: Vec<f64> = y.concat();
        let plane = Tensor::from_data(TensorData::new(flat, [120, 2]), (&x.device(), x.dtype()));
        assert_eq!((calls, neighbor_accuracy(plane, &labels, 5)), (300, 1.0));
        assert_eq!(y, config.embed(x, || ()).unwrap(), "the same points again");
    }

    #[test]
    fn accuracy_counts_votes() {
        let x = Tensor::<2>::from_data([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]], &Device::flex());
        assert_eq!(neighbor_accuracy(x.clone(), &[0, 0, 0, 1, 1, 1], 2), 1.0);
        assert_eq!(neighbor_accuracy(x.clone(), &[0, 0, 1, 1, 1, 1], 1), 5.0 / 6.0);
        assert_eq!(neighbor_accuracy(x, &[0, 1, 0, 1, 0, 1], 1), 0.0);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let embed = |perplexity, iterations| {
            TsneConfig { perplexity, iterations }.embed(clusters().0, || ()).unwrap_err().to_string()
        };
        assert!(embed(1.0, 10).contains("perplexity") && embed(40.0, 10).contains("39.7"));
        assert!(embed(5.0, 0).contains("iterations"));
    }
}
