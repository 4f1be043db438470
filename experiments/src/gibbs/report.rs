//! `gibbs report`: the page about a run.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use gibbs_runs::{Run, report::page};

use crate::{
    experiment::{Family, REPORT},
    output::note,
    usage::OrUsage,
};

/// Flags of `gibbs report`.
#[derive(Args, Debug)]
pub(super) struct Report {
    /// Run folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub(super) fn report(args: &Report, families: &[&Family]) -> Result<()> {
    for folder in &args.runs {
        let run = Run::read(folder).or_usage()?;
        let family = families.iter().find(|family| family.name == run.family());
        let pictures = family.map_or(&[] as &[_], |family| family.pictures);
        write_report(folder, pictures)?;
        note(format!("wrote {}", folder.join(REPORT).display()));
    }
    Ok(())
}

/// Writes the page about the run in a folder.
///
/// # Errors
/// A folder without a run, a damaged `metrics.jsonl`, or a file that cannot be written.
pub fn write_report(folder: &Path, pictures: &[(&str, &str)]) -> Result<()> {
    let run = Run::read(folder).or_usage()?;
    Ok(page(&run, pictures)?.save(folder.join(REPORT))?)
}
