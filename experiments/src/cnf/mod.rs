//! Continuous flows on the command line: trained by likelihood or by flow matching on data, by the path gradient on continuous
//! Hamiltonians.

mod evaluate;
mod pictures;
mod play;
mod preset;

use gibbs_core::{
    Kind, ObjectiveState, StepOutput,
    ode::Solver,
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_flow::{
    ContinuousFlow, ContinuousFlowConfig, FlowMatching, Mixture,
    continuous::{
        AdjointLikelihood, Field, Guided, LevelEncoding, Levels, Matching, NoisyLevels, SolvedLikelihood,
    },
};
use gibbs_physics::system::{ContinuousSystemConfig, TargetDensity};
use gibbs_serve::{Offer, Playground};

use crate::{
    flow::{
        FlowExperiment, FlowFamily, FlowRun, FlowSampleArgs, FlowSource, evaluate_by_solver, kind_of_trace,
        learner, note_levels,
    },
    output::note,
    prelude::*,
    preprocessed::FEW_COLUMNS,
    system::build_continuous,
    variational::{self, Symmetrization, VariationalTrain, group},
};

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

/// The flow in the `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CnfModel {
    /// The velocity field, the solver and the trace.
    #[serde(flatten)]
    pub flow: ContinuousFlowConfig,
    /// Symmetries of a potential, where a Hamiltonian is learned.
    pub invariance: Symmetrization,
    /// Number of gray levels: flow matching learns the centers of as many cells of \[-1, 1\] with noise, and probabilities are
    /// measured; `null` for densities of real data.
    pub levels: Option<usize>,
    /// Standard deviation of the noise on levels, as a part of their distance, above 0.
    pub level_noise: f64,
    /// Examples whose densities are measured, evenly spread over their set; `null` for all. `eval --per-example` and `eval --data`
    /// measure all examples.
    pub measured: Option<usize>,
}

impl CnfModel {
    /// The levels of the data with their noise, where they have some.
    fn noisy_levels(&self) -> Result<Option<NoisyLevels>, ConfigError> {
        let levels = self.levels.map(Levels::of_signed).transpose()?;
        Ok(levels.map(|levels| levels.with_noise(1.0, self.level_noise * levels.spacing)))
    }
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

impl AsRef<VariationalTrain> for CnfTrain {
    fn as_ref(&self) -> &VariationalTrain {
        &self.variational
    }
}

/// Further flags of `sample`.
#[derive(Args, Clone, Copy, Debug)]
pub struct Guidance {
    /// Strength of the class: 1 draws from the learned distribution, larger values make clearer examples
    #[arg(long, value_name = "W", default_value_t = 1.0, allow_negative_numbers = true)]
    pub guidance: f64,
}

/// Draws from the learned distribution.
const PLAIN: Guidance = Guidance { guidance: 1.0 };

/// Continuous flows.
pub struct Cnf;

/// A trained flow with its configuration.
pub type CnfExperiment = FlowExperiment<Cnf>;

/// A flow with its preprocessing.
type Flow = Preprocessed<ContinuousFlow>;

impl FlowFamily for Cnf {
    const NAME: &'static str = "cnf";
    const ABOUT: &'static str = "Continuous normalizing flows: an ordinary differential equation that moves noise to data, trained by \
        maximum likelihood or flow matching. Also learn continuous Hamiltonians without data.";
    const EXAMPLES: &'static [&'static str] =
        &["cnf train runs/rings --data rings", "cnf sample runs/rings --out draws.npy"];
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
    const VALIDATED: usize = 2000;
    const AT_ONCE: usize = 1000;
    type Config = CnfModel;
    type Train = CnfTrain;
    type Net = ContinuousFlow;
    type SampleArgs = Guidance;
    type Commands = NoCommands;

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<CnfExperiment>> {
        preset::preset(request, info)
    }

    fn n_visible(model: &CnfModel) -> usize {
        model.flow.field.n_visible()
    }

    /// Validation refuses levels that are none.
    fn levels(model: &CnfModel) -> Option<LevelEncoding> {
        model.noisy_levels().ok().flatten().map(|noisy| LevelEncoding::Values(noisy.levels))
    }

    fn validate(config: &FlowRun<Self>) -> Result<usize> {
        let (model, train) = (&config.model.flow, &config.train.family);
        ConfigError::at_least("measured", model.measured.unwrap_or(1), 1).or_usage_at("model")?;
        model.noisy_levels().or_usage_at("model")?;
        let noise = model.level_noise;
        ConfigError::require(
            noise > 0.0 && noise.is_finite(),
            "level_noise",
            noise,
            "must be above 0 and finite",
        )
        .or_usage_at("model")?;
        model.flow.validate().or_usage_at("model")?;
        let has_levels =
            train.objective == Training::Matching && config.model.preprocessing == PreprocessorConfig::Signed;
        require!(
            model.levels.is_none() || has_levels,
            "model.levels: only flow matching of gray values between -1 and 1 learns levels (train.objective = matching, \
             model.preprocessing = signed); give model.levels=null"
        );
        let weights =
            [("kinetic", train.kinetic), ("jacobian", train.jacobian), ("step_jitter", train.step_jitter)];
        weights
            .into_iter()
            .try_for_each(|(name, x)| ConfigError::not_negative(name, x))
            .or_usage_at("train")?;
        train.matching.validate().or_usage_at("train.matching")?;
        require!(
            config.model.base.is_none() || train.objective != Training::Matching,
            "train.objective = matching: it starts from a standard normal; give model.base=null"
        );
        train.solver.validate().or_usage_at("train.solver")?;
        config.density().require_no_circles("cnf")?;
        Ok(model.flow.field.n_context())
    }

