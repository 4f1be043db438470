//! Errors of data sets and files.

use std::io;
use std::path::PathBuf;

use crate::{Kind, spelling::nearest};

/// An error of a data set or a file. Each message is one line with the name, the value and a solution.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The text is neither the name of a set nor a file.
    #[error(
        "no data set and no file '{spec}'{}: give the path of an .npy, .npz, .csv, .tsv or idx file or a folder of PNG files, or one of: {}",
        did_you_mean(spec, known), known.join(", ")
    )]
    Unknown {
        /// The text.
        spec: String,
        /// The known names.
        known: Vec<String>,
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
    #[error("{}: begins with bytes {found}, which is neither npy (93 4e 55 4d 50 59), npz (50 4b) nor idx (00 00 08, or gzip of it), and its name does not end in .csv or .tsv (or .gz of them); convert it with numpy.save", path.display())]
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
    /// A field of a table is no number, or missing.
    #[error(
        "{name}: example {row} (line {line}), column {column}: {what}; fill it in, leave out the row, or the column by data.drop (a column of classes: data.label_column)"
    )]
    Field {
        /// The file.
        name: String,
        /// Index of the example.
        row: usize,
        /// Line of the file, from 1.
        line: u64,
        /// The column: its name in quotation marks, or its index.
        column: String,
        /// What is wrong.
        what: String,
    },
    /// A folder has no pictures.
    #[error("{}: a folder without PNG files; put pictures of one size there, or into one folder for each class", path.display())]
    NoPictures {
        /// The folder.
        path: PathBuf,
    },
    /// A part comes from two files.
    #[error("{}: data.{part} names a file, but the examples already come with a part of this name", path.display())]
    TwoParts {
        /// The file that is given.
        path: PathBuf,
        /// Name of the part.
        part: &'static str,
    },
    /// A file for one part holds several.
    #[error("{}: holds {n} parts, where one is needed; take a file with one array", path.display())]
    SeveralParts {
        /// The file.
        path: PathBuf,
        /// Number of parts.
        n: usize,
    },
    /// Labels, contexts or weights of a part that is not there.
    #[error("{}: given for the {part} examples, which have no file; give data.{part}", path.display())]
    NoPart {
        /// The file that is given.
        path: PathBuf,
        /// Name of the part.
        part: &'static str,
    },
    /// A value is NaN, infinite, or too large for f32.
    #[error(
        "{name}: example {row}{column} has the value {value:?}, which is not a finite f32; remove or replace it"
    )]
    NotFinite {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The column, if it has a name: `, column "height"`.
        column: String,
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
    /// A value does not have the kind of the set.
    #[error(
        "{name}: example {row}{column} has the value {value:?}, but the data are read as {}; give data of the same kind, or data.kind = real (also binary, gray, unit_gray) for a new run",
        kind.describe()
    )]
    Kind {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The column, if it has a name: `, column "height"`.
        column: String,
        /// The value.
        value: f64,
        /// The kind of the data.
        kind: Kind,
    },
    /// A label is none of the classes.
    #[error("{name}: example {row} has the label {label}, where {expected} is needed")]
    Label {
        /// Set or file.
        name: String,
        /// Index of the example.
        row: usize,
        /// The label.
        label: String,
        /// What is needed.
        expected: String,
    },
    /// There are more classes than labels can count.
    #[error("{name}: the labels have {n} different values; at most 65536 classes are possible")]
    Classes {
        /// Set or file.
        name: String,
        /// Number of different labels.
        n: usize,
    },
    /// Single precision would round a column of a context coarsely.
    #[error(
        "{name}: single precision would round the context column \"{column}\" coarsely; subtract {offset} from it"
    )]
    Rounded {
        /// The file.
        name: String,
        /// The column.
        column: String,
        /// What to subtract.
        offset: f64,
    },
    /// A column is chosen by its name in a file that does not have it.
    #[error("{name}: no column \"{column}\" ({setting}); it has {known}")]
    Column {
        /// The file.
        name: String,
        /// The name.
        column: String,
        /// The setting that names the column.
        setting: &'static str,
        /// The columns that exist.
        known: String,
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
    /// Contexts or weights do not fit the examples.
    #[error(
        "{name}: the {what} {reason}; {examples} examples need one finite row each, and weights of at least 0"
    )]
    Companion {
        /// Set or file.
        name: String,
        /// `context` or `weights`.
        what: &'static str,
        /// What is wrong.
        reason: String,
        /// Number of examples.
        examples: usize,
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

/// `, did you mean NAME?` for a known name that is spelled alike; empty if there is none.
fn did_you_mean(spec: &str, known: &[String]) -> String {
    let near = nearest(spec, known.iter().map(String::as_str));
    near.map_or(String::new(), |name| format!(", did you mean {name}?"))
}
