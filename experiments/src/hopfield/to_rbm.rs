//! The command `to-rbm`: a Hopfield network as a restricted Boltzmann machine.

use gibbs_boltzmann::{AnyRbm, RbmConfig, hopfield::rbm_of_patterns, units::UnitKind};
use gibbs_physics::PhysicsError;
use gibbs_train::run_folder::{Existing, RunFolder};

use super::HopfieldExperiment;
use crate::{output::note, prelude::*, usage::of_folder};

/// Flags of `to-rbm`.
#[derive(Args, Debug)]
pub struct ToRbm {
    /// Run folder; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// Folder to write, as a run of `rbm`
    pub out: PathBuf,
    /// Temperature of the network, in units of the energy
    #[arg(long, default_value_t = 0.5, value_name = "T")]
    pub temperature: f64,
}

pub(super) fn run(args: &ToRbm, shared: &Shared) -> Result<()> {
    let (temperature, out) = (args.temperature, args.out.display());
    let beta = temperature.recip();
    let is_inverse = beta > 0.0 && beta.is_finite();
    require!(!RunFolder::holds_run(&args.out), "{out} holds a run: name another folder");
    require!(is_inverse, "--temperature {temperature}: must be above 0 and finite");
    let (_, device) = experiment::device(shared)?;
    let (config, experiment) = experiment::load_run::<HopfieldExperiment>(&args.run_dir, &device)?;
    let factors = experiment.memory.factors().map_err(|error| {
        let of = if matches!(error, PhysicsError::Config(_)) { "model." } else { "" };
        usage!("{}: {of}{error}", args.run_dir.display())
    })?;
    let (p, n) = (factors.len(), experiment.memory.n_visible());
    let patterns = Tensor::from_data(TensorData::new(factors.concat(), [p, n]), &device);
    let rbm = AnyRbm::from(rbm_of_patterns(patterns, beta));
    let model = RbmConfig::new(n, p).with_visible(UnitKind::Spin).with_hidden(UnitKind::Gaussian);
    let folder = RunFolder::start(&args.out, Existing::Refuse, &[]).map_err(of_folder)?;
    folder.write_config(
        &json!({ "experiment": "rbm", "data": config.data, "model": model, "seed": config.seed }),
    )?;
    folder.write_model(&weights::to_bytes(&rbm)?)?;
    note(format!(
        "wrote {out}: {n} spins, {p} Gaussian hidden units; `rbm train RUN_DIR --from {out}` goes on from there"
    ));
    Ok(())
}
