//! The negative phase: where its states come from.

use burn::prelude::*;
use gibbs_backend::Noise;

use super::{
    config::{Chains, ContrastiveConfig, Statistics},
    gradient::Phase,
};
use crate::{
    rbm::Rbm,
    tempering::ParallelTempering,
    units::{UnitFamily, Units},
};

/// Chains of the negative phase, with what they carry from step to step.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "an objective has one of them")]
pub(super) enum NegativeSampler {
    /// Chains that start at the data in each step carry nothing.
    Data,
    /// Hidden states `[chains, hidden]` where the chains ended; `None` before the first step.
    Persistent(Option<Tensor<2>>),
    /// Replicas at all temperatures; `None` before the first step.
    Tempered(Option<ParallelTempering>),
}

impl NegativeSampler {
    pub(super) fn new(chains: Chains) -> Self {
        match chains {
            Chains::Data => Self::Data,
            Chains::Persistent => Self::Persistent(None),
            Chains::Tempered => Self::Tempered(None),
        }
    }

    /// Whether persistent chains have not started.
    pub(super) fn is_fresh(&self) -> bool {
        matches!(self, Self::Persistent(None))
    }

    /// States after the sweeps of a step. `from_data` are draws of the hidden units given the data, at which persistent chains may start
    /// too.
    pub(super) fn sample<V: UnitFamily, H: UnitFamily>(
        &mut self,
        config: &ContrastiveConfig,
        rbm: &Rbm<V, H>,
        base: &V,
        from_data: Option<Tensor<2>>,
        noise: &mut Noise,
    ) -> Phase {
        match self {
            Self::Data => {
                let start = from_data.unwrap_or_else(|| initial_chains(config, rbm, noise));
                sweep(config, rbm, start, noise).0
            }
            Self::Persistent(chains) => {
                let start = chains.take().or_else(|| from_data.map(|h| with_rows(h, config.n_chains)));
                let start = start.unwrap_or_else(|| initial_chains(config, rbm, noise));
                let (phase, end) = sweep(config, rbm, start, noise);
                *chains = Some(end);
                phase
            }
            Self::Tempered(tempering) => {
                let tempering = tempering.get_or_insert_with(|| {
                    ParallelTempering::init(rbm, config.betas(), config.n_chains, noise)
                });
                for _ in 0..config.sweeps {
                    tempering.step(rbm, base, noise);
                }
                let visible = tempering.cold();
                let input = rbm.hidden_input(visible.clone());
                let sampled = (config.statistics == Statistics::Sampled)
                    .then(|| rbm.hidden.sample(input.clone(), noise));
                Phase { visible, hidden: hidden_states(config, rbm, input, sampled), weights: None }
            }
        }
    }

    /// Visible states of chains that persist.
    pub(super) fn visible<V: Units, H: Units>(
        &self,
        rbm: &Rbm<V, H>,
        noise: &mut Noise,
    ) -> Option<Tensor<2>> {
        match self {
            Self::Data => None,
            Self::Persistent(chains) => chains.clone().map(|h| rbm.sample_visible(h, noise)),
            Self::Tempered(tempering) => tempering.as_ref().map(ParallelTempering::cold),
        }
    }
}

/// The data with the hidden units given the data, and draws of the hidden units where they are needed.
pub(super) fn positive_phase<V: Units, H: Units>(
    config: &ContrastiveConfig,
    rbm: &Rbm<V, H>,
    v: Tensor<2>,
    noise: &mut Noise,
) -> (Phase, Option<Tensor<2>>) {
    let input = rbm.hidden_input(v.clone());
    let is_sampled = config.chains == Chains::Data || config.statistics == Statistics::Sampled;
    let sampled = is_sampled.then(|| rbm.hidden.sample(input.clone(), noise));
    let hidden = hidden_states(config, rbm, input, sampled.clone());
    (Phase { visible: v, hidden, weights: None }, sampled)
}

/// The hidden states that enter the statistics.
fn hidden_states<V: Units, H: Units>(
    config: &ContrastiveConfig,
    rbm: &Rbm<V, H>,
    input: Tensor<2>,
    sampled: Option<Tensor<2>>,
) -> Tensor<2> {
    match (config.statistics, sampled) {
        (Statistics::Sampled, Some(sampled)) => sampled,
        _ => Units::mean(&rbm.hidden, input),
    }
}

/// The first `n` rows of `h`, which is repeated if it has fewer.
fn with_rows(h: Tensor<2>, n: usize) -> Tensor<2> {
    let copies = n.div_ceil(h.dims()[0]);
    h.repeat(&[copies, 1]).narrow(0, 0, n)
}

/// Hidden states drawn from units without preference.
fn initial_chains<V: Units, H: UnitFamily>(
    config: &ContrastiveConfig,
    rbm: &Rbm<V, H>,
    noise: &mut Noise,
) -> Tensor<2> {
    let weight = rbm.weight.val();
    let input = Tensor::zeros([config.n_chains, rbm.hidden.width()], (&weight.device(), weight.dtype()));
    rbm.hidden.neutral().sample(input, noise)
}

/// Sweeps from hidden states, and the hidden states where the chains end.
fn sweep<V: Units, H: Units>(
    config: &ContrastiveConfig,
    rbm: &Rbm<V, H>,
    mut h: Tensor<2>,
    noise: &mut Noise,
) -> (Phase, Tensor<2>) {
    let mut last = None;
    for _ in 0..config.sweeps {
        let input = rbm.visible_input(h);
        let v = match config.sample_visible {
            true => rbm.visible.sample(input, noise),
            false => Units::mean(&rbm.visible, input),
        };
        let input = rbm.hidden_input(v.clone());
        h = rbm.hidden.sample(input.clone(), noise);
        last = Some((v, input));
    }
    let Some((visible, input)) = last else { unreachable!("validate() demands a sweep") };
    (Phase { visible, hidden: hidden_states(config, rbm, input, Some(h.clone())), weights: None }, h)
}
