//! Every method that learns couplings, behind one configuration.

use gibbs_backend::Noise;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::{
    ChainsConfig, ChainsState, IterativeEstimator, MaximumLikelihood, Moments, PersistentChains,
    PseudoLikelihood, Samples, bethe, independent_pairs, mean_field, tap,
};
use crate::{Pairwise, PhysicsError, error::non_negative, exact::MAX_DRAWN, named::named};

named! {
    /// How couplings are learned. The most accurate methods come first.
    InverseMethod {
        /// Maximum likelihood, sums over all states
        Exact = "exact",
        /// Maximum likelihood, persistent chains
        MonteCarlo = "monte_carlo",
        /// Each spin given the others
        PseudoLikelihood = "pseudo_likelihood",
        /// Bethe's approximation
        Bethe = "bethe",
        /// Thouless, Anderson and Palmer
        Tap = "tap",
        /// Naive mean field
        MeanField = "mean_field",
        /// Each pair of spins alone
        IndependentPairs = "independent_pairs",
    }
}

/// Settings of all methods.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InverseConfig {
    /// Most steps of `exact` and `pseudo_likelihood`, which stop at their `tolerance`.
    pub max_steps: usize,
    /// Gradient at which these stop, in units of the spins' standard deviations.
    pub tolerance: f64,
    /// Quadratic penalty `λ Σ J²` of `pseudo_likelihood`, nats per sample.
    pub penalty: f64,
    /// Chains and steps of `monte_carlo`.
    #[serde(flatten)]
    pub chains: ChainsConfig,
}

impl Default for InverseConfig {
    fn default() -> Self {
        Self { max_steps: 300, tolerance: 1e-9, penalty: 0.0, chains: ChainsConfig::default() }
    }
}

impl InverseConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("max_steps", self.max_steps, 1)?;
        non_negative("tolerance", self.tolerance)?;
        non_negative("penalty", self.penalty)?;
        self.chains.validate()
    }
}

/// One of the methods at work.
pub struct InverseEstimator {
    work: Work,
    /// Most steps.
    max_steps: usize,
    /// Gradient at which the method stops.
    tolerance: f64,
}

enum Work {
    Closed(Pairwise),
    Iterative(Box<dyn IterativeEstimator>),
    Chains(Box<PersistentChains>),
}

impl InverseEstimator {
    /// Starts a method on samples.
    ///
    /// # Errors
    /// Samples that leave no finite couplings, too many spins for `exact`, or settings out of range.
    pub fn new(
        method: InverseMethod,
        samples: Samples,
        config: &InverseConfig,
        noise: &Noise,
    ) -> Result<Self, PhysicsError> {
        let (n, moments) = (samples.n_spins(), || samples.moments());
        if method == InverseMethod::Exact && n > MAX_DRAWN {
            let reason = format!(
                "{n} spins are too many, it sums over all states of at most {MAX_DRAWN}; take monte_carlo or \
                 pseudo_likelihood"
            );
            return Err(ConfigError::new("kind", method, reason).into());
        }
        let closed = |formula: fn(&Moments) -> Result<Pairwise, PhysicsError>| {
            formula(&samples.moments()).map(Work::Closed)
        };
        let work = match method {
            InverseMethod::Exact => Work::Iterative(Box::new(MaximumLikelihood::new(moments())?)),
            InverseMethod::MonteCarlo => {
                Work::Chains(Box::new(PersistentChains::new(moments(), config.chains, noise)?))
            }
            InverseMethod::PseudoLikelihood => {
                Work::Iterative(Box::new(PseudoLikelihood::new(samples, config.penalty)?))
            }
            InverseMethod::Bethe => closed(bethe)?,
            InverseMethod::Tap => closed(tap)?,
            InverseMethod::MeanField => closed(mean_field)?,
            InverseMethod::IndependentPairs => closed(independent_pairs)?,
        };
        let (max_steps, tolerance) = match &work {
            Work::Closed(_) => (1, 0.0),
            Work::Iterative(_) => (config.max_steps, config.tolerance),
            Work::Chains(_) => (config.chains.steps, 0.0),
        };
        Ok(Self { work, max_steps, tolerance })
    }

    /// Most steps of the method.
    pub fn max_steps(&self) -> usize {
        self.max_steps
    }

    /// Gradient at which the method stops.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// The state of the chains; `None` for the other methods, whose steps follow from the samples alone.
    pub fn state(&self) -> Option<&ChainsState> {
        if let Work::Chains(chains) = &self.work { Some(chains.state()) } else { None }
    }

    /// Continues from a state of the chains. Other methods have none and stay as they are.
    ///
    /// # Panics
    /// If the state is of another number of spins or chains.
    pub fn set_state(&mut self, state: ChainsState) {
        if let Work::Chains(chains) = &mut self.work {
            chains.set_state(state);
        }
    }
}

impl IterativeEstimator for InverseEstimator {
    fn step(&mut self) -> Result<f64, PhysicsError> {
        match &mut self.work {
            Work::Closed(_) => Ok(0.0),
            Work::Iterative(estimator) => estimator.step(),
            Work::Chains(chains) => chains.step(),
        }
    }

    fn couplings(&self) -> Result<Pairwise, PhysicsError> {
        match &self.work {
            Work::Closed(couplings) => Ok(couplings.clone()),
            Work::Iterative(estimator) => estimator.couplings(),
            Work::Chains(chains) => chains.couplings(),
        }
    }
}
