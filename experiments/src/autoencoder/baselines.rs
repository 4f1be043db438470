//! What the autoencoder is compared with: principal components, linear and logistic.

use anyhow::{Context, Result};
use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_autoencoder::{LogisticPca, LogisticPcaConfig, Output, Pca};
use gibbs_data::Dataset;
use gibbs_train::{run_folder::RunFiles, weights};

use super::AutoencoderExperiment;

/// Examples that are fitted at once.
const BLOCK: usize = 1000;

/// File of a fitted logistic PCA in a run folder.
pub(super) const LOGISTIC_PCA: &str = "logistic_pca.safetensors";

/// What the file holds.
#[derive(Module, Debug)]
struct Fitted {
    loadings: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

fn blocks<'a>(data: &'a Dataset, device: &'a Device) -> impl Iterator<Item = Tensor<2>> + 'a {
    (0..data.len()).step_by(BLOCK).map(move |start| {
        let rows: Vec<usize> = (start..data.len().min(start + BLOCK)).collect();
        data.tensor(&rows, device)
    })
}

impl AutoencoderExperiment {
    /// Principal components of a set, as many as a code has numbers, or fewer where the set has no more.
    pub(super) fn pca(&self, data: &Dataset) -> Result<Pca> {
        let k = self.network.code_width().min(data.width()).min(data.len());
        Ok(Pca::fit(blocks(data, &self.device), k)?)
    }

    /// The logistic PCA in the run folder; fitted and put there first if the run is to have one.
    pub(super) fn logistic_pca(&self, data: &Dataset, files: &RunFiles) -> Result<Option<LogisticPca>> {
        let (file, passes) = (files.named(LOGISTIC_PCA), self.config.train.logistic_pca_passes);
        let k = self.network.code_width();
        if passes == 0 || self.network.output() != Output::Logistic || k > data.width().min(data.len()) {
            return Ok(None);
        }
        if file.is_file() {
            let width = self.network.width();
            let empty = Fitted {
                loadings: Param::from_tensor(Tensor::zeros([k, width], &self.device)),
                bias: Param::from_tensor(Tensor::zeros([width], &self.device)),
            };
            let fitted = weights::load(empty, &file)?;
            return Ok(Some(LogisticPca::from_parts(fitted.loadings.val(), fitted.bias.val())));
        }
        let config = LogisticPcaConfig::new(k).with_passes(passes);
        let model = LogisticPca::fit(&config, || blocks(data, &self.device)).context("logistic PCA")?;
        let fitted =
            Fitted { loadings: Param::from_tensor(model.loadings()), bias: Param::from_tensor(model.bias()) };
        weights::save(&fitted, &file)?;
        Ok(Some(model))
    }
}
