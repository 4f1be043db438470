//! Annealed importance sampling of the partition function, in both directions.
//!
//! ```text
//! p_β(v) ∝ exp(-F_β(v)):  β_0 = 0, independent units with the means of the data, Z_0 known  →  β_K = 1, the RBM
//! log w  = Σ_k F_{β_k}(v_k) - F_{β_{k+1}}(v_k),   v_{k+1} ~ Gibbs sweep at β_{k+1}
//! E[w] = Z / Z_0,   and from draws of the RBM backwards  E[w'] = Z_0 / Z
//! ```
//!
//! By Jensen's inequality the forward estimate of `log Z` is low in expectation and the reverse estimate is high: together
//! they are a bracket. The reverse estimate is a bound only if its first states are draws of the RBM. They come from long
//! Gibbs chains.
//!
//! References: Neal, Statistics and Computing 11:125 (2001); Salakhutdinov & Murray, ICML 2008, for RBMs
//! and the base-rate model; Burda, Grosse & Salakhutdinov, AISTATS 2015, for the reverse direction.
//!
//! Cost: two products `[chains, visible] × [visible, hidden]` for each temperature.

use std::cmp::Ordering;

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError, Estimate, Kind,
    math::{log_mean_exp_estimate, to_host},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    chain::GibbsChain,
    exact,
    rbm::Rbm,
    units::{EnumerableUnits, UnitFamily, Units},
};

/// Log-weights are collected on the host in f64 after this many temperatures, so that rounding of the sum
/// stays below that of its terms and the host rarely waits for the device.
const FLUSH_EVERY: usize = 32;

/// Inverse temperatures that are no schedule.
#[derive(Debug, Error, PartialEq)]
#[error("a schedule must increase from 0 to 1 with at least 2 values; {0}")]
pub struct ScheduleError(String);

/// Inverse temperatures `0 = β_0 < … < β_K = 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct AisSchedule(Vec<f64>);

impl AisSchedule {
    /// A schedule of given inverse temperatures.
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

    /// A schedule of `intervals` equal steps.
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

/// How `log Z` is estimated: settings of annealed importance sampling in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AisProtocol {
    /// Annealed chains in each direction, at least 1.
    pub chains: usize,
    /// Intervals between inverse temperatures, at least 1.
    pub temperatures: usize,
    /// Gibbs sweeps at inverse temperature 1 before the reverse direction starts.
    pub burn_in: usize,
}

impl AisProtocol {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("chains", self.chains, 1)?;
        ConfigError::at_least("temperatures", self.temperatures, 1)
    }

    /// The schedule of Salakhutdinov & Murray, or equal steps if there are fewer than 29 intervals.
    pub fn schedule(&self) -> AisSchedule {
        match self.temperatures {
            0..29 => AisSchedule::linear(self.temperatures),
            _ => AisSchedule::salakhutdinov_murray(self.temperatures),
        }
    }

    /// `log Z` for the comparison of models in training: exact for a small RBM, else the forward estimate alone.
    pub fn quick_log_z<V, H>(&self, rbm: &Rbm<V, H>, base: &V, noise: &mut Noise) -> Estimate
    where
        V: UnitFamily + EnumerableUnits,
        H: UnitFamily + EnumerableUnits,
    {
        exact::log_z(rbm).unwrap_or_else(|_| {
            AnnealedImportance::new(rbm, base.clone(), self.schedule()).forward(self.chains, noise)
        })
    }

    /// Both estimates. The reverse direction starts from chains that are annealed from `base` and then run for the burn-in.
    pub fn bracket<V: UnitFamily, H: UnitFamily>(
        &self,
        rbm: &Rbm<V, H>,
        base: &V,
        noise: &mut Noise,
    ) -> Bracket {
        let schedule = self.schedule();
        let chain = GibbsChain::new(rbm);
        let v = chain.init(self.chains, noise);
        let v = chain.anneal(v, base, schedule.betas(), noise);
        let samples = chain.run(v, self.burn_in, noise);
        AnnealedImportance::new(rbm, base.clone(), schedule).bracket(self.chains, samples, noise)
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

/// The path from independent units to an RBM.
#[derive(Debug)]
pub struct AnnealedImportance<'a, V: Units, H: Units> {
    rbm: &'a Rbm<V, H>,
    base: V,
    neutral: H,
    schedule: AisSchedule,
}

impl<'a, V: UnitFamily, H: UnitFamily> AnnealedImportance<'a, V, H> {
    /// The path to `rbm` from the visible units `base`, best fitted to the data ([`UnitFamily::fitted`]).
    pub fn new(rbm: &'a Rbm<V, H>, base: V, schedule: AisSchedule) -> Self {
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

    /// `log Z` from states `v [chains, visible]` of the RBM, annealed back to the base: high in
    /// expectation if `v` are draws of the RBM.
    pub fn reverse(&self, v: Tensor<2>, noise: &mut Noise) -> Estimate {
        let betas = self.schedule.betas();
        let inverse = log_mean_exp_estimate(&self.log_weights(v, betas.iter().rev().copied(), noise));
        inverse.affine(-1.0, self.log_z_base()).with_temperatures(betas.len())
    }

    /// Both estimates, the reverse one from `samples [chains, visible]` of the RBM.
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
