//! Autocorrelation times of several Hamiltonians, in one table and one picture.

use super::measure::MeasuredRun;
use crate::{output::note, prelude::*};

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

/// The same against temperature, a line for each size and method; against the number of variables if there are no temperatures.
pub(super) fn figure(runs: &[MeasuredRun]) -> Figure {
    let temperature = |run: &MeasuredRun| run.system.beta.map(f64::recip);
    let is_scan = runs.iter().all(|run| temperature(run).is_some());
    let mut sizes: Vec<usize> = runs.iter().map(|run| run.n_variables).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if !is_scan {
        sizes.truncate(1);
    }
    let mut panel = Panel::new(Axis::new("integrated autocorrelation time of |mean| (steps)").log());
    let n_methods = runs.first().map_or(0, |run| run.methods.len());
    for (index, &size) in sizes.iter().enumerate() {
        let mut chosen: Vec<(f64, &MeasuredRun)> = runs
            .iter()
            .filter(|run| !is_scan || run.n_variables == size)
            .map(|run| (temperature(run).filter(|_| is_scan).unwrap_or(run.n_variables as f64), run))
            .collect();
        chosen.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let x: Vec<f64> = chosen.iter().map(|(x, _)| *x).collect();
        for method in 0..n_methods {
            let (times, errors): (Vec<f64>, Vec<f64>) =
                chosen.iter().map(|(_, run)| time(run, method)).unzip();
            let of_size = if is_scan { format!(", {size} sites") } else { String::new() };
            let label = format!("{}{of_size}", name(chosen[0].1, method));
            let color = Color::of_class(index * n_methods + method, sizes.len() * n_methods);
            panel = panel.series(Series::new(label, &x, &times).std_err(&errors).color(color));
        }
    }
    Figure::new(Axis::new(if is_scan { "temperature" } else { "variables" })).panel(panel)
}
