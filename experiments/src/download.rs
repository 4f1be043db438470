//! The named data sets on the command line: what there is, and getting it.

use std::path::Path;

use anyhow::Result;
use gibbs_data::{download, manifest};
use indicatif::{ProgressBar, ProgressStyle};

/// Name, what it holds and whether it is in place, one line each.
pub fn list(data_dir: &Path) -> Vec<String> {
    let status = |name: &str| match gibbs_data::load(name, data_dir) {
        Ok(splits) => splits.train.describe(),
        Err(error) => error.to_string(),
    };
    manifest::all().iter().map(|set| format!("{:16} {}", set.name, status(&set.name))).collect()
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
    })?;
    bar.finish_with_message(format!("{} files in {}", files.len(), data_dir.join(name).display()));
    Ok(())
}
