//! Exact draws from a trained model, and completions of examples.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_data::Dataset;

use super::{MadeExperiment, values::Values};
use crate::{
    cli::{Sample, Shared},
    experiment::write_draws,
    fault::Fault,
    given::Given,
};

/// Flags of `made sample`.
#[derive(Args, Debug)]
pub struct MadeSampleArgs {
    /// Draw from this class; all classes in turn if not given, where the model is conditioned on them
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
    /// Complete test examples of which this half is given
    #[arg(long, value_enum, value_name = "HALF", conflicts_with_all = ["prefix", "class"])]
    pub given: Option<Given>,
    /// Complete test examples of which the first variables in the model's order are given
    #[arg(long, value_name = "N", conflicts_with = "class")]
    pub prefix: Option<usize>,
}

/// What is known of examples that are to be completed.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// So many variables of the order.
    Prefix(usize),
    /// These pixels.
    Pixels(Vec<bool>),
}

impl MadeExperiment {
    pub(super) fn values(&self) -> Values {
        Values::of(&self.config.model)
    }

    /// `n` draws as data, for these classes where the model has them.
    pub(super) fn draw(&self, n: usize, class: Option<usize>, noise: &mut Noise) -> Vec<f32> {
        let n_classes = self.config.model.n_classes;
        let classes: Vec<usize> = (0..n).map(|i| class.unwrap_or(i * n_classes / n)).collect();
        let context = self.values().context(&classes, &self.device);
        self.values().decode(self.model.law().sample_given(n, context.as_ref(), noise))
    }

    /// Rows of a set that are spread evenly over it.
    pub(super) fn spread(data: &Dataset, n: usize) -> Vec<usize> {
        (0..n).map(|i| i * data.len() / n).collect()
    }

    /// Which variables are known, in the order of the data.
    ///
    /// # Errors
    /// A prefix that is longer than the order.
    pub(super) fn known(&self, known: &Known) -> Result<Vec<bool>> {
        let (law, n) = (self.model.law(), self.model.law().n_visible());
        match known {
            Known::Pixels(pixels) => Ok(pixels.clone()),
            Known::Prefix(prefix) if *prefix > n => {
                Err(Fault::usage(format!("--prefix {prefix}: an example has only {n} variables")))
            }
            Known::Prefix(prefix) => {
                let mut flags = vec![false; n];
                law.order(0).variables()[..*prefix].iter().for_each(|&variable| flags[variable] = true);
                Ok(flags)
            }
        }
    }

    /// Examples of a set with all but what is known drawn from the model, as data.
    ///
    /// # Errors
    /// A prefix that is too long, or variables that no order of the model begins with.
    pub(super) fn complete(
        &self,
        data: &Dataset,
        rows: &[usize],
        known: &Known,
        noise: &mut Noise,
    ) -> Result<Vec<f32>> {
        let flags = self.known(known)?;
        let examples = self.values().examples(data, rows, &self.device);
        let completed =
            self.model.law().complete_known(&flags, examples.x, examples.context.as_ref(), noise).map_err(|_| {
                Fault::usage(
                    "the order of the model does not begin with what is given: take --prefix N, or a made that was \
                     trained in many orders (model.order=random with model.n_masks above 1)",
                )
            })?;
        Ok(self.values().decode(completed))
    }
}

pub(super) fn sample(
    experiment: &MadeExperiment,
    args: &Sample,
    family: &MadeSampleArgs,
    shared: &Shared,
) -> Result<PathBuf> {
    let mut noise = Noise::new(args.seed, "sample");
    let (rows, columns) = experiment.shape();
    let known = match (family.given, family.prefix) {
        (Some(given), _) => Some(Known::Pixels(given.pixels((rows, columns)))),
        (None, prefix) => prefix.map(Known::Prefix),
    };
    let values = match known {
        Some(known) => {
            experiment.known(&known)?;
            let data = experiment.config.data.load(&shared.data_dir, experiment.config.seed)?.test;
            experiment.values().require(&data)?;
            let rows = MadeExperiment::spread(&data, args.n);
            experiment.complete(&data, &rows, &known, &mut noise)?
        }
        None => {
            family.class.map(|class| experiment.values().require_class(class)).transpose()?;
            experiment.draw(args.n, family.class, &mut noise)
        }
    };
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    write_draws(&out, &values, &values, [args.n, rows, columns])?;
    Ok(out)
}
