//! Annealed importance sampling of the partition function, in both directions.
//!
//! ```text
//! p_β(v) ∝ exp(-F_β(v)):  β_0 = 0, independent units with the data's means, Z_0 known  →  β_K = 1, the machine
//! log w  = Σ_k F_{β_k}(v_k) - F_{β_{k+1}}(v_k),   v_{k+1} ~ Gibbs sweep at β_{k+1}
//! E[w] = Z / Z_0,   and from draws of the machine backwards  E[w'] = Z_0 / Z
//! ```
//!
//! By Jensen's inequality the forward estimate of `log Z` is low and the reverse one high in expectation,
//! so both make a bracket. The reverse end is a bound as far as its first states are draws of the machine;
//! they come from long Gibbs chains.
//!
//! References: Neal, Statistics and Computing 11:125 (2001); Salakhutdinov & Murray, ICML 2008, for RBMs
//! and the base-rate model; Burda, Grosse & Salakhutdinov, AISTATS 2015, for the reverse direction.
//!
//! Cost: two products `[chains, visible] × [visible, hidden]` for each temperature.

use std::cmp::Ordering;

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    Estimate, Kind,
    math::{log_mean_exp_estimate, to_host},
};
use thiserror::Error;

use crate::{rbm::Rbm, units::Units};

/// Log-weights are collected on the host in f64 after this many temperatures, so that rounding of the sum
/// stays below that of its terms, and the device is waited for only now and then.
const FLUSH_EVERY: usize = 32;

/// Why a schedule of inverse temperatures cannot be used.
#[derive(Debug, Error, PartialEq)]
#[error("a schedule must increase from 0 to 1 with at least 2 values; {0}")]
pub struct ScheduleError(String);

/// Inverse temperatures `0 = β_0 < … < β_K = 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(Vec<f64>);

impl Schedule {
    /// A schedule of your choice.
    ///
    /// # Errors
    /// If the values do not increase strictly from 0 to 1.
    pub fn new(betas: Vec<f64>) -> Result<Self, ScheduleError> {
        let ends = (betas.first().copied(), betas.last().copied());
        if betas.len() < 2 || ends != (Some(0.0), Some(1.0)) {
            return Err(ScheduleError(format!("{} values from {:?} to {:?}", betas.len(), ends.0, ends.1)));
        }
        match betas.windows(2).find(|pair| pair[0].partial_cmp(&pair[1]) != Some(Ordering::Less)) {
            Some(pair) => Err(ScheduleError(format!("{} follows {}", pair[1], pair[0]))),
            None => Ok(Self(betas)),
        }
    }

    /// `intervals` equal steps.
    ///
    /// # Panics
    /// If `intervals` is zero.
    pub fn linear(intervals: usize) -> Self {
        assert!(intervals > 0, "a schedule needs at least one interval");
        Self((0..=intervals).map(|k| k as f64 / intervals as f64).collect())
    }

    /// The schedule of Salakhutdinov & Murray (2008), section 4.2, with its 14500 steps scaled to
    /// `intervals`: 500 of them up to β = 0.5, 4000 up to 0.9, 10000 up to 1.
    ///
    /// # Panics
    /// If `intervals` is below 29, so that a part would be empty.
    pub fn salakhutdinov_murray(intervals: usize) -> Self {
        assert!(intervals >= 29, "the three parts need at least 29 intervals, not {intervals}");
        let first = intervals / 29;
        let second = intervals * 8 / 29;
        let parts = [(0.0, 0.5, first), (0.5, 0.9, second), (0.9, 1.0, intervals - first - second)];
        let mut betas: Vec<f64> = parts
            .iter()
            .flat_map(|&(from, to, n)| (0..n).map(move |k| from + (to - from) * k as f64 / n as f64))
            .collect();
        betas.push(1.0);
        Self(betas)
    }

    /// The inverse temperatures.
    pub fn betas(&self) -> &[f64] {
        &self.0
    }

    /// Number of steps between temperatures.
    pub fn intervals(&self) -> usize {
        self.0.len() - 1
    }
}

/// Estimates of `log Z` from both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// Forward estimate: low in expectation.
    pub lower: Estimate,
    /// Reverse estimate: high in expectation.
    pub upper: Estimate,
}

/// The path from independent units to a machine.
#[derive(Debug)]
pub struct AnnealedImportance<'a, V: Units, H: Units> {
    rbm: &'a Rbm<V, H>,
    base: V,
    neutral: H,
    schedule: Schedule,
}

