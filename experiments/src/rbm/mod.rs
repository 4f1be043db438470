//! The restricted Boltzmann machine on the command line.

mod evaluate;
mod pictures;
mod play;

use gibbs_boltzmann::{
    AnyRbm, Chains, ContrastiveConfig, RbmConfig,
    ais::AisProtocol,
    spectrum::singular_values,
    units::{UnitFamily, UnitKind, Units},
};
use gibbs_serve::Offer;

use crate::{
    prelude::*,
    source::{one_hot_of_best, require_labels, train_like_valid},
    visible::{self, Visible},
};

pub use evaluate::RbmSampleArgs;

/// Training examples on which the metrics of a log line are computed.
const PROBE: usize = 1000;

/// The setting with which an RBM learns real columns.
const REAL: &str = "model.visible=gaussian";

/// Examples of a step.
const BATCH_SIZE: usize = 100;

/// What only an RBM has in its `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RbmTrain {
    /// Whether the visible biases start at the data's means.
    pub fit_visible: bool,
    /// Contrastive divergence.
    pub contrastive: ContrastiveConfig,
    /// Largest singular values of the weights that each validation logs, for `spectrum.png`; 0 for none.
    pub spectrum: usize,
    /// Training examples from which solutions of the mean-field equations are looked for at the end, for `tap.png`; 0 for none.
    pub tap: usize,
    /// Estimate of `log Z` at each validation, forward only.
    pub validation: AisProtocol,
    /// Estimate of `log Z` of the final metrics, forward and reverse.
    pub evaluation: AisProtocol,
}

/// Configuration of a run.
pub type RbmRun = RunConfig<RbmConfig, TrainConfig<RbmTrain>>;

/// A trained RBM with its configuration.
pub struct RbmExperiment {
    config: RbmRun,
    rbm: AnyRbm,
    device: Device,
}

