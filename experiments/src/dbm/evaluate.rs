//! Metrics of a trained machine, and draws from it.

use gibbs_boltzmann::{
    Clamp, GibbsChain, exact,
    units::{Joined, UnitFamily, Units},
};
use gibbs_core::Kind;
use gibbs_serve::Playground;

use super::{DbmExperiment, pictures, train::network_log_prob};
use crate::{
    evidence::Half,
    prelude::*,
    source::{classes, spread},
    visible::{Annealing, MOMENT_EXAMPLES},
};

/// Inverse temperatures through which chains are annealed.
const ANNEALING: usize = 1000;
const COMPLETION_ANNEALING: usize = 200;

impl Trained for DbmExperiment {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    /// All metrics on a part of the data, and the likelihood or its bound of each example.
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        let (sets, mut evaluation) = (on.sets()?, Evaluation::default());
        if self.config.train.run.epochs > 0 {
            self.likelihood(on, &mut evaluation)?;
        }
        if sets.iter().all(|set| set.labels().is_some()) {
            let baseline = experiment::load_baseline::<Self>(on.files, &self.device)?;
            self.classification(baseline.as_ref(), &sets, &mut evaluation)?;
        }
        Ok(evaluation)
    }

    /// Annealed chains, where `log Z` is not exact.
    fn blocks<'a>(&'a self, on: &Measurement<NoTarget>) -> Result<Option<Box<dyn Blocks + 'a>>> {
        if exact::is_enumerable(&self.dbm.bipartite()) {
            return Ok(None);
        }
        Ok(Some(Box::new(self.annealing(&on.own_data().or(on.data()?).train))))
    }

    fn look(&self) -> Look {
        self.config.visible().look(&self.config, self.config.model.n_visible)
    }

    fn sample(&self, args: &cli::Sample, flags: &DbmSampleArgs, shared: &Shared) -> Result<Drawn> {
        let (n, noise) = (args.n(), &mut Noise::new(args.seed, "sample"));
        let title = format!("{} of {n} draws", self.config.visible().mean_name());
        let Some(half) = flags.given else {
            return Ok(Drawn::new(title, self.generate(n, flags.class, flags.sweeps, noise)?));
        };
        let data = self.config.load_data(&shared.data_dir)?;
        let v = self.config.visible().spread(&data.test, n, &self.device);
        let (known, completed) = self.completed_half(v, half, flags.sweeps, noise);
        Ok(Drawn { given: Some(known), ..Drawn::new(title, completed) })
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn draw_pictures(&self, source: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source.data()?, files)
    }
}

impl DbmExperiment {
    /// The bound of `log p(v)`, and `log p(v)` itself, for zeros and ones: grey values are binarized first.
    fn likelihood(&self, on: &Measurement<NoTarget>, evaluation: &mut Evaluation) -> Result<()> {
        let Self { config, dbm, device, .. } = self;
        let (visible, updates) = (config.visible(), config.model.mean_field_measured);
        let (data, own_data) = (on.data()?, on.own_data());
        let fitted = own_data.or(data);
        let sets = on.sets()?;
        sets.iter().try_for_each(|set| visible.require(set, config.model.n_visible, super::REAL))?;
        let (sets, binarization) = visible.binarized(config, sets)?;
        let noise = &mut Noise::new(config.seed, "evaluation");
        let log_z = self.log_z(on, &fitted.train, evaluation)?;
        evaluation.note_all(&["log_z_lower", "log_z_upper"], own_data.note(data));

        let each = |metric: &dyn Fn(Tensor<2>) -> Tensor<1>| -> Vec<f64> {
            let values = sets.iter().flat_map(|set| visible.for_each(set, device, metric));
            values.map(|weight| weight - log_z.value).collect()
        };
        let bounds = each(&|v| dbm.log_weight_bound(v, updates));
        // The examples by which a mean is weighted, if they have weights.
        evaluation.add_mean("log_prob_bound", &bounds, "nats");
        let bound = Estimate::exact_mean(&bounds).with_kind(Kind::LowerBound);
        let bound = Estimate { std_err: log_z.std_err, ..bound }.or_unreliable(log_z.unreliable.clone());
        evaluation.add("log_prob_bound", &bound, "nats");
        evaluation.put_first("log_prob_bound");
        let is_exact = log_z.kind == Kind::Exact
            && sets.iter().all(|set| dbm.exact_log_weights(visible.first(set, 1, device)).is_some());
        if is_exact {
            let exact = each(&|v| {
                dbm.exact_log_weights(v.clone()).unwrap_or_else(|| dbm.log_weight_bound(v, updates))
            });
            evaluation.add("log_prob", &Estimate::exact_mean(&exact), "nats");
            evaluation.put_first("log_prob");
            evaluation.per_example = exact;
        } else {
            if config.model.measured > 0 {
                self.annealed_likelihood(on.work, &sets, &log_z, evaluation, noise);
            }
            evaluation.per_example = bounds;
        }
        evaluation
            .note_all(&["log_prob_bound", "log_prob"], Some(("binarization", binarization.name().into())));
        evaluation.add("log_z", &log_z, "nats");
        Ok(())
    }