impl<'a, V: Units, H: Units> AnnealedImportance<'a, V, H> {
    /// The path to `rbm` from the visible units `base`, best fitted to the data ([`Units::fitted`]).
    pub fn new(rbm: &'a Rbm<V, H>, base: V, schedule: Schedule) -> Self {
        Self { rbm, base, neutral: rbm.hidden.neutral(), schedule }
    }

    /// Exact `log Z_0` of the independent units, nats.
    pub fn log_z_base(&self) -> f64 {
        let zeros = |width| self.zeros(1, width);
        let visible = self.base.log_partition(zeros(self.base.width()));
        let hidden = self.neutral.log_partition(zeros(self.neutral.width()));
        to_host(visible + hidden)[0]
    }

    /// `log Z` with `chains` chains annealed from the base: low in expectation, with its standard error by
    /// the delta method.
    pub fn forward(&self, chains: usize, noise: &mut Noise) -> Estimate {
        let v = self.base.sample(self.zeros(chains, self.base.width()), noise);
        let betas = self.schedule.betas();
        let log_z = log_mean_exp_estimate(&self.log_weights(v, betas.iter().copied(), noise));
        log_z.affine(1.0, self.log_z_base()).with_temperatures(betas.len())
    }

    /// `log Z` from states `v [chains, visible]` of the machine, annealed back to the base: high in
    /// expectation if `v` are draws of the machine.
    pub fn reverse(&self, v: Tensor<2>, noise: &mut Noise) -> Estimate {
        let betas = self.schedule.betas();
        let inverse = log_mean_exp_estimate(&self.log_weights(v, betas.iter().rev().copied(), noise));
        inverse.affine(-1.0, self.log_z_base()).with_temperatures(betas.len())
    }

    /// Both ends, the reverse one from `samples [chains, visible]` of the machine.
    pub fn bracket(&self, chains: usize, samples: Tensor<2>, noise: &mut Noise) -> Bracket {
        Bracket {
            lower: self.forward(chains, noise).with_kind(Kind::LowerBound),
            upper: self.reverse(samples, noise).with_kind(Kind::UpperBound),
        }
    }

    /// One temperature: the increment `F_β(v) - F_β'(v)` of the log-weights `[chains]`, and the states after a
    /// sweep at `β'`.
    pub fn transition(
        &self,
        v: Tensor<2>,
        beta: f64,
        next: f64,
        noise: &mut Noise,
    ) -> (Tensor<1>, Tensor<2>) {
        let (here, there) = (self.layers(beta), self.layers(next));
        let input = self.rbm.hidden_input(v.clone());
        let increment = free_energy(&here, v.clone(), input.clone()) - free_energy(&there, v, input.clone());
        let h = there.hidden.sample(input * there.beta, noise);
        let v = there.visible.sample(self.rbm.visible_input(h) * there.beta, noise);
        (increment, v)
    }

    fn log_weights(&self, mut v: Tensor<2>, betas: impl Iterator<Item = f64>, noise: &mut Noise) -> Vec<f64> {
        let mut total = vec![0.0; v.dims()[0]];
        let mut pending: Option<Tensor<1>> = None;
        let mut betas = betas.peekable();
        let mut count = 0;
        while let Some(beta) = betas.next() {
            let Some(&next) = betas.peek() else { break };
            let (increment, moved) = self.transition(v, beta, next, noise);
            v = moved;
            pending = Some(match pending {
                Some(sum) => sum + increment,
                None => increment,
            });
            count += 1;
            if count % FLUSH_EVERY == 0 {
                collect(&mut total, &mut pending);
            }
        }
        collect(&mut total, &mut pending);
        total
    }

    fn layers(&self, beta: f64) -> Layers<V, H> {
        Layers {
            visible: self.base.interpolate(&self.rbm.visible, beta),
            hidden: self.neutral.interpolate(&self.rbm.hidden, beta),
            beta,
        }
    }

    fn zeros(&self, rows: usize, width: usize) -> Tensor<2> {
        let weight = self.rbm.weight.val();
        Tensor::zeros([rows, width], (&weight.device(), weight.dtype()))
    }
}

/// Both layers at one temperature; the weights enter as `beta` times the input.
struct Layers<V, H> {
    visible: V,
    hidden: H,
    beta: f64,
}

/// `F_β(v)` from the input `v·W` at β = 1.
fn free_energy<V: Units, H: Units>(layers: &Layers<V, H>, v: Tensor<2>, input: Tensor<2>) -> Tensor<1> {
    layers.visible.energy(v) - layers.hidden.log_partition(input * layers.beta)
}

fn collect(total: &mut [f64], pending: &mut Option<Tensor<1>>) {
    if let Some(sum) = pending.take() {
        for (total, sum) in total.iter_mut().zip(to_host(sum)) {
            *total += sum;
        }
    }
}
