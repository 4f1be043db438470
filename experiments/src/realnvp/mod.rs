//! Normalizing flows on the command line: couplings and masked autoregressive layers, affine and by splines; of data, and of
//! continuous Hamiltonians.

mod correlations;
mod evaluate;
mod measure;
mod pictures;
mod play;
mod preset;
mod scales;
mod scan;

use gibbs_core::{Bijection, MaximumLikelihood, preprocess::Preprocessed};
use gibbs_flow::{Flow, FlowFamilyConfig, Mixture, fit_to_energy};
use gibbs_physics::system::ContinuousSystemConfig;
use gibbs_serve::{Offer, Playground};

use crate::{
    flow::{FlowExperiment, FlowFamily, FlowRun, FlowSampleArgs, FlowSource, learner},
    prelude::*,
    variational::{SymmetrizedTarget, VariationalTrain},
};

pub use measure::Measure;

/// Examples to which normalizations are fitted before training.
const FITTED: usize = 2000;

/// Couplings and autoregressive layers.
pub struct RealNvp;

/// A trained flow with its configuration.
pub type RealNvpExperiment = FlowExperiment<RealNvp>;

/// Commands of `realnvp` alone.
#[derive(Subcommand, Debug)]
pub enum RealNvpCommands {
    /// Sample a Hamiltonian without bias by Hamiltonian Monte Carlo in the latent space of a flow trained on it
    Measure(Measure),
}

impl OwnCommands for RealNvpCommands {
    fn run(&self, shared: &Shared) -> Result<()> {
        let Self::Measure(measure) = self;
        measure.run(shared)
    }
}

impl FlowFamily for RealNvp {
    const NAME: &'static str = "realnvp";
    const ABOUT: &'static str = "Normalizing flows (Real NVP, splines, masked autoregressive flows): exact densities of real data and \
        fast draws. Also learn continuous Hamiltonians without data, with free energies.";
    const EXAMPLES: &'static [&'static str] =
        &["realnvp train runs/moons --data moons", "realnvp train runs/phi4 --model phi-four --lattice 6x6"];
    const REFERENCE: &'static str = "Dinh, Sohl-Dickstein & Bengio (2017), arXiv:1605.08803";
    const GUIDE: &'static str = include_str!("../../guide/REALNVP.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Draws next to test data. Good: the same shapes, the same density."),
        ("density.png", "The learned density on a grid, with test points where there are any."),
        ("modes.png", "The normal modes of the chain: learned frequencies and shapes on the exact ones."),
        (
            "scales.png",
            "What one latent of each scale of a hierarchy changes, next to Haar and Daubechies wavelets. Good: smooth and local.",
        ),
        (
            "interpolation.png",
            "Arcs between the latents of two test images, decoded. Good: every image on the way looks like data.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg", "measure.json", "correlations.png"];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &["free_energy", "loss", "valid_log_prob", "train_log_prob"];
    const VALIDATED: usize = usize::MAX;
    const AT_ONCE: usize = usize::MAX;
    type Config = FlowFamilyConfig;
    type Train = VariationalTrain;
    type Net = Flow;
    type SampleArgs = NoFlags;
    type Commands = RealNvpCommands;

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<RealNvpExperiment>> {
        preset::preset(request, info)
    }

    fn n_visible(flow: &FlowFamilyConfig) -> usize {
        flow.n_visible()
    }

    fn validate(config: &FlowRun<Self>) -> Result<usize> {
        let (model, flow) = (&config.model, config.model.flow.flow().or_usage_at("model")?);
        require!(
            flow.angles.is_none() || !model.whitened && model.base.is_none(),
            "data.periodic: it needs model.whitened=false and model.base=null"
        );
        Ok(Self::init(config, true, &Device::default())?.n_context())
    }

    fn init(config: &FlowRun<Self>, _: bool, device: &Device) -> Result<Flow> {
        let flow = config.model.flow.flow().or_usage_at("model")?;
        flow.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")
    }

    fn with_base(flow: Flow, base: Option<Mixture>) -> Flow {
        flow.with_base(base)
    }

    fn fitted_to_target(
        flow: Flow,
        config: &FlowRun<Self>,
        target: &SymmetrizedTarget,
        device: &Device,
    ) -> Flow {
        let noise = &mut Noise::new(config.seed, "fields");
        match config.model.flow.has_normalizations() {
            true => fit_to_energy(flow, &target.density.potential, &target.group, device, noise),
            false => flow,
        }
    }

    /// A hierarchy may start from one of another number of scales.
    fn imported(config: &FlowRun<Self>, bytes: &[u8]) -> Result<Vec<u8>> {
        match &config.model.flow {
            FlowFamilyConfig::Hierarchy(hierarchy) => scales::imported(hierarchy, bytes),
            _ => Ok(bytes.to_vec()),
        }
    }

    fn fitted_to_data(flow: Flow, batch: impl Fn(usize) -> Batch) -> Flow {
        let Batch { x, context, .. } = batch(FITTED);
        flow.fitted(x, context.as_ref())
    }

    fn task<'a>(
        config: &'a FlowRun<Self>,
        model: Preprocessed<Flow>,
        data: &'a Splits,
        device: &Device,
    ) -> Task<'a> {
        learner::<Self>(config, model, MaximumLikelihood, data, device)
    }

    fn log_probs(
        _: &FlowRun<Self>,
        model: &Preprocessed<Flow>,
        set: &Dataset,
        device: &Device,
    ) -> Result<Vec<f64>> {
        Ok(evaluate::log_probs(model, set, device).of_data)
    }

    fn evaluate(flow: &RealNvpExperiment, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        evaluate::evaluate(flow, on)
    }

    fn draw(
        flow: &Flow,
        n: usize,
        context: Option<&Tensor<2>>,
        args: &FlowSampleArgs<NoFlags>,
        noise: &mut Noise,
    ) -> Result<Tensor<2>> {
        Ok(flow.sample_given(n, context, args.temperature, noise))
    }

    fn moved(flow: &Flow, x: Tensor<2>, context: Option<&Tensor<2>>, to_base: bool) -> Result<Tensor<2>> {
        Ok(if to_base { flow.forward(x, context).0 } else { flow.inverse(x, context).0 })
    }

    fn playground(flow: RealNvpExperiment) -> Option<Box<dyn Playground>> {
        Some(Box::new(flow))
    }

    fn draw_pictures(flow: &RealNvpExperiment, source: &FlowSource, files: &RunFiles) -> Result<()> {
        pictures::draw(flow, source, files)
    }
}
