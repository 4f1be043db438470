//! Errors of data sets and files.

use std::io;
use std::path::PathBuf;

/// An error of a data set or a file. Each message is one line with the name, the value and a solution.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The text is neither the name of a set nor a file.
    #[error("no data set and no file '{spec}': give the path of an .npy or idx file, or one of: {known}")]
    Unknown {
        /// The text.
        spec: String,
        /// The known names, separated by commas.
        known: String,
    },
    /// Files of a named set are missing.
    #[error("data set '{set}': missing in {}: {files}. {help}", folder.display())]
    Missing {
        /// Name of the set.
        set: String,
        /// Folder in which its files are expected.
        folder: PathBuf,
        /// The missing files, separated by commas.
        files: String,
        /// How to get them.
        help: String,
    },
    /// The operating system reported an error.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The format of the file is unknown.
    #[error("{}: begins with bytes {found}, which is neither idx (00 00 08, or gzip of it) nor npy (93 4e 55 4d 50 59); convert it with numpy.save", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its first bytes, hexadecimal.
        found: String,
    },
    /// The file violates its format.
    #[error("{}: not a valid {format} file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The expected format.
        format: &'static str,
        /// The reason.
        reason: String,
    },
    /// The file is too short.
    #[error("{}: truncated: its header promises {promised} bytes of values, the file has {found}; get the file again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes of values according to the header.
        promised: u64,
        /// Bytes of values in the file.
        found: u64,
    },
    /// The file continues after its last value.
    #[error("{}: has more than the {promised} bytes of values of its header; get the file again", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Bytes of values according to the header.
        promised: u64,
    },
    /// The compressed stream is too short.
    #[error("{}: truncated gzip stream; get the file again", path.display())]
    TruncatedGzip {
        /// The file.
        path: PathBuf,
    },
    /// The compressed stream cannot be unpacked.
    #[error("{}: damaged gzip stream ({source}); get the file again", path.display())]
    DamagedGzip {
        /// The file.
        path: PathBuf,
        /// The error of the decoder.
        source: io::Error,
    },
    /// The size in the header is too large for a file of this length.
    #[error("{}: its header promises shape {shape:?}, more than a file of {file_bytes} bytes can hold", path.display())]
    AbsurdSize {
        /// The file.
        path: PathBuf,
        /// The shape in the header.
        shape: Vec<u64>,
        /// Size of the file.
        file_bytes: u64,
    },
    /// The element type of the file is not supported.
    #[error("{}: element type {found}; only {supported} can be read: convert with numpy (array.astype('<f4'))", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// Its element type.
        found: String,
        /// The supported types.
        supported: &'static str,
    },
    /// The file stores its array by columns.
    #[error("{}: stored in Fortran (column-major) order; save numpy.ascontiguousarray(array) instead", path.display())]
    FortranOrder {
        /// The file.
        path: PathBuf,
    },
    /// A value is NaN, infinite, or too large for f32.
    #[error("{name}: example {row} has the value {value:?}, which is not a finite f32; remove or replace it")]
    NotFinite {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A value is not allowed in a model of binary units.
    #[error(
        "{name}: example {row} has the value {value:?}; a binary model needs values in [0, 1]: rescale the data"
    )]
    OutsideUnit {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A set of zeros and ones has another byte.
    #[error(
        "{name}: example {row} has the byte {value}; this set has only the values 0 and 1: get the file again"
    )]
    NotBinary {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The byte.
        value: u8,
    },
    /// Dequantization needs gray bytes.
    #[error("{name}: dequantization needs gray values in bytes 0 to 255, this set has {found}")]
    NotQuantized {
        /// Set or file.
        name: String,
        /// The values of the set.
        found: &'static str,
    },
    /// The numbers of labels and examples differ.
    #[error("{name}: {labels} labels for {examples} examples; take the two files of the same set")]
    Labels {
        /// Set or file.
        name: String,
        /// Number of examples.
        examples: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The shape is wrong, or the number of values does not fit it.
    #[error("{name}: shape {found:?} where {expected} is needed")]
    Shape {
        /// Set or file.
        name: String,
        /// The shape.
        found: Vec<usize>,
        /// The expected shape.
        expected: String,
    },
    /// The content of a file differs from the published one.
    #[error("{}: sha256 is {found}, but the published file has {expected}; delete it and get it again", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Checksum in the manifest.
        expected: String,
        /// Checksum of the file.
        found: String,
    },
    /// The set has no examples.
    #[error("{name}: no examples")]
    Empty {
        /// Set or file.
        name: String,
    },
    /// A split has no examples.
    #[error("{name}: the {split} split is empty: it is a tenth of {examples} examples; give at least 10")]
    EmptySplit {
        /// Set or file.
        name: String,
        /// The split without examples.
        split: &'static str,
        /// Number of examples in the whole set.
        examples: usize,
    },
    /// The width of the examples differs from that of the model.
    #[error("{name}: examples of {found} values, but the model has {expected}; give data of this width")]
    Width {
        /// Set or file.
        name: String,
        /// Values of one example, with the shape.
        found: String,
        /// Width of the model.
        expected: usize,
    },
    /// The batch size is 0.
    #[error("batch_size is 0; give at least 1")]
    BatchSize,
    /// The side of bars and stripes is not supported.
    #[error("bars-and-stripes of side {side}: the side must be from {} to {}", crate::bars::SIDES.start(), crate::bars::SIDES.end())]
    BarsSide {
        /// The side.
        side: usize,
    },
    /// A named set has no public address.
    #[error("data set '{set}' cannot be downloaded: {help}")]
    NoAddress {
        /// Name of the set.
        set: String,
        /// How to get it.
        help: String,
    },
    /// A transfer failed. The next try continues after the bytes that have arrived.
    #[error("{url}: download failed: {reason}")]
    Download {
        /// The last address.
        url: String,
        /// The reason.
        reason: String,
    },
}

impl DataError {
    /// For `map_err`: the error of an action (a verb) on the file at `path`.
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
