//! What a family of flows supplies.

use burn::module::ModuleDisplay;
use gibbs_core::Sample;
use gibbs_flow::{Mixture, continuous::LevelEncoding};
use gibbs_physics::system::{ContinuousSystemConfig, TargetDensity};
use gibbs_serve::{Offer, Playground};

use super::{Flow, FlowExperiment, FlowRun, FlowSource};
use crate::{
    prelude::*,
    variational::{SymmetrizedTarget, VariationalTrain},
};

/// What families of flows differ in. Methods that can fail refuse settings and data that do not fit, with a usage error, or report
/// an equation that cannot be solved or a file that cannot be written.
pub trait FlowFamily: Sized + 'static {
    /// Name of the binary.
    const NAME: &'static str;
    /// Two sentences on the model and its use.
    const ABOUT: &'static str;
    /// Command lines to begin with.
    const EXAMPLES: &'static [&'static str];
    /// The publication that the family follows.
    const REFERENCE: &'static str;
    /// The guide, in Markdown.
    const GUIDE: &'static str;
    /// Pictures of a finished run: file name, and what to see there.
    const PICTURES: &'static [(&'static str, &'static str)];
    /// Further files that a run writes, in addition to those of every run.
    const FILES: &'static [&'static str];
    /// Trainings of seconds that `gibbs serve` offers.
    const OFFERS: &'static [Offer];
    /// Metrics that the progress bar shows.
    const SHOWN: &'static [&'static str];
    /// The most examples of a set by which a flow is validated.
    const VALIDATED: usize;
    /// Draws that are computed at once.
    const AT_ONCE: usize;
    /// The flow in the `model` section.
    type Config: Clone + Serialize + serde::de::DeserializeOwned;
    /// What only the family has in the `train` section.
    type Train: Clone + Serialize + serde::de::DeserializeOwned + AsRef<VariationalTrain>;
    /// The flow.
    type Net: Module + ModuleDisplay + ConditionalLogProb + Sample + 'static;
    /// Further flags of `sample`.
    type SampleArgs: Args;
    /// Further commands.
    type Commands: OwnCommands;

    /// Complete settings for a source.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<FlowExperiment<Self>>>;

    /// Number of variables.
    fn n_visible(flow: &Self::Config) -> usize;

    /// How gray levels become variables of the flow, where it learns levels.
    fn levels(_: &Self::Config) -> Option<LevelEncoding> {
        None
    }

    /// Checks the settings of the flow and its training. Returns the width of its context.
    fn validate(config: &FlowRun<Self>) -> Result<usize>;

    /// Checks that the flow can learn a density.
    fn validate_target(_: &FlowRun<Self>, _: &TargetDensity) -> Result<()> {
        Ok(())
    }

    /// The flow with new weights, as it is trained or as it is measured.
    fn init(config: &FlowRun<Self>, is_trained: bool, device: &Device) -> Result<Self::Net>;

    /// The flow with another base.
    fn with_base(flow: Self::Net, base: Option<Mixture>) -> Self::Net;

    /// The flow before it learns a target.
    fn fitted_to_target(flow: Self::Net, _: &FlowRun<Self>, _: &SymmetrizedTarget, _: &Device) -> Self::Net {
        flow
    }

    /// Weights of the flow from those of a file to start from, where it learns a target.
    fn imported(_: &FlowRun<Self>, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }

    /// The flow before it learns data, given a function that makes a batch of the first `n` rows or fewer, spread over the data.
    fn fitted_to_data(flow: Self::Net, _batch: impl Fn(usize) -> Batch) -> Self::Net {
        flow
    }

    /// The flow in training on data: a [`learner`](super::learner) with an objective.
    fn task<'a>(config: &'a FlowRun<Self>, model: Flow<Self>, data: &'a Splits, device: &Device) -> Task<'a>;

    /// The log-density of each example of a set in the coordinates of the data, for a validation.
    fn log_probs(
        config: &FlowRun<Self>,
        model: &Flow<Self>,
        set: &Dataset,
        device: &Device,
    ) -> Result<Vec<f64>>;

    /// Whether log-densities are measured at this validation.
    fn is_measured_at(_: &FlowRun<Self>, _: &Position) -> bool {
        true
    }

    /// The loss of a set, where it is measured instead of log-densities.
    fn validation_loss(_: &FlowRun<Self>, _: &Flow<Self>, _: &Dataset, _: &Device) -> Option<f64> {
        None
    }

    /// Measures a flow on data.
    fn evaluate(flow: &FlowExperiment<Self>, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation>;

    /// Checks the flags of `sample`.
    fn check(_: &FlowExperiment<Self>, _: &Self::SampleArgs) -> Result<()> {
        Ok(())
    }

    /// `n` draws `[n, D]` in the coordinates of the flow, for contexts `[n, C]`.
    fn draw(
        flow: &Self::Net,
        n: usize,
        context: Option<&Tensor<2>>,
        args: &FlowSampleArgs<Self::SampleArgs>,
        noise: &mut Noise,
    ) -> Result<Tensor<2>>;

    /// Points of the base as points of the flow's data, or back.
    fn moved(flow: &Self::Net, x: Tensor<2>, context: Option<&Tensor<2>>, to_base: bool)
    -> Result<Tensor<2>>;

    /// The trained flow to play with in `gibbs serve`.
    fn playground(flow: FlowExperiment<Self>) -> Option<Box<dyn Playground>>;

    /// Pictures of a finished run.
    fn draw_pictures(flow: &FlowExperiment<Self>, source: &FlowSource, files: &RunFiles) -> Result<()>;
}

/// Flags of `sample`; `X` are those of one family alone.
#[derive(Args, Clone, Debug)]
pub struct FlowSampleArgs<X: Args> {
    /// Standard deviation of the base: below 1 the draws lie nearer to the mode
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Draw from this class; all classes in equal parts if not given, where the flow is conditioned on them
    #[arg(long, value_name = "CLASS", conflicts_with = "context")]
    pub class: Option<usize>,
    /// Draw for each row of this file, where the flow is conditioned on real numbers; their mean if not given
    #[arg(long, value_name = "FILE")]
    pub context: Option<PathBuf>,
    /// Flags of the family.
    #[command(flatten)]
    pub family: X,
}

impl<X: Args> FlowSampleArgs<X> {
    /// All classes, as they were learned.
    pub fn plain(family: X) -> Self {
        Self { temperature: 1.0, class: None, context: None, family }
    }
}
