//! Trains an RBM on own bits: `cargo run --release --example rbm_survey -- FILE`, with one example a line, such as `0 1 1 0`.
//! Without a file it makes answers of 500 people to 8 questions, in two groups.

#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::{env, error::Error, fs};

use burn::{optim::SgdConfig, prelude::*};
use gibbs_backend::Noise;
use gibbs_boltzmann::{ContrastiveConfig, RbmConfig, exact, units::UnitFamily};
use gibbs_core::params::optimizer_step;

/// Passes over the data.
const EPOCHS: usize = 200;
/// Examples in a batch.
const BATCH: usize = 50;

/// The bits of a file, row by row, and the number of columns.
fn read(path: &str) -> Result<(Vec<f32>, usize), Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let rows: Vec<Vec<f32>> = text
        .lines()
        .map(|line| line.split_whitespace().map(str::parse).collect::<Result<_, _>>())
        .collect::<Result<_, _>>()?;
    let width = rows.first().map_or(0, Vec::len);
    match rows.iter().position(|row| row.len() != width || row.iter().any(|bit| *bit != 0.0 && *bit != 1.0)) {
        None => Ok((rows.concat(), width)),
        Some(i) => Err(format!("{path}: line {} is not {width} numbers 0 or 1", i + 1).into()),
    }
}

/// Two groups with opposite answers, each answer turned with probability 0.1.
fn survey(noise: &mut Noise) -> (Vec<f32>, usize) {
    let answer = |group: bool, noise: &mut Noise| f32::from(group ^ (noise.next_uniform() < 0.1));
    let bits =
        (0..500).flat_map(|person| (0..8).map(move |question| (person % 2 == 0) ^ (question % 2 == 0)));
    (bits.map(|group| answer(group, noise)).collect(), 8)
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let mut noise = Noise::new(0, "own data");
    let (bits, width) = match env::args().nth(1) {
        Some(path) => read(&path)?,
        None => survey(&mut noise),
    };
    let n = bits.len() / width;
    let data = Tensor::<2>::from_data(TensorData::new(bits, [n, width]), &device);

    let mut rbm = RbmConfig::new(width, 4).init(&device, &mut noise)?;
    let mut objective = ContrastiveConfig::new().with_n_chains(BATCH).init(&rbm, rbm.visible.neutral())?;
    let mut optimizer = SgdConfig::new().init();
    for _ in 0..EPOCHS {
        for start in (0..n).step_by(BATCH) {
            let batch = data.clone().narrow(0, start, BATCH.min(n - start));
            let gradients = objective.gradients(&rbm, batch, &mut noise).0;
            rbm = optimizer_step(&mut optimizer, 0.1, rbm, gradients);
        }
    }
    let log_prob = -rbm.free_energy(data).mean().into_scalar::<f64>() - exact::log_z(&rbm)?.value;
    println!("{n} examples of {width} bits: mean log-likelihood {log_prob:.3} nats, exact");
    println!("independent fair bits have {:.3}", -(width as f64) * 2f64.ln());
    Ok(())
}
