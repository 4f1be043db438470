//! Stochastic normalizing flows on the command line: free energies of continuous Hamiltonians by paths of invertible and Monte
//! Carlo layers.

mod evaluate;
mod pictures;
mod profile;

use gibbs_core::params::placement;
use gibbs_flow::{
    FlowFamilyConfig, FlowKind, StochasticConfig, StochasticFlow,
    stochastic::{KernelKind, PathObjective},
};
use gibbs_physics::system::{ContinuousKind, ContinuousSystemConfig};

use crate::{
    hamiltonian::{self, HamiltonianTrain},
    prelude::*,
    system::ContinuousArgs,
    variational::{AT_ONCE, SymmetrizedTarget},
};

/// Steps of a run: one or two minutes for densities of the plane.
const STEPS: usize = 3000;

/// Paths by which a trained flow is measured, and those of a smoke test.
const SAMPLES: usize = 20_000;
const TINY_SAMPLES: usize = 2000;

/// Variables of densities of the plane.
const PLANE: usize = 2;

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SnfModel {
    /// The invertible layers.
    #[serde(flatten)]
    pub flow: FlowFamilyConfig,
    /// The Monte Carlo layers between them.
    pub stochastic: StochasticConfig,
    /// The Hamiltonian.
    pub system: ContinuousSystemConfig,
}

/// Configuration of a run.
pub type SnfRun = RunConfig<SnfModel, TrainConfig<HamiltonianTrain>>;

/// A trained flow with its configuration.
pub struct SnfExperiment {
    config: SnfRun,
    model: StochasticFlow,
    target: SymmetrizedTarget,
}

impl Experiment for SnfExperiment {
    const NAME: &'static str = "snf";
    const ABOUT: &'static str = "Stochastic normalizing flows: layers of a flow alternate with Monte Carlo steps, weighted by whole \
        paths. Learn continuous Hamiltonians without data, with free energies.";
    const EXAMPLES: &'static [&'static str] =
        &["snf train runs/wells --model double-well", "snf eval runs/wells"];
    const DATA: &'static str = "";
    const REFERENCE: &'static str = "Wu, Köhler & Noé (2020), arXiv:2002.06707";
    const GUIDE: &'static str = include_str!("../../guide/SNF.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Ends of paths."),
        (
            "profile.png",
            "Free energy along the first variable of a double well: draws, draws with weights, exact.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg"];
    const SHOWN: &'static [&'static str] = &["free_energy", "loss"];
    type Model = SnfModel;
    type Train = TrainConfig<HamiltonianTrain>;
    type Target = ContinuousSystemConfig;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = NoFlags;
    type Commands = NoCommands;

    fn target(request: &Request) -> Result<Option<ContinuousSystemConfig>> {
        if let Some(data) = request.get::<String>("data.name") {
            refuse!(
                "data.name = {data}: snf learns Hamiltonians, not data; give --model instead of --data, or take realnvp or cnf"
            );
        }
        Ok(Some(hamiltonian::system_of(request, ContinuousKind::DoubleWell)))
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let system = hamiltonian::system_of(request, ContinuousKind::DoubleWell);
        let is_chain = system.kind == ContinuousKind::HarmonicChain;
        let default = FlowKind::of_hamiltonian(&info.shape, is_chain);
        let kind = request.or("model.kind", default);
        let mut flow = FlowFamilyConfig::of_hamiltonian(kind, &info.shape, is_chain);
        let is_tiny = request.preset == Preset::Tiny;
        if let Some((n_layers, n_hidden)) = flow.sizes_mut().filter(|_| is_tiny) {
            (*n_layers, *n_hidden) = (2, 16.into());
        }
        // A random walk suits few variables. The leapfrog is stable for curvatures up to (2/ε)² = 400.
        let stochastic = match info.width {
            ..=PLANE => StochasticConfig::new(3, KernelKind::Metropolis, if is_tiny { 2 } else { 10 }, 0.25),
            _ => StochasticConfig::new(3, KernelKind::Hmc, 1, 0.1),
        };
        let family = HamiltonianTrain {
            steps_per_epoch: 100,
            annealing: 0.2,
            samples: if is_tiny { TINY_SAMPLES } else { SAMPLES },
            valid_samples: 1000,
        };
        let train =
            hamiltonian::training(request, (request.by_preset([100, STEPS, 20_000]), 128, 3e-3), family);
        let model = SnfModel { flow, stochastic, system };
        Ok(Settings { binarization: Binarization::None, model, train })
    }

    fn validate(config: &SnfRun, source: &Source<ContinuousSystemConfig>) -> Result<()> {
        let (model, train) = (&config.model, &config.train);
        let Source::Target(system) = source else {
            refuse!(
                "--data: the paths of snf give no density of given points; leave it out, or take realnvp or cnf"
            );
        };
        model.stochastic.validate().or_usage_at("model.stochastic")?;
        init(config, &Device::default())?;
        hamiltonian::validate(train, model.flow.n_visible(), system).map(drop)
    }

    fn task<'a>(config: &'a SnfRun, _: &'a Source<ContinuousSystemConfig>, device: &Device) -> Task<'a> {
        let (train, seed) = (&config.train, config.seed);
        let target = hamiltonian::target(&config.model.system)?;
        let objective = PathObjective {
            energy: target.density.clone(),
            free_energy: target.report().free_energy,
            annealing: train.family.annealing,
            n_draws: train.batch_size,
        };
        let n = train.family.valid_samples;
        let noise = StepNoise::each_step(seed, "draws");
        let learner = Learner::new(init(config, device)?, objective, &train.learner, noise)
            .or_usage_at("train")?
            .on_batches(NoData { steps_per_epoch: train.family.steps_per_epoch, device: device.clone() })
            .validate(move |model: &StochasticFlow, at| {
                let noise = &mut Noise::new(seed, format!("valid/{}", at.step));
                let draws = model.draws(&target.density, [n, AT_ONCE], noise, |_| ());
                Ok(Some(Validation { metrics: target.report().metrics(&draws), score: None }))
            });
        Ok(Box::new(learner))
    }

    fn load(config: &SnfRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let model = weights::from_bytes(init(config, device)?, bytes).or_usage()?;
        Ok(Self { config: config.clone(), model, target: hamiltonian::target(&config.model.system)? })
    }
}

/// The flow with new weights.
fn init(config: &SnfRun, device: &Device) -> Result<StochasticFlow> {
    let flow = config.model.flow.flow().or_usage_at("model")?;
    let flow = flow.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
    let flow = config.model.stochastic.init(flow).or_usage_at("model")?;
    require!(placement(&flow).is_some(), "model.n_layers: at least one layer with weights");
    Ok(flow)
}
