//! Pictures of a finished run.

use gibbs_flow::symplectic::CollectiveCoordinate;
use gibbs_physics::{
    continuous::{Ends, HarmonicChain},
    system::{ContinuousSystemConfig, Potential},
};

use super::CanonicalExperiment;
use crate::{prelude::*, variational::SymmetrizedTarget};

/// Draws in a picture of points, and of fields.
const POINTS: usize = 3000;
const FIELDS: usize = 64;

/// Modes that are drawn, from the slowest, and the displacement of an oscillator by which its shape is measured, in its standard
/// deviations: small, so that the shape is the derivative.
const MODES: usize = 4;
const DISPLACEMENT: f64 = 1e-2;

/// Pixels of a panel.
const PANEL_WIDTH: u32 = 600;

/// Points on a line of an oscillator, and how far it reaches, in standard deviations.
const LINE: usize = 101;
const REACH: f64 = 2.5;

pub(super) fn draw(
    experiment: &CanonicalExperiment,
    source: &Source<ContinuousSystemConfig>,
    files: &RunFiles,
) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let look = experiment.look();
    let n = if look.is_of_points() { POINTS } else { FIELDS };
    let positions = experiment.draw(n, noise);
    let data = source.data().ok();
    save_samples(&look, &independent_draws(n), data.map(|data| &data.test), &positions, files)?;
    let mut panels = vec![frequencies(experiment)];
    if let Some(Potential::HarmonicChain(chain)) = experiment.potential()
        && chain.ends() == Ends::Walls
    {
        panels.push(modes(experiment, chain));
    } else if experiment.model.n_positions() == 2 {
        panels.push(lines(experiment, &positions));
    }
    panels.extend(experiment.target.as_ref().map(|target| slow(experiment, target)));
    let figure = Figure::new(Axis::new("")).columns(panels.len()).width(PANEL_WIDTH * panels.len() as u32);
    panels.into_iter().fold(figure, Figure::panel).save(files.named("modes.png"))?;
    let curves = Curves::read(&files.metrics())?;
    let figure = match &experiment.target {
        Some(target) => super::report(target).curves(&curves),
        None => {
            let names = [("valid", "valid_log_prob_bound"), ("train", "train_log_prob_bound")];
            Figure::new(Axis::new("epoch")).panel(curves.panel("bound of the log-density (nats)", &names))
        }
    };
    save_figure(&figure, files)
}

/// Positions `[n]` where one coordinate has these values and all other variables rest.
fn displaced(experiment: &CanonicalExperiment, along: CollectiveCoordinate, by: &[f64]) -> Vec<Vec<f64>> {
    let n = experiment.model.n_positions();
    let positions = experiment.positions(experiment.model.along(along, by));
    to_host(positions).chunks(n).map(<[f64]>::to_vec).collect()
}

fn frequencies(experiment: &CanonicalExperiment) -> Panel {
    let learned = experiment.frequencies();
    let numbers: Vec<f64> = (1..=learned.len()).map(|k| k as f64).collect();
    let panel = Panel::new(Axis::new("frequency")).x_axis(Axis::new("oscillator"));
    let exact = match experiment.potential() {
        Some(Potential::HarmonicChain(chain)) => vec![Series::new("exact", &numbers, &chain.frequencies())],
        _ => Vec::new(),
    };
    let panel = exact.into_iter().fold(panel, Panel::series);
    panel.series(Series::new("learned", &numbers, &learned).dots(3.0))
}

/// Shapes of the slowest modes of a chain between walls. Those of a ring come in pairs of one frequency, and any rotation of a pair is
/// as good.
fn modes(experiment: &CanonicalExperiment, chain: &HarmonicChain) -> Panel {
    let n = chain.n_particles();
    let numbers: Vec<f64> = (1..=n).map(|k| k as f64).collect();
    let (exact, coordinates) = (chain.modes(), experiment.coordinates());
    let mut shapes = Panel::new(Axis::new("displacement")).x_axis(Axis::new("particle"));
    for (k, (exact, along)) in exact.chunks(n).zip(coordinates).take(MODES).enumerate() {
        let ends = displaced(experiment, along, &[-DISPLACEMENT, DISPLACEMENT]);
        let shape: Vec<f64> = ends[1].iter().zip(&ends[0]).map(|(a, b)| a - b).collect();
        let overlap: f64 = exact.iter().zip(&shape).map(|(a, b)| a * b).sum();
        let norm = shape.iter().map(|x| x * x).sum::<f64>().sqrt() * overlap.signum();
        let shape: Vec<f64> = shape.iter().map(|x| x / norm).collect();
        shapes = shapes
            .series(Series::new("", &numbers, exact).color(Color::of_class(k, MODES)))
            .series(Series::new("", &numbers, &shape).dots(3.0).color(Color::of_class(k, MODES)));
    }
    shapes.title("slowest modes: exact lines, learned dots")
}

/// Draws in the plane, and where each oscillator moves them alone.
fn lines(experiment: &CanonicalExperiment, positions: &[f32]) -> Panel {
    let column = |k: usize| positions.chunks(2).map(|x| f64::from(x[k])).collect::<Vec<f64>>();
    let mut panel = Panel::new(Axis::new("second variable"))
        .x_axis(Axis::new("first variable"))
        .title("lines of the oscillators, the slowest first")
        .equal()
        .series(Series::new("draws", &column(0), &column(1)).dots(0.8).color(Color::new(180, 180, 180)));
    let by: Vec<f64> = (0..LINE).map(|i| REACH * (2.0 * i as f64 / (LINE - 1) as f64 - 1.0)).collect();
    for (k, along) in experiment.coordinates().into_iter().enumerate() {
        let line = displaced(experiment, along, &by);
        let [x, y] = [0, 1].map(|k| line.iter().map(|x| x[k]).collect::<Vec<f64>>());
        let name = format!("ω = {:.3}", experiment.frequencies()[k]);
        panel = panel.series(Series::new(name, &x, &y).color(Color::of_class(k, 2)));
    }
    panel
}

/// The oscillator that follows the known slow coordinate, against it.
fn slow(experiment: &CanonicalExperiment, target: &SymmetrizedTarget) -> Panel {
    let slow = experiment.slow_coordinate(target);
    let axis = Axis::new(format!("oscillator {} (standard deviations)", slow.number));
    let panel = Panel::new(axis)
        .x_axis(Axis::new(target.density.slow_coordinate().name()))
        .title("the slow coordinate that is known");
    let of = |name: &str, positions| {
        let [known, learned] = experiment.slow_values(target, &slow, positions);
        Series::new(name, &known, &learned).dots(1.5)
    };
    let walked = of("positions of the Hamiltonian", experiment.walked(target));
    panel.series(walked.color(Color::new(180, 180, 180))).series(of("draws", experiment.resting("metrics")))
}