    /// `log Z`: exact, or the end of its bracket with which the bound remains a lower one.
    fn log_z(
        &self,
        on: &Measurement<NoTarget>,
        train: &Dataset,
        evaluation: &mut Evaluation,
    ) -> Result<Estimate> {
        if let Ok(exact) = exact::log_z(&self.dbm.bipartite()) {
            return Ok(exact);
        }
        let annealing = self.annealing(train);
        let bracket = annealing.bracket(&on.values(&annealing)?);
        evaluation.add("log_z_lower", &bracket.lower, "nats");
        evaluation.add("log_z_upper", &bracket.upper, "nats");
        Ok(bracket.upper)
    }

    /// How `log Z` is estimated, on the data that the run learned from.
    fn annealing(&self, train: &Dataset) -> Annealing<Joined, Joined> {
        let Self { config, dbm, device, .. } = self;
        let (visible, protocol, updates) =
            (config.visible(), config.train.evaluation, config.model.mean_field);
        let v = visible.spread(train, protocol.chains, device);
        let even = dbm.mean_field(v.clone(), None, updates).even;
        Annealing {
            rbm: dbm.bipartite(),
            base: dbm.annealing_base(visible.first(train, MOMENT_EXAMPLES, device), updates),
            examples: Some(Tensor::cat(vec![v, even], 1)),
            protocol,
            noise: Noise::new(config.seed, "evaluation/machine"),
        }
    }

    /// `log p(v)` of some examples by annealing of the hidden layers, and how far the bound lies below it.
    fn annealed_likelihood(
        &self,
        work: &Work,
        sets: &[Dataset],
        log_z: &Estimate,
        evaluation: &mut Evaluation,
        noise: &mut Noise,
    ) {
        /// Chains that are annealed at once.
        const AT_ONCE: usize = 1000;
        let Self { config, dbm, device, .. } = self;
        let (protocol, updates) = (config.train.likelihood, config.model.mean_field_measured);
        let n: usize = sets.iter().map(Dataset::len).sum();
        let measured = spread(n, config.model.measured);
        let (mut weights, mut bounds, mut first) = (Vec::new(), Vec::new(), 0);
        for set in sets {
            let own: Vec<usize> = measured
                .iter()
                .filter(|&&i| i >= first && i < first + set.len())
                .map(|i| i - first)
                .collect();
            for rows in work.over("annealing of examples", own.chunks((AT_ONCE / protocol.chains).max(1))) {
                let v = config.visible().examples(set, rows, device);
                weights.extend(protocol.log_weights(dbm, v.clone(), updates, noise));
                bounds.extend(to_host(dbm.log_weight_bound(v, updates)));
            }
            first += set.len();
        }
        let values: Vec<f64> = weights.iter().map(|weight| weight.value - log_z.value).collect();
        evaluation.add_mean("log_prob", &values, "nats");
        evaluation.add("log_prob", &protocol.mean(&weights, log_z), "nats");
        evaluation.note("log_prob", "examples", weights.len());
        let gap: Vec<f64> = weights.iter().zip(bounds).map(|(weight, bound)| weight.value - bound).collect();
        let of_weights = protocol.mean(&weights, &Estimate::exact(0.0));
        let gap = Estimate { value: mean(&gap), ..of_weights.over_examples(&gap) };
        evaluation.add("mean_field_gap", &gap, "nats");
        evaluation.note("mean_field_gap", "examples", weights.len());
    }

