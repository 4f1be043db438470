//! Continuous flows on the command line: trained by likelihood or by flow matching on data, by the path gradient on continuous
//! Hamiltonians.

mod evaluate;
mod pictures;
mod play;
mod preset;

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, ConditionalLogProb, ConfigError, Objective, ObjectiveState, Position, StepOutput,
    ode::{SolveError, Solver},
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_data::{Dataset, Splits};
use gibbs_flow::{
    ContinuousFlow, ContinuousFlowConfig, FlowMatching, MixtureConfig,
    continuous::{AdjointLikelihood, Field, SolvedLikelihood, VelocityField},
};
use gibbs_physics::system::ContinuousSystemConfig;
use gibbs_serve::{Offer, Playground};
use gibbs_train::{
    learner::{DataBatches, Learner, StepNoise},
    run_folder::RunFiles,
    training::{Metrics, TrainTask, Validation},
};
use serde::{Deserialize, Serialize};

use crate::{
    base::{self, Selection},
    cli::{self, NoCommands, Part, Shared},
    conditions::{self, ContextUnits},
    config::{RunConfig, TrainConfig},
    evaluation::{Evaluation, by_weights, mean},
    experiment::{Experiment, Latent, Settings},
    look::Look,
    output::note,
    preprocessed::{self, FEW_COLUMNS, with_classes},
    progress::Work,
    request::Request,
    source::{Source, SourceInfo, train_like_valid},
    system::{ContinuousArgs, build_continuous, continuous_of},
    usage::{OrUsage, usage},
    variational::{self, Symmetrization, SymmetrizedTarget, VariationalTrain, group},
};

pub use evaluate::CnfSampleArgs;

/// Examples of either set on which a validation is made.
const VALIDATED: usize = 2000;

/// Validations by log-densities in a run of flow matching. Each takes as long as many of its steps.
const VALIDATIONS: usize = 20;

/// How a flow is trained on data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// Maximum likelihood, through the steps of the solver.
    Likelihood,
    /// Maximum likelihood with gradients by the adjoint equation.
    Adjoint,
    /// Flow matching.
    Matching,
}

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CnfModel {
    /// The velocity field, the solver and the trace.
    #[serde(flatten)]
    pub flow: ContinuousFlowConfig,
    /// Symmetries of a potential, where a Hamiltonian is learned.
    pub invariance: Symmetrization,
    /// The distribution at time 0, fitted to the data before training by likelihood; `null` is standard normal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<MixtureConfig>,
    /// Units of the real numbers on which the flow is conditioned, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextUnits>,
    /// The map before the flow.
    pub preprocessing: PreprocessorConfig,
    /// Whether a whitening by the covariance of the training data follows the map.
    pub whitened: bool,
    /// Examples whose densities are measured, evenly spread over their set; `null` for all. `eval --per-example` and `eval --data`
    /// measure all examples.
    pub measured: Option<usize>,
    /// Symmetries of the flow as it is measured and sampled, where it learns a Hamiltonian.
    pub symmetry: Symmetrization,
    /// The Hamiltonian, where the run learns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<ContinuousSystemConfig>,
}

/// What only continuous flows have in the `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CnfTrain {
    /// How the flow is trained on data.
    pub objective: Training,
    /// Flow matching.
    pub matching: FlowMatching,
    /// How the flow is solved in training.
    pub solver: Solver,
    /// Part by which the solver may take more steps than `solver.steps`, at random for each batch, so that a field cannot learn
    /// the errors of one grid of times (similar to Ghosh et al., "STEER", 2020, arXiv:2006.10711).
    pub step_jitter: f64,
    /// Weight of the kinetic energy.
    pub kinetic: f64,
    /// Weight of the squared Frobenius norm of the Jacobian.
    pub jacobian: f64,
    /// Training on a Hamiltonian.
    #[serde(flatten)]
    pub variational: VariationalTrain,
}

/// Configuration of a run.
pub type CnfRun = RunConfig<CnfModel, TrainConfig<CnfTrain>>;

/// A flow with its preprocessing.
type Flow = Preprocessed<ContinuousFlow>;

/// A trained flow with its configuration.
pub struct CnfExperiment {
    config: CnfRun,
    model: Flow,
    target: Option<SymmetrizedTarget>,
    device: Device,
}

