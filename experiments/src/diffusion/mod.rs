//! Diffusion models on the command line: trained by denoising, measured by the probability-flow equation and by the variational
//! bound, sampled by the equation and by Markov chains.

mod compare;
mod evaluate;
mod pictures;
mod play;
mod preset;

use gibbs_core::{
    Kind,
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_flow::{
    Diffusion, DiffusionConfig, Mixture,
    continuous::{Guided, VelocityField},
    diffusion::{Bound, Denoising, DenoisingLoss, DiffusionSampler, Levels},
};
use gibbs_physics::system::ContinuousSystemConfig;
use gibbs_serve::{Offer, Playground};

use crate::{
    flow::{
        FlowExperiment, FlowFamily, FlowRun, FlowSampleArgs, FlowSource, evaluate_by_solver, kind_of_trace,
        learner, log_probs_by_solver,
    },
    prelude::*,
    variational::{Symmetrization, VariationalTrain},
};

pub use compare::Compare;

/// The model in the `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiffusionModel {
    /// The network, its parametrization, and the solver of the probability-flow equation.
    #[serde(flatten)]
    pub diffusion: DiffusionConfig,
    /// Number of gray levels: data are the centers of as many cells of \[-1, 1\], and probabilities are measured; `null` for
    /// densities of real data.
    pub levels: Option<usize>,
    /// How the variational bound is measured.
    pub bound: Bound,
    /// Examples whose densities are measured, evenly spread over their set; `null` for all. `eval --per-example` and `eval --data`
    /// measure all examples.
    pub measured: Option<usize>,
}

impl DiffusionModel {
    /// The levels of the data, where they have some.
    fn levels(&self) -> Result<Option<Levels>, ConfigError> {
        self.levels.map(Levels::of_signed).transpose()
    }
}

/// What only diffusion has in the `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiffusionTrain {
    /// The loss.
    #[serde(flatten)]
    pub loss: DenoisingLoss,
    /// Settings for targets, which diffusion does not learn.
    #[serde(skip, default = "without_target")]
    without_target: VariationalTrain,
}

/// The settings for targets of a family that learns none.
fn without_target() -> VariationalTrain {
    VariationalTrain {
        steps_per_epoch: 100,
        annealing: 0.0,
        symmetry: Symmetrization::None,
        samples: None,
        valid_samples: 1,
    }
}

impl AsRef<VariationalTrain> for DiffusionTrain {
    fn as_ref(&self) -> &VariationalTrain {
        &self.without_target
    }
}

/// How draws are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Sampler {
    /// The probability-flow equation by its solver
    Ode,
    /// A Markov chain of ancestral steps
    Ancestral,
    /// The same chain without noise
    Ddim,
    /// Ancestral steps with corrections by Langevin dynamics
    Langevin,
}

/// Further flags of `sample`.
#[derive(Args, Clone, Copy, Debug)]
pub struct SamplerFlags {
    /// Strength of the class: 1 draws from the learned distribution, larger values make clearer examples
    #[arg(long, value_name = "W", default_value_t = 1.0, allow_negative_numbers = true)]
    pub guidance: f64,
    /// How draws are made
    #[arg(long, value_enum, default_value = "ode")]
    pub sampler: Sampler,
    /// Steps of a Markov chain
    #[arg(long, value_name = "N", default_value_t = 250)]
    pub steps: usize,
    /// Corrections after each step of the sampler langevin
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub corrections: usize,
}

impl SamplerFlags {
    /// Draws of the learned distribution by one of the samplers.
    fn plain(sampler: Sampler) -> Self {
        Self { guidance: 1.0, sampler, steps: 250, corrections: 2 }
    }

    /// The Markov chain, if it is one.
    fn chain(&self) -> Option<DiffusionSampler> {
        let chain = DiffusionSampler::new().with_steps(self.steps);
        match self.sampler {
            Sampler::Ode => None,
            Sampler::Ancestral => Some(chain),
            Sampler::Ddim => Some(chain.with_eta(0.0)),
            Sampler::Langevin => Some(chain.with_corrections(self.corrections)),
        }
    }

    fn draw<V: VelocityField>(
        &self,
        model: &Diffusion<V>,
        (n, context): (usize, Option<&Tensor<2>>),
        temperature: f64,
        noise: &mut Noise,
    ) -> Result<Tensor<2>> {
        Ok(match self.chain() {
            None => model.sample_given(n, context, temperature, noise)?,
            Some(chain) => model.sample_by(&chain, n, context, temperature, noise),
        })
    }
}

/// Commands of `diffusion` alone.
#[derive(Subcommand, Debug)]
pub enum DiffusionCommands {
    /// One trained model, four numbers: bound, density, and the quality of the draws of each sampler
    Compare(Compare),
}

impl OwnCommands for DiffusionCommands {
    fn run(&self, shared: &Shared) -> Result<()> {
        let Self::Compare(compare) = self;
        compare.run(shared)
    }
}

/// Diffusion models.
pub struct DiffusionFamily;

/// A trained model with its configuration.
pub type DiffusionExperiment = FlowExperiment<DiffusionFamily>;

/// A model with its preprocessing.
type Model = Preprocessed<Diffusion>;

