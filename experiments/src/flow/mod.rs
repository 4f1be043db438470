//! Normalizing flows of data and of continuous Hamiltonians: what all families of flows do in the same way. A family says what
//! its flow is, by which objective it learns data, and how it is solved or inverted.

mod data;
mod family;
mod levels;
mod paths;
mod pictures;
mod solved;

use gibbs_core::{
    preprocess::{Preprocessed, PreprocessorConfig},
    variational::Draws,
};
use gibbs_data::Kind;
use gibbs_flow::MixtureConfig;
use gibbs_physics::system::ContinuousSystemConfig;
use gibbs_serve::{Offer, Playground};
use gibbs_train::clip::Clip;

use crate::{
    base,
    conditions::{Conditions, ContextUnits},
    config::ConfigOf,
    prelude::*,
    preprocessed, shards,
    system::{ContinuousArgs, build_continuous, continuous_of},
    variational::{self, Symmetrization, SymmetrizedTarget, VariationalTrain, group},
};

pub use data::{LogProbs, learner, measure};
pub use family::{FlowFamily, FlowSampleArgs};
pub use levels::{LEVEL_NOISE, LEVELS, black_and_white, level_log_prob, log_probs_of_levels, note_levels};
pub use paths::{images_on_their_way, loss_or_log_prob_curves, moved_points, snapshots, trajectories};
pub use pictures::{PANEL_WIDTH, density};
pub use solved::{ROWS, evaluate_by_solver, kind_of_trace, log_probs_by_solver, measured_rows, rows_at_once};

/// The `model` section of a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowModel<F> {
    /// The flow.
    #[serde(flatten)]
    pub flow: F,
    /// The distribution of the latent variables, fitted to the data before training by likelihood; `null` is standard normal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<MixtureConfig>,
    /// Units of the real numbers on which the flow is conditioned, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextUnits>,
    /// The map before the flow.
    pub preprocessing: PreprocessorConfig,
    /// Whether a whitening by the covariance of the training data follows the map.
    pub whitened: bool,
    /// Symmetries of the flow as it is measured and sampled, where it learns a Hamiltonian.
    pub symmetry: Symmetrization,
    /// The Hamiltonian, where the run learns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<ContinuousSystemConfig>,
}

/// Configuration of a run.
pub type FlowRun<F> = ConfigOf<FlowExperiment<F>>;

/// The flow of a family with its preprocessing.
pub type Flow<F> = Preprocessed<<F as FlowFamily>::Net>;

/// What a run learns from.
pub type FlowSource = Source<ContinuousSystemConfig>;

/// The most epochs over small data.
const MOST_EPOCHS: usize = 500;

/// How long and how fast a flow learns.
pub struct Length {
    /// Steps of the run, unless the request gives their number.
    pub steps: usize,
    /// Examples or draws of a step.
    pub batch_size: usize,
    /// Learning rate after the warm-up.
    pub rate: f64,
    /// The largest norm of a gradient.
    pub clip: f32,
    /// Weight decay of Adam.
    pub weight_decay: f64,
}

/// The `train` section of a flow that learns data or a target, with a base or without.
pub fn training<T: AsRef<VariationalTrain>>(
    request: &Request,
    info: &SourceInfo,
    Length { steps, batch_size, rate, clip, weight_decay }: Length,
    (has_data, has_base): (bool, bool),
    family: T,
) -> TrainConfig<T> {
    let asked_batch_size = request.or("train.batch_size", batch_size);
    let steps_per_epoch = request.or("train.steps_per_epoch", family.as_ref().steps_per_epoch);
    let (steps, most_epochs) = (request.steps(steps), if has_base { usize::MAX } else { MOST_EPOCHS });
    let epochs = match has_data {
        true => info.epochs(steps, asked_batch_size, most_epochs),
        false => steps.div_ceil(steps_per_epoch.max(1)),
    };
    let run = match has_base {
        true => base::loop_config(info, asked_batch_size),
        false => LoopConfig { patience: has_data.then_some(30), ..LoopConfig::default() },
    };
    let learner = LearnerConfig {
        optimizer: OptimizerConfig::Adam { weight_decay },
        average: AverageConfig { decay: 0.999, every: 1 },
        clip: Clip::GlobalNorm { limit: clip },
        ..LearnerConfig::adam(Schedule::cosine(rate, 0.0).with_warmup(100))
    };
    TrainConfig { run: LoopConfig { epochs, select_best: has_data, ..run }, batch_size, learner, family }
}

/// A trained flow with its configuration.
pub struct FlowExperiment<F: FlowFamily> {
    /// Configuration of the run.
    pub config: RunConfig<FlowModel<F::Config>, TrainConfig<F::Train>>,
    /// The flow with its preprocessing.
    pub model: Flow<F>,
    /// The target with the symmetries of the flow, where it learned one.
    pub target: Option<SymmetrizedTarget>,
    /// Where it is computed.
    pub device: Device,
}