impl Experiment for CnfExperiment {
    const NAME: &'static str = "cnf";
    const ABOUT: &'static str = "Continuous normalizing flows: an ordinary differential equation that moves noise to data, trained by \
        maximum likelihood or flow matching. Also learn continuous Hamiltonians without data.";
    const EXAMPLES: &'static [&'static str] =
        &["cnf train runs/rings --data rings", "cnf sample runs/rings --out draws.npy"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Chen, Rubanova, Bettencourt & Duvenaud (2018), arXiv:1806.07366";
    const GUIDE: &'static str = include_str!("../../guide/CNF.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Draws next to test data. Good: the same shapes, the same density."),
        ("density.png", "The learned density on a grid, with test points where there are any."),
        (
            "flow.png",
            "Points on their way from noise (left) to data (right), with the velocities that carry them.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg"];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] =
        &["free_energy", "loss", "valid_log_prob", "train_log_prob", "valid_loss"];
    const USES_WEIGHTS: bool = true;
    type Model = CnfModel;
    type Train = TrainConfig<CnfTrain>;
    type Target = ContinuousSystemConfig;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = CnfSampleArgs;
    type Commands = NoCommands;

    fn target(request: &Request) -> Result<Option<ContinuousSystemConfig>> {
        Ok(continuous_of(request))
    }

    fn is_density_of_columns(model: &CnfModel) -> bool {
        model.system.is_none() && !model.preprocessing.is_gray()
    }

    fn is_slow(_: &Request) -> bool {
        true
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        preset::preset(request, info)
    }

    fn validate(config: &CnfRun, source: &Source<ContinuousSystemConfig>) -> Result<()> {
        let (model, train) = (&config.model, &config.train.family);
        model.flow.validate().or_usage_at("model")?;
        let (n_visible, n_classes) = (model.flow.field.n_visible(), model.flow.field.n_context());
        model.preprocessing.validate(n_visible).or_usage_at("model.preprocessing")?;
        model.context.iter().try_for_each(|context| context.validate(n_classes))?;
        ConfigError::at_least("measured", model.measured.unwrap_or(1), 1).or_usage_at("model")?;
        config.train.validate()?;
        let weights =
            [("kinetic", train.kinetic), ("jacobian", train.jacobian), ("step_jitter", train.step_jitter)];
        weights
            .into_iter()
            .try_for_each(|(name, x)| ConfigError::not_negative(name, x))
            .or_usage_at("train")?;
        train.matching.validate().or_usage_at("train.matching")?;
        if model.base.is_some() && train.objective == Training::Matching {
            return Err(usage(
                "train.objective = matching: it starts from a standard normal; give model.base=null",
            ));
        }
        train.solver.validate().or_usage_at("train.solver")?;
        config.density().require_no_circles("cnf")?;
        match source {
            Source::Data(data) => {
                let columns = config.density();
                preprocessed::require_density(data, &model.preprocessing, &columns, n_visible, n_classes)
            }
            Source::Target(system) => {
                if n_classes > 0 {
                    return Err(usage(format!(
                        "model.n_classes = {n_classes}: a Hamiltonian has no classes"
                    )));
                }
                let density = build_continuous(system)?;
                variational::require_variables(n_visible, &density)?;
                variational::check_images(&group(&density, model.invariance))?;
                train.variational.validate(&group(&density, train.variational.symmetry))
            }
        }
    }

    fn prepare(config: &CnfRun, data: Splits) -> Result<Splits> {
        let data = preprocessed::dequantized(data, &config.density(), config.seed)?;
        conditions::prepared(config.model.context.as_ref(), data)
    }

    fn task<'a>(
        config: &'a CnfRun,
        source: &'a Source<ContinuousSystemConfig>,
        device: &Device,
    ) -> Result<Box<dyn TrainTask + 'a>> {
        let train = &config.train;
        let model = untrained(config, train.family.solver, device)?;
        match source {
            Source::Target(system) => {
                let variational = &train.family.variational;
                let target = SymmetrizedTarget::new(build_continuous(system)?, variational.symmetry);
                variational::task(model, target, (&train.learner, variational, train.batch_size), config.seed)
            }
            Source::Data(data) => {
                preprocessed::require_varying_columns(&data.train, |_| {
                    !config.model.preprocessing.is_gray()
                })?;
                let model = match config.model.whitened {
                    true => Preprocessed {
                        preprocessor: preprocessed::whitened(model.preprocessor, &data.train, device)?,
                        ..model
                    },
                    false => model,
                };
                let base =
                    base::fitted(config.model.base, &model.preprocessor, &data.train, config.seed, device)?;
                let model = Preprocessed { model: model.model.with_base(base), ..model };
                let CnfTrain { solver, step_jitter, kinetic, jacobian, matching, .. } = train.family.clone();
                Ok(match train.family.objective {
                    Training::Likelihood => {
                        let objective = SolvedLikelihood { solver, step_jitter, kinetic, jacobian };
                        learner(config, model, Refining(objective), data, device)?
                    }
                    Training::Adjoint => {
                        learner(config, model, AdjointLikelihood { solver, kinetic, jacobian }, data, device)?
                    }
                    Training::Matching => learner(config, model, matching, data, device)?,
                })
            }
        }
    }

    fn load(config: &CnfRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let (mut model, n_visible) =
            (untrained(config, config.model.flow.solver, device)?, config.model.flow.field.n_visible());
        if config.model.whitened {
            model.preprocessor = model.preprocessor.with_identity_whitening(n_visible, device);
        }
        model.model = model.model.with_base(base::empty(config.model.base, n_visible, device)?);
        let model = preprocessed::from_bytes(model, bytes).or_usage()?;
        let target = SymmetrizedTarget::of(config.model.system.as_ref(), config.model.symmetry)?;
        Ok(Self { config: config.clone(), model, target, device: device.clone() })
    }

    fn evaluate(
        &self,
        source: &Source<ContinuousSystemConfig>,
        part: Part,
        _: &RunFiles,
        work: &Work,
    ) -> Result<Evaluation> {
        match (source, &self.target) {
            (Source::Target(_), Some(target)) => {
                Ok(target.evaluate(&self.model, &self.config.train.family.variational, self.config.seed))
            }
            _ => evaluate::evaluate(self, source.data()?, part, work),
        }
    }

    fn sample(&self, args: &cli::Sample, family: &CnfSampleArgs, _: &Shared) -> Result<PathBuf> {
        evaluate::sample(self, args, family)
    }

    fn latent(&self) -> Result<&dyn Latent> {
        Ok(self)
    }

    fn draw_pictures(
        &self,
        source: &Source<ContinuousSystemConfig>,
        files: &RunFiles,
        _: &Work,
    ) -> Result<()> {
        pictures::draw(self, source, files)
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn run(command: &NoCommands, _: &Shared) -> Result<()> {
        match *command {}
    }
}

