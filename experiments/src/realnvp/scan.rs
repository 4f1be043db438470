//! Autocorrelation times of several Hamiltonians, in one table and one picture.

use std::collections::BTreeMap;

use super::measure::MeasuredRun;
use crate::{output::note, prelude::*};

/// Columns of the picture, and pixels along one.
const COLUMNS: usize = 3;
const WIDTH: u32 = 480;

/// The metric that is compared.
const TIME: &str = "abs_mean_time";

/// The autocorrelation time of `|mean|` by a method, with its error.
fn time(run: &MeasuredRun, method: usize) -> (f64, f64) {
    let metrics = run.methods[method].metrics.read();
    let found = metrics.into_iter().find(|metric| metric.name == TIME);
    found.map_or((f64::NAN, f64::NAN), |metric| (metric.value, metric.std_err))
}

/// The name of a method in a table.
fn name(run: &MeasuredRun, method: usize) -> String {
    run.methods[method].method.replace('_', " ")
}

/// The autocorrelation times of `|mean|`, a line for each run, on stderr.
pub(super) fn show(runs: &[MeasuredRun]) {
    let width = runs.iter().map(|run| run.system.describe().chars().count()).max().unwrap_or(0);
    let cells: String = (0..runs[0].methods.len()).map(|k| format!("{:>24}", name(&runs[0], k))).collect();
    note(format!("{:<width$}{cells}", "autocorrelation time of |mean|"));
    for run in runs {
        let cell = |method| {
            let (value, std_err) = time(run, method);
            format!("{:>24}", format!("{value:.2} ± {std_err:.2}"))
        };
        let cells: String = (0..run.methods.len()).map(cell).collect();
        note(format!("{:<width$}{cells}", run.system.describe()));
    }
}

/// The same against temperature, a panel for each size; against the number of variables if there are no temperatures.
pub(super) fn figure(runs: &[MeasuredRun]) -> Figure {
    let temperature = |run: &MeasuredRun| run.system.beta.map(f64::recip);
    let is_scan = runs.iter().all(|run| temperature(run).is_some());
    let mut groups: BTreeMap<usize, Vec<(f64, &MeasuredRun)>> = BTreeMap::new();
    for run in runs {
        let size = run.n_variables;
        let (panel, x) = if is_scan { (size, temperature(run)) } else { (0, Some(size as f64)) };
        groups.entry(panel).or_default().extend(x.map(|x| (x, run)));
    }
    let figure = Figure::new(Axis::new(if is_scan { "temperature" } else { "variables" }));
    let columns = groups.len().clamp(1, COLUMNS);
    let figure = figure.columns(columns).width(WIDTH * columns.max(2) as u32).share_limits();
    groups.into_iter().fold(figure, |figure, (size, mut chosen)| {
        chosen.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let x: Vec<f64> = chosen.iter().map(|(x, _)| *x).collect();
        let n_methods = chosen[0].1.methods.len();
        let of_method = |method: usize| {
            let (times, errors): (Vec<f64>, Vec<f64>) =
                chosen.iter().map(|(_, run)| time(run, method)).unzip();
            let series = Series::new(name(chosen[0].1, method), &x, &times).std_err(&errors);
            series.color(Color::of_class(method, n_methods))
        };
        let panel = Panel::new(Axis::new("autocorrelation time (steps)").log());
        let panel = if is_scan { panel.title(format!("|mean| of {size} sites")) } else { panel };
        figure.panel((0..n_methods).map(of_method).fold(panel, Panel::series))
    })
}
