//! Metrics of a trained machine, and draws from it.

use gibbs_boltzmann::{
    BoltzmannMachine,
    bm::{Anneal, log_weights, log_z},
};
use gibbs_core::Kind;

use super::{BmExperiment, fits, pictures, visible};
use crate::{prelude::*, visible::MOMENT_EXAMPLES};

/// Sweeps in which chains from noise are cooled before a draw.
const ANNEALING: usize = 200;

/// Exact likelihoods of a small machine, or estimates of a larger one.
pub(super) struct Likelihood<'a> {
    machine: &'a BoltzmannMachine,
    anneal: Anneal,
    device: &'a Device,
    pub(super) log_z: Estimate,
    /// Sum of the squared errors of all examples so far.
    squares: f64,
}

impl<'a> Likelihood<'a> {
    /// Annealing starts from the means of `fitted`.
    pub(super) fn new(
        machine: &'a BoltzmannMachine,
        fitted: &Dataset,
        anneal: Anneal,
        device: &'a Device,
        noise: &mut Noise,
    ) -> Self {
        let log_z = match machine.is_enumerable() {
            true => machine.exact_log_z(),
            false => {
                let v = visible().first(fitted, MOMENT_EXAMPLES, device);
                let hidden = Tensor::zeros([machine.n_hidden()], device);
                let means = Tensor::cat(vec![v.mean_dim(0).squeeze_dim::<1>(0), hidden], 0);
                log_z(machine, means, anneal, noise)
            }
        };
        Self { machine, anneal, device, log_z, squares: 0.0 }
    }

    /// `log p(v)` of each example of a set.
    pub(super) fn of_examples(&mut self, set: &Dataset, noise: &mut Noise) -> Vec<f64> {
        let weights: Vec<f64> = match self.machine.is_enumerable() {
            true => {
                let machine = self.machine.in_best_precision();
                let exact = |v: Tensor<2>| machine.exact_log_weights(v.cast(machine.couplings.val().dtype()));
                visible().for_each(set, self.device, exact)
            }
            false => visible()
                .blocks(set, self.device)
                .flat_map(|v| log_weights(self.machine, v, self.anneal, noise))
                .map(|estimate| {
                    self.squares += estimate.std_err.powi(2);
                    estimate.value
                })
                .collect(),
        };
        weights.into_iter().map(|weight| weight - self.log_z.value).collect()
    }

    /// The mean over all examples so far.
    fn mean(&self, log_probs: &[f64]) -> Estimate {
        if self.log_z.kind == Kind::Exact {
            return Estimate::exact_mean(log_probs);
        }
        let std_err = (self.squares.sqrt() / log_probs.len() as f64).hypot(self.log_z.std_err);
        Estimate::sampled(mean(log_probs), std_err, Kind::Asymptotic, log_probs.len())
            .over_examples(log_probs)
            .with_temperatures(self.anneal.temperatures + 1)
            .or_unreliable(self.log_z.unreliable.clone())
    }
}

impl Trained for BmExperiment {
    /// The log-likelihood of a part of the data, and of each example.
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        let Self { config, machine, device } = self;
        let (sets, own_data) = (on.sets()?, on.own_data());
        let fitted = &own_data.or(on.data()?).train;
        sets.iter().try_for_each(|set| fits(set, config))?;
        let noise = &mut Noise::new(config.seed, "evaluation");
        let anneal = config.train.family.evaluation;
        let mut likelihood = Likelihood::new(machine, fitted, anneal, device, noise);
        let mut evaluation = Evaluation::default();
        evaluation.per_example = sets.iter().flat_map(|set| likelihood.of_examples(set, noise)).collect();
        evaluation.add("log_prob", &likelihood.mean(&evaluation.per_example.clone()), "nats");
        evaluation.note("log_prob", "binarization", config.binarization());
        evaluation.add("log_z", &likelihood.log_z, "nats");
        if likelihood.log_z.kind != Kind::Exact {
            evaluation.note_all(&["log_prob", "log_z"], own_data.note(on.data()?));
        }
        Ok(evaluation)
    }

    fn look(&self) -> Look {
        visible().look(&self.config, self.config.model.n_visible)
    }

    fn sample(&self, args: &cli::Sample, flags: &BmSampleArgs, _: &Shared) -> Result<Drawn> {
        let draws = self.draw(args.n(), flags.sweeps, &mut Noise::new(args.seed, "sample"));
        Ok(Drawn::new(format!("{} chains after {} sweeps", args.n(), flags.sweeps), draws))
    }

    fn draw_pictures(&self, source: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source.data()?, files)
    }
}

/// Flags of `bm sample`.
#[derive(Args, Debug)]
pub struct BmSampleArgs {
    /// Gibbs sweeps of all units before a draw, after cooling
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub sweeps: usize,
}

impl BmExperiment {
    /// States of the visible units as zeros and ones `[n, visible]`, of chains that are cooled from noise and go on for `sweeps`.
    pub(super) fn draw(&self, n: usize, sweeps: usize, noise: &mut Noise) -> Vec<f32> {
        let start = self.machine.random_states(n, noise);
        let betas = (1..=ANNEALING).map(|k| k as f64 / ANNEALING as f64);
        let betas = betas.chain(std::iter::repeat_n(1.0, sweeps));
        let end = betas.fold(start, |s, beta| self.machine.sweep(s, 0, beta, noise));
        host(visible().decode(end.narrow(1, 0, self.machine.n_visible())))
    }
}
