//! The benchmark: one step of each kind of work, timed the way a PyTorch user would time it.
//!
//! Each case runs 5 steps to warm up, then at least 5 steps and at least 3 seconds, and reports the median.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use burn::{module::ModuleDisplay, optim::SgdConfig};
use gibbs_autoencoder::{AutoencoderConfig, Loss, Reconstruction};
use gibbs_autoregressive::{Autoregressive, Made, MadeConfig, ScoreFunction};
use gibbs_boltzmann::{
    AnyRbm, Chains, ContrastiveConfig, RbmConfig,
    ais::{AisSchedule, AnnealedImportance},
    units::UnitFamily,
};
use gibbs_core::{
    LogProb, MaximumLikelihood, Sample,
    ode::{Method, Solver},
    params::optimizer_step,
    symmetry::SymmetryGroup,
};
use gibbs_flow::{
    ContinuousFlow, RealNvpConfig,
    continuous::{MlpFieldConfig, Trace},
};
use gibbs_physics::{
    Boundary, Canonical, Lattice,
    exact::CRITICAL_BETA,
    ising,
    monte_carlo::{Chain, HeatBath64, REPLICAS},
};

use crate::{
    against::Peers,
    experiment::device,
    output::{note, print, width},
    prelude::*,
};

/// The flags of `bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// Only cases whose names start with one of these
    #[arg(value_name = "CASE-PREFIX")]
    prefixes: Vec<String>,
    /// Times of other programs, as JSON lines with `case` and `ms_per_step`: prints a table with the ratio to the fastest of them
    #[arg(long, value_name = "PEERS.jsonl")]
    against: Vec<PathBuf>,
    /// Only print the devices there are, as --backend takes them
    #[arg(long)]
    list_devices: bool,
    #[command(flatten)]
    shared: Shared,
}

/// Times the cases that are asked for, and prints one JSON object a line, or a table where there are times of other programs.
///
/// # Errors
/// A prefix of no case, or a file of times that cannot be read.
pub fn bench(args: &BenchArgs) -> Result<()> {
    if args.list_devices {
        return gibbs_backend::devices()
            .iter()
            .try_for_each(|(name, what)| print(format_args!("{name}  {what}")));
    }
    let (backend, device) = device(&args.shared)?;
    let peers = Peers::read(&args.against)?;
    let begins = |case: &str, prefix: &String| case.starts_with(prefix.as_str());
    if let Some(prefix) =
        args.prefixes.iter().find(|prefix| !CASES.iter().any(|(case, _)| begins(case, prefix)))
    {
        let known: Vec<_> = CASES.iter().map(|(case, _)| *case).collect();
        refuse!("no case starts with {prefix}: there are {}", known.join(", "));
    }
    let is_wanted =
        |case: &str| args.prefixes.is_empty() || args.prefixes.iter().any(|prefix| begins(case, prefix));
    let mut ours = Vec::new();
    for (case, setup) in CASES.iter().filter(|(case, _)| is_wanted(case)) {
        let line = run(case, *setup, &backend, &device)?;
        match args.against.is_empty() {
            true => print(serde_json::to_string(&line)?)?,
            false => note(format!("{case} {:.3} ms", line.ms_per_step)),
        }
        ours.push((*case, line.ms_per_step));
    }
    if args.against.is_empty() { Ok(()) } else { print(peers.table(&ours).to_text(width())) }
}

const WARM_UP: usize = 5;
const MIN_STEPS: usize = 5;
const MIN_TIME: Duration = Duration::from_secs(3);
/// Fraction of ones in the data of the cases: the mean pixel of binarized MNIST.
const ON: f64 = 0.13;

/// One line of the result.
#[derive(Debug, Serialize)]
pub struct Line {
    /// Name of the case.
    pub case: &'static str,
    /// Backend it ran on.
    pub backend: String,
    /// Threads that compute on the CPU.
    pub threads: usize,
    /// Median time of a step.
    pub ms_per_step: f64,
    /// Examples, chains or spins that a second of it handles.
    pub samples_per_s: f64,
}

/// The step of a case and its number of samples.
type Step = Result<(Box<dyn FnMut()>, usize)>;
/// Sets a case up on a device.
type Setup = fn(&Device) -> Step;