impl<F: FlowFamily> Experiment for FlowExperiment<F> {
    const NAME: &'static str = F::NAME;
    const ABOUT: &'static str = F::ABOUT;
    const EXAMPLES: &'static [&'static str] = F::EXAMPLES;
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = F::REFERENCE;
    const GUIDE: &'static str = F::GUIDE;
    const PICTURES: &'static [(&'static str, &'static str)] = F::PICTURES;
    const FILES: &'static [&'static str] = F::FILES;
    const OFFERS: &'static [Offer] = F::OFFERS;
    const SHOWN: &'static [&'static str] = F::SHOWN;
    const USES_WEIGHTS: bool = true;
    type Model = FlowModel<F::Config>;
    type Train = TrainConfig<F::Train>;
    type Target = ContinuousSystemConfig;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = FlowSampleArgs<F::SampleArgs>;
    type Commands = F::Commands;

    fn target(request: &Request) -> Result<Option<ContinuousSystemConfig>> {
        Ok(continuous_of(request))
    }

    fn is_density_of_columns(model: &Self::Model) -> bool {
        model.system.is_none() && !model.preprocessing.is_gray()
    }

    fn is_slow(_: &Request) -> bool {
        true
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        F::preset(request, info)
    }

    fn validate(config: &FlowRun<F>, source: &FlowSource) -> Result<()> {
        let (model, n_visible) = (&config.model, F::n_visible(&config.model.flow));
        let n_context = F::validate(config)?;
        model.preprocessing.validate(n_visible).or_usage_at("model.preprocessing")?;
        model.context.iter().try_for_each(|context| context.validate(n_context))?;
        config.train.validate()?;
        match source {
            Source::Data(data) => {
                let columns = config.density();
                preprocessed::require_density(data, &model.preprocessing, &columns, n_visible, n_context)
            }
            Source::Target(_) if n_context > 0 => {
                Err(usage!("model.n_classes = {n_context}: a Hamiltonian has no classes"))
            }
            Source::Target(system) => {
                let (density, train) = (build_continuous(system)?, config.train.family.as_ref());
                variational::require_variables(n_visible, &density)?;
                F::validate_target(config, &density)?;
                train.validate(&group(&density, train.symmetry))
            }
        }
    }

    fn prepare(config: &FlowRun<F>, data: Splits) -> Result<Splits> {
        let data = preprocessed::dequantized(data, &config.density(), config.seed)?;
        ContextUnits::standardized(config.model.context.as_ref(), data)
    }

    fn task<'a>(config: &'a FlowRun<F>, source: &'a FlowSource, device: &Device) -> Task<'a> {
        let (settings, train, seed) = (&config.model, &config.train, config.seed);
        let flow = F::init(config, true, device)?;
        let preprocessor = preprocessed::init(&settings.preprocessing, F::n_visible(&settings.flow))?;
        match source {
            Source::Target(system) => {
                let variational = train.family.as_ref();
                let target = SymmetrizedTarget::new(build_continuous(system)?, variational.symmetry);
                let model = F::fitted_to_target(flow, config, &target, device);
                let model = Preprocessed { preprocessor, model };
                let settings = (&train.learner, variational, train.batch_size);
                variational::task(model, target, settings, seed, |bytes| F::imported(config, bytes))
            }
            Source::Data(data) => {
                let is_real = |_| !settings.preprocessing.is_gray();
                preprocessed::require_varying_columns(&data.train, is_real)?;
                let preprocessor = match settings.whitened {
                    true => preprocessed::whitened(preprocessor, &data.train, device)?,
                    false => preprocessor,
                };
                let n_context = flow.n_context();
                let flow = F::fitted_to_data(flow, |n| {
                    let batch = data.train.batch(&crate::source::spread(data.train.len(), n), device);
                    let batch = preprocessed::with_classes(batch, n_context);
                    Batch { x: preprocessor.forward(batch.x).0, ..batch }
                });
                let base = base::fitted(settings.base, &preprocessor, &data.train, seed, device)?;
                let model = Preprocessed { preprocessor, model: F::with_base(flow, base) };
                F::task(config, model, data, device)
            }
        }
    }

    fn load(config: &FlowRun<F>, bytes: &[u8], device: &Device) -> Result<Self> {
        let (model, n_visible) = (&config.model, F::n_visible(&config.model.flow));
        let flow = F::with_base(F::init(config, false, device)?, base::empty(model.base, n_visible, device)?);
        let preprocessor = preprocessed::init(&model.preprocessing, n_visible)?;
        let preprocessor = match model.whitened {
            true => preprocessor.with_identity_whitening(n_visible, device),
            false => preprocessor,
        };
        Ok(Self {
            model: preprocessed::from_bytes(Preprocessed { preprocessor, model: flow }, bytes).or_usage()?,
            target: SymmetrizedTarget::of(model.system.as_ref(), model.symmetry)?,
            config: config.clone(),
            device: device.clone(),
        })
    }
}

impl<F: FlowFamily> Trained for FlowExperiment<F> {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    fn evaluate(&self, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        match (on.source, &self.target) {
            (Source::Target(_), Some(target)) => {
                let [log_q, energy] = shards::columns(&on.values(&self.draws_for(target))?);
                let noise = &mut Noise::new(self.config.seed, "eval");
                Ok(target.evaluate(&Draws::new(log_q, energy), noise))
            }
            _ => F::evaluate(self, on),
        }
    }

