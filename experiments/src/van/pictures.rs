//! The pictures of a finished run.

use anyhow::Result;
use gibbs_train::run_folder::RunFolder;

use super::VanExperiment;

pub(super) fn draw(_experiment: &VanExperiment, _folder: &RunFolder) -> Result<()> {
    Ok(())
}
