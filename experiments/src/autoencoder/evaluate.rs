//! The figures of a trained autoencoder.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoencoder::Output;
use gibbs_core::Estimate;
use gibbs_data::{Dataset, Splits};
use gibbs_train::run_folder::RunFiles;

use super::{AutoencoderExperiment, config};
use crate::{cli::Part, evaluation::Evaluation};

/// Squared error of the network and of what it is compared with, on a part of the data.
pub(super) fn evaluate(
    experiment: &AutoencoderExperiment,
    control: Option<&AutoencoderExperiment>,
    data: &Splits,
    part: Part,
    files: &RunFiles,
) -> Result<Evaluation> {
    const UNIT: &str = "squared, per example";
    let AutoencoderExperiment { config, network, device } = experiment;
    let coding = config::coding(config);
    let sets: Vec<&Dataset> = part.splits().iter().map(|&split| data.get(split)).collect();
    sets.iter().try_for_each(|set| coding.require(set, network.width()))?;
    let each = |figure: &dyn Fn(Tensor<2>) -> Tensor<1>| -> Vec<f64> {
        sets.iter().flat_map(|set| coding.for_each(set, device, figure)).collect()
    };
    let mean = |values: &[f64]| Estimate::exact(values.iter().sum::<f64>() / values.len() as f64);

    let mut evaluation = Evaluation::default();
    let errors = each(&|x| network.squared_error(x));
    evaluation.add("squared_error", &mean(&errors), UNIT);
    if network.output() == Output::Logistic {
        evaluation.add("cross_entropy", &mean(&each(&|x| network.cross_entropy(x))), "nats");
    }
    if let Some(control) = control {
        let errors = each(&|x| control.network.squared_error(x));
        evaluation.add("random_start_squared_error", &mean(&errors), UNIT);
    }
    let pca = experiment.pca(&data.train)?;
    evaluation.add("pca_squared_error", &mean(&each(&|x| pca.squared_error(x))), UNIT);
    if let Some(pca) = experiment.logistic_pca(&data.train, files)? {
        evaluation.add("logistic_pca_squared_error", &mean(&each(&|x| pca.squared_error(x))), UNIT);
    }
    evaluation.per_example = errors;
    Ok(evaluation)
}
