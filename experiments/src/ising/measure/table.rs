//! The figures as lines for a terminal.

use gibbs_report::format_value;
use serde_json::Value;

use super::point::{Point, deviation};

/// The figures as lines, and how far from the exact ones they are.
#[allow(clippy::print_stderr, reason = "the table is for the reader at the terminal")]
pub(super) fn show(betas: &[f64], exact: &[Value], points: &[Point]) {
    let columns = ["energy", "specific heat", "|m|", "Binder"];
    let heads = columns.map(|column| format!("{column:>20}")).concat();
    eprintln!("{:>7} {:<11}{heads}   off by   tau(E)  tau(|m|)", "T", "");
    for (beta, exact) in betas.iter().zip(exact) {
        let temperature = format!("{:>7.4}", 1.0 / beta);
        for point in points.iter().filter(|point| point.beta == *beta) {
            let cells = point.figures().map(|(_, average)| {
                format!("{:>20}", format_value(average.estimate.value, average.estimate.std_err))
            });
            let off = deviation(&point.energy.estimate, exact["energy"].as_f64());
            let off = off.map_or_else(String::new, |off| format!("{off:+.2} se"));
            let times = [&point.energy, &point.abs_magnetization].map(|average| average.time.value);
            eprintln!(
                "{temperature} {:<11}{} {off:>8} {:>8.1} {:>9.1}",
                point.walker.name(),
                cells.concat(),
                times[0],
                times[1]
            );
        }
        if exact.is_object() {
            let cells = ["energy", "specific_heat", "abs_magnetization", "binder"].map(|figure| {
                let text = exact[figure].as_f64().map_or_else(String::new, |value| format!("{value:.6}"));
                format!("{text:>20}")
            });
            eprintln!("{temperature} {:<11}{}", "exact", cells.concat());
        }
    }
}
