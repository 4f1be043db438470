//! Metrics of a trained RBM, and draws from it.

use burn::tensor::activation::log_softmax;
use gibbs_boltzmann::{
    Clamp, GibbsChain, exact, tap,
    units::{UnitFamily, Units},
};
use gibbs_serve::Playground;

use super::{RbmExperiment, pictures};
use crate::{
    evidence::Half,
    prelude::*,
    source::{classes, train_like_valid},
    visible::Annealing,
};

/// Inverse temperatures through which chains from noise are annealed.
const ANNEALING: usize = 1000;

/// Training examples from which solutions of the second-order expansion are looked for, and iterations.
const TAP_STARTS: usize = 100;
pub(super) const TAP_ITERATIONS: usize = 1000;

impl Trained for RbmExperiment {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    /// All metrics on a part of the data, and the log-likelihood of each example.
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        let Self { config, rbm, device } = self;
        let (visible, sets, own_data) = (self.visible(), on.sets()?, on.own_data());
        let fitted = own_data.or(on.data()?);
        sets.iter().try_for_each(|set| visible.require(set, rbm.visible.width(), super::REAL))?;
        let concat = |metric: &dyn Fn(Tensor<2>) -> Tensor<1>| -> Vec<f64> {
            sets.iter().flat_map(|set| visible.for_each(set, device, metric)).collect()
        };
        let free_energy = concat(&|v| rbm.free_energy(v));
        let log_prob =
            |log_z: &Estimate| log_z.clone().affine(-1.0, -mean(&free_energy)).over_examples(&free_energy);
        let mut evaluation = Evaluation::default();
        let log_z = match exact::log_z(rbm) {
            Ok(exact) => exact,
            Err(_) => {
                let annealing = self.annealing(&fitted.train);
                let bracket = annealing.bracket(&on.values(&annealing)?);
                evaluation.add("log_z_lower", &bracket.lower, "nats");
                evaluation.add("log_z_upper", &bracket.upper, "nats");
                evaluation.add("log_prob_lower", &log_prob(&bracket.upper), "nats");
                evaluation.add("log_prob_upper", &log_prob(&bracket.lower), "nats");
                bracket.log_z
            }
        };
        evaluation.add("log_prob", &log_prob(&log_z), "nats");
        evaluation.put_first("log_prob");
        evaluation.note("log_prob", "binarization", config.binarization());
        if visible.n_classes() > 0 {
            evaluation.note("log_prob", "of", "example and label");
            classification(self, &sets, &mut evaluation)?;
        }
        evaluation.add("log_z", &log_z, "nats");
        let starts = self.mean_field_starts(&fitted.train, TAP_STARTS);
        if let Some(second_order) = tap::log_z(rbm, starts, TAP_ITERATIONS) {
            evaluation.add("log_z_tap", &second_order, "nats");
        }
        let error = concat(&|v| rbm.reconstruction_error(v));
        evaluation.add_mean("reconstruction_error", &error, "squared, per example");
        let free_energies = |set| visible.for_each(set, device, |v| rbm.free_energy(v));
        let mean_of = |set| Estimate::exact_mean(&by_weights(set, free_energies(set)));
        let gap = mean_of(&train_like_valid(fitted)).minus(&mean_of(&fitted.valid));
        evaluation.add("free_energy_gap", &gap, "nats");
        evaluation.note_all(
            &["free_energy_gap", "log_z_lower", "log_z_upper", "log_z_tap"],
            own_data.note(on.data()?),
        );
        evaluation.per_example = free_energy.into_iter().map(|f| -f - log_z.value).collect();
        Ok(evaluation)
    }

    /// Annealed chains, where `log Z` is not exact.
    fn blocks<'a>(&'a self, on: &Measurement<NoTarget>) -> Result<Option<Box<dyn Blocks + 'a>>> {
        let own_data = on.own_data();
        let annealing = || -> Result<_> { Ok(self.annealing(&own_data.or(on.data()?).train)) };
        match exact::is_enumerable(&self.rbm) {
            true => Ok(None),
            false => Ok(Some(Box::new(annealing()?))),
        }
    }

    fn look(&self) -> Look {
        self.visible().look(&self.config, self.rbm.visible.width())
    }

    fn sample(&self, args: &cli::Sample, flags: &RbmSampleArgs, shared: &Shared) -> Result<Drawn> {
        let (n, mut noise) = (args.n(), Noise::new(args.seed, "sample"));
        let test = || -> Result<_> {
            let data = self.config.load_data(&shared.data_dir)?;
            Ok(self.visible().spread(&data.test, n, &self.device))
        };
        let clamp = match (flags.given, flags.class) {
            (Some(half), _) => Some(self.clamp(test()?, &half.pixels(self.shape()))),
            (None, Some(class)) => self.clamp_class(n, class)?,
            (None, None) => None,
        };
        let chain = match &clamp {
            Some(clamp) => GibbsChain::clamped(&self.rbm, clamp.clone()),
            None => GibbsChain::new(&self.rbm),
        };
        let start = match (&clamp, flags.start) {
            (Some(_), _) | (None, Start::Noise) => chain.init(n, &mut noise),
            (None, Start::Data) => test()?,
            (None, Start::Annealed) => self.annealed(n, &mut noise),
        };
        let draws = self.draws(chain.run(start, flags.sweeps, &mut noise), clamp.as_ref());
        Ok(Drawn {
            title: self.title(n, flags.sweeps),
            given: clamp.as_ref().map(|clamp| self.given(clamp)),
            shown: Some(if clamp.is_some() { draws.means } else { draws.shown(&self.look()).to_vec() }),
            values: draws.values,
            how: None,
        })
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn draw_pictures(&self, source: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source.data()?, files)
    }
}