/// Points of the base, and the data that the flow makes of them.
impl Latent for CnfExperiment {
    fn widths(&self) -> Vec<usize> {
        vec![self.model.model.field.n_variables()]
    }

    fn n_classes(&self) -> usize {
        self.model.n_context()
    }

    fn look(&self) -> Look {
        self.look()
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        let x = self.model.preprocessor.forward(examples.x).0;
        self.moved(x, examples.context.as_ref(), [1.0, 0.0])
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        let x = self.moved(latent.x, latent.context.as_ref(), [0.0, 1.0])?;
        Ok(self.model.preprocessor.inverse(x))
    }
}

impl CnfExperiment {
    /// Where points end that start at the first of two times.
    fn moved(&self, x: Tensor<2>, context: Option<&Tensor<2>>, span: [f64; 2]) -> Result<Tensor<2>> {
        let end = self.model.model.points(x, context, span, &[span[1]])?.pop();
        Ok(end.unwrap_or_else(|| unreachable!("one time, one set of points")))
    }
}

/// A flow before training, with a solver.
fn untrained(config: &CnfRun, solver: Solver, device: &Device) -> Result<Flow> {
    let model = &config.model;
    let flow = ContinuousFlowConfig { solver, ..model.flow.clone() };
    let mut flow = flow.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
    if let (Some(system), Field::Potential(_)) = (&model.system, &flow.field) {
        let group = group(&build_continuous(system)?, model.invariance);
        if let Field::Potential(potential) = flow.field {
            flow.field = Field::Potential(potential.symmetrized(group));
        }
    }
    let preprocessor =
        model.preprocessing.init(model.flow.field.n_visible()).or_usage_at("model.preprocessing")?;
    Ok(Preprocessed { preprocessor, model: flow })
}