impl Experiment for RbmExperiment {
    const NAME: &'static str = "rbm";
    const ABOUT: &'static str = "Restricted Boltzmann machine: a layer of visible and a layer of hidden units, trained by contrastive \
        divergence. Learns binary, spin, softmax or real data, gives free energies and log-likelihoods with \
        error bars, and draws by Gibbs sampling.";
    const EXAMPLES: &'static [&'static str] =
        &["rbm train runs/digits --data digits", "rbm sample runs/digits --given upper"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Hinton (2002), Neural Computation 14, 1771";
    const GUIDE: &'static str = include_str!("../../guide/RBM.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        (
            "samples.png",
            "What the machine draws: the mean of the visible units at the end of independent Markov chains. Good: as varied as the data, with no two alike.",
        ),
        (
            "chains.png",
            "One Markov chain a row, seen after more and more steps. Good: the image changes into others; a chain that stays the same does not mix.",
        ),
        ("inpainting.png", "Half of each test image is given, the chain completes the rest."),
        (
            "filters.png",
            "The weights of hidden units as images. Good: strokes and local patterns; noise means too little training.",
        ),
        (
            "spectrum.png",
            "The largest singular values of the weights (train.spectrum): each that leaves the others is a direction that was learned.",
        ),
        (
            "tap.png",
            "The mean-field solutions that training examples lead to (train.tap), each the mean of a group of likely states. Good: many, \
             and all like data; few solutions with large shares mean that the machine has merged the data into templates.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg"];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &["valid_log_prob", "free_energy_gap", "reconstruction_error"];
    const USES_WEIGHTS: bool = true;
    type Model = RbmConfig;
    type Train = TrainConfig<RbmTrain>;
    type Target = NoTarget;
    type TrainArgs = NoFlags;
    type SampleArgs = RbmSampleArgs;
    type Commands = NoCommands;

    /// Small sets that are no images get a small RBM with tempered chains: without tempering each chain ends up in a pattern of
    /// its own. Over few examples the length is counted in steps, not in epochs.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let (is_small, is_tiny) = (info.is_bars_and_stripes(request), request.preset == Preset::Tiny);
        let n_classes = request.or("model.n_classes", info.n_given_classes(request));
        let has_label = n_classes > 0;
        let visible = if has_label { UnitKind::Labeled } else { UnitKind::Binary };
        let visible = request.or("model.visible", visible);
        let states = request.or("model.states", if has_label { n_classes } else { 4 });
        let n_visible = Visible::new(visible, states).n_visible(info.width);
        let n_hidden =
            request.or("model.n_hidden", if is_small { 16 } else { request.by_preset([32, 500, 500]) });
        let model = RbmConfig::new(n_visible, n_hidden)
            .with_visible(visible)
            .with_states(states)
            .with_hidden_bias(if is_small { 0.0 } else { -2.0 });
        let is_gaussian =
            visible == UnitKind::Gaussian || request.get("model.hidden") == Some(UnitKind::Gaussian);
        let protocol = |chains, temperatures, burn_in| AisProtocol { chains, temperatures, burn_in };
        let epochs = match (is_small, is_tiny) {
            (true, true) => 4,
            (true, false) => 100,
            (false, false) if info.has_few() => {
                let steps = request.steps(request.by_preset([0, 20_000, 60_000]));
                info.epochs(steps, request.or("train.batch_size", BATCH_SIZE), usize::MAX)
            }
            _ => request.by_preset([1, 30, 400]),
        };
        let validate_every_epochs = match is_small || info.has_few() {
            true => (request.or("train.epochs", epochs) / if is_small { 4 } else { 8 }).max(1),
            false => request.by_preset([1, 5, 20]),
        };
        // Real units have no bounds, so that errors of the weights grow (Hinton's guide, section 13.2).
        let rate = match (is_gaussian, is_small) {
            (true, _) => 0.01,
            (_, true) => 0.3,
            _ => 0.1,
        };
        let decay = request.by_preset([0.998, 0.998, 0.9995]);
        let contrastive = ContrastiveConfig::new().with_centered(!is_gaussian);
        let (average, contrastive) = match is_small {
            true => {
                let contrastive = contrastive.with_chains(Chains::Tempered).with_temperatures(5);
                (AverageConfig { decay: 0.999, every: 1 }, contrastive.with_n_chains(60))
            }
            false => {
                let l1 = if is_tiny { 0.0 } else { visible::l1(info) };
                (AverageConfig { decay, every: 5 }, contrastive.with_l1(l1))
            }
        };
        let train = TrainConfig {
            run: LoopConfig { epochs, validate_every_epochs, ..LoopConfig::default() },
            batch_size: if is_small { 30 } else { BATCH_SIZE },
            learner: LearnerConfig { average, ..LearnerConfig::sgd(Schedule::linear(rate, 0.0)) },
            family: RbmTrain {
                fit_visible: true,
                contrastive,
                spectrum: 0,
                tap: 0,
                validation: request.by_preset([
                    protocol(20, 50, 0),
                    protocol(100, 1000, 0),
                    protocol(100, 3000, 0),
                ]),
                evaluation: request.by_preset([
                    protocol(20, 100, 20),
                    protocol(100, 4000, 1000).with_chains_for(n_visible, n_hidden),
                    protocol(200, 14500, 5000),
                ]),
            },
        };
        let is_two_valued = matches!(visible, UnitKind::Binary | UnitKind::Spin | UnitKind::Labeled);
        Ok(Settings { binarization: info.binarization(is_two_valued), model, train })
    }

    fn validate(config: &RbmRun, source: &Source<NoTarget>) -> Result<()> {
        config.model.validate().or_usage_at("model")?;
        config.train.validate()?;
        let family = &config.train.family;
        family.contrastive.validate().or_usage_at("train.contrastive")?;
        family.validation.validate().or_usage_at("train.validation")?;
        family.evaluation.validate().or_usage_at("train.evaluation")?;
        let kind = config.model.visible;
        require!(
            family.tap == 0 || matches!(kind, UnitKind::Binary | UnitKind::Spin),
            "train.tap = {}: mean-field solutions are drawn for visible units that are binary or spins, and these are {kind}; set it to 0",
            family.tap
        );
        let (visible, data) = (Visible::of(&config.model), source.data()?);
        visible.require(&data.train, config.model.n_visible, REAL)?;
        require_labels([&data.valid, &data.test], visible.n_classes(), "model.n_classes")
    }

    fn task<'a>(config: &'a RbmRun, source: &'a Source<NoTarget>, device: &Device) -> Task<'a> {
        let (data, family, visible) = (source.data()?, &config.train.family, Visible::of(&config.model));
        visible.require_scale(&data.train, device)?;
        let moments = visible.moments(&data.train, device);
        let rbm = config.model.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        let rbm = if family.fit_visible { rbm.with_visible_fitted(&moments) } else { rbm };
        let base = rbm.visible.fitted(&moments);
        let objective = family.contrastive.init(&rbm, base.clone()).or_usage_at("train.contrastive")?;
        let batches = DataBatches::new(
            data.train.clone(),
            config.train.batch_size,
            config.seed,
            device,
            move |batch| Batch { weights: batch.weights.clone(), ..Batch::new(visible.batch(batch)) },
        )
        .or_usage()?;
        let probe = visible.first(&data.train, PROBE, device);
        let (like_valid, device) = (train_like_valid(data), device.clone());
        let learner = Learner::new(rbm, objective, &config.train.learner, Noise::new(config.seed, "chains"))
            .or_usage_at("train")?
            .on_batches(batches)
            .probe(move |rbm| {
                let error = rbm.reconstruction_error(probe.clone());
                Metrics::new().with("reconstruction_error", to_host(error.mean())[0])
            })
            .validate(move |rbm, at| {
                let mut noise = Noise::new(config.seed, format!("validation/{}", at.steps_done()));
                let log_z = family.validation.quick_log_z(rbm, &base, &mut noise);
                let free_energies = |set| visible.for_each(set, &device, |v| rbm.free_energy(v));
                let free_energy = |set| mean(&by_weights(set, free_energies(set)));
                let (valid, train) = (free_energy(&data.valid), free_energy(&like_valid));
                let log_prob = -valid - log_z.value;
                let mut metrics = Metrics::new()
                    .with("valid_log_prob", log_prob)
                    .with("valid_log_prob_std_err", log_z.std_err)
                    .with("train_log_prob", -train - log_z.value)
                    .with("log_z", log_z.value)
                    .with("free_energy_gap", train - valid);
                if family.spectrum > 0 {
                    let values = singular_values(rbm.weight.val()).into_iter().take(family.spectrum);
                    for (k, value) in values.enumerate() {
                        metrics = metrics.with(pictures::singular_value(k), value);
                    }
                }
                Ok(Some(Validation { metrics, score: Some(log_prob) }))
            });
        Ok(Box::new(learner))
    }

    fn load(config: &RbmRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let rbm = config.model.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        let rbm = weights::from_bytes(rbm, bytes).or_usage()?;
        Ok(Self { config: config.clone(), rbm, device: device.clone() })
    }
}

/// Hidden means of data, and visible means of hidden states. The label of a machine that has one is the most probable one.
impl Latent for RbmExperiment {
    fn widths(&self) -> Vec<usize> {
        vec![self.rbm.hidden.width()]
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        Ok(self.rbm.hidden_mean(self.states(examples.x)))
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        Ok(self.visible().decode(self.rbm.visible_mean(latent.x)))
    }
}

impl RbmExperiment {
    fn visible(&self) -> Visible {
        Visible::of(&self.config.model)
    }

    /// Visible states of data `[n, width]`; a label is the most probable one.
    fn states(&self, x: Tensor<2>) -> Tensor<2> {
        let visible = self.visible();
        let label = (visible.n_classes() > 0)
            .then(|| one_hot_of_best(self.rbm.class_log_weights(x.clone())))
            .flatten();
        visible.with_label(visible.encode(x), label)
    }

    fn shape(&self) -> (usize, usize) {
        self.config.picture_shape(self.visible().data_width(self.rbm.visible.width()))
    }
}
