//! `gibbs report`: the page about a run.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use gibbs_runs::{Run, report::FILE};

use crate::{
    experiment::{Family, write_report},
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
        note(format!("wrote {}", folder.join(FILE).display()));
    }
    Ok(())
}