impl FlowFamily for DiffusionFamily {
    const NAME: &'static str = "diffusion";
    const ABOUT: &'static str = "Diffusion models: a network that removes noise, trained by regression. It has a density, a variational \
        bound, and samplers by an equation or a Markov chain.";
    const EXAMPLES: &'static [&'static str] =
        &["diffusion train runs/rings --data rings", "diffusion compare runs/rings"];
    const REFERENCE: &'static str = "Ho, Jain & Abbeel (2020), arXiv:2006.11239";
    const GUIDE: &'static str = include_str!("../../guide/DIFFUSION.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Draws next to test data. Good: the same shapes, the same density."),
        ("density.png", "The learned density on a grid, with test points where there are any."),
        (
            "flow.png",
            "Points on their way from noise (left) to data (right), with the velocities that carry them.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg", "compare.json", "compare.png"];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &["loss", "valid_loss"];
    const IS_SLOW: bool = true;
    const VALIDATED: usize = 2000;
    const AT_ONCE: usize = 1000;
    type Config = DiffusionModel;
    type Train = DiffusionTrain;
    type Net = Diffusion;
    type SampleArgs = SamplerFlags;
    type Commands = DiffusionCommands;

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<DiffusionExperiment>> {
        preset::preset(request, info)
    }

    fn n_visible(model: &DiffusionModel) -> usize {
        model.diffusion.flow.field.n_visible()
    }

    fn validate(config: &FlowRun<Self>) -> Result<usize> {
        let (model, train) = (&config.model.flow, &config.train.family);
        model.diffusion.validate().or_usage_at("model")?;
        model.bound.validate().or_usage_at("model.bound")?;
        ConfigError::at_least("measured", model.measured.unwrap_or(1), 1).or_usage_at("model")?;
        model.levels().or_usage_at("model")?;
        require!(
            model.levels.is_none() || matches!(config.model.preprocessing, PreprocessorConfig::Signed),
            "model.levels: only gray values between -1 and 1 have levels (model.preprocessing = signed); give model.levels=null"
        );
        train.loss.validate().or_usage_at("train")?;
        require!(
            config.model.base.is_none(),
            "model.base: diffusion starts from a standard normal distribution; give model.base=null"
        );
        config.density().require_no_circles("diffusion")?;
        Ok(model.diffusion.flow.field.n_context())
    }

    fn init(config: &FlowRun<Self>, _: bool, device: &Device) -> Result<Diffusion> {
        let noise = &mut Noise::new(config.seed, "init");
        config.model.flow.diffusion.init(device, noise).or_usage_at("model")
    }

    /// Validation refuses a base.
    fn with_base(model: Diffusion, _: Option<Mixture>) -> Diffusion {
        model
    }

    fn task<'a>(config: &'a FlowRun<Self>, model: Model, data: &'a Splits, device: &Device) -> Task<'a> {
        let levels = config.model.flow.levels().or_usage_at("model")?;
        let objective = Denoising { loss: config.train.family.loss, levels };
        learner::<Self>(config, model, objective, data, device)
    }

    fn log_probs(config: &FlowRun<Self>, model: &Model, set: &Dataset, device: &Device) -> Result<Vec<f64>> {
        let noise = &mut Noise::new(config.seed, "valid");
        let (flow, rows) = (model.model.flow(), crate::source::rows(set));
        Ok(log_probs_by_solver((&model.preprocessor, &flow), (set, &rows), device, noise)?.0.of_data)
    }

    fn validation_loss(config: &FlowRun<Self>, model: &Model, set: &Dataset, device: &Device) -> Option<f64> {
        let levels = config.model.flow.levels().ok()?;
        let objective = Denoising { loss: config.train.family.loss, levels };
        Some(evaluate::loss(&objective, model, set, config.seed, device))
    }

    fn evaluate(model: &DiffusionExperiment, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        let (config, flow) = (&model.config.model.flow, model.model.model.flow());
        let kind = if config.levels.is_some() { Kind::LowerBound } else { kind_of_trace(flow.trace()) };
        let evaluation = evaluate_by_solver(model, &flow, (config.measured, kind), on, |rows, noise| {
            evaluate::log_probs(model, &flow, rows, noise)
        })?;
        evaluate::with_bound(model, on, evaluation)
    }

    fn check(model: &DiffusionExperiment, flags: &SamplerFlags) -> Result<()> {
        let guidance = flags.guidance;
        let fits = guidance.is_finite() && (guidance == 1.0 || model.model.n_context() > 0);
        require!(fits, "--guidance {guidance}: a finite number, for a model that is conditioned on classes");
        require!(flags.steps > 0, "--steps 0: a Markov chain needs at least one step");
        Ok(())
    }

    fn draw(
        model: &Diffusion,
        n: usize,
        context: Option<&Tensor<2>>,
        args: &FlowSampleArgs<SamplerFlags>,
        noise: &mut Noise,
    ) -> Result<Tensor<2>> {
        let (flags, temperature) = (&args.family, args.temperature);
        if flags.guidance == 1.0 {
            return flags.draw(model, (n, context), temperature, noise);
        }
        let guided = model.clone().with_field(Guided::new(model.field.clone(), flags.guidance));
        flags.draw(&guided, (n, context), temperature, noise)
    }

    fn moved(
        model: &Diffusion,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        to_base: bool,
    ) -> Result<Tensor<2>> {
        let span = if to_base { [1.0, 0.0] } else { [0.0, 1.0] };
        let end = model.flow().points(x, context, span, &[span[1]])?.pop();
        Ok(end.unwrap_or_else(|| unreachable!("one time, one set of points")))
    }

    fn playground(model: DiffusionExperiment) -> Option<Box<dyn Playground>> {
        Some(Box::new(model))
    }

    fn draw_pictures(model: &DiffusionExperiment, source: &FlowSource, files: &RunFiles) -> Result<()> {
        pictures::draw(model, source, files)
    }
}
