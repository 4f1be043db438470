//! The pictures of a finished run.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{Bijection, ConditionalLogProb, Energy, LogProb, math::to_host};
use gibbs_data::Splits;
use gibbs_report::{Axis, Figure, ImageGrid, Panel, Series};
use gibbs_train::run_folder::RunFolder;

use super::{RealNvpExperiment, physics};
use crate::{
    coordinates::context,
    points::{Frame, column, host, log_prob_curves, scatter},
};

/// Draws in a picture of images, and points in one of points.
const SAMPLES: usize = 100;
const POINTS: usize = 2000;
/// Cells of a density along each axis.
const CELLS: usize = 200;
/// Pixels of each of its panels.
const PANEL_WIDTH: u32 = 400;
/// Lines of the warped grid along each axis, points on each, and how far it goes in the base.
const LINES: usize = 25;
const LINE_POINTS: usize = 200;
const REACH: f64 = 2.5;
/// Pairs of images between which is interpolated, and images between them.
const PAIRS: usize = 8;
const BETWEEN: usize = 8;

pub(super) fn draw(experiment: &RealNvpExperiment, data: &Splits, folder: &RunFolder) -> Result<()> {
    if let Some(target) = &experiment.target {
        return physics::draw(experiment, target, folder);
    }
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    if experiment.is_picture() {
        let (rows, columns) = experiment.shape();
        let samples = host(experiment.draw(SAMPLES, None, 1.0, &mut noise));
        ImageGrid::new(rows, columns).save(&samples, folder.files().named("samples.png"))?;
        interpolation(experiment, data, folder)?;
    } else {
        let width = experiment.flow.n_variables();
        let n = POINTS.min(data.test.len());
        let test = data.test.values(&(0..n).collect::<Vec<_>>());
        let samples = host(experiment.draw(n, None, 1.0, &mut noise));
        let sets: [(&str, &[f32]); 2] = [("test data", &test), ("samples", &samples)];
        scatter(&sets, width).save(folder.files().named("samples.png"))?;
        if width == 2 && experiment.flow.n_context() == 0 {
            density(experiment, &test, &samples).save(folder.files().named("density.png"))?;
        }
    }
    log_prob_curves(folder)
}

/// The density, beside that to be learned where it is known; draws from it, and what becomes of a grid in the base. The frame is
/// that of `seen` points.
pub(super) fn density(experiment: &RealNvpExperiment, seen: &[f32], samples: &[f32]) -> Figure {
    let (frame, device) = (Frame::around(seen), &experiment.device);
    let points = frame.centers(CELLS, device);
    let exp = |log: Tensor<1>| -> Vec<f32> { to_host(log).into_iter().map(|l| l.exp() as f32).collect() };
    let target = experiment.target.as_ref().map(|target| {
        let log_z = target.law.exact.map_or(0.0, |(log_z, _)| log_z);
        exp(-target.law.potential.energy(points.clone()) - log_z)
    });
    let density = match &experiment.target {
        Some(target) => exp(target.symmetrized(experiment.flow.clone()).log_prob(points)),
        None => {
            let (inner, ladj) = experiment.preparation.forward(points);
            exp(experiment.flow.log_prob_given(inner, None) + ladj)
        }
    };

    let mut warped = frame.panel("a grid of the base");
    for line in grid() {
        let z = Tensor::<2>::from_data(TensorData::new(line, [LINE_POINTS, 2]), device);
        let points = host(experiment.preparation.inverse(experiment.flow.inverse(z, None).0));
        let line = Series::new("", &column(&points, 2, 0), &column(&points, 2, 1));
        warped = warped.series(line.color(LINE_COLOR));
    }
    let target = target.iter().map(|target| frame.heat("density to be learned", target));
    let own = [frame.heat("density", &density), frame.dots("samples", samples), warped];
    let panels: Vec<Panel> = target.chain(own).collect();
    let figure = Figure::new(Axis::new("")).columns(panels.len()).width(PANEL_WIDTH * panels.len() as u32);
    panels.into_iter().fold(figure, Figure::panel)
}

const LINE_COLOR: gibbs_report::Color = gibbs_report::Color::new(60, 90, 140);

/// Lines along both axes, as points `[n, 2]`.
fn grid() -> impl Iterator<Item = Vec<f32>> {
    let place = |i: usize, n: usize| (REACH * (2.0 * i as f64 / (n - 1) as f64 - 1.0)) as f32;
    (0..2 * LINES).map(move |line| {
        let (axis, at) = (line % 2, place(line / 2, LINES));
        (0..LINE_POINTS)
            .flat_map(|i| if axis == 0 { [at, place(i, LINE_POINTS)] } else { [place(i, LINE_POINTS), at] })
            .collect()
    })
}

/// Test images and the straight lines between them in the base.
fn interpolation(experiment: &RealNvpExperiment, data: &Splits, folder: &RunFolder) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let n = PAIRS.min(data.test.len() / 2);
    let ends = |first: usize| -> (Tensor<2>, Option<Tensor<2>>) {
        let rows: Vec<usize> = (0..n).map(|i| 2 * i + first).collect();
        let batch = data.test.batch(&rows, &experiment.device);
        let labels = context(batch.labels.as_deref(), experiment.flow.n_context(), &experiment.device);
        let inner = experiment.preparation.forward(batch.x).0;
        (experiment.flow.forward(inner, labels.as_ref()).0, labels)
    };
    let ((from, labels), (to, _)) = (ends(0), ends(1));
    let sets: Vec<Vec<f32>> = (0..BETWEEN + 2)
        .map(|k| {
            let part = k as f64 / (BETWEEN + 1) as f64;
            // Along the arc: the base has nearly all of its mass at one distance from its center.
            let (a, b) = ((1.0 - part) * QUARTER_TURN, part * QUARTER_TURN);
            let z = from.clone() * a.sin() + to.clone() * b.sin();
            host(experiment.preparation.inverse(experiment.flow.inverse(z, labels.as_ref()).0))
        })
        .collect();
    let sets: Vec<&[f32]> = sets.iter().map(Vec::as_slice).collect();
    let picture = ImageGrid::new(rows, columns).render_columns(&sets)?;
    Ok(picture.save_png(folder.files().named("interpolation.png"))?)
}

/// A quarter of a turn, from one direction to another at a right angle, as those of two independent draws nearly are.
const QUARTER_TURN: f64 = std::f64::consts::FRAC_PI_2;
