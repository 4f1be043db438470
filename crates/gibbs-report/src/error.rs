//! Errors of pictures and tables.

use std::path::PathBuf;

/// The reason why a picture or a table could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file could not be written. An old file of this name is unchanged.
    #[error("cannot write `{}`: {source}; check that its folder exists and may be written to", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The name of the file does not end in a known format.
    #[error("`{}` has no known picture format; use a name that ends in .png or .svg", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The number of values in an array does not fit its shape.
    #[error("{what}: {found} values, expected {expected}")]
    Shape {
        /// The array and its shape.
        what: String,
        /// The number of values that fits, or a description of it.
        expected: String,
        /// The number of values.
        found: usize,
    },
    /// The picture would be too large.
    #[error(
        "a picture of {width} x {height} pixels is over the limit of {limit} pixels; show fewer items or use a smaller scale"
    )]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// The largest allowed number of pixels.
        limit: u64,
    },
    /// The drawing library failed.
    #[error("cannot draw the picture: {0}")]
    Draw(String),
}

impl ReportError {
    pub(crate) fn shape(what: impl Into<String>, expected: impl ToString, found: usize) -> Self {
        Self::Shape { what: what.into(), expected: expected.to_string(), found }
    }
}
