//! Pictures of flows that solve a differential equation: points and images on their way from the base to the data.

use gibbs_flow::{
    ContinuousFlow,
    continuous::{VelocityField, time},
};

use super::{FlowExperiment, FlowFamily, PANEL_WIDTH};
use crate::{
    pictures::{Frame, column, log_prob_curves, slices},
    prelude::*,
    source::classes,
};

/// Points of a picture of the plane.
const POINTS: usize = 2000;
/// Images and points whose trajectories are shown.
const IMAGES: usize = 8;
const TRAJECTORIES: usize = 150;
/// Times of a trajectory that make it a smooth line.
const SMOOTH: usize = 40;
/// Arrows of a field along each axis.
const ARROWS: usize = 16;
/// Pieces of the lines of an arrow.
const PIECES: usize = 10;

const LINE_COLOR: Color = Color::new(60, 90, 140);
const START_COLOR: Color = Color::new(150, 150, 150);

/// `n` points of the base at `steps + 1` equal distances of time on their way to the data, in the coordinates of the data.
///
/// # Errors
/// An equation that cannot be solved.
pub fn moved_points<F: FlowFamily, V: VelocityField>(
    experiment: &FlowExperiment<F>,
    flow: &ContinuousFlow<V>,
    (n, steps): (usize, usize),
    noise: &mut Noise,
) -> Result<Vec<Vec<f32>>> {
    let times: Vec<f64> = (0..=steps).map(|i| i as f64 / steps as f64).collect();
    let states = flow.points(flow.base(n, noise), None, [0.0, 1.0], &times)?;
    Ok(states.into_iter().map(|state| host(experiment.to_data(state))).collect())
}

/// Trajectories of draws from the base, where they begin as grey dots, to the data.
///
/// # Errors
/// An equation that cannot be solved.
pub fn trajectories<F: FlowFamily, V: VelocityField>(
    experiment: &FlowExperiment<F>,
    flow: &ContinuousFlow<V>,
    frame: &Frame,
) -> Result<Panel> {
    let noise = &mut Noise::new(experiment.config.seed, "ways");
    let states = moved_points(experiment, flow, (TRAJECTORIES, SMOOTH), noise)?;
    let mut panel = frame.panel("trajectories from the base");
    for point in 0..TRAJECTORIES {
        let line = |k: usize| -> Vec<f32> { states.iter().map(|state| state[2 * point + k]).collect() };
        panel = panel.series(Series::new("", &line(0), &line(1)).color(LINE_COLOR));
    }
    let dots = |state: &[f32]| Series::new("", &column(state, 2, 0), &column(state, 2, 1)).dots(2.0);
    Ok(panel.series(dots(&states[0]).color(START_COLOR)).series(dots(&states[SMOOTH])))
}

/// Points of the flow and its velocities at these times, ascending from 0 to 1.
///
/// # Errors
/// An equation that cannot be solved.
pub fn snapshots<F: FlowFamily, V: VelocityField>(
    experiment: &FlowExperiment<F>,
    flow: &ContinuousFlow<V>,
    frame: &Frame,
    times: &[f64],
) -> Result<Figure> {
    let noise = &mut Noise::new(experiment.config.seed, "points");
    let states = flow.points(flow.base(POINTS, noise), None, [0.0, 1.0], times)?;
    let columns = times.len();
    let mut figure = Figure::new(Axis::new("")).columns(columns).width(PANEL_WIDTH * 3 / 4 * columns as u32);
    for (state, &t) in states.into_iter().zip(times) {
        let points = host(experiment.to_data(state));
        figure = figure.panel(frame.dots(&format!("points at t = {}", rounded(t)), &points));
    }
    for &t in times {
        figure = figure.panel(arrows(experiment, flow, frame, t));
    }
    Ok(figure)
}

/// A time to two digits.
fn rounded(t: f64) -> f64 {
    (100.0 * t).round() / 100.0
}

/// The velocities of a time as arrows, the longest nearly as long as their distance.
fn arrows<F: FlowFamily, V: VelocityField>(
    experiment: &FlowExperiment<F>,
    flow: &ContinuousFlow<V>,
    frame: &Frame,
    t: f64,
) -> Panel {
    let preprocessor = &experiment.model.preprocessor;
    let at = frame.centers(ARROWS, &experiment.device);
    let inner = preprocessor.forward(at.clone()).0;
    let v = flow.field.velocity(None).at(&time(t, &inner), inner.clone());
    // A short step along the velocity in the coordinates of the flow, mapped to those of the data.
    const SHORT: f64 = 1e-2;
    let ahead = host(preprocessor.inverse(inner + v * SHORT));
    let at = host(at);
    let moves: Vec<[f32; 2]> =
        at.chunks(2).zip(ahead.chunks(2)).map(|(a, b)| [b[0] - a[0], b[1] - a[1]]).collect();
    let longest = moves.iter().map(|m| m[0].hypot(m[1])).fold(f32::MIN_POSITIVE, f32::max);
    let scale = 0.95 * frame.size() as f32 / ARROWS as f32 / longest;
    let mut panel = frame.panel(&format!("velocities at t = {}", rounded(t)));
    for (from, m) in at.chunks(2).zip(moves) {
        let (dx, dy) = (m[0] * scale, m[1] * scale);
        let tip = [from[0] + dx, from[1] + dy];
        let wing = |side: f32| [tip[0] - 0.4 * dx - side * 0.25 * dy, tip[1] - 0.4 * dy + side * 0.25 * dx];
        let line = [[from[0], from[1]], tip, wing(1.0), tip, wing(-1.0)];
        // Lines of few points are dotted.
        let points = line.windows(2).flat_map(|ends| {
            let [a, b] = [ends[0], ends[1]];
            let along = move |part: f32| [0, 1].map(|k| a[k] + part * (b[k] - a[k]));
            (0..=PIECES).map(move |i| along(i as f32 / PIECES as f32))
        });
        let (x, y): (Vec<f32>, Vec<f32>) = points.map(|point| (point[0], point[1])).unzip();
        panel = panel.series(Series::new("", &x, &y).color(LINE_COLOR));
    }
    panel
}

/// Images on their trajectories from the base.
///
/// # Errors
/// An equation that cannot be solved, or a file that cannot be written.
pub fn images_on_their_way<F: FlowFamily, V: VelocityField>(
    experiment: &FlowExperiment<F>,
    flow: &ContinuousFlow<V>,
    shape: (usize, usize),
    files: &RunFiles,
) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "ways");
    let context = classes(IMAGES, None, flow.field.n_context(), &experiment.device)?;
    let times: Vec<f64> = (0..=8).map(|i| f64::from(i) / 8.0).collect();
    let states = flow.points(flow.base(IMAGES, noise), context.as_ref(), [0.0, 1.0], &times)?;
    let sets: Vec<Vec<f32>> = states.into_iter().map(|state| host(experiment.to_data(state))).collect();
    let titles = times.iter().map(|t| format!("t = {t}"));
    let look = experiment.look();
    let grid = look.grid(shape, &sets.concat()).title("from the base to draws").column_labels(titles);
    Ok(grid.render_columns(&slices(&sets))?.save_png(files.named("flow.png"))?)
}

/// The curves of a run on data: log-densities where they were measured, else its loss.
///
/// # Errors
/// A file that cannot be read or written.
pub fn loss_or_log_prob_curves(name: &str, files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    if run.has("valid_log_prob") {
        return log_prob_curves("log-density (nats)", files);
    }
    let panel = run.panel(name, &[("train", "loss"), ("valid", "valid_loss")]);
    save_figure(&Figure::new(Axis::new("epoch")).panel(panel), files)
}
