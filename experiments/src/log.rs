//! The log for debugging: what a program does, and when. There is none unless `--log FILE` or `RUST_LOG` asks for it.

use std::{env, fs::File, path::Path};

use anyhow::Result;
use gibbs_train::training::{Observer, Position, Record, Report, Start};
use tracing::{debug, info, trace};
use tracing_subscriber::{EnvFilter, fmt};

use crate::usage::OrUsage;

/// Where the lines that a program writes to stderr are in the log.
const NOTES: &str = "note";

/// What is logged without `RUST_LOG`.
const DEFAULT: &str = "debug";

/// Starts the log: into a file, else to stderr if there is `RUST_LOG`. `RUST_LOG` says what is logged.
///
/// # Errors
/// A file that cannot be written, or a `RUST_LOG` that cannot be understood.
pub fn start(file: Option<&Path>) -> Result<()> {
    let asked = env::var(EnvFilter::DEFAULT_ENV).ok().filter(|asked| !asked.is_empty());
    if file.is_none() && asked.is_none() {
        return Ok(());
    }
    let asked = asked.as_deref().unwrap_or(DEFAULT);
    let filter = EnvFilter::builder().parse(asked).map_err(|error| {
        usage!(
            "RUST_LOG = {asked}: {error}; give a level such as debug, or targets such as experiments=trace"
        )
    })?;
    let log = fmt().with_ansi(false).with_target(true);
    match file {
        Some(path) => {
            let file = File::create(path).map_err(|error| usage!("--log {}: {error}", path.display()))?;
            log.with_env_filter(filter).with_writer(file).try_init()
        }
        // They are on stderr already.
        None => log
            .with_env_filter(filter.add_directive(format!("{NOTES}=off").parse().or_usage()?))
            .with_writer(std::io::stderr)
            .try_init(),
    }
    .map_err(anyhow::Error::from_boxed)?;
    let arguments: Vec<String> = env::args().collect();
    info!(version = env!("CARGO_PKG_VERSION"), "{}", arguments.join(" "));
    Ok(())
}

/// Logs a line that is written to stderr.
pub fn note(line: &str) {
    info!(target: NOTES, "{line}");
}

/// Logs a training.
pub struct Log;

impl Observer for Log {
    fn on_start(&mut self, start: &Start) {
        info!(?start, "training");
    }

    fn on_step(&mut self, at: &Position) {
        trace!(step = at.step, "step done");
    }

    fn on_log(&mut self, record: &Record) {
        debug!(step = record.step, metrics = %record.metrics, "metrics");
    }

    fn on_validation(&mut self, record: &Record, is_best: bool) {
        debug!(step = record.step, is_best, "validated");
    }

    fn on_checkpoint(&mut self, steps_done: usize) {
        debug!(steps_done, "checkpoint written");
    }

    fn on_end(&mut self, report: &Report) {
        info!(outcome = ?report.outcome, steps = report.steps_done, seconds = report.seconds, "training ended");
    }
}