/// Errors of the most probable class given the data, and `log p(class | data)`.
///
/// # Errors
/// A set without labels.
fn classification(experiment: &RbmExperiment, sets: &[&Dataset], evaluation: &mut Evaluation) -> Result<()> {
    let RbmExperiment { rbm, device, .. } = experiment;
    let visible = experiment.visible();
    let log_prob = |v| log_softmax(rbm.class_log_weights(visible.decode(v)), 1);
    let (mut wrong, mut nll) = (Vec::new(), Vec::new());
    for set in sets {
        let each = visible.classify(set, device, log_prob)?;
        wrong.extend(each.iter().map(|(wrong, _)| 100.0 * wrong));
        nll.extend(each.iter().map(|(_, nll)| -nll));
    }
    evaluation.add("classification_error", &Estimate::exact(mean(&wrong)), "percent");
    evaluation.add("class_log_prob", &Estimate::exact(mean(&nll)), "nats");
    Ok(())
}

/// Where chains start.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Noise, annealed from independent units to the RBM
    Annealed,
    /// Noise
    Noise,
    /// Examples of the test split
    Data,
}

/// Flags of `rbm sample`.
#[derive(Args, Debug)]
pub struct RbmSampleArgs {
    /// Gibbs sweeps at temperature 1 before a draw
    #[arg(long, default_value_t = 3000, value_name = "N")]
    pub sweeps: usize,
    /// Where the chains start
    #[arg(long, value_enum, default_value = "annealed")]
    pub start: Start,
    /// Complete test pictures of which this half is known (inpainting)
    #[arg(long, value_enum, value_name = "HALF")]
    pub given: Option<Half>,
    /// Draw from this class, where the machine learned labels
    #[arg(long, value_name = "CLASS", conflicts_with = "given")]
    pub class: Option<usize>,
}

/// Draws, and the means they were drawn from, as data `[n, width]` on the host.
pub(super) struct Draws {
    pub(super) values: Vec<f32>,
    pub(super) means: Vec<f32>,
}

impl Draws {
    /// Means where examples are images, else states.
    pub(super) fn shown(&self, look: &Look) -> &[f32] {
        if look.image().is_some() { &self.means } else { &self.values }
    }
}

impl RbmExperiment {
    /// How `log Z` is estimated, on the data that the run learned from.
    fn annealing(&self, train: &Dataset) -> Annealing {
        let (protocol, noise) =
            (self.config.train.family.evaluation, Noise::new(self.config.seed, "evaluation"));
        self.visible().annealing(&self.rbm, train, protocol, &self.device, noise)
    }

    /// Visible states of `n` random training examples, or of all if there are fewer: starts of mean field.
    pub(super) fn mean_field_starts(&self, train: &Dataset, n: usize) -> Tensor<2> {
        let mut rows = Noise::new(self.config.seed, "tap").permutation(train.len());
        rows.truncate(n);
        self.visible().examples(train, &rows, &self.device)
    }

    /// What a picture of draws shows.
    pub(super) fn title(&self, n: usize, sweeps: usize) -> String {
        let means = self.look().image().map(|_| self.visible().mean_name());
        format!("{} of {n} chains after {sweeps} sweeps", means.unwrap_or("states"))
    }

    /// `n` chains annealed from independent units with the RBM's own biases.
    pub(super) fn annealed(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        GibbsChain::new(&self.rbm).annealed(n, &self.rbm.visible, ANNEALING, noise)
    }

    /// Holds the known pixels of the examples `v [n, visible]`; a label stays free.
    pub(super) fn clamp(&self, v: Tensor<2>, known: &[bool]) -> Clamp {
        let n_classes = self.visible().n_classes();
        let columns = (v.dims()[1] - n_classes) / known.len();
        let known = known.iter().flat_map(|&known| std::iter::repeat_n(known, columns));
        let known: Vec<bool> = known.chain(std::iter::repeat_n(false, n_classes)).collect();
        Clamp::columns(&known, v)
    }

    /// What a clamp holds, as data; all else at its mean without any weights.
    pub(super) fn given(&self, clamp: &Clamp) -> Vec<f32> {
        let neutral = self.rbm.visible.neutral().mean(clamp.values.zeros_like());
        host(self.visible().decode(clamp.apply(neutral)))
    }

    /// Clamps the label of `n` chains at a class.
    ///
    /// # Errors
    /// A class that the machine does not have.
    fn clamp_class(&self, n: usize, class: usize) -> Result<Option<Clamp>> {
        let label = classes(n, Some(class), self.visible().n_classes(), &self.device)?;
        Ok(label.map(|label| Clamp::last(label, self.rbm.visible.width())))
    }

    /// States and their means one half-sweep later, as data.
    pub(super) fn draws(&self, v: Tensor<2>, clamp: Option<&Clamp>) -> Draws {
        let mean = self.rbm.visible_mean(Units::mean(&self.rbm.hidden, self.rbm.hidden_input(v.clone())));
        let mean = match clamp {
            Some(clamp) => clamp.apply(mean),
            None => mean,
        };
        let decode = |x| host(self.visible().decode(x));
        Draws { values: decode(v), means: decode(mean) }
    }
}
