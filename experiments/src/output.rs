//! What the programs write: results on stdout, everything else on stderr. Neither can panic.

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal, Write},
    process,
};

use anyhow::Result;
use serde_json::Value;

use crate::log;

/// Writes a line to stderr. A stderr that is closed or full stops no run, so errors are ignored.
pub fn note(line: impl Display) {
    let line = line.to_string();
    log::note(&line);
    let _ = writeln!(io::stderr(), "{line}");
}

/// Width of the terminal that stdout is, in characters; `None` if it is a pipe or a file.
pub fn width() -> Option<u16> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns)
}

/// Writes a line to stdout. If the reader has closed the pipe, the program ends quietly, as other Unix tools do: `| head -1` has
/// what it wanted.
///
/// # Errors
/// A stdout that cannot be written for another reason, such as a full disk.
pub fn print(line: impl Display) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to stdout")),
        Ok(()) => Ok(()),
    }
}

/// Prints a result: indented on a terminal, else one object on one line, as also with `compact`.
///
/// # Errors
/// Those of [`print()`].
pub fn print_json(result: &Value, compact: bool) -> Result<()> {
    match io::stdout().is_terminal() && !compact {
        true => print(format_args!("{result:#}")),
        false => print(result),
    }
}
