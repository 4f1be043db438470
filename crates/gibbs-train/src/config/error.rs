//! What can be wrong with a configuration that a user gives.

use std::path::PathBuf;

use thiserror::Error;

/// A configuration that cannot be used, in one line: what was given, what was expected, what there is.
#[derive(Debug, Error)]
pub enum SettingError {
    /// A setting that is not of the form `path.to.key=value`.
    #[error("setting `{text}` is not of the form path.to.key=value")]
    Syntax {
        /// The setting as given.
        text: String,
    },

    /// A path that the configuration does not have.
    #[error("unknown setting `{path}` (= {value}): {hint}{}", listing(.parent, .available))]
    Unknown {
        /// The path as given.
        path: String,
        /// The value given, as JSON.
        value: String,
        /// The nearest existing name as a question, ending in `? `, or empty.
        hint: String,
        /// The existing part of the path; empty at the top level.
        parent: String,
        /// The names that exist under `parent`.
        available: Vec<String>,
    },

    /// A path that leads through a value that has no parts.
    #[error(
        "setting `{path}` (= {value}) leads through `{parent}`, which is {found}: give `{parent}` a whole value"
    )]
    NoParts {
        /// The path as given.
        path: String,
        /// The value given, as JSON.
        value: String,
        /// The path of the value without parts.
        parent: String,
        /// That value, with its type.
        found: String,
    },

    /// A value that does not fit its place.
    #[error("setting `{path}` = {value}: {reason}{}", siblings(.parent, .available))]
    Value {
        /// The path of the offending value.
        path: String,
        /// The value given, as JSON.
        value: String,
        /// What was expected there.
        reason: String,
        /// The path of the level that holds the value; empty at the top level.
        parent: String,
        /// The names with their present values at that level.
        available: Vec<String>,
    },

    /// A file that cannot be read.
    #[error("cannot read the config file {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },

    /// A file that is not JSON.
    #[error("config file {}, line {line}, column {column}: {message}", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },

    /// A file whose top level is not a JSON object.
    #[error("config file {}: expected a JSON object at the top level, found {found}", .path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
        /// What the file holds.
        found: String,
    },

    /// A preset that does not survive its own serialization; a mistake in the program, not of its user.
    #[error("the preset does not read back from its own JSON: {0}")]
    Preset(String),
}

fn listing(parent: &str, available: &[String]) -> String {
    let names = if available.is_empty() { "nothing".to_string() } else { available.join(", ") };
    match parent {
        "" => format!("there are: {names}"),
        _ => format!("`{parent}` has: {names}"),
    }
}

fn siblings(parent: &str, available: &[String]) -> String {
    match available {
        [] => String::new(),
        _ => format!("; {}", listing(parent, available)),
    }
}
