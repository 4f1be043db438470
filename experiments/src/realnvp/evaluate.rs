//! The figures of a trained flow.

use anyhow::Result;
use gibbs_data::Splits;

use super::{RealNvpExperiment, train::log_probs};
use crate::{
    cli::Part,
    density::{LogProbs, Measured},
    evaluation::Evaluation,
};

/// Log-density on a part of the data, in their own coordinates, beside that of their law where it is known.
pub(super) fn evaluate(experiment: &RealNvpExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let RealNvpExperiment { config, flow, preparation, device, .. } = experiment;
    let measured = Measured {
        data,
        part,
        n_variables: flow.n_variables(),
        n_classes: config.model.n_classes,
        coordinates: config.model.coordinates,
    };
    let mut all = (Vec::new(), Vec::new());
    for set in measured.sets()? {
        let (within, of_data) = log_probs(flow, preparation, set, device);
        all.0.extend(within);
        all.1.extend(of_data);
    }
    measured.figures(LogProbs::exact(all))
}
