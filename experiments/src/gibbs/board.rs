//! `gibbs board`: the table of results, from plans and the runs that were made of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use gibbs_report::write_atomic;
use gibbs_runs::{board, plan::Plan};
use serde_json::json;

use super::Output;
use crate::{
    output::{note, print_json},
    usage::{OrUsage, usage},
};

/// Folder of the plans of the table of results.
const PLANS: &str = "experiments/plans";
/// What the page begins with, in the folder of the plans.
const HEAD: &str = "HEAD.md";

/// Flags of `gibbs board`.
#[derive(Args, Debug)]
pub(super) struct Board {
    /// Plans; those in experiments/plans if not given
    #[arg(value_name = "PLAN.toml")]
    plans: Vec<PathBuf>,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    dir: PathBuf,
    /// Page to write, with results.json next to it; RESULTS.md if not given, in experiments for the plans there
    #[arg(long, value_name = "FILE.md")]
    out: Option<PathBuf>,
    /// Also replace the short table of results in this page
    #[arg(long, value_name = "FILE.md")]
    readme: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn board(args: &Board) -> Result<()> {
    let plans = match args.plans.is_empty() {
        false => args.plans.clone(),
        true => plans()?,
    };
    let mut page = String::from("# Results\n\n");
    if let Some(head) = plans.first().and_then(|plan| fs::read_to_string(plan.with_file_name(HEAD)).ok()) {
        page += &format!("{}\n\n", head.trim());
    }
    let (mut sections, mut all) = (Vec::new(), Vec::new());
    for path in &plans {
        let plan = Plan::read(path).or_usage()?;
        let rows = board::rows(&plan, &args.dir);
        page += &board::to_markdown(&plan, &rows);
        sections.push(board::to_json(&plan, &rows));
        all.extend(rows);
    }
    let json = json!(sections);
    let out = args.out.clone().unwrap_or_else(|| match args.plans.is_empty() {
        true => Path::new(PLANS).with_file_name("RESULTS.md"),
        false => "RESULTS.md".into(),
    });
    write_atomic(&out, format!("{}\n", page.trim_end()).as_bytes())?;
    let table = out.with_file_name("results.json");
    write_atomic(&table, format!("{json:#}\n").as_bytes())?;
    note(format!("wrote {} and {}", out.display(), table.display()));
    if let Some(path) = &args.readme {
        let page = fs::read_to_string(path).or_usage().context(format!("--readme {}", path.display()))?;
        let page = board::with_short_table(&page, &all).ok_or_else(|| {
            usage(format!(
                "--readme {}: no lines `<!-- results -->` and `<!-- end of results -->`",
                path.display()
            ))
        })?;
        write_atomic(path, page.as_bytes())?;
    }
    if args.output.json { print_json(&json, true) } else { Ok(()) }
}

/// The plans of the table of results, in the order of their names.
fn plans() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(PLANS).or_usage().context(format!("{PLANS}: give a PLAN.toml"))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut plans: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    plans.sort();
    match plans.is_empty() {
        true => Err(usage(format!("there are no plans in {PLANS}: give a PLAN.toml"))),
        false => Ok(plans),
    }
}