/// All cases by name.
pub const CASES: &[(&str, Setup)] = &[
    ("rbm-cd1-784x500-b100", |device| contrastive(device, 784, 500, 100, 1)),
    ("rbm-cd1-784x1000-b128", |device| contrastive(device, 784, 1000, 128, 1)),
    ("rbm-cd25-784x500-b100", |device| contrastive(device, 784, 500, 100, 25)),
    ("rbm-ais-784x500-c100", |device| annealing(device, 784, 500, 100)),
    ("autoencoder-finetune-b1000", |device| finetuning(device, 1000)),
    ("autoencoder-finetune-b100", |device| finetuning(device, 100)),
    ("made-train-784x500-b100", |device| likelihood(device, made(device, 784, 500)?, 100)),
    ("made-train-784x8000-b100", |device| likelihood(device, made(device, 784, 8000)?, 100)),
    ("made-sample-784x500-b64", |device| ancestral(made(device, 784, 500)?, 64)),
    ("realnvp-train-784x1024-l6-b100", |device| couplings(device, 784, 1024, 6, 100)),
    ("realnvp-train-2x128-l8-b512", |device| couplings(device, 2, 128, 8, 512)),
    ("cnf-logprob-2x64-rk4x20-b512", |device| continuous(device, 64, 20, 512, false)),
    ("cnf-train-2x64-rk4x20-b512", |device| continuous(device, 64, 20, 512, true)),
    ("van-step-16x16-b100", |device| variational(device, 16, 100)),
    ("ising-heatbath-64", |_| heat_bath(64)),
];

/// Runs one case.
///
/// # Errors
/// If the case cannot be set up.
pub fn run(case: &'static str, setup: Setup, backend: &str, device: &Device) -> Result<Line> {
    let (mut step, samples) = setup(device)?;
    let mut lap = || {
        let start = Instant::now();
        step();
        // A device that cannot be waited for would have failed in the step.
        let _ = device.sync();
        start.elapsed()
    };
    for _ in 0..WARM_UP {
        lap();
    }
    let start = Instant::now();
    let mut laps = Vec::new();
    while laps.len() < MIN_STEPS || start.elapsed() < MIN_TIME {
        laps.push(lap().as_secs_f64());
    }
    laps.sort_by(f64::total_cmp);
    let seconds = (laps[(laps.len() - 1) / 2] + laps[laps.len() / 2]) / 2.0;
    Ok(Line {
        case,
        backend: backend.into(),
        threads: gibbs_backend::parallel::current_num_threads(),
        ms_per_step: seconds * 1e3,
        samples_per_s: samples as f64 / seconds,
    })
}

fn rbm(device: &Device, visible: usize, hidden: usize, weight_std: f64) -> Result<AnyRbm> {
    let config = RbmConfig::new(visible, hidden).with_weight_std(weight_std);
    Ok(config.init(device, &mut Noise::new(0, "bench"))?)
}

/// CD-k step with plain gradient descent.
fn contrastive(device: &Device, visible: usize, hidden: usize, batch: usize, sweeps: usize) -> Step {
    let rbm = rbm(device, visible, hidden, 0.01)?;
    let config = ContrastiveConfig::new().with_chains(Chains::Data).with_sweeps(sweeps);
    let mut objective = config.init(&rbm, rbm.visible.neutral())?;
    let mut optimizer = SgdConfig::new().init();
    let mut noise = Noise::new(0, "chains");
    let x = noise.bernoulli(Tensor::<2>::full([batch, visible], ON, device));
    // As in a learner, the optimizer owns the model and writes in place.
    let mut rbm = Some(rbm);
    let step = move || {
        let Some(model) = rbm.take() else { unreachable!("a step always puts the model back") };
        let output = objective.gradients(&model, x.clone(), &mut noise);
        rbm = Some(optimizer_step(&mut optimizer, 0.05, model, output.0));
    };
    Ok((Box::new(step), batch))
}

/// One temperature of annealed importance sampling.
fn annealing(device: &Device, visible: usize, hidden: usize, chains: usize) -> Step {
    let rbm = rbm(device, visible, hidden, 0.05)?;
    let mut noise = Noise::new(0, "chains");
    let mut v = noise.bernoulli(Tensor::<2>::full([chains, visible], 0.5, device));
    let step = move || {
        let ais = AnnealedImportance::new(&rbm, rbm.visible.neutral(), AisSchedule::linear(1));
        let (_, next) = ais.transition(v.clone(), 0.5, 0.5001, &mut noise);
        v = next;
    };
    Ok((Box::new(step), chains))
}

/// Step of Adam on an objective.
fn adam<M: Module + ModuleDisplay + 'static>(
    model: M,
    objective: impl Objective<M> + 'static,
    batch: Batch,
    n: usize,
) -> Step {
    let noise = Noise::new(0, "draws");
    let mut learner = Learner::new(model, objective, &LearnerConfig::adam(1e-3), noise)?;
    let at = Position::new(0, 1, 1);
    let step = move || {
        if let Err(error) = learner.step_on(batch.clone(), &at) {
            panic!("a step of the benchmark failed: {error}");
        }
    };
    Ok((Box::new(step), n))
}

