//! The figures over temperature, beside what is known exactly.

use std::path::Path;

use anyhow::Result;
use gibbs_physics::exact;
use gibbs_report::{Axis, Color, Figure, Panel, Series};

use super::{Walker, point::Point};
use crate::system::{Edges, Geometry, Reference, Spins, System, SystemKind};

/// Index of the panel of the specific heat.
const SPECIFIC_HEAT: usize = 1;
/// Points of a line.
const POINTS: usize = 401;
/// Spins up to which a line of sums over all states takes about a second.
const ENUMERATED: usize = 16;
/// Part of the range of temperatures that lines go on for at both ends.
const MARGIN: f64 = 0.05;
/// The specific heat of the infinite lattice diverges: its line is cut at so many times the largest value of this size.
const HEADROOM: f64 = 1.25;
/// Radius of the dots of the first method and of the others, which lie upon them.
const RADII: [f64; 2] = [5.5, 3.0];
/// Colors of two lines and four methods.
const COLORS: usize = 6;

/// Draws `measure.png` and `.svg`: energy, specific heat, magnetization and Binder's cumulant.
pub(super) fn draw(
    system: &System,
    spins: &Spins,
    points: &[Point],
    walkers: &[Walker],
    folder: &Path,
) -> Result<()> {
    let labels = ["energy per spin", "specific heat", "|m|", "Binder cumulant"];
    let temperatures = temperatures(points);
    let exact = finite_lines(system, spins, &temperatures)?;
    let plane = plane_lines(system, &temperatures)?;
    let mut figure = Figure::new(Axis::new("temperature")).columns(2).width(1100);
    for (k, label) in labels.into_iter().enumerate() {
        let of = |walker: Walker, f: &dyn Fn(&Point) -> f64| -> Vec<f64> {
            points.iter().filter(|point| point.walker == walker).map(f).collect()
        };
        let mut axis = Axis::new(label);
        if k == SPECIFIC_HEAT {
            let measured = points.iter().map(|point| point.figures()[k].1.estimate.value);
            let largest = measured.chain(exact[k].iter().copied()).fold(0.0, f64::max);
            axis = axis.range(0.0, HEADROOM * largest);
        }
        let mut panel = Panel::new(axis);
        for (i, (name, line)) in
            [("exact, this size", &exact[k]), ("exact, infinite lattice", &plane[k])].into_iter().enumerate()
        {
            if !line.is_empty() {
                panel =
                    panel.series(Series::new(name, &temperatures, line).color(Color::of_class(i, COLORS)));
            }
        }
        for (i, walker) in walkers.iter().enumerate() {
            let estimate = |point: &Point| point.figures()[k].1.estimate.clone();
            let x = of(*walker, &|point| 1.0 / point.beta);
            let y = of(*walker, &|point| estimate(point).value);
            // An error that cannot be told has no bar.
            let std_err =
                of(*walker, &|point| Some(estimate(point).std_err).filter(|e| e.is_finite()).unwrap_or(0.0));
            let series = Series::new(walker.name(), &x, &y).dots(RADII[i.min(1)]).std_err(&std_err);
            panel = panel.series(series.color(Color::of_class(2 + i, COLORS)));
        }
        figure = figure.panel(panel);
    }
    figure.save(folder.join("measure.png"))?;
    Ok(figure.save(folder.join("measure.svg"))?)
}

/// Temperatures of the lines.
fn temperatures(points: &[Point]) -> Vec<f64> {
    let all = points.iter().map(|point| 1.0 / point.beta);
    let (low, high) = all.fold((f64::INFINITY, 0.0f64), |(low, high), t| (low.min(t), high.max(t)));
    let margin = MARGIN * if high > low { high - low } else { high };
    let (low, high) = (low - margin, high + margin);
    (0..POINTS).map(|i| low + (high - low) * i as f64 / (POINTS - 1) as f64).collect()
}

/// Exact values of this system, empty where they are not known or take long.
fn finite_lines(system: &System, spins: &Spins, temperatures: &[f64]) -> Result<[Vec<f64>; 4]> {
    let mut lines: [Vec<f64>; 4] = Default::default();
    let n = spins.n_spins();
    let Some(first) = Reference::of(system, spins, system.beta)? else { return Ok(lines) };
    let quick = matches!(first.method, "Kaufman" | "Curie-Weiss") || n <= ENUMERATED;
    for t in temperatures.iter().filter(|_| quick) {
        if let Some(reference) = Reference::of(system, spins, 1.0 / t)? {
            let per_spin = reference.thermodynamics.per_spin(n);
            lines[0].push(per_spin.energy);
            lines[1].push(per_spin.heat_capacity);
            lines[2].extend(reference.magnetization.map(|m| m.abs));
            lines[3].extend(reference.magnetization.map(|m| m.binder()));
        }
    }
    Ok(lines)
}

/// Onsager's and Yang's values, of which the square ferromagnet without field is a part.
fn plane_lines(system: &System, temperatures: &[f64]) -> Result<[Vec<f64>; 4]> {
    let mut lines: [Vec<f64>; 4] = Default::default();
    let is_square = system.lattice.as_ref().is_some_and(|text| text.split('x').count() == 2);
    let is_plane = system.kind == SystemKind::Ising
        && system.geometry == Geometry::Hypercubic
        && system.boundary == Edges::Periodic
        && is_square
        && system.field == 0.0
        && system.coupling > 0.0;
    for t in temperatures.iter().filter(|_| is_plane) {
        let beta = system.coupling / t;
        let lattice = exact::onsager(beta)?;
        lines[0].push(system.coupling * lattice.energy);
        lines[1].push(lattice.heat_capacity);
        lines[2].push(exact::yang(beta)?);
    }
    Ok(lines)
}
