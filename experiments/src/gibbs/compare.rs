//! `gibbs compare`: runs side by side.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use gibbs_report::Table;
use gibbs_runs::{Run, compare::Comparison, curves};
use serde_json::Value;

use super::Output;
use crate::{
    output::{note, print, print_json, width},
    usage::{OrUsage, check_out_file},
};

/// Flags of `gibbs compare`.
#[derive(Args, Debug)]
pub(super) struct Compare {
    /// Run folders; the others are compared with the first
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Folder for the curves, compare.png and compare.svg
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(super) fn compare(args: &Compare) -> Result<()> {
    let runs: Vec<Run> = args.runs.iter().map(Run::read).collect::<Result<_, _>>().or_usage()?;
    let comparison = Comparison::of(&runs);
    let names = short_names(&comparison.runs);
    draw(args, &runs, &names)?;
    if args.output.json {
        return print_json(&comparison.to_json(), true);
    }
    let header = |first: &str| std::iter::once(first.to_string()).chain(names.iter().cloned());
    let mut settings = Table::new(header("setting"));
    for setting in &comparison.settings {
        let shown = |value: &Option<Value>| value.as_ref().map_or("-".into(), shown);
        settings =
            settings.row(std::iter::once(setting.path.clone()).chain(setting.values.iter().map(shown)));
    }
    let mut metrics = Table::new(header("metric"));
    for row in &comparison.metrics {
        let cells = row.metrics.iter().enumerate().map(|(k, metric)| {
            let Some(metric) = metric else { return "-".to_string() };
            let difference = (k > 0).then(|| row.difference(k)).flatten();
            let difference = difference.map_or(String::new(), |difference| format!(" ({difference})"));
            format!("{} {}{difference}", metric.text(), metric.unit).trim_end().to_string()
        });
        metrics = metrics.row(std::iter::once(row.name.clone()).chain(cells));
    }
    if settings.is_empty() {
        print("all settings are the same")?;
    } else {
        print(settings.to_text(width()))?;
    }
    print("")?;
    match metrics.is_empty() {
        true => print("no run has ended, so there are no metrics"),
        false => print(metrics.to_text(width())),
    }
}

/// A value of a setting without the quotes of text.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// The paths without the folders that all of them share.
fn short_names(runs: &[String]) -> Vec<String> {
    let parts: Vec<Vec<&str>> =
        runs.iter().map(|run| run.trim_end_matches('/').split('/').collect()).collect();
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(1);
    let shared = (0..shortest - 1).take_while(|&k| parts.iter().all(|own| own[k] == parts[0][k])).count();
    parts.iter().map(|own| own[shared..].join("/")).collect()
}

/// Draws the curves of the runs over each other.
fn draw(args: &Compare, runs: &[Run], names: &[String]) -> Result<()> {
    let curves: Vec<Vec<curves::Curve>> =
        runs.iter().map(|run| curves::read(run.folder())).collect::<Result<_, _>>().or_usage()?;
    let named: Vec<(&str, &[curves::Curve])> =
        names.iter().map(String::as_str).zip(curves.iter().map(Vec::as_slice)).collect();
    let Some(figure) = curves::figure(&named) else { return Ok(()) };
    fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;
    for name in ["compare.png", "compare.svg"] {
        let path = args.out.join(name);
        check_out_file("--out", &path)?;
        figure.save(&path)?;
        note(format!("wrote {}", path.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_leave_out_what_all_share() {
        let names = short_names(&["runs/a".into(), "runs/b/".into()]);
        assert_eq!(names, ["a", "b"]);
        assert_eq!(short_names(&["a".into(), "runs/b".into()]), ["a", "runs/b"]);
        assert_eq!(short_names(&["x/a/r".into(), "x/b/r".into()]), ["a/r", "b/r"]);
    }
}
