//! Annealed importance sampling of `Z` and of single examples.
//!
//! ```text
//! log f_β(s) = ½ β s·J·s + f_β·s,    β_0 = 0 < … < β_K = 1
//! ```
//!
//! All units: `f_β` goes from the fields of independent spins with the means of the data to those of the machine. Clamped visible
//! units: only the hidden ones move, from the mean field that `v` gives them.
//!
//! Reference: Neal, Statistics and Computing 11:125 (2001).

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError, Estimate,
    math::{log_mean_exp_estimate, row_sums, to_host},
};
use serde::{Deserialize, Serialize};

use super::machine::BoltzmannMachine;
use crate::units::{Spin, Units};

/// Settings of the annealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anneal {
    /// Chains of `log Z`, at least 2.
    pub chains: usize,
    /// Chains for each example, at least 2.
    pub chains_of_example: usize,
    /// Intervals between inverse temperatures, at least 1.
    pub temperatures: usize,
}

impl Anneal {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("chains", self.chains, 2)?;
        ConfigError::at_least("chains_of_example", self.chains_of_example, 2)?;
        ConfigError::at_least("temperatures", self.temperatures, 1)
    }
}

/// `log Z`, asymptotic, from independent spins with the means `[n]` of all units.
pub fn log_z(machine: &BoltzmannMachine, means: Tensor<1>, anneal: Anneal, noise: &mut Noise) -> Estimate {
    // No spin of the base is certain.
    let means = means.clamp(-0.98, 0.98);
    let field = ((means.clone() + 1.0) / (means.neg() + 1.0)).log() * 0.5;
    let rows = field.unsqueeze::<2>().expand([anneal.chains, machine.n_units()]);
    let weights = Path { machine, start: rows, clamped: 0 }.log_weights(None, anneal.temperatures, noise);
    log_mean_exp_estimate(&weights).with_temperatures(anneal.temperatures + 1)
}

/// `log p(v) + log Z` of each row of `v [batch, visible]`, asymptotic.
pub fn log_weights(
    machine: &BoltzmannMachine,
    v: Tensor<2>,
    anneal: Anneal,
    noise: &mut Noise,
) -> Vec<Estimate> {
    let (visible, chains) = (machine.n_visible(), anneal.chains_of_example);
    let v = gibbs_core::math::repeat_rows(v, chains);
    let n = v.dims()[0];
    let like = (&v.device(), v.dtype());
    let hidden = Tensor::zeros([n, machine.n_units()], like);
    let m = machine.mean_field(machine.with_visible(v.clone(), &hidden), visible, 30);
    let path = Path { machine, start: machine.input(m), clamped: visible };
    let weights = path.log_weights(Some(v), anneal.temperatures, noise);
    weights
        .chunks(chains)
        .map(|weights| log_mean_exp_estimate(weights).with_temperatures(anneal.temperatures + 1))
        .collect()
}

/// A path of fields and couplings for each chain. The first `clamped` units keep their values.
struct Path<'a> {
    machine: &'a BoltzmannMachine,
    /// Fields of the independent spins at the start, `[chains, n]`.
    start: Tensor<2>,
    clamped: usize,
}

impl Path<'_> {
    fn log_weights(&self, v: Option<Tensor<2>>, temperatures: usize, noise: &mut Noise) -> Vec<f64> {
        match v {
            Some(v) if self.clamped == self.machine.n_units() => to_host(self.machine.energy(v).neg()),
            v => self.anneal(v, temperatures, noise),
        }
    }

    /// The log-weights of chains with units that move.
    fn anneal(&self, v: Option<Tensor<2>>, temperatures: usize, noise: &mut Noise) -> Vec<f64> {
        let (machine, n, clamped) = (self.machine, self.machine.n_units(), self.clamped);
        let free = |x: Tensor<2>| x.narrow(1, clamped, n - clamped);
        let units = Spin::new(n - clamped, &self.start.device());
        let units = gibbs_core::params::cast(units, dtype(&self.start));
        let start = free(self.start.clone());
        let drawn = units.sample(start.clone(), noise);
        let mut s = v.map_or(drawn.clone(), |v| Tensor::cat(vec![v, drawn], 1));
        let mut total = to_host(units.log_partition(start));
        let beta = |k: usize| k as f64 / temperatures as f64;
        for k in 0..temperatures {
            // Both ends are linear in β, so the increment is the difference of the ends.
            let ends = machine.energy(s.clone()).neg() - row_sums(free(s.clone()) * free(self.start.clone()));
            let step = to_host(ends * (beta(k + 1) - beta(k)));
            total.iter_mut().zip(step).for_each(|(total, step)| *total += step);
            if k + 1 < temperatures {
                s = machine.sweep_from(s, clamped, beta(k + 1), Some(&self.start), noise);
            }
        }
        total
    }
}

fn dtype(x: &Tensor<2>) -> burn::tensor::FloatDType {
    match x.dtype() {
        burn::tensor::DType::F64 => burn::tensor::FloatDType::F64,
        _ => burn::tensor::FloatDType::F32,
    }
}
