//! Pictures of a finished run.

use gibbs_core::variational::Draws;
use gibbs_physics::{continuous::DoubleWell, system::Potential};

use super::{SnfExperiment, profile};
use crate::prelude::*;

/// Draws in a picture of points, and of fields.
const POINTS: usize = 3000;
const FIELDS: usize = 64;

/// Paths behind a profile, and the highest free energy there, kT.
const PROFILE: usize = 20_000;
const HIGHEST: f64 = 15.0;

pub(super) fn draw(experiment: &SnfExperiment, files: &RunFiles) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let look = experiment.look();
    let n = if look.is_of_points() { POINTS } else { FIELDS };
    let (ends, _) = experiment.draw(n, noise);
    save_samples(&look, &format!("ends of {n} paths"), None, &ends, files)?;
    if let Potential::DoubleWell(wells) = &experiment.target.density.potential {
        let (ends, draws) = experiment.draw(PROFILE, noise);
        let first: Vec<f64> = ends.chunks(2).map(|x| f64::from(x[0])).collect();
        figure(wells, &draws, &first).save(files.named("profile.png"))?;
    }
    save_figure(&experiment.target.report().curves(&Curves::read(&files.metrics())?), files)
}

/// The free energy along the first variable.
fn figure(wells: &DoubleWell, draws: &Draws, first: &[f64]) -> Figure {
    let centers = profile::centers();
    let exact: Vec<f64> = centers.iter().map(|x| wells.along(*x)).collect();
    let curve = |name: &str, values: &[f64]| {
        let points = centers.iter().copied().zip(profile::from_minimum(values));
        let (x, y): (Vec<f64>, Vec<f64>) = points.filter(|(_, u)| *u < HIGHEST).unzip();
        Series::new(name, &x, &y)
    };
    let unweighted = profile::profile(first, &vec![0.0; first.len()]);
    let weighted = profile::profile(first, draws.log_weights());
    let panel = Panel::new(Axis::new("free energy (kT)"))
        .series(curve("exact", &exact))
        .series(curve("draws", &unweighted).dots(2.5))
        .series(curve("with weights", &weighted).dots(3.5));
    Figure::new(Axis::new("first variable")).panel(panel)
}
