//! Metrics of a trained network, and draws from it.

use burn::tensor::activation::log_softmax;
use gibbs_boltzmann::{ais::Bracket, exact};
use gibbs_serve::Playground;

use super::{DbnExperiment, pictures};
use crate::{
    prelude::*,
    source::classes,
    visible::{Annealing, MOMENT_EXAMPLES},
};

/// Inverse temperatures through which chains of the top RBM are annealed.
const ANNEALING: usize = 1000;

impl Trained for DbnExperiment {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    /// All metrics on a part of the data, and the bound of each example.
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        let baseline = experiment::load_baseline::<Self>(on.files, &self.device)?;
        let (sets, mut evaluation) = (on.sets()?, Evaluation::default());
        self.likelihood(on, &mut evaluation)?;
        if sets.iter().all(|set| set.labels().is_some()) {
            self.classification(baseline.as_ref(), &sets, &mut evaluation)?;
        }
        Ok(evaluation)
    }

    /// Annealed chains of the top RBM, where its `log Z` is not exact.
    fn blocks<'a>(&'a self, on: &Measurement<NoTarget>) -> Result<Option<Box<dyn Blocks + 'a>>> {
        if exact::is_enumerable(self.dbn.top()) {
            return Ok(None);
        }
        Ok(Some(Box::new(self.annealing(&on.own_data().or(on.data()?).train))))
    }

    fn look(&self) -> Look {
        self.visible().look(&self.config, self.config.model.n_visible)
    }

    fn sample(&self, args: &cli::Sample, flags: &DbnSampleArgs, _: &Shared) -> Result<Drawn> {
        let noise = &mut Noise::new(args.seed, "sample");
        let means = self.generate(args.n(), flags.class, flags.sweeps, noise)?;
        Ok(Drawn::new(format!("{} of {} draws", self.visible().mean_name(), args.n()), means))
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn draw_pictures(&self, source: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source.data()?, files)
    }
}

impl DbnExperiment {
    /// The bound of `log p(v)` for zeros and ones: grey values are binarized first.
    fn likelihood(&self, on: &Measurement<NoTarget>, evaluation: &mut Evaluation) -> Result<()> {
        let Self { config, dbn, device, .. } = self;
        let (visible, data, sets, own_data) = (self.visible(), on.data()?, on.sets()?, on.own_data());
        let (binary, binarization) = visible.binarized(config, sets)?;
        let mut noise = Noise::new(config.seed, "evaluation");
        let fitted = own_data.or(data);
        let log_z = self.log_z(on, fitted, evaluation)?;
        evaluation.note_all(&["log_z_lower", "log_z_upper"], own_data.note(data));

        let mut bound = |draws: usize| -> (Vec<f64>, Estimate) {
            let mut once = || -> Vec<f64> {
                let weights =
                    |set| visible.for_each(set, device, |v| dbn.log_mean_weight(v, draws, &mut noise));
                binary.iter().flat_map(weights).collect()
            };
            dbn.bound_of_two(&once(), &once(), &log_z)
        };
        let (per_example, single) = bound(1);
        let several = (config.train.bound_draws > 0).then(|| bound(config.train.bound_draws).1);
        evaluation.add("log_prob", &single, "nats");
        evaluation.put_first("log_prob");
        evaluation.note("log_prob", "binarization", binarization.name());
        if let Some(several) = several {
            evaluation.add("log_prob_importance_weighted", &several, "nats");
            evaluation.note("log_prob_importance_weighted", "draws", config.train.bound_draws);
        }
        evaluation.add("log_z", &log_z, "nats");
        if dbn.depth() > 1 && dbn.recognition.is_empty() {
            let first = self.first_layer(on.work, fitted, &binary)?;
            evaluation.add("first_layer_log_prob", &first, "nats");
        }
        evaluation.per_example = per_example;
        Ok(())
    }

    /// `log Z` of the top RBM: exact, or the end of its bracket with which the bound remains a lower one.
    fn log_z(
        &self,
        on: &Measurement<NoTarget>,
        data: &Splits,
        evaluation: &mut Evaluation,
    ) -> Result<Estimate> {
        if let Ok(exact) = exact::log_z(self.dbn.top()) {
            return Ok(exact);
        }
        let annealing = self.annealing(&data.train);
        let Bracket { lower, upper, .. } = annealing.bracket(&on.values(&annealing)?);
        evaluation.add("log_z_lower", &lower, "nats");
        evaluation.add("log_z_upper", &upper, "nats");
        Ok(upper)
    }

