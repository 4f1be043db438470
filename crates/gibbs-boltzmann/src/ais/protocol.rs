//! How `log Z` of a trained RBM is estimated.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{ConfigError, Estimate, Kind, check};
use serde::{Deserialize, Serialize};

use super::{AisSchedule, AnnealedImportance, Bracket, LogWeights};
use crate::{
    chain::GibbsChain,
    exact,
    rbm::Rbm,
    tempering::ParallelTempering,
    units::{EnumerableUnits, UnitFamily},
};

/// Replicas of the tempered chains from which the reverse direction starts, and Gibbs sweeps for each of their steps. A step
/// then costs about twice as much as the sweeps.
const REPLICAS: usize = 10;

/// Chains of a block at least, for an RBM with [`WEIGHTS`]. Products of fewer rows wait for the weights: `rbm eval` with blocks of 12
/// chains took 2.7 times as long.
const BLOCK: f64 = 100.0;

/// Weights of an RBM for pictures of 28 by 28 pixels with 500 hidden units (Salakhutdinov & Murray 2008).
const WEIGHTS: usize = 784 * 500;

/// Input that sets each unit to its largest or smallest state: a binary unit errs with the probability `exp(-20)`.
const SATURATING: f64 = 20.0;

/// How `log Z` is estimated: settings of annealed importance sampling in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AisProtocol {
    /// Annealed chains in each direction, at least 1.
    pub chains: usize,
    /// Intervals between inverse temperatures, at least 1.
    pub temperatures: usize,
    /// Gibbs sweeps at inverse temperature 1 before the reverse direction starts, after a tenth as many steps of parallel
    /// tempering.
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

    /// The protocol with more chains for an RBM of fewer weights than 784·500, up to ten times as many, so that it takes about as
    /// long. The more chains, the more of them are in each mode.
    #[must_use]
    pub fn with_chains_for(self, n_visible: usize, n_hidden: usize) -> Self {
        Self { chains: (self.chains as f64 * rows_for(n_visible, n_hidden)) as usize, ..self }
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

    /// Both estimates, from all [blocks](Self::block). The reverse one is asymptotic.
    ///
    /// # Panics
    /// If the examples do not have the width of the visible layer.
    pub fn bracket<V: UnitFamily, H: UnitFamily>(
        &self,
        rbm: &Rbm<V, H>,
        base: &V,
        examples: Option<&Tensor<2>>,
        noise: &Noise,
    ) -> Bracket {
        let mut all = LogWeights::default();
        all.extend((0..self.n_blocks(rbm)).map(|block| self.block(rbm, base, examples, noise, block)));
        self.bracket_of(rbm, base, &all)
    }

    /// Both estimates from the log-weights of all blocks.
    pub fn bracket_of<V: UnitFamily, H: UnitFamily>(
        &self,
        rbm: &Rbm<V, H>,
        base: &V,
        all: &LogWeights,
    ) -> Bracket {
        AnnealedImportance::new(rbm, base.clone(), self.schedule()).bracket_of(all, Kind::Asymptotic)
    }

    /// Blocks into which the chains are divided: of 100 chains or more, of up to 1000 for an RBM of few weights. They are independent
    /// of each other, so that machines can share them.
    pub fn n_blocks<V: UnitFamily, H: UnitFamily>(&self, rbm: &Rbm<V, H>) -> usize {
        let [n_visible, n_hidden] = rbm.weight.dims();
        ((self.chains as f64 / (BLOCK * rows_for(n_visible, n_hidden))) as usize).max(1)
    }

    /// The log-weights of one block of chains, with a stream of noise of its own.
    ///
    /// The reverse direction starts from chains: a third of them annealed from `base`, a third at the `examples [n, visible]` of
    /// the training data, in turn, a third with all units on or all units off. Without examples more are annealed. Tempered
    /// swaps, then Gibbs sweeps bring them near to equilibrium.
    ///
    /// # Panics
    /// If there is no such block, or if the examples do not have the width of the visible layer.
    pub fn block<V: UnitFamily, H: UnitFamily>(
        &self,
        rbm: &Rbm<V, H>,
        base: &V,
        examples: Option<&Tensor<2>>,
        noise: &Noise,
        block: usize,
    ) -> LogWeights {
        let n = self.n_blocks(rbm);
        assert!(block < n, "block {block} of {n}");
        let protocol = Self { chains: (self.chains + block) / n, ..*self };
        let examples = examples.map(|examples| {
            let rows: Vec<i64> = (block..examples.dims()[0]).step_by(n).map(|row| row as i64).collect();
            examples.clone().select(0, Tensor::from_data(rows.as_slice(), &examples.device()))
        });
        let noise = &mut noise.child(format!("block/{block}"));
        let schedule = self.schedule();
        let starts = protocol.diverse_states(rbm, base, examples, &schedule, noise);
        let betas: Vec<f64> = (0..REPLICAS).map(|k| k as f64 / (REPLICAS - 1) as f64).collect();
        let mut ladder = ParallelTempering::restore(betas, vec![starts; REPLICAS], 0);
        (0..self.burn_in / REPLICAS).for_each(|_| ladder.step(rbm, base, noise));
        let states = GibbsChain::new(rbm).run(ladder.cold(), self.burn_in, noise);
        AnnealedImportance::new(rbm, base.clone(), schedule).both_weights(protocol.chains, states, noise)
    }

    /// States in different regions, `[chains, visible]`.
    pub(super) fn diverse_states<V: UnitFamily, H: UnitFamily>(
        &self,
        rbm: &Rbm<V, H>,
        base: &V,
        examples: Option<Tensor<2>>,
        schedule: &AisSchedule,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let (third, weight) = (self.chains / 3, rbm.weight.val());
        let mut starts = Vec::new();
        if let Some(examples) = examples.filter(|examples| examples.dims()[0] > 0 && third > 0) {
            check::require_width("the visible layer of the RBM", &examples, rbm.visible.width());
            let n = examples.dims()[0];
            let rows: Vec<i64> = (0..third).map(|i| (i * n / third) as i64).collect();
            starts.push(examples.select(0, Tensor::from_data(rows.as_slice(), &weight.device())));
        }
        for (n, input) in [(third.div_ceil(2), SATURATING), (third / 2, -SATURATING)] {
            if n > 0 {
                let input = Tensor::full([n, rbm.visible.width()], input, (&weight.device(), weight.dtype()));
                starts.push(rbm.visible.neutral().sample(input, noise));
            }
        }
        let annealed = self.chains - starts.iter().map(|states| states.dims()[0]).sum::<usize>();
        let chain = GibbsChain::new(rbm);
        let start = chain.init(annealed, noise);
        starts.push(chain.anneal(start, base, schedule.betas(), noise));
        Tensor::cat(starts, 0)
    }
}

/// How many times as many rows a product with the weights can take as one with [`WEIGHTS`], in the same time: up to 10.
fn rows_for(n_visible: usize, n_hidden: usize) -> f64 {
    (WEIGHTS as f64 / (n_visible * n_hidden).max(1) as f64).clamp(1.0, 10.0)
}
