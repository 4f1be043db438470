//! The list of data sets and their download on the command line.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use gibbs_data::{BUILT_IN, download, manifest};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{output::print, usage::OrUsage};

/// The flags of `data`.
#[derive(Args, Debug)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
    /// Folder of the named data sets
    #[arg(long, global = true, env = "GIBBS_DATA_DIR", value_name = "DIR", default_value = "datasets")]
    data_dir: PathBuf,
}

#[derive(Subcommand, Debug)]
enum DataCommand {
    /// Say which sets there are and which are in place
    List,
    /// Download a set, verify its checksums and put it into the data folder
    Get {
        /// Name of the set, such as mnist
        name: String,
    },
}

/// Runs a command on the data sets.
///
/// # Errors
/// Those of a download.
pub fn run(args: &DataArgs) -> Result<()> {
    match &args.command {
        DataCommand::List => list(&args.data_dir).iter().try_for_each(print),
        DataCommand::Get { name } => get(name, &args.data_dir),
    }
}

/// One line for each set: its name, and what it contains or which files are missing.
fn list(data_dir: &Path) -> Vec<String> {
    let status = |name: &str| match gibbs_data::load(name, data_dir) {
        Ok(splits) => splits.train.describe(),
        Err(error) => error.to_string(),
    };
    let built_in = BUILT_IN.iter().map(|(name, text)| format!("{name:17} built in: {text}"));
    built_in
        .chain(manifest::all().iter().map(|set| format!("{:17} {}", set.name, status(&set.name))))
        .collect()
}

/// Downloads a set into the data folder, with a progress bar on stderr. Fails for a set without a public address, a transfer that
/// breaks off, a wrong checksum.
fn get(name: &str, data_dir: &Path) -> Result<()> {
    let bar = ProgressBar::new(0);
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta}")?;
    bar.set_style(style);
    let files = download::download(name, data_dir, |progress| {
        bar.set_message(format!("{} ({} of {})", progress.file, progress.index + 1, progress.files));
        bar.set_length(progress.total.unwrap_or(progress.received));
        bar.set_position(progress.received);
    })
    .or_usage()?;
    bar.finish_with_message(format!("{} files in {}", files.len(), data_dir.join(name).display()));
    Ok(())
}
