//! What can be wrong with data, one variant and one line each.

use std::io;
use std::path::PathBuf;

/// What can be wrong with data. Each message names the thing, the value found and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The given text is neither the name of a set nor a file.
    #[error("no data set and no file '{spec}': give the path of an .npy or idx file, or one of: {known}")]
    Unknown {
        /// What was asked for.
        spec: String,
        /// The known names, separated by commas.
        known: String,
    },
    /// Files of a named set are not where they are expected.
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
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is in no format that is read here.
    #[error("{}: begins with bytes {found}, which is neither idx (00 00 08, or gzip of it) nor npy (93 4e 55 4d 50 59); convert it with numpy.save", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its first bytes, hexadecimal.
        found: String,
    },
    /// The file is not what its format prescribes.
    #[error("{}: not a valid {format} file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The expected format.
        format: &'static str,
        /// The rule broken.
        reason: String,
    },
    /// The file ends early.
    #[error("{}: truncated: its header promises {promised} bytes of values, the file holds {found}; get the file again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes of values by the header.
        promised: u64,
        /// Bytes of values in the file.
        found: u64,
    },
    /// The file goes on after its last value.
    #[error("{}: holds more than the {promised} bytes of values that its header promises; get the file again", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Bytes of values by the header.
        promised: u64,
    },
    /// The compressed stream ends early.
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
        /// What the decoder met.
        source: io::Error,
    },
    /// The header promises a size that no file of this length can hold.
    #[error("{}: its header promises shape {shape:?}, more than a file of {file_bytes} bytes can hold", path.display())]
    AbsurdSize {
        /// The file.
        path: PathBuf,
        /// The shape by the header.
        shape: Vec<u64>,
        /// Size of the file.
        file_bytes: u64,
    },
    /// The element type of the file is not read here.
    #[error("{}: element type {found}; only {supported} can be read: convert with numpy (array.astype('<f4'))", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// Its element type.
        found: String,
        /// What can be read.
        supported: &'static str,
    },
    /// The file stores columns, not rows, one after another.
    #[error("{}: stored in Fortran (column-major) order; save numpy.ascontiguousarray(array) instead", path.display())]
    FortranOrder {
        /// The file.
        path: PathBuf,
    },
    /// A value is NaN, infinite, or does not fit into f32.
    #[error("{name}: example {row} holds the value {value:?}, which is no finite f32; clean the data first")]
    NotFinite {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A value does not suit a model of binary units.
    #[error(
        "{name}: example {row} holds the value {value:?}; a binary model needs values in [0, 1]: rescale the data"
    )]
    OutsideUnit {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A set said to be 0/1 holds another byte.
    #[error(
        "{name}: example {row} holds the byte {value}; this set has the values 0 and 1 only: get the file again"
    )]
    NotBinary {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The byte.
        value: u8,
    },
    /// Uniform dequantization was asked for values that are not bytes 0 to 255.
    #[error("{name}: dequantization needs grey values in bytes 0 to 255, this set holds {found}")]
    NotQuantized {
        /// Set or file.
        name: String,
        /// What it holds.
        found: &'static str,
    },
    /// As many labels as examples are needed.
    #[error("{name}: {labels} labels for {examples} examples; take the two files of the same set")]
    Labels {
        /// Set or file.
        name: String,
        /// Number of examples.
        examples: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The number of values is not that of the shape, or the shape is not the one expected.
    #[error("{name}: shape {found:?} where {expected} is needed")]
    Shape {
        /// Set or file.
        name: String,
        /// The shape found.
        found: Vec<usize>,
        /// What is needed.
        expected: String,
    },
    /// The content of a file is not the published one.
    #[error("{}: sha256 is {found}, that of the published file is {expected}; delete it and get it again", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Checksum by the manifest.
        expected: String,
        /// Checksum of the file.
        found: String,
    },
    /// There is no example.
    #[error("{name}: no examples")]
    Empty {
        /// Set or file.
        name: String,
    },
    /// A split would have no example.
    #[error(
        "{name}: the {split} split has no examples: a tenth of {examples} is none; give at least 10 examples"
    )]
    EmptySplit {
        /// Set or file.
        name: String,
        /// The split without examples.
        split: &'static str,
        /// Number of examples in the whole set.
        examples: usize,
    },
    /// The examples do not fit the model.
    #[error("{name}: examples of {found} values, the model has {expected}; give data of the model's width")]
    Width {
        /// Set or file.
        name: String,
        /// Values of one example, with the shape.
        found: String,
        /// Width of the model.
        expected: usize,
    },
    /// A batch of no examples.
    #[error("batch_size is 0; give at least 1")]
    BatchSize,
    /// The generator has no such size.
    #[error("bars-and-stripes of side {side}: the side must be from {} to {}", crate::bars::SIDES.start(), crate::bars::SIDES.end())]
    BarsSide {
        /// The side asked for.
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
    /// A transfer failed; what has arrived is kept and the next try goes on from there.
    #[error("{url}: download failed: {reason}")]
    Download {
        /// The address tried last.
        url: String,
        /// What happened.
        reason: String,
    },
}

impl DataError {
    /// For `map_err`: the error of trying to `action` (a verb) the file at `path`.
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
