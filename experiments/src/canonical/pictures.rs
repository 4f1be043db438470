//! Pictures of a finished run.

use gibbs_core::Bijection;
use gibbs_physics::{
    continuous::{Ends, HarmonicChain},
    system::Potential,
};

use super::CanonicalExperiment;
use crate::prelude::*;

/// Draws in a picture of points, and of fields.
const POINTS: usize = 3000;
const FIELDS: usize = 64;

/// Modes that are drawn, from the slowest, and the displacement of an oscillator by which its shape is measured, in its standard
/// deviations: small, so that the shape is the derivative.
const MODES: usize = 4;
const DISPLACEMENT: f64 = 1e-2;

/// Points on a line of an oscillator, and how far it reaches, in standard deviations.
const LINE: usize = 101;
const REACH: f64 = 2.5;

pub(super) fn draw(experiment: &CanonicalExperiment, files: &RunFiles) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let look = experiment.look();
    let n = if look.is_of_points() { POINTS } else { FIELDS };
    let positions = experiment.draw(n, noise);
    save_samples(&look, &independent_draws(n), None, &positions, files)?;
    let figure = match &experiment.target.density.potential {
        Potential::HarmonicChain(chain) => modes(experiment, chain),
        _ if experiment.model.n_positions() == 2 => lines(experiment, &positions),
        _ => Figure::new(Axis::new("oscillator")).panel(frequencies(experiment)),
    };
    figure.save(files.named("modes.png"))?;
    let report = super::report(&experiment.target);
    save_figure(&report.curves(&Curves::read(&files.metrics())?), files)
}

/// The positions `[n]` of points where one oscillator is displaced by parts of its standard deviation and all others rest. Its phase is
/// not determined by training, so this is along `Q_k` or along `P_k`, whichever moves the positions further.
fn displaced(experiment: &CanonicalExperiment, oscillator: usize, by: &[f64]) -> Vec<Vec<f64>> {
    let model = &experiment.model;
    let (n, rows) = (model.n_positions(), by.len());
    let device = model.log_frequencies.val().device();
    let along = |variable: usize, scale: f64| -> Vec<Vec<f64>> {
        let at = |x: f64| (0..2 * n).map(move |k| if k == variable { x * scale } else { 0.0 });
        let z: Vec<f32> = by.iter().flat_map(|x| at(*x)).map(|x| x as f32).collect();
        let z = Tensor::<2>::from_data(TensorData::new(z, [rows, 2 * n]), &device);
        to_host(model.inverse(z, None).0.narrow(1, 0, n)).chunks(n).map(<[f64]>::to_vec).collect()
    };
    let reach =
        |line: &[Vec<f64>]| line[0].iter().zip(&line[rows - 1]).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let lines = [along(oscillator, model.frequencies()[oscillator].recip()), along(oscillator + n, 1.0)];
    let [q, p] = lines;
    if reach(&q) >= reach(&p) { q } else { p }
}

fn frequencies(experiment: &CanonicalExperiment) -> Panel {
    let learned = experiment.frequencies();
    let numbers: Vec<f64> = (1..=learned.len()).map(|k| k as f64).collect();
    let panel = Panel::new(Axis::new("frequency")).x_axis(Axis::new("oscillator"));
    let exact = match &experiment.target.density.potential {
        Potential::HarmonicChain(chain) => vec![Series::new("exact", &numbers, &chain.frequencies())],
        _ => Vec::new(),
    };
    let panel = exact.into_iter().fold(panel, Panel::series);
    panel.series(Series::new("learned", &numbers, &learned).dots(3.0))
}

/// Frequencies and shapes of the modes of a chain. The modes of a ring come in pairs of one frequency, and any rotation of a pair is
/// as good, so only their frequencies are drawn.
fn modes(experiment: &CanonicalExperiment, chain: &HarmonicChain) -> Figure {
    let n = chain.n_particles();
    let numbers: Vec<f64> = (1..=n).map(|k| k as f64).collect();
    let figure = Figure::new(Axis::new("particle")).columns(2).panel(frequencies(experiment));
    if chain.ends() == Ends::Ring {
        return figure;
    }
    let (exact, order) = (chain.modes(), experiment.model.slowest());
    let mut shapes = Panel::new(Axis::new("displacement"));
    for (k, (exact, oscillator)) in exact.chunks(n).zip(order).take(MODES).enumerate() {
        let ends = displaced(experiment, oscillator, &[-DISPLACEMENT, DISPLACEMENT]);
        let shape: Vec<f64> = ends[1].iter().zip(&ends[0]).map(|(a, b)| a - b).collect();
        let overlap: f64 = exact.iter().zip(&shape).map(|(a, b)| a * b).sum();
        let norm = shape.iter().map(|x| x * x).sum::<f64>().sqrt() * overlap.signum();
        let shape: Vec<f64> = shape.iter().map(|x| x / norm).collect();
        shapes = shapes
            .series(Series::new("", &numbers, exact).color(Color::of_class(k, MODES)))
            .series(Series::new("", &numbers, &shape).dots(3.0).color(Color::of_class(k, MODES)));
    }
    figure.panel(shapes.title("slowest modes: exact lines, learned dots"))
}

/// Draws in the plane, and where each oscillator moves them alone.
fn lines(experiment: &CanonicalExperiment, positions: &[f32]) -> Figure {
    let column = |k: usize| positions.chunks(2).map(|x| f64::from(x[k])).collect::<Vec<f64>>();
    let mut panel = Panel::new(Axis::new("second variable"))
        .title("lines of the oscillators, the slowest first")
        .series(Series::new("draws", &column(0), &column(1)).dots(0.8).color(Color::new(180, 180, 180)));
    let by: Vec<f64> = (0..LINE).map(|i| REACH * (2.0 * i as f64 / (LINE - 1) as f64 - 1.0)).collect();
    for (k, oscillator) in experiment.model.slowest().into_iter().enumerate() {
        let line = displaced(experiment, oscillator, &by);
        let [x, y] = [0, 1].map(|k| line.iter().map(|x| x[k]).collect::<Vec<f64>>());
        let name = format!("ω = {:.3}", experiment.frequencies()[k]);
        panel = panel.series(Series::new(name, &x, &y).color(Color::of_class(k, 2)));
    }
    Figure::new(Axis::new("first variable")).panel(panel)
}
