//! The pictures of a finished run.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{Energy, LogProb, math::to_host};
use gibbs_data::Splits;
use gibbs_flow::continuous::{VelocityField, time};
use gibbs_report::{Axis, Color, Figure, ImageGrid, Panel, Series};
use gibbs_train::run_folder::RunFolder;

use super::{CnfExperiment, sample::PLAIN};
use crate::{
    curves::Curves,
    points::{Frame, column, host, log_prob_curves, scatter},
};

/// Draws in a picture of images, and points in one of points.
const SAMPLES: usize = 100;
const POINTS: usize = 2000;
/// Images whose way is shown, and points whose way is.
const IMAGES: usize = 8;
const WAYS: usize = 150;
/// Times between the ends of a way that make it a smooth line.
const SMOOTH: usize = 40;
/// Times at which points and velocities are shown.
const TIMES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Cells of a density along each axis, and arrows of a field.
const CELLS: usize = 150;
const ARROWS: usize = 16;
/// Pieces of the lines of an arrow.
const PIECES: usize = 10;
/// Pixels of a panel.
const PANEL_WIDTH: u32 = 400;

const LINE_COLOR: Color = Color::new(60, 90, 140);
const START_COLOR: Color = Color::new(150, 150, 150);

pub(super) fn draw(experiment: &CnfExperiment, data: &Splits, folder: &RunFolder) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let named = |name: &str| folder.files().named(name);
    if experiment.is_picture() {
        let (rows, columns) = experiment.shape();
        let samples = experiment.draw(SAMPLES, PLAIN, noise)?;
        ImageGrid::new(rows, columns).save(&experiment.grey(&samples), named("samples.png"))?;
        ways_of_images(experiment, folder)?;
    } else {
        let width = experiment.flow.field.n_variables();
        let samples = experiment.draw(POINTS, PLAIN, noise)?;
        let seen = match &experiment.target {
            Some(_) => samples.clone(),
            None => data.test.values(&(0..POINTS.min(data.test.len())).collect::<Vec<_>>()),
        };
        let sets: [(&str, &[f32]); 2] = [("test data", &seen), ("samples", &samples)];
        let sets = if experiment.target.is_some() { &sets[1..] } else { &sets };
        scatter(sets, width).save(named("samples.png"))?;
        if width == 2 && experiment.config.model.n_classes == 0 {
            let frame = Frame::around(&seen);
            density(experiment, &frame, &samples)?.save(named("density.png"))?;
            flow(experiment, &frame)?.save(named("flow.png"))?;
        }
    }
    match &experiment.target {
        Some(_) => free_energy_curves(folder),
        None if experiment.has_losses_only(folder)? => loss_curves(folder),
        None => log_prob_curves(folder),
    }
}

impl CnfExperiment {
    fn has_losses_only(&self, folder: &RunFolder) -> Result<bool> {
        Ok(Curves::read(&folder.files().metrics())?.of("valid_log_prob").0.is_empty())
    }
}

/// The density, beside that to be learned where it is known; draws from it, and their ways from the base.
fn density(experiment: &CnfExperiment, frame: &Frame, samples: &[f32]) -> Result<Figure> {
    let points = frame.centers(CELLS, &experiment.device);
    let exp = |log: Tensor<1>| -> Vec<f32> { to_host(log).into_iter().map(|l| l.exp() as f32).collect() };
    let mut panels = Vec::new();
    let density = match &experiment.target {
        Some(target) => {
            let log_z = target.law.exact.map_or(0.0, |(log_z, _)| log_z);
            let truth = exp(-target.law.potential.energy(points.clone()) - log_z);
            panels.push(frame.heat("density to be learned", &truth));
            exp(target.symmetrized(experiment.flow.clone()).log_prob(points))
        }
        None => {
            let (inner, ladj) = experiment.preparation.forward(points);
            let (log_prob, _) = experiment.flow.try_log_prob(inner, None, None)?;
            exp(log_prob + ladj)
        }
    };
    panels.push(frame.heat("density", &density));
    panels.push(frame.dots("samples", samples));
    panels.push(trajectories(experiment, frame)?);
    let figure = Figure::new(Axis::new("")).columns(panels.len()).width(PANEL_WIDTH * panels.len() as u32);
    Ok(panels.into_iter().fold(figure, Figure::panel))
}

