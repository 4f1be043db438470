//! The figures of a trained network.

use anyhow::Result;
use burn::{prelude::*, tensor::activation::log_softmax};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    Dbn,
    ais::Bracket,
    exact,
    units::{AnyUnits, UnitFamily, UnitKind},
};
use gibbs_core::{Estimate, Kind};
use gibbs_data::{Binarization, Dataset, Splits};

use super::{DbnExperiment, classifier};
use crate::{boltzmann::coding::Coding, cli::Part, evaluation::Evaluation, fault::Fault};

/// All figures on a part of the data, and the bound of each example.
pub(super) fn evaluate(
    experiment: &DbnExperiment,
    control: Option<&DbnExperiment>,
    data: &Splits,
    part: Part,
) -> Result<Evaluation> {
    let sets: Vec<&Dataset> = part.splits().iter().map(|&split| data.get(split)).collect();
    let coding = experiment.config.model.coding();
    let visible = experiment.dbn.n_visible();
    sets.iter().try_for_each(|set| coding.require(set, visible))?;
    let mut evaluation = Evaluation::default();
    likelihood(experiment, data, &sets, &mut evaluation)?;
    if sets.iter().all(|set| set.labels().is_some()) {
        classification(experiment, control, &sets, &mut evaluation)?;
    }
    Ok(evaluation)
}

/// The bound of `log p(v)` on zeros and ones: grey values are drawn as such first.
fn likelihood(
    experiment: &DbnExperiment,
    data: &Splits,
    sets: &[&Dataset],
    evaluation: &mut Evaluation,
) -> Result<()> {
    let DbnExperiment { config, dbn, device, .. } = experiment;
    let coding = config.model.coding();
    let two_valued = matches!(config.model.visible, UnitKind::Binary | UnitKind::Spin);
    let mut binarization = config.data.binarization.unwrap_or_default();
    let mut bits: Vec<Dataset> = sets.iter().map(|&set| set.clone()).collect();
    if two_valued && bits.iter().any(|set| !set.is_binary()) && binarization == Binarization::None {
        binarization = Binarization::Fixed;
        bits =
            bits.into_iter().map(|set| set.binarized(binarization, config.seed)).collect::<Result<_, _>>()?;
    }
    let mut noise = Noise::new(config.seed, "evaluation");
    let log_z = log_z(experiment, data, evaluation, &mut noise);

    let mut bound = |draws: usize| -> (Vec<f64>, Estimate) {
        let mut once = || -> Vec<f64> {
            let sets = bits.iter();
            sets.flat_map(|set| coding.for_each(set, device, |v| dbn.log_mean_weight(v, draws, &mut noise)))
                .collect()
        };
        dbn.bound_of_two(&once(), &once(), &log_z)
    };
    let (per_example, single) = bound(1);
    let several = (config.train.bound_draws > 0).then(|| bound(config.train.bound_draws).1);
    evaluation.add("log_prob", &single, "nats");
    evaluation.note("log_prob", "binarization", binarization.name());
    if let Some(several) = several {
        evaluation.add("log_prob_importance_weighted", &several, "nats");
        evaluation.note("log_prob_importance_weighted", "draws", config.train.bound_draws);
    }
    evaluation.add("log_z", &log_z, "nats");
    if dbn.depth() > 1 && dbn.recognition.is_empty() {
        let first = first_layer(experiment, data, &bits, &mut noise)?;
        evaluation.add("first_layer_log_prob", &first, "nats");
    }
    evaluation.per_example = per_example;
    Ok(())
}

/// `log Z` of the top machine: exact, or the end of its bracket that keeps the bound a lower one.
fn log_z(
    experiment: &DbnExperiment,
    data: &Splits,
    evaluation: &mut Evaluation,
    noise: &mut Noise,
) -> Estimate {
    let DbnExperiment { config, dbn, device, .. } = experiment;
    if let Ok(exact) = exact::log_z(dbn.top()) {
        return exact;
    }
    let base = base(dbn, config.model.coding(), &data.train, device);
    let Bracket { lower, upper } = config.train.evaluation.bracket(dbn.top(), &base, noise);
    evaluation.add("log_z_lower", &lower, "nats");
    evaluation.add("log_z_upper", &upper, "nats");
    upper
}

/// Independent units from which the top machine is annealed: with the moments of the states that it sees.
pub(super) fn base(dbn: &Dbn, coding: Coding, train: &Dataset, device: &Device) -> AnyUnits {
    dbn.annealing_base(coding.moment_examples(train, device))
}

/// Log-likelihood of the lowest machine alone, as `rbm` would report it.
fn first_layer(
    experiment: &DbnExperiment,
    data: &Splits,
    bits: &[Dataset],
    noise: &mut Noise,
) -> Result<Estimate> {
    let DbnExperiment { config, dbn, device, .. } = experiment;
    let (rbm, coding) = (&dbn.layers[0], config.model.coding());
    let log_z = match exact::log_z(rbm) {
        Ok(exact) => exact,
        Err(_) => {
            let base = rbm.visible.fitted(&coding.moments(&data.train, device));
            config.train.evaluation.bracket(rbm, &base, noise).lower.with_kind(Kind::Asymptotic)
        }
    };
    let free: Vec<f64> =
        bits.iter().flat_map(|set| coding.for_each(set, device, |v| rbm.free_energy(v))).collect();
    Ok(log_z.affine(-1.0, -free.iter().sum::<f64>() / free.len() as f64))
}

/// Errors by free energy of the label, by the classifier, and by the control's classifier.
fn classification(
    experiment: &DbnExperiment,
    control: Option<&DbnExperiment>,
    sets: &[&Dataset],
    evaluation: &mut Evaluation,
) -> Result<()> {
    let DbnExperiment { config, dbn, device, .. } = experiment;
    let coding = config.model.coding();
    let mut add = |name: &str, log_prob: &dyn Fn(Tensor<2>) -> Tensor<2>| -> Result<()> {
        let mut wrong = Vec::new();
        for set in sets {
            wrong.extend(classifier::per_example(coding, set, device, log_prob)?.0);
        }
        evaluation.add(name, &classifier::percent(&wrong), "percent");
        Ok(())
    };
    if let Some(network) = &experiment.classifier {
        add("classification_error", &|v| log_softmax(network.forward(v), 1))?;
    }
    if let Some(network) = control.and_then(|control| control.classifier.as_ref()) {
        add("random_start_classification_error", &|v| log_softmax(network.forward(v), 1))?;
    }
    if dbn.n_classes() > 0 {
        add("free_energy_classification_error", &|v| dbn.class_log_prob(v))?;
    }
    Ok(())
}

/// Refuses labels that the network does not have.
pub(super) fn require_classes(dbn: &Dbn, class: usize) -> Result<()> {
    match dbn.n_classes() {
        0 => Err(Fault::usage("--class: this network was trained without labels")),
        classes if class >= classes => {
            Err(Fault::usage(format!("--class {class}: this network has the classes 0 to {}", classes - 1)))
        }
        _ => Ok(()),
    }
}
