//! Draws from a trained machine: chains from noise or data, free or with half of the picture given.

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::{Args, ValueEnum};
use gibbs_backend::Noise;
use gibbs_boltzmann::{Clamp, GibbsChain, units::Units};
use gibbs_core::math::to_host;
use gibbs_data::Dataset;

use super::RbmExperiment;
use crate::{
    cli::{Sample, Shared},
    experiment::write_draws,
    given::Given,
};

/// Inverse temperatures through which chains from noise are annealed.
const ANNEALING: usize = 1000;

/// Where chains start.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Noise, annealed from independent units to the machine
    Annealed,
    /// Noise
    Noise,
    /// Examples of the test split
    Data,
}

/// Flags of `rbm sample`.
#[derive(Args, Debug)]
pub struct RbmSampleArgs {
    /// Gibbs sweeps at temperature 1 before a draw
    #[arg(long, default_value_t = 3000, value_name = "N")]
    pub sweeps: usize,
    /// Where the chains start
    #[arg(long, value_enum, default_value = "annealed")]
    pub start: Start,
    /// Complete test pictures of which this half is given (inpainting)
    #[arg(long, value_enum, value_name = "HALF")]
    pub given: Option<Given>,
}

/// Draws, and the means they were drawn from, as data `[n, width]` on the host.
pub(super) struct Draws {
    pub(super) values: Vec<f32>,
    pub(super) means: Vec<f32>,
}

fn host(x: Tensor<2>) -> Vec<f32> {
    to_host(x).into_iter().map(|value| value as f32).collect()
}

impl RbmExperiment {
    /// `n` chains annealed from independent units with the machine's own biases.
    pub(super) fn annealed(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let chain = GibbsChain::new(&self.rbm);
        let betas: Vec<f64> = (0..=ANNEALING).map(|k| k as f64 / ANNEALING as f64).collect();
        let v = chain.init(n, noise);
        chain.anneal(v, &self.rbm.visible, &betas, noise)
    }

    /// `n` examples spread evenly over a split, as visible states.
    pub(super) fn examples(&self, data: &Dataset, n: usize) -> Tensor<2> {
        self.config.model.coding().spread(data, n, &self.device)
    }

    /// What clamps one half of the examples `v [n, visible]`.
    pub(super) fn clamp(&self, v: Tensor<2>, given: Given) -> Clamp {
        let [n, visible] = v.dims();
        let shape = self.shape();
        let columns = visible / (shape.0 * shape.1);
        let known = given.pixels(shape).into_iter();
        let row: Vec<f32> =
            known.flat_map(|known| std::iter::repeat_n(f32::from(u8::from(known)), columns)).collect();
        let known: Tensor<2> = Tensor::from_data(TensorData::new(row, [1, visible]), &self.device);
        Clamp { known: known.expand([n, visible]), values: v }
    }

    /// States and their means one half-sweep on, as data.
    pub(super) fn draws(&self, v: Tensor<2>, clamp: Option<&Clamp>) -> Draws {
        let mean = self.rbm.visible_mean(Units::mean(&self.rbm.hidden, self.rbm.hidden_input(v.clone())));
        let mean = match clamp {
            Some(clamp) => mean.mask_where(clamp.known.clone().greater_elem(0.5), clamp.values.clone()),
            None => mean,
        };
        let decode = |x| host(self.config.model.coding().decode(x));
        Draws { values: decode(v), means: decode(mean) }
    }
}

pub(super) fn sample(
    experiment: &RbmExperiment,
    args: &Sample,
    family: &RbmSampleArgs,
    shared: &Shared,
) -> Result<PathBuf> {
    let mut noise = Noise::new(args.seed, "sample");
    let data = || experiment.config.data.load(&shared.data_dir, experiment.config.seed);
    let (start, clamp) = match (family.given, family.start) {
        (Some(given), _) => {
            let v = experiment.examples(&data()?.test, args.n);
            let clamp = experiment.clamp(v, given);
            (GibbsChain::clamped(&experiment.rbm, clamp.clone()).init(args.n, &mut noise), Some(clamp))
        }
        (None, Start::Data) => (experiment.examples(&data()?.test, args.n), None),
        (None, Start::Noise) => (GibbsChain::new(&experiment.rbm).init(args.n, &mut noise), None),
        (None, Start::Annealed) => (experiment.annealed(args.n, &mut noise), None),
    };
    let chain = match &clamp {
        Some(clamp) => GibbsChain::clamped(&experiment.rbm, clamp.clone()),
        None => GibbsChain::new(&experiment.rbm),
    };
    let draws = experiment.draws(chain.run(start, family.sweeps, &mut noise), clamp.as_ref());
    let (rows, columns) = experiment.shape();
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    write_draws(&out, &draws.means, &draws.values, [args.n, rows, columns])?;
    Ok(out)
}