/// A flow in training on data. Few columns are validated by log-densities; many columns, for which these take long, by the loss
/// of flow matching if that is what is minimized.
fn learner<'a>(
    config: &'a CnfRun,
    model: Flow,
    objective: impl Objective<Flow> + 'a,
    data: &'a Splits,
    device: &Device,
) -> Result<Box<dyn TrainTask + 'a>> {
    let (train, seed, n_classes) = (&config.train, config.seed, model.n_context());
    let is_matching = train.family.objective == Training::Matching;
    let by_loss = is_matching && config.model.flow.field.n_visible() > FEW_COLUMNS;
    let batches = DataBatches::new(data.train.clone(), train.batch_size, seed, device, move |batch| {
        with_classes(batch, n_classes)
    })
    .or_usage()?;
    let valid = data.valid.rows(0..data.valid.len().min(VALIDATED));
    let like_valid = train_like_valid(&Splits { valid: valid.clone(), ..data.clone() });
    let (of_valid, log_cell) = (device.clone(), config.density().log_cell());
    let log_probs = move |model: &Flow, set: &Dataset| -> Result<Vec<f64>, SolveError> {
        let noise = &mut Noise::new(seed, "valid");
        let rows: Vec<usize> = (0..set.len()).collect();
        let log_probs = evaluate::log_probs(model, (set, &rows), &of_valid, noise)?.0.of_data;
        Ok(by_weights(set, log_probs.into_iter().map(|log_prob| log_prob + log_cell).collect()))
    };
    let selection = match config.model.base {
        Some(_) => Selection::from_start(log_probs(&model, &valid)?, preprocessed::to_bytes(&model)?),
        None => Selection::by_mean(),
    };
    let kept = selection.clone();
    let device = device.clone();
    let learner = Learner::new(model, objective, &train.learner, StepNoise::each_step(seed, "step"))
        .or_usage_at("train")?
        .on_batches(batches)
        .validate(move |model, at| {
            if by_loss {
                let loss = evaluate::matching_loss(&train.family.matching, model, &valid, seed, &device);
                let metrics = Metrics::new().with("valid_loss", loss);
                return Ok(Some(Validation { metrics, score: Some(-loss) }));
            }
            if is_matching && !is_one_of(VALIDATIONS, at) {
                return Ok(None);
            }
            let flow = model.model.clone().with_solver(config.model.flow.solver)?;
            let model = Preprocessed { preprocessor: model.preprocessor.clone(), model: flow };
            let train_log_prob = mean(&log_probs(&model, &like_valid)?);
            Ok(Some(selection.validation(&log_probs(&model, &valid)?, train_log_prob)))
        })
        .export(move |model| Ok(kept.weights(model)?))
        .import(|model, bytes| Ok(preprocessed::from_bytes(model, bytes)?));
    Ok(Box::new(learner))
}

/// Maximum likelihood that says on stderr when it takes more solver steps.
struct Refining(SolvedLikelihood);

impl Objective<Flow> for Refining {
    fn step(
        &mut self,
        model: &Flow,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let before = self.0.solver.steps;
        let output = self.0.step(model, batch, at, noise)?;
        if let Some(steps) = self.0.solver.steps.filter(|_| self.0.solver.steps != before) {
            note(format_args!(
                "step {}: errors of the solver raise the likelihood, training goes on with {steps} solver steps",
                at.step
            ));
        }
        Ok(output)
    }

    fn state(&self) -> ObjectiveState {
        Objective::<Flow>::state(&self.0)
    }

    fn restore(&mut self, state: ObjectiveState) {
        Objective::<Flow>::restore(&mut self.0, state);
    }
}

/// Whether an epoch is the last one, or one of about `count` at equal distances.
fn is_one_of(count: usize, at: &Position) -> bool {
    let epochs = at.total_steps.div_ceil(at.steps_per_epoch);
    at.epoch + 1 == epochs || (at.epoch + 1).is_multiple_of(epochs.div_ceil(count))
}