/// Step of Adam on the cross-entropy of the deep autoencoder 784-1000-500-250-30.
fn finetuning(device: &Device, batch: usize) -> Step {
    let mut noise = Noise::new(0, "bench");
    let x = noise.uniform([batch, 784], device);
    let network = AutoencoderConfig::new(784, vec![1000, 500, 250], 30).init(device, &mut noise)?;
    adam(network, Reconstruction { loss: Loss::CrossEntropy }, Batch::new(x), batch)
}

/// A masked autoencoder with one hidden layer and no direct connections.
fn made(device: &Device, visible: usize, hidden: usize) -> Result<Made> {
    let config = MadeConfig::new(visible, vec![hidden].into()).with_direct(false);
    Ok(config.init(device, &mut Noise::new(0, "bench"))?)
}

/// Step of Adam on the log-likelihood of bits.
fn likelihood(device: &Device, model: Made, batch: usize) -> Step {
    let mut noise = Noise::new(0, "data");
    let x = noise.bernoulli(Tensor::<2>::full([batch, model.n_visible()], ON, device));
    adam(model, MaximumLikelihood, Batch::new(x), batch)
}

/// Step of Adam on the log-likelihood of points, by affine couplings with two hidden layers each.
fn couplings(device: &Device, n_variables: usize, hidden: usize, n_layers: usize, batch: usize) -> Step {
    let config = RealNvpConfig::new(n_variables, n_layers, vec![hidden, hidden].into());
    let flow = config.flow().init(device, &mut Noise::new(0, "bench"))?;
    let x = Noise::new(0, "data").normal([batch, n_variables], device);
    adam(flow, MaximumLikelihood, Batch::new(x), batch)
}

/// Log-likelihood of points of the plane by a continuous flow with two hidden layers, exact divergence, and `steps` of
/// the Runge-Kutta method; with a step of Adam through them if it is trained.
fn continuous(device: &Device, hidden: usize, steps: usize, batch: usize, trained: bool) -> Step {
    let config = MlpFieldConfig::new(2, vec![hidden, hidden].into()).with_output_gain(1.0);
    let field = config.init(device, &mut Noise::new(0, "bench"))?;
    let flow = ContinuousFlow::new(field, Solver::fixed(Method::Rk4, steps), Trace::Exact)?;
    let x = Noise::new(0, "data").normal([batch, 2], device);
    if trained {
        return adam(flow, MaximumLikelihood, Batch::new(x), batch);
    }
    Ok((Box::new(move || drop(flow.log_prob(x.clone()))), batch))
}

/// Exact draws.
fn ancestral<M: Sample + 'static>(model: M, n: usize) -> Step {
    let mut noise = Noise::new(0, "sample");
    let step = move || drop(model.sample(n, &mut noise));
    Ok((Box::new(step), n))
}

/// A step of a variational autoregressive network of one dense layer on the Ising model: draws, energies, a step of Adam.
fn variational(device: &Device, side: usize, n: usize) -> Step {
    let torus = ising(&Lattice::square(side, Boundary::Periodic)?, 1.0, 0.0)?;
    let energy = Canonical::new(torus, 0.44)?;
    let config = MadeConfig::new(side * side, Vec::new().into()).with_direct(false);
    let network = config.init(device, &mut Noise::new(0, "bench"))?;
    let group = Arc::new(SymmetryGroup::trivial(side * side));
    let objective = ScoreFunction::new(move |_| energy.clone(), group, 0.44, n);
    adam(network, objective, Batch::new(Tensor::zeros([1, 1], device)), n)
}

/// Sweeps of 64 replicas of the Ising torus at its critical temperature, on one thread; a sample is an update of a spin.
fn heat_bath(length: usize) -> Step {
    const SWEEPS: usize = 10;
    let torus = ising(&Lattice::square(length, Boundary::Periodic)?, 1.0, 0.0)?;
    let mut noise = Noise::new(0, "chains");
    let mut state = HeatBath64::new(&torus, CRITICAL_BETA)?.init(&mut noise);
    let step = move || {
        // It borrows the torus, so it is made again: one pass over the spins next to ten sweeps of them.
        if let Ok(chain) = HeatBath64::new(&torus, CRITICAL_BETA) {
            state = chain.run(std::mem::take(&mut state), SWEEPS, &mut noise);
        }
    };
    Ok((Box::new(step), SWEEPS * REPLICAS * length * length))
}
