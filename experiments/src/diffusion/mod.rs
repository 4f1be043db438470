//! Diffusion models on the command line: trained by denoising, measured by the probability-flow equation and by the variational
//! bound, sampled by the equation and by Markov chains.

mod compare;
mod evaluate;
mod pictures;
mod play;
mod preset;
mod sampler;

use gibbs_core::{
    Kind,
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_flow::{
    Diffusion, DiffusionConfig, Mixture,
    continuous::{AnalogBits, FieldConfig, Guided, ImageFieldConfig, LevelEncoding, Levels},
    diffusion::{Bound, Denoising, DenoisingLoss},
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
pub use sampler::{Sampler, SamplerFlags};

/// The model in the `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiffusionModel {
    /// The network, its parametrization, and the solver of the probability-flow equation.
    #[serde(flatten)]
    pub diffusion: DiffusionConfig,
    /// Number of gray levels: data are the centers of as many cells of \[-1, 1\], and probabilities are measured; `null` for
    /// densities of real data.
    pub levels: Option<usize>,
    /// Whether the model learns the binary digits of the levels, -1 and 1, in place of their values.
    pub analog_bits: bool,
    /// How the variational bound is measured.
    pub bound: Bound,
    /// Examples whose densities are measured, evenly spread over their set; `null` for all. `eval --per-example` and `eval --data`
    /// measure all examples.
    pub measured: Option<usize>,
}

impl DiffusionModel {
    /// How the levels of the data become variables, where they have some.
    fn encoding(&self) -> Result<Option<LevelEncoding>, ConfigError> {
        encoding(self.levels, self.analog_bits)
    }
}

/// How a number of gray levels become variables.
fn encoding(levels: Option<usize>, analog_bits: bool) -> Result<Option<LevelEncoding>, ConfigError> {
    let Some(levels) = levels.map(Levels::of_signed).transpose()? else { return Ok(None) };
    Ok(Some(match analog_bits {
        true => LevelEncoding::Bits(AnalogBits::new(levels)?),
        false => LevelEncoding::Values(levels),
    }))
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

/// What training minimizes.
fn objective(config: &FlowRun<DiffusionFamily>) -> Denoising {
    Denoising { loss: config.train.family.loss, levels: DiffusionFamily::levels(&config.model.flow) }
}

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
        model.diffusion.flow.field.n_visible() / Self::levels(model).map_or(1, |levels| levels.per_value())
    }

    /// Validation refuses levels that cannot be encoded.
    fn levels(model: &DiffusionModel) -> Option<LevelEncoding> {
        model.encoding().ok().flatten()
    }

    fn validate(config: &FlowRun<Self>) -> Result<usize> {
        let (model, train) = (&config.model.flow, &config.train.family);
        model.diffusion.validate().or_usage_at("model")?;
        model.bound.validate().or_usage_at("model.bound")?;
        ConfigError::at_least("measured", model.measured.unwrap_or(1), 1).or_usage_at("model")?;
        let encoding = model.encoding().or_usage_at("model")?;
        require!(
            encoding.is_some() || !model.analog_bits,
            "model.analog_bits: only gray levels have binary digits, and model.levels gives none; leave it out"
        );
        let per_value = encoding.map_or(1, |levels| levels.per_value());
        let (field, reason) = (
            &model.diffusion.flow.field,
            "a value is one number, or its binary digits with model.analog_bits",
        );
        match field {
            FieldConfig::Image(ImageFieldConfig { per_pixel, .. }) => require!(
                *per_pixel == per_value,
                "model.per_pixel = {per_pixel}: must be {per_value}; {reason}"
            ),
            _ => require!(
                field.n_visible().is_multiple_of(per_value),
                "model.n_visible = {}: must be a multiple of {per_value}; {reason}",
                field.n_visible()
            ),
        }
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
        learner::<Self>(config, model, objective(config), data, device)
    }

    fn log_probs(config: &FlowRun<Self>, model: &Model, set: &Dataset, device: &Device) -> Result<Vec<f64>> {
        let noise = &mut Noise::new(config.seed, "valid");
        let (flow, rows) = (model.model.flow(), crate::source::rows(set));
        Ok(log_probs_by_solver((&model.preprocessor, &flow), (set, &rows), device, noise)?.0.of_data)
    }

    fn validation_loss(config: &FlowRun<Self>, model: &Model, set: &Dataset, device: &Device) -> Option<f64> {
        Some(evaluate::loss(&objective(config), model, set, config.seed, device))
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
