//! What can go wrong between an array and a file.

use std::path::PathBuf;

/// Why a picture or a table could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file system refused the file; nothing was left in its place.
    #[error("cannot write `{}`: {source}; check that its folder exists and may be written to", path.display())]
    Write {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The name of the file does not say which format is meant.
    #[error("`{}` names no known picture format; end it in .png or .svg", path.display())]
    UnknownFormat {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// An array does not have the number of values its shape promises.
    #[error("{what}: {found} values where {expected} were expected")]
    Shape {
        /// Which array, and what its shape was said to be.
        what: String,
        /// How many values the shape asks for, in words where it is not one number.
        expected: String,
        /// How many values there are.
        found: usize,
    },
    /// A picture would be larger than is sensible.
    #[error(
        "a picture of {width} x {height} pixels is over the limit of {limit} pixels; show fewer items or use a smaller scale"
    )]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// Largest number of pixels that is drawn.
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
