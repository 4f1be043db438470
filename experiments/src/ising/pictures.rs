//! The pictures of a run.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_physics::{Hamiltonian, Pairwise, inverse::coupling_error};
use gibbs_report::{Axis, Color, Figure, ImageGrid, Panel, Series};
use gibbs_train::run_folder::RunFolder;

use super::{IsingExperiment, data, draws};

/// Draws in the picture of samples.
const SAMPLES: usize = 100;

pub(super) fn draw(experiment: &IsingExperiment, folder: &RunFolder) -> Result<()> {
    let IsingExperiment { config, learned } = experiment;
    let noise = Noise::new(config.seed, "pictures");
    let (spins, _) = draws::draw(learned, SAMPLES, config.train.walk, &noise)?;
    let (rows, columns) = config.data.picture_shape(learned.n_spins());
    let grey: Vec<f32> = spins.iter().map(|s| 0.5 * (f32::from(*s) + 1.0)).collect();
    ImageGrid::new(rows, columns).save(&grey, folder.files().named("samples.png"))?;
    if let Some(truth) = data::truth(config)? {
        let panel = reconstruction(config.model.kind.name(), learned, &truth);
        let figure =
            Figure::new(Axis::new("true coupling \u{3b2}J")).panel(panel).width(700).panel_height(520);
        figure.save(folder.files().named("reconstruction.png"))?;
        figure.save(folder.files().named("reconstruction.svg"))?;
    }
    Ok(())
}

/// Learned couplings against true ones, with the diagonal on which they should lie.
pub(super) fn reconstruction(method: &str, learned: &Pairwise, truth: &Pairwise) -> Panel {
    /// Radius of the dots of as many pairs as a picture can tell apart, and of more.
    const RADII: (usize, [f64; 2]) = (1000, [2.5, 1.2]);
    let n = truth.n_spins();
    let (matrix, true_matrix) = (learned.matrix(), truth.matrix());
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| i * n + j));
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.map(|at| (true_matrix[at], matrix[at])).unzip();
    let ends = x.iter().fold([0.0f64, 0.0], |[low, high], x| [low.min(*x), high.max(*x)]);
    let error = 100.0 * coupling_error(learned, truth).relative;
    let radius = RADII.1[usize::from(x.len() > RADII.0)];
    Panel::new(Axis::new("learned"))
        .title(format!("{}, relative error {error:.1} %", method.replace('_', " ")))
        .series(Series::new("", &ends, &ends).color(Color::gray(150)))
        .series(Series::new("", &x, &y).dots(radius).color(Color::of_class(0, 1)))
}