    /// How `log Z` of the top RBM is estimated, on the data that the run learned from.
    fn annealing(&self, train: &Dataset) -> Annealing {
        let Self { config, dbn, device, .. } = self;
        let (visible, protocol) = (self.visible(), config.train.evaluation);
        // The top RBM of a network with a label has the classes of no example at hand.
        let examples =
            (dbn.n_classes() == 0).then(|| dbn.encode(visible.spread(train, protocol.chains, device)));
        let base = dbn.annealing_base(visible.first(train, MOMENT_EXAMPLES, device));
        Annealing {
            rbm: dbn.top().clone(),
            base,
            examples,
            protocol,
            noise: Noise::new(config.seed, "evaluation/top"),
        }
    }

    /// Log-likelihood of the lowest RBM alone, as `rbm` would report it.
    fn first_layer(&self, work: &Work, data: &Splits, sets: &[Dataset]) -> Result<Estimate> {
        let Self { config, dbn, device, .. } = self;
        let (rbm, visible) = (&dbn.layers[0], self.visible());
        let log_z = match exact::log_z(rbm) {
            Ok(exact) => exact,
            Err(_) => {
                let noise = Noise::new(config.seed, "evaluation/first");
                let annealing = visible.annealing(rbm, &data.train, config.train.evaluation, device, noise);
                annealing.bracket(&annealing.all(work)?).log_z
            }
        };
        let free_energies: Vec<f64> =
            sets.iter().flat_map(|set| visible.for_each(set, device, |v| rbm.free_energy(v))).collect();
        Ok(log_z.affine(-1.0, -mean(&free_energies)).over_examples(&free_energies))
    }

    /// Errors by the classifier, by that of the baseline, and by the free energy of the label.
    fn classification(
        &self,
        baseline: Option<&Self>,
        sets: &[&Dataset],
        evaluation: &mut Evaluation,
    ) -> Result<()> {
        let Self { dbn, device, .. } = self;
        let mut add = |name: &str, log_prob: &dyn Fn(Tensor<2>) -> Tensor<2>| -> Result<()> {
            let wrong = self.visible().percent_wrong(sets, device, log_prob)?;
            evaluation.add_mean(name, &wrong, "percent");
            Ok(())
        };
        if let Some(network) = &self.classifier {
            add("classification_error", &|v| log_softmax(network.forward(v), 1))?;
        }
        if let Some(network) = baseline.and_then(|baseline| baseline.classifier.as_ref()) {
            add("random_start_classification_error", &|v| log_softmax(network.forward(v), 1))?;
        }
        if dbn.n_classes() > 0 {
            add("free_energy_classification_error", &|v| dbn.class_log_prob(v))?;
        }
        Ok(())
    }
}

/// Flags of `dbn sample`.
#[derive(Args, Debug)]
pub struct DbnSampleArgs {
    /// Gibbs sweeps of the top RBM before a draw
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub sweeps: usize,
    /// Hold the label at this class; all classes in equal parts if not given, where the network has labels
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
}

impl DbnExperiment {
    /// Means of the visible units as data `[n, width]`, after `sweeps` of the top RBM. Labels are held at `class`, or at all
    /// classes in equal parts.
    ///
    /// # Errors
    /// A class that the network does not have.
    pub(super) fn generate(
        &self,
        n: usize,
        class: Option<usize>,
        sweeps: usize,
        noise: &mut Noise,
    ) -> Result<Vec<f32>> {
        let labels = classes(n, class, self.dbn.n_classes(), &self.device)?;
        let chain = self.dbn.top_chain(labels.map(|labels| self.dbn.clamp_label(labels)));
        let start = chain.annealed(n, &self.dbn.top().visible, ANNEALING, noise);
        let end = chain.run(start, sweeps, noise);
        let mean = self.dbn.generate(end, noise);
        Ok(host(self.visible().decode(mean)))
    }
}
