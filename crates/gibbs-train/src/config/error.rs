//! Errors of the settings of a user.

use std::path::PathBuf;

use thiserror::Error;

/// A setting, or a file of settings, that cannot be used. Its message is one line: the setting, what is expected, and what
/// exists.
#[derive(Debug, Error)]
pub enum SettingError {
    /// A setting without the form `path.to.key=value`.
    #[error("setting `{text}` is not of the form path.to.key=value")]
    Syntax {
        /// The setting of the user.
        text: String,
    },

    /// A path that the configuration does not have.
    #[error("unknown setting `{path}` (= {value}): {hint}{}", listing(.parent, .available))]
    Unknown {
        /// The path of the user.
        path: String,
        /// The value of the user, as JSON.
        value: String,
        /// A question with the nearest existing name, which ends in `? `; or empty.
        hint: String,
        /// The existing part of the path; empty at the top level.
        parent: String,
        /// The names that exist under `parent`.
        available: Vec<String>,
    },

    /// A path that goes through a value without parts, such as a number.
    #[error(
        "setting `{path}` (= {value}) leads through `{parent}`, which is {found}: give `{parent}` a whole value"
    )]
    NoParts {
        /// The path of the user.
        path: String,
        /// The value of the user, as JSON.
        value: String,
        /// The path of the value without parts.
        parent: String,
        /// This value, with its type.
        found: String,
    },

    /// A value of a wrong type.
    #[error("setting `{path}` = {value}: {reason}{}", siblings(.parent, .available))]
    Value {
        /// The path of the value.
        path: String,
        /// The value of the user, as JSON.
        value: String,
        /// What is expected there.
        reason: String,
        /// The path of the object that holds the value; empty at the top level.
        parent: String,
        /// The names in this object with their values in the preset.
        available: Vec<String>,
    },

    /// A file that cannot be read.
    #[error("cannot read the config file {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason of the operating system.
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

    /// A preset that cannot be read back from its own JSON. This is an error of the program, not of its user.
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
