//! A network in training: from a Hamiltonian, or from examples.

use std::sync::Arc;

use anyhow::Result;
use burn::{module::Module, prelude::*};
use gibbs_autoregressive::{Autoregressive, Spins};
use gibbs_backend::Noise;
use gibbs_core::{
    Energy, LogProb, Sample,
    math::to_host,
    symmetry::{Symmetrized, SymmetryGroup},
    variational::{Draws, score_function_loss},
};
use gibbs_data::{Dataset, Splits};
use gibbs_physics::system::SpinSystem;
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
    weights,
};

use super::{VanRun, config};
use crate::{backprop::Backprop, boltzmann::feed::Feed, evaluation::mean, free_energy::FreeEnergy};

/// Examples whose probabilities are computed at once.
const ROWS: usize = 1000;

/// What a network learns from.
enum Source {
    /// `H`, by the variational bound.
    Hamiltonian(Box<SpinSystem>),
    /// Examples, by maximum likelihood.
    Data { feed: Box<Feed>, valid: Dataset },
}

/// A network in training.
pub(super) struct VanTask<M> {
    config: VanRun,
    source: Source,
    group: Arc<SymmetryGroup>,
    training: Backprop<M>,
    device: Device,
}

impl<M: Module + Autoregressive> VanTask<M> {
    pub(super) fn new(config: &VanRun, model: M, data: &Splits, device: &Device) -> Result<Self> {
        let train = &config.train;
        let spins = config::spins(config)?;
        let group = config::group(config, train.variational.symmetry, model.n_variables())?;
        let source = match spins {
            Some(spins) => Source::Hamiltonian(Box::new(spins)),
            None => Source::Data {
                feed: Box::new(Feed::new(data.train.clone(), train.batch_size, config.seed, device)?),
                valid: data.valid.clone(),
            },
        };
        Ok(Self {
            training: Backprop::new(model, config::adam().init()?, train.average, device),
            source,
            group: Arc::new(group),
            config: config.clone(),
            device: device.clone(),
        })
    }

    /// The inverse temperature of a step.
    fn beta(&self, at: &Position) -> f64 {
        self.config.model.system.beta * self.config.train.variational.annealed(at.step, at.total_steps)
    }
}

fn symmetrized<M: Autoregressive>(model: M, group: &Arc<SymmetryGroup>) -> Symmetrized<Spins<M>> {
    Symmetrized::new(Spins::new(model), group.clone())
}

/// The loss of a step on `n` draws of a network on the autodiff device, and the variational bound `⟨ln q + E⟩` that they give,
/// each `[1]`.
///
/// The draws are those of the network without its symmetries: symmetric as `ln q + E` is, their images would tell the same.
pub(crate) fn variational_loss<M: Module + Autoregressive>(
    network: M,
    group: &Arc<SymmetryGroup>,
    law: &impl Energy,
    n: usize,
    noise: &mut Noise,
) -> (Tensor<1>, Tensor<1>) {
    let s = Spins::new(network.valid()).sample(n, noise);
    let energy = law.energy(s.clone());
    let log_q = symmetrized(network, group).log_prob(s.autodiff());
    let bound = (log_q.clone().without_autodiff() + energy.clone()).mean();
    (score_function_loss(log_q, energy.autodiff()), bound)
}

/// `ln q` of the examples of a set.
pub(super) fn log_probs(model: &(impl LogProb + ?Sized), data: &Dataset, device: &Device) -> Vec<f64> {
    let rows: Vec<usize> = (0..data.len()).collect();
    let log_prob = |rows: &[usize]| to_host(model.log_prob(data.tensor(rows, device) * 2.0 - 1.0));
    rows.chunks(ROWS).flat_map(log_prob).collect()
}

impl<M: Module + Autoregressive + 'static> TrainTask for VanTask<M> {
    fn steps_per_epoch(&self) -> usize {
        match &self.source {
            Source::Hamiltonian(_) => self.config.train.variational.steps_per_epoch,
            Source::Data { feed, .. } => feed.steps_per_epoch(),
        }
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let rate = self.config.train.learning_rate.at(at.step, at.total_steps);
        let beta = self.beta(at);
        let network = self.training.network().clone();
        let (name, loss) = match &mut self.source {
            Source::Hamiltonian(spins) => {
                let noise = &mut Noise::new(self.config.seed, format!("draws/{}", at.step));
                let law = spins.at(beta)?;
                let (loss, bound) =
                    variational_loss(network, &self.group, &law, self.config.train.batch_size, noise);
                let per_site = 1.0 / (beta * spins.n_spins() as f64);
                self.training.figures.add("free_energy", bound * per_site);
                self.training.figures.add_value("beta", beta);
                ("surrogate", loss)
            }
            Source::Data { feed, .. } => {
                let s = feed.batch(at).x * 2.0 - 1.0;
                ("loss", symmetrized(network, &self.group).log_prob(s.autodiff()).mean().neg())
            }
        };
        self.training.descend(at, rate, name, loss);
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        Ok(self.training.take_metrics())
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        // The average of weights is that of temperatures too, which is the law of none.
        let network = match &self.source {
            Source::Hamiltonian(_) => self.training.network().valid(),
            Source::Data { .. } => self.training.measured(),
        };
        let model = symmetrized(network, &self.group);
        let (figures, score) = match &self.source {
            Source::Hamiltonian(spins) => {
                let beta = self.beta(at);
                let noise = &mut Noise::new(self.config.seed, format!("valid/{}", at.step));
                let n = self.config.train.variational.valid_samples;
                let draws = Draws::from_model(&model, &spins.at(beta)?, n, ROWS, noise, |_| ());
                let of_whole = FreeEnergy {
                    n_sites: spins.n_spins(),
                    unit: (beta, "J"),
                    log_z_offset: 0.0,
                    symmetries: self.group.order(),
                    exact: None,
                };
                let mut figures = Metrics::new().with("valid_beta", beta);
                figures.extend(of_whole.figures(&draws));
                (figures, None)
            }
            Source::Data { feed, valid } => {
                let like_valid = feed.data().rows(0..valid.len().min(feed.data().len()));
                let score = mean(&log_probs(&model, valid, &self.device));
                let train = mean(&log_probs(&model, &like_valid, &self.device));
                (Metrics::new().with("valid_log_prob", score).with("train_log_prob", train), Some(score))
            }
        };
        Ok(Some(Validation { metrics: figures, score }))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        self.training.save(state)
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.training.load(state)
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&self.training.measured())?)
    }
}
