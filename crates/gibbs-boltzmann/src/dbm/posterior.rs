//! The likelihood of single examples, by annealing of the hidden layers from mean field to `p(h | v)`.
//!
//! ```text
//! f_β(h) = q(h)^{1-β} · exp(-β E(v, h)),    β_0 = 0 < … < β_K = 1,    q: mean field
//! log w  = Σ_k log f_{β_{k+1}}(h_k) - log f_{β_k}(h_k),    h_0 ~ q,    h_k from a Gibbs sweep at β_k
//! E[w] = Σ_h exp(-E(v, h)) = Z p(v)
//! ```
//!
//! The mean of `log w` is at least the mean-field bound, and rises to `log p(v) + log Z` with the number of temperatures: their
//! difference is what mean field neglects.
//!
//! Each `f_β` is an RBM of even and odd hidden layers whose biases interpolate between those of `q` and those of `p(h | v)`, so the odd
//! layers are summed out.
//!
//! Reference: Neal, Statistics and Computing 11:125 (2001); Wu, Burda, Salakhutdinov & Grosse, ICLR 2017, arXiv:1611.04273, for single
//! examples.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError, Estimate, Kind,
    math::{log_mean_exp_estimate, repeat_rows, row_sums, to_host},
};
use serde::{Deserialize, Serialize};

use super::{
    inference::{Clamped, MeanField},
    machine::Dbm,
};
use crate::units::{AnyUnits, UnitFamily, Units};

/// How the likelihood of single examples is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PosteriorProtocol {
    /// Annealed chains for each example, at least 2.
    pub chains: usize,
    /// Intervals between inverse temperatures, at least 1.
    pub temperatures: usize,
}

impl PosteriorProtocol {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("chains", self.chains, 2)?;
        ConfigError::at_least("temperatures", self.temperatures, 1)
    }

    /// `log p(v) + log Z` of each row of `v [batch, visible]`, asymptotic, with its standard error over the chains.
    ///
    /// # Panics
    /// If `v` are no states of the visible units.
    pub fn log_weights(&self, dbm: &Dbm, v: Tensor<2>, updates: usize, noise: &mut Noise) -> Vec<Estimate> {
        dbm.log_weights(v, *self, updates, noise)
            .chunks(self.chains)
            .map(|weights| log_mean_exp_estimate(weights).with_temperatures(self.temperatures + 1))
            .collect()
    }

    /// The mean of `log p(v)` over examples, from the estimates of [`log_weights`](Self::log_weights) and `log Z`: asymptotic.
    pub fn mean(&self, log_weights: &[Estimate], log_z: &Estimate) -> Estimate {
        let n = log_weights.len();
        let values: Vec<f64> = log_weights.iter().map(|weight| weight.value - log_z.value).collect();
        let squares: f64 = log_weights.iter().map(|weight| weight.std_err.powi(2)).sum();
        let std_err = (squares.sqrt() / n as f64).hypot(log_z.std_err);
        Estimate::sampled(values.iter().sum::<f64>() / n as f64, std_err, Kind::Asymptotic, n)
            .over_examples(&values)
            .with_temperatures(self.temperatures + 1)
            .or_unreliable(log_z.unreliable.clone())
    }
}

impl Dbm {
    /// `log w` of annealed chains, those of the first row of `v` first: `batch · chains` numbers, nats. The mean of `w` over chains is an
    /// unbiased estimate of `Z p(v)`. `updates` are those of mean field.
    ///
    /// # Panics
    /// If `v` are no states of the visible units.
    pub fn log_weights(
        &self,
        v: Tensor<2>,
        protocol: PosteriorProtocol,
        updates: usize,
        noise: &mut Noise,
    ) -> Vec<f64> {
        let MeanField { even_input, odd_input, .. } = self.mean_field(v.clone(), None, updates);
        self.require_states(&v);
        let PosteriorProtocol { chains, temperatures } = protocol;
        let path = Path::new(self.clamped(v).repeated(chains), [even_input, odd_input], chains);
        path.log_weights(temperatures, noise)
    }
}

/// The path of each chain. Units without biases take all that depends on the row as their input.
struct Path {
    clamped: Clamped,
    /// Neutral units of the even and of the odd side.
    even: AnyUnits,
    odd: AnyUnits,
    /// Biases plus inputs at `β = 0`, those of mean field.
    even_start: Tensor<2>,
    odd_start: Tensor<2>,
    /// Biases plus inputs from `v` at `β = 1`.
    even_end: Tensor<2>,
    odd_end: Tensor<2>,
}

impl Path {
    fn new(clamped: Clamped, inputs: [Tensor<2>; 2], chains: usize) -> Self {
        let bias = |units: &AnyUnits| units.parameters()[0].val().unsqueeze::<2>();
        let (even, odd) = (&clamped.rbm.visible, &clamped.rbm.hidden);
        let [even_input, odd_input] = inputs.map(|input| repeat_rows(input, chains));
        let n = even_input.dims()[0];
        Self {
            even: even.neutral(),
            odd: odd.neutral(),
            even_start: even_input + bias(even),
            odd_start: odd_input + bias(odd),
            even_end: bias(even).expand([n, even.width()]),
            odd_end: clamped.input.clone() + bias(odd),
            clamped,
        }
    }

    fn log_weights(&self, temperatures: usize, noise: &mut Noise) -> Vec<f64> {
        // `log f_0` sums to one over all states; the part without states is that of `f_1`.
        let start = self.clamped.own.clone()
            + self.even.log_partition(self.even_start.clone())
            + self.odd.log_partition(self.odd_start.clone());
        let mut total = to_host(start);
        let mut even = self.even.sample(self.even_start.clone(), noise);
        let beta = |k: usize| k as f64 / temperatures as f64;
        for k in 0..temperatures {
            let input = self.clamped.rbm.hidden_input(even.clone());
            let step = self.log_weight(&even, &input, beta(k + 1)) - self.log_weight(&even, &input, beta(k));
            total.iter_mut().zip(to_host(step)).for_each(|(total, step)| *total += step);
            if k + 1 < temperatures {
                even = self.sweep(input, beta(k + 1), noise);
            }
        }
        total
    }

    /// `log f_β` of even states up to a constant, with the odd layers summed out.
    fn log_weight(&self, even: &Tensor<2>, input: &Tensor<2>, beta: f64) -> Tensor<1> {
        row_sums(even.clone() * lerp(&self.even_start, &self.even_end, beta))
            + self.odd.log_partition(self.odd_input(input, beta))
    }

    fn odd_input(&self, input: &Tensor<2>, beta: f64) -> Tensor<2> {
        lerp(&self.odd_start, &self.odd_end, beta) + input.clone() * beta
    }

    /// A Gibbs sweep at `β` of even states whose input to the odd ones is known.
    fn sweep(&self, input: Tensor<2>, beta: f64, noise: &mut Noise) -> Tensor<2> {
        let odd = self.odd.sample(self.odd_input(&input, beta), noise);
        let input = self.clamped.rbm.visible_input(odd) * beta;
        self.even.sample(lerp(&self.even_start, &self.even_end, beta) + input, noise)
    }
}

/// `(1-t)·a + t·b`.
fn lerp(a: &Tensor<2>, b: &Tensor<2>, t: f64) -> Tensor<2> {
    a.clone() * (1.0 - t) + b.clone() * t
}
