//! The list of data sets and their download on the command line.

use std::path::Path;

use anyhow::Result;
use gibbs_data::{BUILT_IN, download, manifest};
use indicatif::{ProgressBar, ProgressStyle};

use crate::usage::OrUsage;

/// One line for each set: its name, and what it contains or which files are missing.
pub fn list(data_dir: &Path) -> Vec<String> {
    let status = |name: &str| match gibbs_data::load(name, data_dir) {
        Ok(splits) => splits.train.describe(),
        Err(error) => error.to_string(),
    };
    let built_in = BUILT_IN.iter().map(|(name, text)| format!("{name:17} built in: {text}"));
    built_in
        .chain(manifest::all().iter().map(|set| format!("{:17} {}", set.name, status(&set.name))))
        .collect()
}

/// Downloads a set into the data folder, with a progress bar on stderr.
///
/// # Errors
/// A set without a public address, a transfer that fails, a wrong checksum.
pub fn get(name: &str, data_dir: &Path) -> Result<()> {
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
