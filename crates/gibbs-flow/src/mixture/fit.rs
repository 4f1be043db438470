//! Fitting a mixture by expectation maximization, in f64 on the host.
//!
//! ```text
//! E:  r_ik = w_k t_k(x_i) / p(x_i),   u_ik = (ν + D)/(ν + q_ik)           u = 1 for normal components
//! M:  w_k = Σ_i r_ik / n,   m_k = Σ_i r_ik u_ik x_i / Σ_i r_ik u_ik
//!     C_k = (Σ_i r_ik u_ik (x_i - m_k)(x_i - m_k)ᵀ + c·S) / (Σ_i r_ik + c)
//! ```
//!
//! The last line has a prior: `c` further points with the covariance `S`, so that no component collapses onto a few points. `S` is
//! diagonal with the variances of the columns, divided by `K^(2/D)` (Fraley & Raftery, J. Classification 24:155 (2007),
//! doi:10.1007/s00357-007-0004-5). These variances are of values within four interquartile ranges, because a heavy tail has none.

use burn::{prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::math::log_sum_exp;

use super::{Mixture, MixtureConfig, fixed, log_normalizer};

/// The most iterations, and the gain in nats for each point at which they end.
const ITERATIONS: usize = 100;
const GAIN: f64 = 1e-3;
/// Starts, and iterations of each. The best one goes on: the likelihood has local maxima.
const STARTS: usize = 3;
const FIRST_ITERATIONS: usize = 10;
/// Iterations of k-means for the start.
const START: usize = 10;
/// Responsibilities below this add nothing.
const LEAST: f64 = 1e-9;

/// A fitted mixture on the host.
#[derive(Clone, Debug)]
pub struct MixtureFit {
    config: MixtureConfig,
    width: usize,
    components: Vec<Component>,
}

#[derive(Clone, Debug)]
struct Component {
    log_weight: f64,
    mean: Vec<f64>,
    /// `L`, row by row; zero above the diagonal.
    root: Vec<f64>,
    /// `L⁻¹`, row by row.
    inverse: Vec<f64>,
    /// `-ln |L|`.
    log_volume: f64,
}

impl Component {
    /// `q = |L⁻¹(x - m)|²`.
    fn distance(&self, x: &[f64], centered: &mut [f64]) -> f64 {
        let width = x.len();
        centered.iter_mut().zip(x.iter().zip(&self.mean)).for_each(|(c, (x, m))| *c = x - m);
        let row = |i: usize| {
            let row = &self.inverse[i * width..i * width + i + 1];
            let y: f64 = row.iter().zip(&*centered).map(|(a, c)| a * c).sum();
            y * y
        };
        (0..width).map(row).sum()
    }

    /// The component with this mean and covariance.
    fn new(log_weight: f64, mean: Vec<f64>, covariance: Vec<f64>) -> Self {
        let width = mean.len();
        let root = cholesky(covariance, width);
        let inverse = lower_inverse(&root, width);
        let log_volume = (0..width).map(|i| inverse[i * width + i].ln()).sum();
        Self { log_weight, mean, root, inverse, log_volume }
    }
}

impl MixtureConfig {
    /// Fits a mixture to `rows`, of `width` numbers each, from a start by k-means++ with `noise`.
    ///
    /// # Panics
    /// If [`validate`](MixtureConfig::validate) fails, or there are no rows, or one is not finite.
    pub fn fit(self, rows: &[f64], width: usize, noise: &mut Noise) -> MixtureFit {
        if let Err(error) = self.validate() {
            panic!("{error}");
        }
        assert!(!rows.is_empty() && rows.iter().all(|x| x.is_finite()), "a mixture of finite rows");
        let n_starts = if self.components > 1 { STARTS } else { 1 };
        let started = (0..n_starts).map(|_| {
            let mut run = Expectation::start(self, rows, width, noise);
            run.iterate(rows, FIRST_ITERATIONS);
            run
        });
        let best = started.reduce(|best, run| if run.log_prob > best.log_prob { run } else { best });
        let Some(mut best) = best else { unreachable!("at least one start") };
        best.iterate(rows, ITERATIONS);
        best.fit
    }
}

/// Expectation maximization on its way.
struct Expectation {
    fit: MixtureFit,
    /// `r`, `[n, K]`.
    shares: Vec<f64>,
    /// `u`, `[n, K]`.
    scales: Vec<f64>,
    /// Diagonal of `S`.
    variances: Vec<f64>,
    /// Mean log-density of the rows, nats.
    log_prob: f64,
}

impl Expectation {
    fn start(config: MixtureConfig, rows: &[f64], width: usize, noise: &mut Noise) -> Self {
        let (n, k) = (rows.len() / width, config.components);
        let shrink = (k as f64).powf(-2.0 / width as f64);
        Self {
            fit: MixtureFit { config, width, components: Vec::new() },
            shares: k_means(rows, width, k, noise),
            scales: vec![1.0; n * k],
            variances: robust_variances(rows, width).iter().map(|variance| variance * shrink).collect(),
            log_prob: f64::NEG_INFINITY,
        }
    }

    /// At most this many iterations, as long as they gain.
    fn iterate(&mut self, rows: &[f64], iterations: usize) {
        let (width, MixtureConfig { components: k, prior, .. }) = (self.fit.width, self.fit.config);
        for _ in 0..iterations {
            let weights = (self.shares.as_slice(), self.scales.as_slice());
            let components = (0..k).map(|j| component(rows, width, weights, [j, k], &self.variances, prior));
            self.fit.components = components.collect();
            let before = self.log_prob;
            self.log_prob = self.fit.expectation(rows, &mut self.shares, &mut self.scales);
            if self.log_prob - before < GAIN {
                return;
            }
        }
    }
}

impl MixtureFit {
    /// Its configuration.
    pub fn config(&self) -> MixtureConfig {
        self.config
    }

    /// `ln p(x)` of each row, nats.
    pub fn log_prob(&self, rows: &[f64]) -> Vec<f64> {
        let (mut centered, mut terms) = (vec![0.0; self.width], vec![0.0; self.components.len()]);
        let mut log_prob = |x: &[f64]| {
            terms.iter_mut().zip(&self.components).for_each(|(term, component)| {
                *term = self.log_joint(component, component.distance(x, &mut centered));
            });
            log_sum_exp(&terms)
        };
        rows.chunks(self.width).map(&mut log_prob).collect()
    }

    /// The mixture as a module.
    pub fn mixture(&self, device: &Device) -> Mixture {
        let (k, d) = (self.components.len(), self.width);
        let joined = |part: fn(&Component) -> &[f64]| {
            self.components.iter().flat_map(part).copied().collect::<Vec<_>>()
        };
        let tensor = |values: Vec<f64>, rows: usize| -> Tensor<2> {
            Tensor::from_data(TensorData::new(values, [rows, d]), (device, DType::F32))
        };
        let log_weights: Vec<f64> = self.components.iter().map(|component| component.log_weight).collect();
        Mixture {
            log_weights: fixed(Tensor::from_data(log_weights.as_slice(), (device, DType::F32))),
            means: fixed(tensor(joined(|component| &component.mean), k)),
            roots: fixed(tensor(joined(|component| &component.root), k * d)),
            inverses: fixed(tensor(joined(|component| &component.inverse), k * d)),
            degrees_of_freedom: self.config.degrees_of_freedom,
        }
    }

    /// `ln w_k + ln t_k` at the distance `q`.
    fn log_joint(&self, component: &Component, q: f64) -> f64 {
        let shape = match self.config.degrees_of_freedom {
            None => -0.5 * q,
            Some(nu) => -0.5 * (nu + self.width) as f64 * (q / nu as f64).ln_1p(),
        };
        component.log_weight
            + component.log_volume
            + shape
            + log_normalizer(self.width, self.config.degrees_of_freedom)
    }

    /// Replaces `r` and `u`; returns the mean log-density.
    fn expectation(&self, rows: &[f64], shares: &mut [f64], scales: &mut [f64]) -> f64 {
        let k = self.components.len();
        let (mut centered, mut total) = (vec![0.0; self.width], 0.0);
        let per_row = rows.chunks(self.width).zip(shares.chunks_mut(k).zip(scales.chunks_mut(k)));
        for (x, (shares, scales)) in per_row {
            for (j, component) in self.components.iter().enumerate() {
                let q = component.distance(x, &mut centered);
                shares[j] = self.log_joint(component, q);
                if let Some(nu) = self.config.degrees_of_freedom {
                    scales[j] = (nu + self.width) as f64 / (nu as f64 + q);
                }
            }
            let log_prob = log_sum_exp(shares);
            shares.iter_mut().for_each(|share| *share = (*share - log_prob).exp());
            total += log_prob;
        }
        total * self.width as f64 / rows.len() as f64
    }
}

/// The component `j` of `k` from the shares and scales of all rows.
fn component(
    rows: &[f64],
    width: usize,
    (shares, scales): (&[f64], &[f64]),
    [j, k]: [usize; 2],
    variances: &[f64],
    prior: f64,
) -> Component {
    let n = rows.len() / width;
    let weight = |i: usize| shares[i * k + j] * scales[i * k + j];
    let share: f64 = (0..n).map(|i| shares[i * k + j]).sum();
    let (mut mean, mut total) = (vec![0.0; width], f64::MIN_POSITIVE);
    for (i, x) in rows.chunks(width).enumerate() {
        let w = weight(i);
        if w > LEAST {
            total += w;
            mean.iter_mut().zip(x).for_each(|(m, x)| *m += w * x);
        }
    }
    mean.iter_mut().for_each(|m| *m /= total);
    let mut covariance = vec![0.0; width * width];
    let mut centered = vec![0.0; width];
    for (i, x) in rows.chunks(width).enumerate() {
        let w = weight(i);
        if w > LEAST {
            centered.iter_mut().zip(x.iter().zip(&mean)).for_each(|(c, (x, m))| *c = x - m);
            for row in 0..width {
                let scaled = w * centered[row];
                let sums = &mut covariance[row * width..row * width + row + 1];
                sums.iter_mut().zip(&centered).for_each(|(sum, c)| *sum += scaled * c);
            }
        }
    }
    for row in 0..width {
        covariance[row * width + row] += prior * variances[row];
        covariance[row * width..row * width + row + 1].iter_mut().for_each(|c| *c /= share + prior);
    }
    Component::new((share.max(LEAST) / n as f64).ln(), mean, covariance)
}

/// Shares `[n, k]` of zeros and ones: rows near the centers of k-means, which begin far from each other.
fn k_means(rows: &[f64], width: usize, k: usize, noise: &mut Noise) -> Vec<f64> {
    let n = rows.len() / width;
    let row = |i: usize| &rows[i * width..(i + 1) * width];
    let squared = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum() };
    let mut uniform = |total: f64| noise.next_uniform() * total;
    let mut centers = vec![row(uniform(n as f64) as usize % n).to_vec()];
    let mut nearest: Vec<f64> = rows.chunks(width).map(|x| squared(x, &centers[0])).collect();
    while centers.len() < k {
        // An outlier is no cluster: the largest distances count as the percentile below them.
        let mut sorted = nearest.clone();
        sorted.sort_by(f64::total_cmp);
        let most = sorted[(n - 1) * 99 / 100];
        let mut rest = uniform(nearest.iter().map(|distance| distance.min(most)).sum());
        let chosen = nearest.iter().position(|distance| {
            rest -= distance.min(most);
            rest < 0.0
        });
        let center = row(chosen.unwrap_or(n - 1)).to_vec();
        nearest.iter_mut().zip(rows.chunks(width)).for_each(|(d, x)| *d = d.min(squared(x, &center)));
        centers.push(center);
    }
    let mut chosen = vec![0; n];
    for _ in 0..START {
        let (mut sums, mut counts) = (vec![vec![0.0; width]; k], vec![0.0; k]);
        for (i, x) in rows.chunks(width).enumerate() {
            let distances = centers.iter().map(|center| squared(x, center));
            let nearest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(j, _)| j);
            chosen[i] = nearest;
            counts[nearest] += 1.0;
            sums[nearest].iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
        }
        for (center, (sum, count)) in centers.iter_mut().zip(sums.iter().zip(&counts)) {
            if *count > 0.0 {
                center.iter_mut().zip(sum).for_each(|(c, sum)| *c = sum / count);
            }
        }
    }
    let mut shares = vec![0.0; n * k];
    chosen.iter().enumerate().for_each(|(i, j)| shares[i * k + j] = 1.0);
    shares
}

