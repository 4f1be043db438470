//! Draws from a trained network: chains of the top machine, then one pass down.

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;

use super::{DbnExperiment, evaluate::require_classes};
use crate::{cli::Sample, experiment::write_draws};

/// Inverse temperatures through which free chains of the top machine are annealed.
const ANNEALING: usize = 1000;

/// Flags of `dbn sample`.
#[derive(Args, Debug)]
pub struct DbnSampleArgs {
    /// Gibbs sweeps of the top machine before a draw
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub sweeps: usize,
    /// Hold the label at this class; all classes in turn if not given, where the network has labels
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
}

impl DbnExperiment {
    /// Means of the visible units, as data `[n, width]`, after `sweeps` of the top machine; held at a class for each draw
    /// where given.
    pub(super) fn generate(
        &self,
        n: usize,
        classes: Option<&[usize]>,
        sweeps: usize,
        noise: &mut Noise,
    ) -> Vec<f32> {
        let clamp = classes.map(|classes| {
            let labels: Vec<i32> = classes.iter().map(|&class| class as i32).collect();
            let labels: Tensor<1, Int> = Tensor::from_data(TensorData::new(labels, [n]), &self.device);
            self.dbn.clamp_label(labels.one_hot::<2>(self.dbn.n_classes()).float())
        });
        let chain = self.dbn.top_chain(clamp);
        let start = chain.init(n, noise);
        let betas: Vec<f64> = (0..=ANNEALING).map(|k| k as f64 / ANNEALING as f64).collect();
        let start = chain.anneal(start, &self.dbn.top().visible, &betas, noise);
        let end = chain.run(start, sweeps, noise);
        let mean = self.dbn.generate(end, noise);
        to_host(self.config.model.coding().decode(mean)).into_iter().map(|x| x as f32).collect()
    }

    /// The classes of `n` draws: all in turn, or none where the network has no labels.
    pub(super) fn classes_in_turn(&self, n: usize) -> Option<Vec<usize>> {
        let classes = self.dbn.n_classes();
        (classes > 0).then(|| (0..n).map(|i| i * classes / n).collect())
    }
}

pub(super) fn sample(experiment: &DbnExperiment, args: &Sample, family: &DbnSampleArgs) -> Result<PathBuf> {
    let classes = match family.class {
        Some(class) => {
            require_classes(&experiment.dbn, class)?;
            Some(vec![class; args.n])
        }
        None => experiment.classes_in_turn(args.n),
    };
    let mut noise = Noise::new(args.seed, "sample");
    let means = experiment.generate(args.n, classes.as_deref(), family.sweeps, &mut noise);
    let (rows, columns) = experiment.shape();
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    write_draws(&out, &means, &means, [args.n, rows, columns])?;
    Ok(out)
}
