//! Log-likelihoods of a trained model, draws from it, and completions of examples.

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_autoregressive::{Autoregressive, AutoregressiveModel, OutputDistribution, ValueError};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, ConditionalLogProb, Estimate, Kind,
    math::to_host,
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_data::{Dataset, Splits};

use super::{MadeExperiment, MadeModel};
use crate::{
    cli::{Part, Sample, Shared},
    conditions,
    evaluation::Evaluation,
    evidence::Half,
    look::independent_draws,
    preprocessed::with_classes,
    source::{require_labels, require_unit_interval},
    usage::{OrUsage, usage},
};

/// The setting with which these models learn real columns.
pub(super) const REAL: &str = "model.outputs=auto";

/// Examples that are computed at once.
const BLOCK: usize = 1000;
/// Gray of pixels that are not known.
const UNKNOWN: f32 = 0.5;

/// Examples as the model receives them: levels of categorical variables, all else as it is.
pub(super) fn batch(model: &MadeModel, batch: gibbs_data::Batch) -> Batch {
    let Batch { x, context, weights } = with_classes(batch, model.network.n_context());
    let x = match model.network.output() {
        &OutputDistribution::Categorical { levels } => {
            (x * levels as f64).floor().clamp(0.0, (levels - 1) as f64)
        }
        _ => x,
    };
    Batch { x, context, weights }
}

/// Exact log-probability of each example of a set, in the coordinates of the data.
pub(super) fn log_probs(
    config: &MadeModel,
    model: &Preprocessed<AutoregressiveModel>,
    data: &Dataset,
    device: &Device,
) -> Vec<f64> {
    let rows: Vec<usize> = (0..data.len()).collect();
    let log_prob = |rows: &[usize]| {
        let Batch { x, context, .. } = batch(config, data.batch(rows, device));
        to_host(model.log_prob_given(x, context.as_ref()))
    };
    rows.chunks(BLOCK).flat_map(log_prob).collect()
}

/// Whether data have the values of the model's variables.
///
/// # Errors
/// The first value that is none.
pub(super) fn require(model: &MadeModel, data: &Dataset) -> Result<()> {
    let output = model.network.output();
    let is_bernoulli = *output == OutputDistribution::Bernoulli;
    let is_categorical = matches!(output, OutputDistribution::Categorical { .. });
    if is_bernoulli || is_categorical {
        require_unit_interval(data, REAL)?;
    }
    if is_categorical || is_bernoulli && data.is_binary() {
        return Ok(());
    }
    // Levels are checked as the model counts them, from 0.
    let first = |column: usize| match (&model.preprocessing, output.of(column)) {
        (PreprocessorConfig::Standardize { shift, .. }, OutputDistribution::Categorical { .. }) => {
            shift[column]
        }
        _ => 0.0,
    };
    let (rows, width): (Vec<usize>, _) = ((0..data.len()).collect(), data.width());
    for (block, rows) in rows.chunks(BLOCK).enumerate() {
        let values = data.values(rows).into_iter().enumerate();
        let x: Vec<f64> = values.map(|(i, x)| f64::from(x) - first(i % width)).collect();
        output.check(&x, width).map_err(|error| {
            let ValueError { example, variable, value, expected } = error;
            let (example, first) = (example + block * BLOCK, first(variable));
            let (value, name) = (value + first, data.name());
            usage(match output.of(variable) {
                OutputDistribution::Categorical { levels } => format!(
                    "{name}: the value {value} of column {variable} in example {example} has probability 0: training had the \
                     whole numbers from {first} to {}; leave the example out, or train with data that have the value",
                    first + (levels - 1) as f64
                ),
                OutputDistribution::Bernoulli if is_bernoulli => format!(
                    "{name}: the value {value} of variable {variable} in example {example} is not {expected}; give zeros and \
                     ones, or train with --set data.binarization=stochastic or threshold"
                ),
                _ => format!(
                    "{name}: the value {value} of column {variable} in example {example} is not {expected}"
                ),
            })
        })?;
    }
    Ok(())
}

