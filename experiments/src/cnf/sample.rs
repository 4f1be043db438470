//! Draws from a trained continuous flow.

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_flow::{
    ContinuousFlow,
    continuous::{Guided, VelocityField},
};

use super::CnfExperiment;
use crate::{
    cli::Sample,
    coordinates::context,
    experiment::write_draws,
    fault::Fault,
    points::{brightness, host, write_points},
};

/// Draws that are solved for at once.
const AT_ONCE: usize = 1000;

/// Flags of `cnf sample`.
#[derive(Args, Clone, Copy, Debug)]
pub struct CnfSampleArgs {
    /// Standard deviation of the base: below 1 the draws lie nearer to the mode
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Draw from this class; all classes in turn if not given, where the flow is conditioned on them
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
    /// How far to go in the direction of the class: 1 draws from what was learned, more makes clearer examples
    #[arg(long, value_name = "W", default_value_t = 1.0, allow_negative_numbers = true)]
    pub guidance: f64,
}

/// All classes, as they were learned.
pub(super) const PLAIN: CnfSampleArgs = CnfSampleArgs { temperature: 1.0, class: None, guidance: 1.0 };

impl CnfExperiment {
    /// Classes of `n` draws as a context.
    pub(super) fn classes(&self, n: usize, class: Option<usize>) -> Option<Tensor<2>> {
        let n_classes = self.config.model.n_classes;
        let labels: Vec<u8> = (0..n).map(|i| class.unwrap_or(i * n_classes / n) as u8).collect();
        context(Some(&labels), n_classes, &self.device)
    }

    /// `n` draws as data, row by row.
    pub(super) fn draw(&self, n: usize, args: CnfSampleArgs, noise: &mut Noise) -> Result<Vec<f32>> {
        let classes = self.classes(n, args.class);
        let mut values = Vec::new();
        for start in (0..n).step_by(AT_ONCE) {
            let m = AT_ONCE.min(n - start);
            let classes = classes.as_ref().map(|classes| classes.clone().narrow(0, start, m));
            let y = match args.guidance {
                1.0 => self.flow.sample_given(m, classes.as_ref(), args.temperature, noise)?,
                weight => {
                    let field = Guided::new(self.flow.field.clone(), weight);
                    let flow = ContinuousFlow::new(field, self.flow.solver(), self.flow.trace())?;
                    flow.sample_given(m, classes.as_ref(), args.temperature, noise)?
                }
            };
            let x = self.preparation.inverse(y);
            values.extend(host(match &self.target {
                Some(target) => target.group.scramble(x, noise),
                None => x,
            }));
        }
        Ok(values)
    }

    /// Whether examples are pictures.
    pub(super) fn is_picture(&self) -> bool {
        self.config.data.shape.as_ref().is_some_and(|shape| shape.len() > 1) || self.preparation.is_grey()
    }

    /// Values as grey from 0 to 1.
    pub(super) fn grey(&self, values: &[f32]) -> Vec<f32> {
        if self.target.is_some() { brightness(values) } else { values.to_vec() }
    }
}

pub(super) fn sample(experiment: &CnfExperiment, args: &Sample, family: &CnfSampleArgs) -> Result<PathBuf> {
    if !(family.temperature.is_finite() && family.temperature >= 0.0) {
        return Err(Fault::usage(format!(
            "--temperature {}: must be finite and at least 0",
            family.temperature
        )));
    }
    let n_classes = experiment.flow.field.n_context();
    if let Some(class) = family.class.filter(|class| *class >= n_classes) {
        return Err(Fault::usage(format!("--class {class}: the flow is conditioned on {n_classes} classes")));
    }
    if family.guidance != 1.0 && n_classes == 0 || !family.guidance.is_finite() {
        return Err(Fault::usage(format!(
            "--guidance {}: a finite number, for a flow that is conditioned on classes",
            family.guidance
        )));
    }
    let noise = &mut Noise::new(args.seed, "sample");
    let values = experiment.draw(args.n, *family, noise)?;
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    if experiment.is_picture() {
        let (rows, columns) = experiment.shape();
        write_draws(&out, &experiment.grey(&values), &values, [args.n, rows, columns])?;
    } else {
        write_points(&out, &values, values.len() / args.n)?;
    }
    Ok(out)
}
