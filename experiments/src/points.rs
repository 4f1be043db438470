//! Points of the plane, and of the first two columns of tables, in pictures.

use std::path::Path;

use anyhow::Result;
use burn::prelude::*;
use gibbs_data::npy;
use gibbs_report::{Axis, Figure, HeatMap, Panel, Series};
use gibbs_train::run_folder::RunFolder;

use crate::{curves::Curves, fault::Fault};

/// Radius of the dots of a scatter plot.
pub const DOT: f64 = 1.2;
/// Part of the points at either end that a frame may leave out, so that a stray one does not set the scale.
const STRAY: f64 = 0.001;

/// The values of a tensor, row by row.
pub fn host(x: Tensor<2>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

/// Fields as grey from 0 to 1, from the largest below zero to that above.
pub fn brightness(values: &[f32]) -> Vec<f32> {
    let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    values.iter().map(|x| 0.5 + 0.5 * x / largest).collect()
}

/// Column `k` of points of so many columns.
pub fn column(values: &[f32], width: usize, k: usize) -> Vec<f32> {
    values.iter().skip(k).step_by(width).copied().collect()
}

/// Writes points as a scatter plot of their first two columns, or as an array.
///
/// # Errors
/// A file of another kind, or that cannot be written.
pub fn write_points(path: &Path, values: &[f32], width: usize) -> Result<()> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => Ok(scatter(&[("", values)], width).save(path)?),
        Some("npy") => Ok(npy::write(path, values, &[values.len() / width, width])?),
        _ => Err(Fault::usage(format!("--out {}: the name must end in .png or .npy", path.display()))),
    }
}

/// The first two columns of sets of points; a single column is drawn against itself.
pub fn scatter(sets: &[(&str, &[f32])], width: usize) -> Figure {
    let second = usize::from(width > 1);
    let panel = |(name, values): &(&str, &[f32])| {
        Panel::new(Axis::new(format!("column {second}")))
            .title(*name)
            .series(Series::new("", &column(values, width, 0), &column(values, width, second)).dots(DOT))
    };
    let figure = Figure::new(Axis::new("column 0")).columns(sets.len().max(1));
    sets.iter().map(panel).fold(figure, Figure::panel)
}

/// Log-density against epochs, from the metrics of the run.
///
/// # Errors
/// A file that cannot be read or written.
pub fn log_prob_curves(folder: &RunFolder) -> Result<()> {
    let run = Curves::read(&folder.files().metrics())?;
    let panel = [("train", "train_log_prob"), ("valid", "valid_log_prob")]
        .into_iter()
        .flat_map(|(label, name)| run.series(label, name))
        .fold(Panel::new(Axis::new("log-density (nats)")), Panel::series);
    let figure = Figure::new(Axis::new("epoch")).panel(panel);
    figure.save(folder.files().named("curves.png"))?;
    Ok(figure.save(folder.files().named("curves.svg"))?)
}

/// A part of the plane.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    /// What holds all points of the plane that are given, but for the most distant ones.
    pub fn around(points: &[f32]) -> Self {
        let range = |k: usize| {
            let mut column: Vec<f64> = column(points, 2, k).into_iter().map(f64::from).collect();
            column.sort_by(f64::total_cmp);
            let stray = (STRAY * column.len() as f64) as usize;
            let (low, high) = (column[stray], column[column.len() - 1 - stray]);
            let room = 0.1 * (high - low);
            (low - room, high + room)
        };
        Self { x: range(0), y: range(1) }
    }

    /// The centers of `cells` by `cells` equal cells, row by row from below: `[cells², 2]`.
    pub fn centers(&self, cells: usize, device: &Device) -> Tensor<2> {
        let center = |(low, high): (f64, f64), i: usize| low + (high - low) * (i as f64 + 0.5) / cells as f64;
        let points: Vec<f32> = (0..cells * cells)
            .flat_map(|i| [center(self.x, i % cells) as f32, center(self.y, i / cells) as f32])
            .collect();
        Tensor::from_data(TensorData::new(points, [cells * cells, 2]), device)
    }

    /// The longer side.
    pub fn size(&self) -> f64 {
        (self.x.1 - self.x.0).max(self.y.1 - self.y.0)
    }

    /// An empty panel.
    pub fn panel(&self, title: &str) -> Panel {
        Panel::new(Axis::new("").range(self.y.0, self.y.1))
            .x_axis(Axis::new("").range(self.x.0, self.x.1))
            .title(title)
            .equal()
    }

    /// A density at the [`centers`](Self::centers).
    pub fn heat(&self, title: &str, density: &[f32]) -> Panel {
        let cells = density.len().isqrt();
        self.panel(title).heat_map(HeatMap::new(density, (cells, cells), self.x, self.y))
    }

    /// Points.
    pub fn dots(&self, title: &str, points: &[f32]) -> Panel {
        self.panel(title).series(Series::new("", &column(points, 2, 0), &column(points, 2, 1)).dots(DOT))
    }
}
