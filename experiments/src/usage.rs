//! Usage errors, and how any error becomes one line on stderr and an exit code.

use std::{error::Error, path::Path, process::ExitCode};

use gibbs_core::{BoxError, ConfigError};
use gibbs_train::{config::nearest, run_folder::RunFolderError};
use thiserror::Error as ThisError;

use crate::output::note;

/// Exit code of wrong usage or bad input.
pub const BAD_INPUT: u8 = 2;
/// Exit code of anything else.
const FAILED: u8 = 1;
/// Exit code of a run that was interrupted: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// An error that the user made and can correct: one line that names the thing, the value and the way out.
///
/// Errors of libraries become usage errors at the boundary, where it is known that the user gave what is wrong. The exit code
/// follows from this type alone.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub struct UsageError(String);

/// A usage error with a message of one line.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    UsageError(message.into()).into()
}

/// A usage error with a message, as `format!` makes it.
macro_rules! usage {
    ($($message:tt)*) => { $crate::usage::usage(format!($($message)*)) };
}

/// Returns a usage error with a message from the function.
macro_rules! refuse {
    ($($message:tt)*) => { return Err(usage!($($message)*)) };
}

/// Returns a usage error with a message from the function, unless a condition holds.
macro_rules! require {
    ($holds:expr, $($message:tt)*) => { if !$holds { refuse!($($message)*) } };
}

/// Makes usage errors of results.
pub trait OrUsage<T> {
    /// The same result, whose error is one of usage.
    ///
    /// # Errors
    /// A [`UsageError`] with the messages of the error and its sources.
    fn or_usage(self) -> anyhow::Result<T>;

    /// The same for errors of a setting: `path` comes before the message.
    ///
    /// # Errors
    /// A [`UsageError`].
    fn or_usage_at(self, path: &str) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> OrUsage<T> for Result<T, E> {
    fn or_usage(self) -> anyhow::Result<T> {
        self.map_err(|error| usage(one_line(&error.into())))
    }

    fn or_usage_at(self, path: &str) -> anyhow::Result<T> {
        self.map_err(|error| usage!("{path}.{}", one_line(&error.into())))
    }
}

/// An error of a library, which is one of usage where `is_bad_input` holds.
pub fn classify<E: Error + Send + Sync + 'static>(error: E, is_bad_input: bool) -> anyhow::Error {
    if is_bad_input { usage(one_line(&error.into())) } else { error.into() }
}

/// The messages of an error and its sources on one line, each once.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        if !causes.iter().any(|known| known.contains(&cause)) {
            causes.push(cause);
        }
    }
    causes.join(": ")
}

/// `, did you mean NAME?` for a known name that is spelled alike; empty if there is none.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map_or(String::new(), |name| format!(", did you mean {name}?"))
}

/// Prints the `error:` line and chooses the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    note(format!("error: {}", one_line(error)));
    let is_usage = error.chain().any(|cause| cause.is::<UsageError>());
    ExitCode::from(if is_usage { BAD_INPUT } else { FAILED })
}

/// The error of a training step as one of this program.
pub fn of_step(error: BoxError) -> anyhow::Error {
    match error.downcast::<UsageError>() {
        Ok(error) => (*error).into(),
        Err(error) => anyhow::Error::from_boxed(error),
    }
}

/// The error of a run folder, which is one of usage where the user named a wrong folder.
pub fn of_folder(error: RunFolderError) -> anyhow::Error {
    let is_bad_input = error.is_bad_input();
    classify(error, is_bad_input)
}

/// Checks that a file can be written, before anything is computed for it. `flag` is the flag that names it.
///
/// # Errors
/// A folder, or a file in a folder that does not exist: a failing write as any other, exit code 1.
pub fn check_out_file(flag: &str, path: &Path) -> anyhow::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let reason = match parent {
        _ if path.is_dir() => "this is a folder: give the name of a file".into(),
        Some(parent) if !parent.is_dir() => format!("there is no folder {}: make it first", parent.display()),
        _ => return Ok(()),
    };
    Err(anyhow::anyhow!("{flag} {}: {reason}", path.display()))
}

/// Checks the ending of the file to write.
///
/// # Errors
/// Another ending.
pub fn require_extension(out: &Path, extension: &str) -> anyhow::Result<()> {
    let is_it = out.extension().is_some_and(|found| found == extension);
    require!(is_it, "--out {}: the name must end in .{extension}", out.display());
    Ok(())
}

/// Checks that counts, given by the names of their flags or settings, are above 0.
///
/// # Errors
/// Names the first that is 0.
pub fn check_counts(counts: &[(&str, usize)]) -> anyhow::Result<()> {
    counts.iter().try_for_each(|&(name, n)| ConfigError::at_least(name, n, 1)).or_usage()
}
