//! `gibbs runs`: an overview of runs.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use gibbs_report::Table;
use gibbs_runs::{Run, report::duration};
use serde_json::{Value, json};

use super::Output;
use crate::{
    output::{note, print, print_json, width},
    usage::{OrUsage, usage},
};

/// Flags of `gibbs runs`.
#[derive(Args, Debug)]
pub(super) struct Runs {
    /// Folder to search
    #[arg(default_value = "runs")]
    dir: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(super) fn runs(args: &Runs) -> Result<()> {
    if !args.dir.is_dir() {
        return Err(usage(format!(
            "{} is no folder: train a model, or name the folder of your runs",
            args.dir.display()
        )));
    }
    let runs = Run::find(&args.dir).or_usage()?;
    if args.output.json {
        return print_json(&json!(runs.iter().map(to_json).collect::<Vec<_>>()), true);
    }
    if runs.is_empty() {
        note(format!("there are no runs below {}", args.dir.display()));
        return Ok(());
    }
    let mut table =
        Table::new(["run", "family", "data", "seed", "state", "main metric", "time"]).right(3).right(6);
    for run in &runs {
        let metric = run.metrics().first().map_or(String::new(), |metric| {
            let mark = if metric.unreliable.is_some() { " (unreliable)" } else { "" };
            format!("{} {} {}{mark}", metric.name, metric.text(), metric.unit)
        });
        table = table.row([
            run.folder().display().to_string(),
            run.family().to_string(),
            run.source(),
            run.seed().map_or(String::new(), |seed| seed.to_string()),
            run.state().name().to_string(),
            metric.trim_end().to_string(),
            run.seconds().map_or(String::new(), duration),
        ]);
    }
    print(table.to_text(width()))
}

fn to_json(run: &Run) -> Value {
    let metric = run.metrics().first().map(|metric| {
        json!({
            "name": metric.name,
            "value": metric.value,
            "std_err": metric.std_err,
            "std_err_examples": metric.std_err_examples,
            "kind": metric.kind,
            "unit": metric.unit,
            "unreliable": metric.unreliable,
        })
    });
    json!({
        "run": run.folder(),
        "family": run.family(),
        "data": run.source(),
        "seed": run.seed(),
        "state": run.state().name(),
        "reason": match run.state() {
            gibbs_runs::RunState::Damaged(reason) => Some(reason),
            _ => None,
        },
        "metric": metric,
        "seconds": run.seconds(),
    })
}