    /// Errors by the classifier, by that of the baseline, and by mean field of the label.
    fn classification(
        &self,
        baseline: Option<&Self>,
        sets: &[&Dataset],
        evaluation: &mut Evaluation,
    ) -> Result<()> {
        let Self { config, dbm, device, .. } = self;
        let mut add = |name: &str, log_prob: &dyn Fn(Tensor<2>) -> Tensor<2>| -> Result<()> {
            let wrong = config.visible().percent_wrong(sets, device, log_prob)?;
            evaluation.add_mean(name, &wrong, "percent");
            Ok(())
        };
        let updates = config.model.mean_field;
        if let Some(network) = &self.classifier {
            add("classification_error", &|v| network_log_prob(dbm, network, v, updates))?;
        }
        if let Some((baseline, network)) =
            baseline.and_then(|baseline| baseline.classifier.as_ref().map(|network| (baseline, network)))
        {
            let log_prob = |v| network_log_prob(&baseline.dbm, network, v, updates);
            add("random_start_classification_error", &log_prob)?;
        }
        if dbm.n_classes() > 0 {
            let updates = config.model.mean_field_measured;
            add("mean_field_classification_error", &|v| dbm.class_log_prob(v, updates))?;
        }
        Ok(())
    }
}

/// Flags of `dbm sample`.
#[derive(Args, Debug)]
pub struct DbmSampleArgs {
    /// Gibbs sweeps of all layers at temperature 1 before a draw
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub sweeps: usize,
    /// Complete test pictures of which this half is known (inpainting)
    #[arg(long, value_enum, value_name = "HALF")]
    pub given: Option<Half>,
    /// Hold the label at this class; all classes in equal parts if not given, where the machine has a label
    #[arg(long, value_name = "CLASS", conflicts_with = "given")]
    pub class: Option<usize>,
}

impl DbmExperiment {
    /// Means of the visible units as data `[n, width]`, after annealing and `sweeps` of all layers. Labels are held at `class`, or at
    /// all classes in equal parts.
    ///
    /// # Errors
    /// A class that the machine does not have.
    pub(super) fn generate(
        &self,
        n: usize,
        class: Option<usize>,
        sweeps: usize,
        noise: &mut Noise,
    ) -> Result<Vec<f32>> {
        let labels = classes(n, class, self.dbm.n_classes(), &self.device)?;
        // The chain moves on the side of the label.
        let rbm = self.dbm.with_label_visible();
        let chain = match labels {
            Some(labels) => GibbsChain::clamped(&rbm, Clamp::last(labels, rbm.visible.width())),
            None => GibbsChain::new(&rbm),
        };
        let start = chain.annealed(n, &rbm.visible, ANNEALING, noise);
        let end = chain.run(start, sweeps, noise);
        let other = rbm.sample_hidden(end.clone(), noise);
        Ok(host(self.dbm.visible_of_sides(end, other)))
    }

    /// [`completed`](Self::completed) from a half.
    pub(super) fn completed_half(
        &self,
        v: Tensor<2>,
        half: Half,
        sweeps: usize,
        noise: &mut Noise,
    ) -> (Vec<f32>, Vec<f32>) {
        let known = half.pixels(self.config.picture_shape(v.dims()[1]));
        self.completed(v, &known, sweeps, noise)
    }

    /// The known pixels of the examples `v [n, visible]`, and these with the others at their mean after annealing and `sweeps` of all
    /// layers.
    pub(super) fn completed(
        &self,
        v: Tensor<2>,
        known: &[bool],
        sweeps: usize,
        noise: &mut Noise,
    ) -> (Vec<f32>, Vec<f32>) {
        let ([n, visible], rbm) = (v.dims(), self.dbm.bipartite());
        let hidden = rbm.visible.width() - visible;
        let values = Tensor::cat(vec![v, Tensor::zeros([n, hidden], &self.device)], 1);
        let clamp = Clamp::columns(&[known, &vec![false; hidden]].concat(), values);
        let chain = GibbsChain::clamped(&rbm, clamp.clone());
        let start = chain.annealed(n, &rbm.visible, COMPLETION_ANNEALING, noise);
        let even = chain.run(start, sweeps, noise);
        let shown = |means: Tensor<2>| host(clamp.apply(means).narrow(1, 0, visible));
        let neutral = rbm.visible.neutral().mean(clamp.values.zeros_like());
        (shown(neutral), shown(rbm.visible_mean(rbm.sample_hidden(even, noise))))
    }
}
