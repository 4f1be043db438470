//! Images of drawn codes. An autoencoder has no law of its own: codes come from a normal law with the moments of the training
//! codes.

use std::path::PathBuf;

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_data::Dataset;

use super::{AutoencoderExperiment, config};
use crate::{
    cli::{Sample, Shared},
    experiment::write_draws,
};

/// Training examples whose codes give the moments.
const EXAMPLES: usize = 10_000;

impl AutoencoderExperiment {
    /// Images of `n` codes from a normal law with mean and covariance of the codes of training data.
    pub(super) fn draw(&self, train: &Dataset, n: usize, noise: &mut Noise) -> Result<Vec<f32>> {
        let coding = config::coding(&self.config);
        let x = coding.spread(train, EXAMPLES.min(train.len()), &self.device);
        Ok(self.images(&self.network.draw_codes(x, n, noise)?))
    }
}

pub(super) fn sample(experiment: &AutoencoderExperiment, args: &Sample, shared: &Shared) -> Result<PathBuf> {
    let data = experiment.config.data.load(&shared.data_dir, experiment.config.seed)?;
    let images = experiment.draw(&data.train, args.n, &mut Noise::new(args.seed, "sample"))?;
    let (rows, columns) = experiment.shape();
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    write_draws(&out, &images, &images, [args.n, rows, columns])?;
    Ok(out)
}