/// The variance of each column over values within four interquartile ranges of its median; 1 where it is 0.
fn robust_variances(rows: &[f64], width: usize) -> Vec<f64> {
    let variance = |column: usize| {
        let mut values: Vec<f64> = rows.iter().skip(column).step_by(width).copied().collect();
        values.sort_by(f64::total_cmp);
        let at = |part: usize| values[(values.len() - 1) * part / 4];
        let (median, reach) = (at(2), 4.0 * (at(3) - at(1)));
        let inside: Vec<f64> =
            values.iter().filter(|x| reach == 0.0 || (*x - median).abs() <= reach).copied().collect();
        let mean = inside.iter().sum::<f64>() / inside.len() as f64;
        let variance = inside.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / inside.len() as f64;
        if variance > 0.0 { variance } else { 1.0 }
    };
    (0..width).map(variance).collect()
}

/// `L` with `C = L Lᵀ`, from the lower half of `C`. A pivot that rounding makes too small is raised to `1e-12` of its variance.
fn cholesky(mut c: Vec<f64>, width: usize) -> Vec<f64> {
    for i in 0..width {
        let variance = c[i * width + i];
        for j in 0..=i {
            let dot: f64 = (0..j).map(|m| c[i * width + m] * c[j * width + m]).sum();
            let rest = c[i * width + j] - dot;
            c[i * width + j] = match i == j {
                true => rest.max(1e-12 * variance).max(f64::MIN_POSITIVE).sqrt(),
                false => rest / c[j * width + j],
            };
        }
        c[i * width + i + 1..(i + 1) * width].fill(0.0);
    }
    c
}

/// `L⁻¹`, row by row.
fn lower_inverse(root: &[f64], width: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; width * width];
    for i in 0..width {
        let pivot = root[i * width + i].recip();
        for j in 0..i {
            let dot: f64 = (j..i).map(|m| root[i * width + m] * inverse[m * width + j]).sum();
            inverse[i * width + j] = -dot * pivot;
        }
        inverse[i * width + i] = pivot;
    }
    inverse
}