    /// Draws for a target.
    fn blocks<'a>(
        &'a self,
        on: &Measurement<ContinuousSystemConfig>,
    ) -> Result<Option<Box<dyn Blocks + 'a>>> {
        Ok(match (on.source, &self.target) {
            (Source::Target(_), Some(target)) => Some(Box::new(self.draws_for(target))),
            _ => None,
        })
    }

    /// Fields of the target, else the data of the run.
    fn look(&self) -> Look {
        let kind = if self.config.model.preprocessing.is_gray() { Kind::Gray } else { Kind::Real };
        self.target.as_ref().map_or_else(|| self.config.look(self.n_visible(), kind), SymmetrizedTarget::look)
    }

    fn sample(&self, args: &cli::Sample, flags: &Self::SampleArgs, _: &Shared) -> Result<Drawn> {
        let temperature = flags.temperature;
        let is_one = temperature.is_finite() && temperature >= 0.0;
        require!(is_one, "--temperature {temperature}: must be finite and at least 0");
        F::check(self, &flags.family)?;
        let asked = (flags.context.as_deref(), flags.class);
        let (n, context) = self.conditions().of_sample(args, asked)?;
        let draws = self.draw(n, context, flags, &mut Noise::new(args.seed, "sample"))?;
        Ok(Drawn::new(independent_draws(n), self.config.rounded(host(draws))))
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        F::playground(self)
    }

    fn draw_pictures(&self, source: &FlowSource, files: &RunFiles) -> Result<()> {
        F::draw_pictures(self, source, files)
    }
}

/// Points of the base, and the data that the flow makes of them.
impl<F: FlowFamily> Latent for FlowExperiment<F> {
    fn widths(&self) -> Vec<usize> {
        let per_value = F::levels(&self.config.model.flow).map_or(1, |levels| levels.per_value());
        vec![self.n_visible() * per_value]
    }

    fn n_classes(&self) -> usize {
        self.model.n_context()
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        let y = self.model.preprocessor.forward(examples.x).0;
        let y = match F::levels(&self.config.model.flow) {
            Some(levels) => levels.encode(y),
            None => y,
        };
        F::moved(&self.model.model, y, examples.context.as_ref(), true)
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        Ok(self.to_data(F::moved(&self.model.model, latent.x, latent.context.as_ref(), false)?))
    }
}

impl<F: FlowFamily> FlowExperiment<F> {
    /// The draws by which it is measured on a target.
    fn draws_for<'a>(&'a self, target: &'a SymmetrizedTarget) -> impl Blocks + use<'a, F> {
        target.blocks(&self.model, self.config.train.family.as_ref(), self.config.seed)
    }

    /// Number of variables.
    pub fn n_visible(&self) -> usize {
        F::n_visible(&self.config.model.flow)
    }

    /// Points of the flow as data `[n, D]`.
    pub fn to_data(&self, y: Tensor<2>) -> Tensor<2> {
        self.model.preprocessor.inverse(match F::levels(&self.config.model.flow) {
            Some(levels) => levels.decode(y),
            None => y,
        })
    }

    /// `n` draws `[n, D]` as data, for contexts `[n, C]`.
    ///
    /// # Errors
    /// An equation that cannot be solved.
    pub fn draw(
        &self,
        n: usize,
        context: Option<Tensor<2>>,
        flags: &FlowSampleArgs<F::SampleArgs>,
        noise: &mut Noise,
    ) -> Result<Tensor<2>> {
        let mut blocks = Vec::new();
        for start in (0..n).step_by(F::AT_ONCE) {
            let n = F::AT_ONCE.min(n - start);
            let context = context.as_ref().map(|context| context.clone().narrow(0, start, n));
            let y = F::draw(&self.model.model, n, context.as_ref(), flags, noise)?;
            let x = self.to_data(y);
            blocks.push(match &self.target {
                Some(target) => target.group.apply_random(x, noise),
                None => x,
            });
        }
        Ok(Tensor::cat(blocks, 0))
    }

    /// `n` draws `[n, D]` as data of all classes, or for the mean context.
    ///
    /// # Errors
    /// An equation that cannot be solved.
    pub fn draw_plain(&self, n: usize, family: F::SampleArgs, noise: &mut Noise) -> Result<Tensor<2>> {
        let context = self.contexts_of_draws(n)?;
        self.draw(n, context, &FlowSampleArgs::plain(family), noise)
    }

    /// The contexts `[n, C]` of [`draw_plain`](Self::draw_plain), if it has any.
    ///
    /// # Errors
    /// None for a loaded flow.
    pub fn contexts_of_draws(&self, n: usize) -> Result<Option<Tensor<2>>> {
        self.conditions().of_draws(n, None)
    }

    fn conditions(&self) -> Conditions<'_> {
        let units = self.config.model.context.as_ref();
        Conditions { units, n_context: self.model.n_context(), device: &self.device }
    }
}
