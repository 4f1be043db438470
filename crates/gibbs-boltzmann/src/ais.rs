//! Annealed importance sampling of the partition function, in both directions.
//!
//! ```text
//! p_β(v) ∝ exp(-F_β(v)):  β_0 = 0, independent units with the means of the data, Z_0 known  →  β_K = 1, the RBM
//! log w  = Σ_k F_{β_k}(v_k) - F_{β_{k+1}}(v_k),   v_{k+1} ~ Gibbs sweep at β_{k+1}
//! E[w] = Z / Z_0,   and from draws of the RBM backwards  E[w'] = Z_0 / Z
//! ```
//!
//! Forward chains whose weights have become too different are resampled on their way, see `population`: an RBM of few units has modes
//! in which chains freeze.
//!
//! By Jensen's inequality the forward estimate of `log Z` is low in expectation. The reverse estimate is high in expectation if
//! its first states are exact draws of the RBM: then both are a bracket. If they come from Markov chains, the reverse estimate
//! is asymptotic. Chains that miss a mode of the RBM make it too low.
//!
//! An RBM may have modes that annealed chains do not reach. The forward estimate then misses them and its error does not show
//! it. Therefore the reverse direction starts from diverse states, and both directions are compared: two estimates that differ
//! by more than their errors are marked as unreliable.
//!
//! References: Neal, Statistics and Computing 11:125 (2001); Salakhutdinov & Murray, ICML 2008, for RBMs
//! and the base-rate model; Burda, Grosse & Salakhutdinov, AISTATS 2015, for the reverse direction; Grosse, Ghahramani &
//! Adams, arXiv:1511.02543 (2015), for brackets from exact draws; Crooks, Phys. Rev. E 60:2721 (1999), for the weights of both
//! directions.
//!
//! Cost: two products `[chains, visible] × [visible, hidden]` for each temperature.

mod bracket;
mod population;
mod protocol;
mod schedule;
#[cfg(test)]
mod tests;

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    Estimate, Kind,
    math::{log_mean_exp_estimate, to_host},
};

use bracket::unreached;
pub use bracket::{Bracket, LogWeights, ReverseStart};
use population::Population;
pub use protocol::AisProtocol;
pub use schedule::{AisSchedule, ScheduleError};

use crate::{
    rbm::Rbm,
    units::{UnitFamily, Units},
};

/// Log-weights are collected on the host in f64 after this many temperatures, so that rounding of the sum
/// stays below that of its terms and the host rarely waits for the device.
const FLUSH_EVERY: usize = 32;

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
        self.log_z(&self.forward_weights(chains, noise), 1.0)
    }

    /// `log Z` from states `v [chains, visible]` of the RBM, annealed back to the base: asymptotic. It is high in expectation if
    /// `v` are exact draws of the RBM.
    pub fn reverse(&self, v: Tensor<2>, noise: &mut Noise) -> Estimate {
        self.log_z(&self.reverse_weights(v, noise), -1.0)
    }

    /// Both estimates, with `chains` forward chains.
    pub fn bracket(&self, chains: usize, start: ReverseStart, noise: &mut Noise) -> Bracket {
        let (v, kind) = match start {
            ReverseStart::Exact(v) => (v, Kind::UpperBound),
            ReverseStart::Chains(v) => (v, Kind::Asymptotic),
        };
        self.bracket_of(&self.both_weights(chains, v, noise), kind)
    }

    /// Log-weights of `chains` chains from the base, and of those from `v [chains, visible]` back to it.
    fn both_weights(&self, chains: usize, v: Tensor<2>, noise: &mut Noise) -> LogWeights {
        let forward = self.forward_weights(chains, noise);
        LogWeights { forward, reverse: self.reverse_weights(v, noise) }
    }

    /// Both estimates from log-weights; `kind` is that of the reverse one.
    fn bracket_of(&self, LogWeights { forward, reverse }: &LogWeights, kind: Kind) -> Bracket {
        let lower = self.log_z(forward, 1.0).with_kind(Kind::LowerBound);
        Bracket::new(lower, self.log_z(reverse, -1.0).with_kind(kind), unreached(forward, reverse))
    }

    /// `log Z_0` plus, or minus, the logarithm of the mean weight.
    fn log_z(&self, log_weights: &[f64], sign: f64) -> Estimate {
        let estimate = log_mean_exp_estimate(log_weights).affine(sign, self.log_z_base());
        estimate.with_temperatures(self.schedule.betas().len())
    }

    fn forward_weights(&self, chains: usize, noise: &mut Noise) -> Vec<f64> {
        let v = self.base.sample(self.zeros(chains, self.base.width()), noise);
        self.log_weights(v, self.schedule.betas().iter().copied(), Population::new(chains), noise)
    }

    /// These chains are not resampled: each shows whether the state it starts at is one that annealing reaches.
    fn reverse_weights(&self, v: Tensor<2>, noise: &mut Noise) -> Vec<f64> {
        let population = Population::of_fixed(v.dims()[0]);
        self.log_weights(v, self.schedule.betas().iter().rev().copied(), population, noise)
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

    /// Log-weights of the chains that start at `v [chains, visible]`, each with those of its copies.
    fn log_weights(
        &self,
        mut v: Tensor<2>,
        betas: impl Iterator<Item = f64>,
        mut population: Population,
        noise: &mut Noise,
    ) -> Vec<f64> {
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
                collect(&mut population.log_weights, &mut pending);
                if let Some(chosen) = population.resampled(noise) {
                    let chosen: Vec<i64> = chosen.into_iter().map(|chain| chain as i64).collect();
                    v = v.clone().select(0, Tensor::from_data(chosen.as_slice(), &v.device()));
                }
            }
        }
        collect(&mut population.log_weights, &mut pending);
        population.of_ancestors()
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
