//! The commands `encode` and `decode`: images to codes and back.

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::{Args, Subcommand};
use gibbs_data::npy;

use super::AutoencoderExperiment;
use crate::{
    cli::{Examples, Shared},
    experiment::{Applied, device, load_run, load_with_source},
    output::note,
    pictures::host,
    usage::{OrUsage, usage},
};

/// Rows that are computed at once.
const BLOCK: usize = 1000;

/// The commands that only the autoencoder has.
#[derive(Subcommand, Debug)]
pub enum AutoencoderCommands {
    /// Write the codes of images to an array
    Encode(Encode),
    /// Write the images of codes to a picture or an array
    Decode(Decode),
}

/// Flags of `encode`.
#[derive(Args, Debug)]
pub struct Encode {
    /// What is encoded.
    #[command(flatten)]
    pub examples: Examples,
    /// Array `[examples, code]` to write (f32)
    #[arg(long, value_name = "FILE.npy")]
    pub out: PathBuf,
}

/// Flags of `decode`.
#[derive(Args, Debug)]
pub struct Decode {
    /// Run folder; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// Array `[examples, code]` to read
    pub codes: PathBuf,
    /// Picture (.png) or array `[examples, rows, columns]` (.npy, f32) to write
    #[arg(long, value_name = "FILE.png|FILE.npy")]
    pub out: PathBuf,
}

impl AutoencoderExperiment {
    /// Codes `[n, code]` of examples, row by row.
    pub(super) fn codes(&self, x: &Tensor<2>) -> Vec<f32> {
        in_blocks(x, |x| self.network.encode(x))
    }

    /// Means of the images of codes `[n, code]`, row by row.
    pub(super) fn images(&self, z: &Tensor<2>) -> Vec<f32> {
        in_blocks(z, |z| self.network.decode(z))
    }
}

/// The rows of `f` of each block of rows of `x`.
fn in_blocks(x: &Tensor<2>, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Vec<f32> {
    let n = x.dims()[0];
    let blocks = (0..n).step_by(BLOCK).map(|start| x.clone().narrow(0, start, BLOCK.min(n - start)));
    blocks.flat_map(|x| host(f(x))).collect()
}

pub(super) fn run(command: &AutoencoderCommands, shared: &Shared) -> Result<()> {
    let out = match command {
        AutoencoderCommands::Encode(args) => encode(args, shared)?,
        AutoencoderCommands::Decode(args) => decode(args, shared)?,
    };
    note(format!("wrote {}", out.display()));
    Ok(())
}

fn encode<'a>(args: &'a Encode, shared: &Shared) -> Result<&'a PathBuf> {
    if args.out.extension().is_none_or(|extension| extension != "npy") {
        return Err(usage(format!("--out {}: the name must end in .npy", args.out.display())));
    }
    let Applied { model, source, part, .. } =
        load_with_source::<AutoencoderExperiment>(&args.examples, shared)?;
    let mut codes = Vec::new();
    for &split in part.splits() {
        let set = source.data()?.get(split);
        let rows: Vec<usize> = (0..set.len()).collect();
        for rows in rows.chunks(BLOCK) {
            codes.extend(model.codes(&model.visible().examples(set, rows, &model.device)));
        }
    }
    let width = model.network.code_width();
    npy::write(&args.out, &codes, &[codes.len() / width, width])?;
    Ok(&args.out)
}

fn decode<'a>(args: &'a Decode, shared: &Shared) -> Result<&'a PathBuf> {
    let (_, device) = device(shared)?;
    let (_, model) = load_run::<AutoencoderExperiment>(&args.run_dir, &device)?;
    let codes = gibbs_data::load_file(&args.codes).or_usage()?;
    let width = model.network.code_width();
    if codes.width() != width {
        return Err(usage(format!(
            "{}: rows of {} numbers where the codes of {} have {width}",
            args.codes.display(),
            codes.width(),
            args.run_dir.display()
        )));
    }
    let all: Vec<usize> = (0..codes.len()).collect();
    let images = model.images(&codes.tensor(&all, &device));
    model.config.draws(codes.len(), &images, &images).write(&args.out)?;
    Ok(&args.out)
}
