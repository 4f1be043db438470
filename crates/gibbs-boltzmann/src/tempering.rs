//! Parallel tempering: replicas at several inverse temperatures that exchange their states.
//!
//! ```text
//! p_β(v) ∝ exp(-F_β(v)),  β_0 = 0 (independent units) < … < β_T = 1 (the RBM)
//! swap neighbors (v, v') with probability min(1, exp(F_β(v) + F_β'(v') - F_β(v') - F_β'(v)))
//! ```
//!
//! References: Swendsen & Wang, PRL 57:2607 (1986); Desjardins et al., AISTATS 2010, for RBMs.
//!
//! Differences from the paper: the path starts at independent units with the means of the data instead of
//! uniform units. Swaps use the free energies of `v` with the hidden units summed out, which are accepted
//! more often than swaps of joint states.

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::{chain::GibbsChain, rbm::Rbm, units::UnitFamily};

/// States of all replicas.
#[derive(Clone, Debug)]
pub struct ParallelTempering {
    betas: Vec<f64>,
    replicas: Vec<Tensor<2>>,
    steps: u64,
}

impl ParallelTempering {
    /// `chains` independent ladders of replicas at the inverse temperatures `betas`, from noise.
    ///
    /// # Panics
    /// If `betas` has fewer than two values, is not increasing, or does not end at 1.
    pub fn init<V: UnitFamily, H: UnitFamily>(
        rbm: &Rbm<V, H>,
        betas: Vec<f64>,
        chains: usize,
        noise: &mut Noise,
    ) -> Self {
        assert!(betas.len() > 1 && betas.is_sorted(), "inverse temperatures must increase: {betas:?}");
        assert_eq!(betas.last(), Some(&1.0), "the last replica must be at inverse temperature 1");
        let replicas = betas.iter().map(|_| GibbsChain::new(rbm).init(chains, noise)).collect();
        Self { betas, replicas, steps: 0 }
    }

    /// The ladder after `steps` steps, from saved replicas in the order of `betas`.
    pub fn restore(betas: Vec<f64>, replicas: Vec<Tensor<2>>, steps: u64) -> Self {
        Self { betas, replicas, steps }
    }

    /// All replicas, hottest first, each `[chains, visible]`.
    pub fn replicas(&self) -> &[Tensor<2>] {
        &self.replicas
    }

    /// Steps done so far. Their parity decides which neighbors swap next.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The replicas at inverse temperature 1, `[chains, visible]`.
    pub fn cold(&self) -> Tensor<2> {
        self.replicas[self.replicas.len() - 1].clone()
    }

    /// One Gibbs sweep of every replica and one round of swaps between every second pair of neighbors.
    /// Leaves the product of all `p_β` unchanged.
    pub fn step<V: UnitFamily, H: UnitFamily>(&mut self, rbm: &Rbm<V, H>, base: &V, noise: &mut Noise) {
        let models: Vec<_> = self.betas.iter().map(|&beta| rbm.tempered(base, beta)).collect();
        for (model, v) in models.iter().zip(&mut self.replicas) {
            *v = model.gibbs_step(v.clone(), noise);
        }
        let first = (self.steps % 2) as usize;
        for hot in (first..self.betas.len() - 1).step_by(2) {
            self.swap(hot, &models[hot], &models[hot + 1], noise);
        }
        self.steps += 1;
    }

    fn swap<V: UnitFamily, H: UnitFamily>(
        &mut self,
        hot: usize,
        a: &Rbm<V, H>,
        b: &Rbm<V, H>,
        noise: &mut Noise,
    ) {
        let (x, y) = (self.replicas[hot].clone(), self.replicas[hot + 1].clone());
        let log_ratio = a.free_energy_of_states(x.clone()) + b.free_energy_of_states(y.clone())
            - a.free_energy_of_states(y.clone())
            - b.free_energy_of_states(x.clone());
        let u = noise.uniform(log_ratio.dims(), &log_ratio.device()).cast(log_ratio.dtype());
        let accept = u.log().lower(log_ratio).unsqueeze_dim::<2>(1).expand(x.dims());
        self.replicas[hot] = x.clone().mask_where(accept.clone(), y.clone());
        self.replicas[hot + 1] = y.mask_where(accept, x);
    }
}