    fn validate_target(config: &FlowRun<Self>, density: &TargetDensity) -> Result<()> {
        variational::check_images(&group(density, config.model.flow.invariance))
    }

    fn init(config: &FlowRun<Self>, is_trained: bool, device: &Device) -> Result<ContinuousFlow> {
        let CnfModel { flow, invariance, .. } = &config.model.flow;
        let solver = if is_trained { config.train.family.solver } else { flow.solver };
        let flow = ContinuousFlowConfig { solver, ..flow.clone() };
        let mut flow = flow.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        if let (Some(system), Field::Potential(_)) = (&config.model.system, &flow.field) {
            let group = group(&build_continuous(system)?, *invariance);
            if let Field::Potential(potential) = flow.field {
                flow.field = Field::Potential(potential.symmetrized(group));
            }
        }
        Ok(flow)
    }

    fn with_base(flow: ContinuousFlow, base: Option<Mixture>) -> ContinuousFlow {
        flow.with_base(base)
    }

    fn task<'a>(config: &'a FlowRun<Self>, model: Flow, data: &'a Splits, device: &Device) -> Task<'a> {
        let CnfTrain { solver, step_jitter, kinetic, jacobian, matching, .. } = config.train.family.clone();
        match config.train.family.objective {
            Training::Likelihood => {
                let objective = Refining(SolvedLikelihood { solver, step_jitter, kinetic, jacobian });
                learner::<Self>(config, model, objective, data, device)
            }
            Training::Adjoint => {
                learner::<Self>(config, model, AdjointLikelihood { solver, kinetic, jacobian }, data, device)
            }
            Training::Matching => {
                let levels = config.model.flow.noisy_levels().or_usage_at("model")?;
                learner::<Self>(config, model, Matching { loss: matching, levels }, data, device)
            }
        }
    }

    /// With the solver by which the flow is measured.
    fn log_probs(config: &FlowRun<Self>, model: &Flow, set: &Dataset, device: &Device) -> Result<Vec<f64>> {
        let flow = model.model.clone().with_solver(config.model.flow.flow.solver)?;
        let noise = &mut Noise::new(config.seed, "valid");
        let rows = crate::source::rows(set);
        let model = (&model.preprocessor, &flow);
        Ok(evaluate::log_probs(&config.model.flow, model, (set, &rows), device, noise)?.0.of_data)
    }

    /// In flow matching about 20 times at equal distances, and at the end.
    fn is_measured_at(config: &FlowRun<Self>, at: &Position) -> bool {
        let (epoch, epochs) = (at.epoch + 1, at.total_steps.div_ceil(at.steps_per_epoch));
        config.train.family.objective != Training::Matching
            || epoch == epochs
            || epoch.is_multiple_of(epochs.div_ceil(VALIDATIONS))
    }

    /// Many columns, for which log-densities take long, are validated by the loss of flow matching if that is what is minimized.
    fn validation_loss(config: &FlowRun<Self>, model: &Flow, set: &Dataset, device: &Device) -> Option<f64> {
        let CnfTrain { objective, matching, .. } = config.train.family;
        let by_loss = objective == Training::Matching && set.width() > FEW_COLUMNS;
        let levels = config.model.flow.noisy_levels().ok()?;
        let matching = Matching { loss: matching, levels };
        by_loss.then(|| evaluate::matching_loss(&matching, model, set, config.seed, device))
    }

    fn evaluate(flow: &CnfExperiment, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        let (config, solved) = (&flow.config.model.flow, &flow.model.model);
        let kind = if config.levels.is_some() { Kind::LowerBound } else { kind_of_trace(solved.trace()) };
        let model = (&flow.model.preprocessor, solved);
        let mut evaluation = evaluate_by_solver(flow, solved, (config.measured, kind), on, |rows, noise| {
            evaluate::log_probs(config, model, rows, &flow.device, noise)
        })?;
        if config.levels.is_some() {
            note_levels(&mut evaluation, &["log_prob"]);
        }
        Ok(evaluation)
    }

    fn check(flow: &CnfExperiment, Guidance { guidance }: &Guidance) -> Result<()> {
        let fits = guidance.is_finite() && (*guidance == 1.0 || flow.model.n_context() > 0);
        require!(fits, "--guidance {guidance}: a finite number, for a flow that is conditioned on classes");
        Ok(())
    }

    fn draw(
        flow: &ContinuousFlow,
        n: usize,
        context: Option<&Tensor<2>>,
        args: &FlowSampleArgs<Guidance>,
        noise: &mut Noise,
    ) -> Result<Tensor<2>> {
        if args.family.guidance == 1.0 {
            return Ok(flow.sample_given(n, context, args.temperature, noise)?);
        }
        let field = Guided::new(flow.field.clone(), args.family.guidance);
        let guided = ContinuousFlow::new(field, flow.solver(), flow.trace())?.with_base(flow.base.clone());
        Ok(guided.sample_given(n, context, args.temperature, noise)?)
    }

    fn moved(
        flow: &ContinuousFlow,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        to_base: bool,
    ) -> Result<Tensor<2>> {
        let span = if to_base { [1.0, 0.0] } else { [0.0, 1.0] };
        let end = flow.points(x, context, span, &[span[1]])?.pop();
        Ok(end.unwrap_or_else(|| unreachable!("one time, one set of points")))
    }

    fn playground(flow: CnfExperiment) -> Option<Box<dyn Playground>> {
        Some(Box::new(flow))
    }

    fn draw_pictures(flow: &CnfExperiment, source: &FlowSource, files: &RunFiles) -> Result<()> {
        pictures::draw(flow, source, files)
    }
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
