//! The transformation with its oscillators: a density of phase space.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConditionalLogProb, Energy, Sample,
    math::{row_sums, to_host},
};

use super::{SymplecticLayer, halves, joined};
use crate::Chain;

/// A canonical transformation to harmonic oscillators.
#[derive(Module, Debug)]
pub struct CanonicalFlow {
    /// From phase space `x = (q, p)` to the oscillators `z = (Q, P)`.
    pub chain: Chain<SymplecticLayer>,
    /// `ln ω [n]`.
    pub log_frequencies: Param<Tensor<1>>,
}

impl CanonicalFlow {
    /// Number of positions `n`.
    pub fn n_positions(&self) -> usize {
        self.chain.n_variables() / 2
    }

    /// `ω_k`, as the oscillators stand in `z`.
    pub fn frequencies(&self) -> Vec<f64> {
        to_host(self.log_frequencies.val()).into_iter().map(f64::exp).collect()
    }

    /// The oscillators by ascending frequency.
    pub fn slowest(&self) -> Vec<usize> {
        let frequencies = self.frequencies();
        let mut order: Vec<usize> = (0..frequencies.len()).collect();
        order.sort_by(|&i, &j| frequencies[i].total_cmp(&frequencies[j]));
        order
    }

    /// `K(z) = Σ_k (P_k² + ω_k² Q_k²)/2` of oscillators `z [batch, 2n]`: `[batch]`.
    ///
    /// # Panics
    /// If `z` has another width.
    pub fn oscillators(&self, z: Tensor<2>) -> Tensor<1> {
        let (q, p) = halves(z);
        let q = q * self.log_frequencies.val().exp().unsqueeze();
        row_sums(q.clone() * q + p.clone() * p) * 0.5
    }

    /// `z [batch, 2n]` after the time `t`: each oscillator turns by the angle `ω_k t`.
    ///
    /// # Panics
    /// If `z` has another width.
    pub fn turned(&self, z: Tensor<2>, t: f64) -> Tensor<2> {
        let frequency: Tensor<2> = self.log_frequencies.val().exp().unsqueeze();
        let (cos, sin) = ((frequency.clone() * t).cos(), (frequency.clone() * t).sin());
        let (q, p) = halves(z);
        let next = q.clone() * cos.clone() + p.clone() * sin.clone() / frequency.clone();
        joined(next, p * cos - q * sin * frequency)
    }
}

impl Bijection for CanonicalFlow {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.chain.forward(x, None)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.chain.inverse(z, None)
    }
}

impl ConditionalLogProb for CanonicalFlow {
    fn n_context(&self) -> usize {
        0
    }

    /// `-K(T(x)) + Σ_k ln ω_k - n ln 2π`.
    fn log_prob_given(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> Tensor<1> {
        let constant = -(self.n_positions() as f64) * std::f64::consts::TAU.ln();
        self.log_frequencies.val().sum() + constant - self.oscillators(self.forward(x, None).0)
    }
}

impl Sample for CanonicalFlow {
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let log_frequencies = self.log_frequencies.val();
        let options = (&log_frequencies.device(), log_frequencies.dtype());
        let z = noise.normal([n, 2 * self.n_positions()], options);
        let (q, p) = halves(z);
        self.inverse(joined(q * log_frequencies.neg().exp().unsqueeze(), p), None).0
    }
}

/// `H(q, p) = E(q) + |p|²/2`: particles of mass 1.
#[derive(Clone, Debug)]
pub struct PhaseSpace<E> {
    /// `E`, dimensionless.
    pub energy: E,
}

impl<E: Energy> Energy for PhaseSpace<E> {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let (q, p) = halves(x);
        self.energy.energy(q) + row_sums(p.clone() * p) * 0.5
    }
}