/// Ways of draws from the base, where they begin as grey dots, to the data.
fn trajectories(experiment: &CnfExperiment, frame: &Frame) -> Result<Panel> {
    let noise = &mut Noise::new(experiment.config.seed, "ways");
    let times: Vec<f64> = (0..=SMOOTH).map(|i| i as f64 / SMOOTH as f64).collect();
    let states = experiment.flow.points(experiment.flow.base(WAYS, noise), None, [0.0, 1.0], &times)?;
    let states: Vec<Vec<f32>> =
        states.into_iter().map(|state| host(experiment.preparation.inverse(state))).collect();
    let mut panel = frame.panel("ways from the base");
    for point in 0..WAYS {
        let way = |k: usize| -> Vec<f32> { states.iter().map(|state| state[2 * point + k]).collect() };
        panel = panel.series(Series::new("", &way(0), &way(1)).color(LINE_COLOR));
    }
    let dots = |state: &[f32]| Series::new("", &column(state, 2, 0), &column(state, 2, 1)).dots(2.0);
    Ok(panel.series(dots(&states[0]).color(START_COLOR)).series(dots(&states[SMOOTH])))
}

/// Points of the flow and its velocities at several times.
fn flow(experiment: &CnfExperiment, frame: &Frame) -> Result<Figure> {
    let noise = &mut Noise::new(experiment.config.seed, "points");
    let base = experiment.flow.base(POINTS, noise);
    let states = experiment.flow.points(base, None, [0.0, 1.0], &TIMES)?;
    let columns = TIMES.len();
    let mut figure = Figure::new(Axis::new("")).columns(columns).width(PANEL_WIDTH * 3 / 4 * columns as u32);
    for (state, t) in states.into_iter().zip(TIMES) {
        let points = host(experiment.preparation.inverse(state));
        figure = figure.panel(frame.dots(&format!("points at t = {t}"), &points));
    }
    for t in TIMES {
        figure = figure.panel(arrows(experiment, frame, t));
    }
    Ok(figure)
}

/// The velocities of a time as arrows, the longest nearly as long as their distance.
fn arrows(experiment: &CnfExperiment, frame: &Frame, t: f64) -> Panel {
    let at = frame.centers(ARROWS, &experiment.device);
    let inner = experiment.preparation.forward(at.clone()).0;
    let v = experiment.flow.field.velocity(None).at(&time(t, &inner), inner.clone());
    // A short way along the velocity in the coordinates of the flow, seen in those of the data.
    const SHORT: f64 = 1e-2;
    let ahead = host(experiment.preparation.inverse(inner + v * SHORT));
    let at = host(at);
    let moves: Vec<[f32; 2]> =
        at.chunks(2).zip(ahead.chunks(2)).map(|(a, b)| [b[0] - a[0], b[1] - a[1]]).collect();
    let longest = moves.iter().map(|m| m[0].hypot(m[1])).fold(f32::MIN_POSITIVE, f32::max);
    let scale = 0.95 * frame.size() as f32 / ARROWS as f32 / longest;
    let mut panel = frame.panel(&format!("velocities at t = {t}"));
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

/// Images on their way from the base.
fn ways_of_images(experiment: &CnfExperiment, folder: &RunFolder) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let noise = &mut Noise::new(experiment.config.seed, "ways");
    let classes = experiment.classes(IMAGES, None);
    let times: Vec<f64> = (0..=8).map(|i| f64::from(i) / 8.0).collect();
    let base = experiment.flow.base(IMAGES, noise);
    let states = experiment.flow.points(base, classes.as_ref(), [0.0, 1.0], &times)?;
    let sets: Vec<Vec<f32>> = states
        .into_iter()
        .map(|state| experiment.grey(&host(experiment.preparation.inverse(state))))
        .collect();
    let sets: Vec<&[f32]> = sets.iter().map(Vec::as_slice).collect();
    let titles = times.iter().map(|t| format!("{t}"));
    let picture = ImageGrid::new(rows, columns).column_labels(titles).render_columns(&sets)?;
    Ok(picture.save_png(folder.files().named("flow.png"))?)
}

fn save(figure: &Figure, folder: &RunFolder) -> Result<()> {
    figure.save(folder.files().named("curves.png"))?;
    Ok(figure.save(folder.files().named("curves.svg"))?)
}

fn curves(folder: &RunFolder, axis: &str, names: &[(&str, &str)]) -> Result<()> {
    let run = Curves::read(&folder.files().metrics())?;
    let panel = names
        .iter()
        .flat_map(|(label, name)| run.series(label, name))
        .fold(Panel::new(Axis::new(axis)), Panel::series);
    save(&Figure::new(Axis::new("epoch")).panel(panel), folder)
}

/// The loss of flow matching against epochs.
fn loss_curves(folder: &RunFolder) -> Result<()> {
    curves(folder, "loss of flow matching", &[("train", "loss"), ("valid", "valid_loss")])
}

/// The free energy against epochs.
fn free_energy_curves(folder: &RunFolder) -> Result<()> {
    let names = [("upper bound", "valid_free_energy"), ("corrected", "valid_free_energy_corrected")];
    curves(folder, "free energy per site", &names)
}
