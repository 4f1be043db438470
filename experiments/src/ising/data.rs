//! Samples to learn from: a file, or draws from a known system.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_data::{Dataset, Splits};
use gibbs_physics::{Pairwise, inverse::Samples};

use super::{IsingRun, config::SPINS, draws};
use crate::{
    boltzmann::check_counts,
    cli::Shared,
    fault::Fault,
    system::{HAMILTONIAN, System, SystemKind},
};

/// The data of a configuration.
pub(super) fn splits(config: &mut IsingRun, shared: &Shared) -> Result<Splits> {
    if config.data.name != HAMILTONIAN {
        return Ok(gibbs_data::load(&config.data.name, &shared.data_dir)?);
    }
    let system = settled(&config.model.system)?;
    config.model.system = system.clone();
    let shape = system.build()?.shape();
    let truth = truth(config)?.ok_or_else(|| Fault::usage("no system to draw samples from"))?;
    let samples = config.train.samples;
    check_counts(&[("train.samples", samples), ("train.walk.chains", config.train.walk.chains)])?;
    let draw = |part: &str, n: usize| -> Result<Dataset> {
        let noise = Noise::new(config.seed, "samples").child(part);
        let (spins, how) = draws::draw(&truth, n, config.train.walk, &noise)?;
        let bits = spins.iter().map(|s| u8::from(*s > 0)).collect();
        let name = format!("{}, {part}, {how}", system.describe());
        Ok(Dataset::from_bytes(name, bits, &shape, None)?)
    };
    let tenth = samples.div_ceil(10);
    Ok(Splits {
        train: draw("train", samples)?,
        valid: draw("valid", tenth)?,
        test: draw("test", tenth)?,
        known_density: None,
    })
}

/// The system with its open sizes filled in.
pub(super) fn settled(system: &System) -> Result<System> {
    let mut system = system.clone();
    if !system.kind.is_on_lattice() && system.kind != SystemKind::Couplings && system.lattice.is_none() {
        system.n_spins.get_or_insert(SPINS);
    }
    system.settle()?;
    Ok(system)
}

/// The couplings that samples were drawn with, temperature absorbed; none where data come from a file.
pub(super) fn truth(config: &IsingRun) -> Result<Option<Pairwise>> {
    match config.data.name.as_str() {
        HAMILTONIAN => absorbed(&config.model.system).map(Some),
        _ => Ok(None),
    }
}

/// `β J` and `β h` of a system.
pub(super) fn absorbed(system: &System) -> Result<Pairwise> {
    let spins = system.build()?.hamiltonian;
    let beta = system.beta;
    let bonds = spins.bonds().map(|(i, j, value)| (i, j, beta * value));
    Ok(Pairwise::from_bonds(bonds, spins.field().iter().map(|h| beta * h).collect())?)
}

/// The examples of a set as spins `[n, width]`: zeros and ones stand for down and up.
///
/// # Errors
/// Values that are neither.
pub(super) fn spins(data: &Dataset) -> Result<Vec<i8>> {
    let rows: Vec<usize> = (0..data.len()).collect();
    let values = data.values(&rows);
    if data.is_binary() {
        return Ok(values.iter().map(|x| if *x > 0.5 { 1 } else { -1 }).collect());
    }
    match values.iter().position(|x| x.abs() != 1.0) {
        None => Ok(values.iter().map(|x| *x as i8).collect()),
        Some(at) => Err(Fault::usage(format!(
            "{}: value {} of example {} is {}; spins are -1 and +1, or 0 and 1 (data.binarization makes such of grey values)",
            data.name(),
            at % data.width(),
            at / data.width(),
            values[at]
        ))),
    }
}

/// The examples of a set, equal ones merged.
pub(super) fn samples(data: &Dataset) -> Result<Samples> {
    Ok(Samples::new(&spins(data)?, data.width())?)
}