/// Log-likelihood on a part of the data.
pub(super) fn evaluate(experiment: &MadeExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let MadeExperiment { config, model, device } = experiment;
    let network = &config.model.network;
    let sets: Vec<&Dataset> = part.splits().iter().map(|&split| data.get(split)).collect();
    for set in &sets {
        set.require_width(model.model.n_visible()).or_usage()?;
        require(&config.model, set)?;
    }
    require_labels(sets.iter().copied(), network.n_context(), "model.n_classes")?;
    let each: Vec<f64> = sets.iter().flat_map(|set| log_probs(&config.model, model, set, device)).collect();

    let columns = config.density();
    let each: Vec<f64> = each.into_iter().map(|log_prob| log_prob + columns.log_cell()).collect();

    let mut evaluation = Evaluation::default();
    match columns.has_discrete() {
        false => evaluation.add_mean("log_prob", &each, "nats"),
        // Over the draws of the noise, in expectation.
        true => {
            evaluation.add(
                "log_prob",
                &Estimate::mean(&each).with_kind(Kind::LowerBound).over_examples(&each),
                "nats",
            );
            evaluation.note("log_prob", "bounds", "probability of discrete columns, density of others");
        }
    }
    evaluation.note("log_prob", "binarization", config.binarization());
    evaluation.note("log_prob", "orderings", model.model.n_masks());
    if network.n_context() > 0 {
        evaluation.note(
            "log_prob",
            "given",
            if config.model.context.is_some() { "context" } else { "class" },
        );
    }
    if let OutputDistribution::Mixed { columns } = network.output() {
        let is_real =
            |column: &OutputDistribution| matches!(column, OutputDistribution::GaussianMixture { .. });
        let kind = match (columns.iter().any(is_real), columns.iter().all(is_real)) {
            (_, true) => "density",
            (true, _) => "mass of the discrete columns times density of the real ones",
            _ => "mass",
        };
        evaluation.note("log_prob", "of", kind);
    }
    if let &OutputDistribution::Categorical { levels } = network.output() {
        let nats_per_bit = std::f64::consts::LN_2 * model.model.n_visible() as f64;
        evaluation.add("bits_per_dim", &Estimate::exact_mean(&each).affine(-1.0 / nats_per_bit, 0.0), "bits");
        evaluation.note("bits_per_dim", "levels", levels);
    }
    evaluation.per_example = each;
    Ok(evaluation)
}

/// Flags of `made sample`.
#[derive(Args, Debug)]
pub struct MadeSampleArgs {
    /// Draw from this class; all classes in equal parts if not given, where the model is conditioned on them
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
    /// Draw for each row of this file, where the model is conditioned on real numbers
    #[arg(long, value_name = "FILE", conflicts_with = "class")]
    pub context: Option<PathBuf>,
    /// Complete test examples of which this half is known
    #[arg(long, value_enum, value_name = "HALF", conflicts_with_all = ["prefix", "class", "context"])]
    pub given: Option<Half>,
    /// Complete test examples of which the first variables in the model's order are known
    #[arg(long, value_name = "N", conflicts_with_all = ["class", "context"])]
    pub prefix: Option<usize>,
}

/// What is known of examples that are to be completed.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// The first variables of the order.
    Prefix(usize),
    /// These pixels.
    Pixels(Vec<bool>),
}

impl MadeExperiment {
    /// Values of variables as data: levels become numbers from 0 to 1.
    pub(super) fn decode(&self, x: Tensor<2>) -> Vec<f32> {
        let x = to_host(self.model.preprocessor.inverse(x));
        match self.config.model.network.output() {
            &OutputDistribution::Categorical { levels } => {
                x.into_iter().map(|level| (level / (levels - 1) as f64) as f32).collect()
            }
            _ => self.config.rounded(x.into_iter().map(|x| x as f32).collect()),
        }
    }

    /// `n` draws for contexts `[n, C]`, as data.
    pub(super) fn draw(&self, n: usize, context: Option<&Tensor<2>>, noise: &mut Noise) -> Vec<f32> {
        self.decode(self.model.model.sample_given(n, context, noise))
    }

