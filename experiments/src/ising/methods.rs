//! The methods that learn couplings.

use anyhow::Result;
use clap::ValueEnum;
use gibbs_backend::Noise;
use gibbs_physics::{
    Pairwise, PhysicsError,
    exact::MAX_DRAWN,
    inverse::{self, Learner, MaximumLikelihood, Moments, PersistentChains, PseudoLikelihood, Samples},
};
use serde::{Deserialize, Serialize};

use super::IsingTrain;
use crate::fault::Fault;

/// How couplings are learned.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Maximum likelihood, sums over all states
    Exact,
    /// Maximum likelihood, persistent chains
    MonteCarlo,
    /// Each spin given the others
    PseudoLikelihood,
    /// Bethe's approximation
    Bethe,
    /// Thouless, Anderson and Palmer
    Tap,
    /// Naive mean field
    MeanField,
    /// Each pair of spins alone
    IndependentPairs,
}

impl Method {
    /// All, the most accurate first.
    pub const ALL: [Self; 7] = [
        Self::Exact,
        Self::MonteCarlo,
        Self::PseudoLikelihood,
        Self::Bethe,
        Self::Tap,
        Self::MeanField,
        Self::IndependentPairs,
    ];

    /// The name, as in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::MonteCarlo => "monte_carlo",
            Self::PseudoLikelihood => "pseudo_likelihood",
            Self::Bethe => "bethe",
            Self::Tap => "tap",
            Self::MeanField => "mean_field",
            Self::IndependentPairs => "independent_pairs",
        }
    }
}

/// A method at work.
pub(super) enum Work {
    /// A formula that is done.
    Closed(Pairwise),
    /// Deterministic steps towards a maximum.
    Climb(Box<dyn Learner>),
    /// Steps with chains.
    Chains(Box<PersistentChains>),
}

impl Work {
    /// # Errors
    /// Samples that leave no finite couplings, or too many spins for `exact`.
    pub(super) fn new(method: Method, samples: Samples, train: &IsingTrain, noise: &Noise) -> Result<Self> {
        let n = samples.n_spins();
        if method == Method::Exact && n > MAX_DRAWN {
            return Err(Fault::usage(format!(
                "model.kind = exact with {n} spins: it sums over all states of at most {MAX_DRAWN}; take monte_carlo \
                 or pseudo_likelihood"
            )));
        }
        let closed = |formula: fn(&Moments) -> Result<Pairwise, PhysicsError>| formula(&samples.moments());
        Ok(match method {
            Method::Exact => Self::Climb(Box::new(MaximumLikelihood::new(samples.moments())?)),
            Method::MonteCarlo => {
                let chains = PersistentChains::new(samples.moments(), train.chains_config(), noise)?;
                Self::Chains(Box::new(chains))
            }
            Method::PseudoLikelihood => Self::Climb(Box::new(PseudoLikelihood::new(samples, train.penalty)?)),
            Method::Bethe => Self::Closed(closed(inverse::bethe)?),
            Method::Tap => Self::Closed(closed(inverse::tap)?),
            Method::MeanField => Self::Closed(closed(inverse::mean_field)?),
            Method::IndependentPairs => Self::Closed(closed(inverse::independent_pairs)?),
        })
    }

    /// Most steps that it takes.
    pub(super) fn max_steps(&self, train: &IsingTrain) -> usize {
        match self {
            Self::Closed(_) => 1,
            Self::Climb(_) => train.max_steps,
            Self::Chains(_) => train.steps,
        }
    }

    /// Gradient at which it stops.
    pub(super) fn tolerance(&self, train: &IsingTrain) -> f64 {
        if matches!(self, Self::Climb(_)) { train.tolerance } else { 0.0 }
    }

    /// One step; returns the gradient.
    pub(super) fn step(&mut self) -> Result<f64, PhysicsError> {
        match self {
            Self::Closed(_) => Ok(0.0),
            Self::Climb(learner) => learner.step(),
            Self::Chains(chains) => chains.step(),
        }
    }

    pub(super) fn couplings(&self) -> Result<Pairwise, PhysicsError> {
        match self {
            Self::Closed(couplings) => Ok(couplings.clone()),
            Self::Climb(learner) => learner.couplings(),
            Self::Chains(chains) => chains.couplings(),
        }
    }
}