    /// Which variables are known, in the order of the data.
    ///
    /// # Errors
    /// A prefix that is longer than the order.
    pub(super) fn known(&self, known: &Known) -> Result<Vec<bool>> {
        let (model, n) = (&self.model.model, self.model.model.n_visible());
        match known {
            Known::Pixels(pixels) => Ok(pixels.clone()),
            Known::Prefix(prefix) if *prefix > n => {
                Err(usage(format!("--prefix {prefix}: an example has only {n} variables")))
            }
            Known::Prefix(prefix) => {
                let mut flags = vec![false; n];
                model.order(0).variables()[..*prefix].iter().for_each(|&variable| flags[variable] = true);
                Ok(flags)
            }
        }
    }

    /// What is known of examples of a set, as data; all else is gray.
    ///
    /// # Errors
    /// As [`known`](Self::known).
    pub(super) fn given(&self, data: &Dataset, rows: &[usize], known: &Known) -> Result<Vec<f32>> {
        let flags = self.known(known)?;
        let examples = batch(&self.config.model, data.batch(rows, &self.device));
        let whole = self.decode(self.model.preprocessor.forward(examples.x).0);
        Ok(whole
            .iter()
            .zip(flags.iter().cycle())
            .map(|(&x, &known)| if known { x } else { UNKNOWN })
            .collect())
    }

    /// Examples of a set in which all but what is known is drawn from the model, as data.
    ///
    /// # Errors
    /// A prefix that is too long, or variables with which no order of the model begins.
    pub(super) fn complete(
        &self,
        data: &Dataset,
        rows: &[usize],
        known: &Known,
        noise: &mut Noise,
    ) -> Result<Vec<f32>> {
        let flags = self.known(known)?;
        let Batch { x, context, .. } = batch(&self.config.model, data.batch(rows, &self.device));
        let x = self.model.preprocessor.forward(x).0;
        let completed = self.model.model.complete_known(&flags, x, context.as_ref(), noise);
        let way_out = "take --prefix N, or a made that was trained in many orders (model.order=random with model.n_masks above 1)";
        Ok(self.decode(completed.map_err(|error| usage(format!("{error}: {way_out}")))?))
    }
}

pub(super) fn sample(
    experiment: &MadeExperiment,
    args: &Sample,
    family: &MadeSampleArgs,
    shared: &Shared,
) -> Result<PathBuf> {
    let mut noise = Noise::new(args.seed, "sample");
    let known = match (family.given, family.prefix) {
        (Some(half), _) => Some(Known::Pixels(half.pixels(experiment.shape()))),
        (None, prefix) => prefix.map(Known::Prefix),
    };
    let (out, look) = (args.out_path(), experiment.look());
    match known {
        Some(known) => {
            experiment.known(&known)?;
            let data = experiment.config.load_data(&shared.data_dir)?;
            let data = super::as_learned(&experiment.config, data)?.test;
            require(&experiment.config.model, &data)?;
            let rows: Vec<usize> = (0..args.n()).map(|i| i * data.len() / args.n()).collect();
            let values = experiment.complete(&data, &rows, &known, &mut noise)?;
            let given = experiment.given(&data, &rows, &known)?;
            look.write_completed(
                &out,
                &format!("{} completed examples", args.n()),
                &given,
                &values,
                &values,
            )?;
        }
        None => {
            let (model, device) = (&experiment.config.model, &experiment.device);
            let units = model.context.as_ref();
            let context = match conditions::of_file(family.context.as_deref(), args, units, device)? {
                Some(context) => Some(context),
                None => {
                    let units = (units, model.network.n_context());
                    conditions::of_draws(args.n(), family.class, units, device)?
                }
            };
            let n = context.as_ref().map_or(args.n(), |context| context.dims()[0]);
            let values = experiment.draw(n, context.as_ref(), &mut noise);
            look.write(&out, &independent_draws(n), &values, &values)?;
        }
    }
    Ok(out)
}
