//! Tables of text: csv and tsv, plain or compressed with gzip.
//!
//! Fields may be quoted (RFC 4180). The separator of a csv file is the comma, semicolon or tab that its first line has most of.
//! The first line is a header if it has no number, or a word above a number, or a name that is asked for. All columns are numbers,
//! except that of the labels.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv::StringRecord;
use flate2::bufread::MultiGzDecoder;

use crate::content::{Content, Context, Labels, kept};
use crate::{Array, DataError, ReadConfig};

/// Fields that stand for a value that is not known.
const MISSING: [&str; 8] = ["", "?", "-", "NA", "N/A", "nan", "null", "none"];

/// What separates the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// What the first line has most of.
    Recognized,
    Tab,
}

impl Separator {
    /// By the ending of a name, without `.gz`; `None` if it is not the name of a table.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        match name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?.1 {
            "csv" => Some(Self::Recognized),
            "tsv" => Some(Self::Tab),
            _ => None,
        }
    }
}

/// The examples of a table: one row each, without the columns that are labels, context, or left out.
pub(crate) fn read(path: &Path, separator: Separator, columns: &ReadConfig) -> Result<Content, DataError> {
    let (label, context) =
        (columns.label_column.as_deref(), columns.context_columns.as_deref().unwrap_or(&[]));
    let chosen: Vec<&str> = label.into_iter().chain(context.iter().map(String::as_str)).collect();
    let mut lines = Lines::open(path, separator, &chosen)?;
    let label_at = label.map(|name| lines.find(name, "data.label_column")).transpose()?;
    let context_at: Vec<usize> =
        context.iter().map(|name| lines.find(name, "data.context_columns")).collect::<Result<_, _>>()?;
    let mut others: Vec<usize> =
        (0..lines.width).filter(|k| Some(*k) != label_at && !context_at.contains(k)).collect();
    if !columns.drop.is_empty() {
        let names =
            lines.header.as_ref().map(|names| others.iter().map(|&k| names[k].clone()).collect::<Vec<_>>());
        let keep = kept(&columns.drop, others.len(), names.as_deref(), &lines.name)?;
        others = keep.into_iter().map(|k| others[k]).collect();
    }
    let (mut values, mut labels, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(row) = lines.next()? {
        for &k in &others {
            values.push(lines.number(&row, k)?);
        }
        for &k in &context_at {
            contexts.push(lines.number(&row, k)?);
        }
        if let Some(k) = label_at {
            labels.push(lines.word(&row, k)?);
        }
    }
    let columns = lines.header.as_ref().map(|names| others.iter().map(|&k| names[k].clone()).collect());
    Ok(Content {
        columns,
        labels: label_at.map(|_| numbers_or_words(labels)),
        context: (!context.is_empty()).then(|| Context { values: contexts, columns: context.to_vec() }),
        ..Content::of_array(lines.name, &[0, others.len()], Array::F64(values))
    })
}

/// The words of a table of one column.
pub(crate) struct Words {
    /// What may be the header.
    pub(crate) header: Option<String>,
    pub(crate) words: Vec<String>,
}

/// The words of a table of one column; `None` if there are more columns, or all words are numbers.
pub(crate) fn words(path: &Path, separator: Separator) -> Result<Option<Words>, DataError> {
    let mut lines = Lines::open(path, separator, &[])?;
    if lines.width != 1 {
        return Ok(None);
    }
    let mut words = Vec::new();
    while let Some(row) = lines.next()? {
        words.push(lines.word(&row, 0)?);
    }
    let header = lines.header.take().and_then(|mut names| names.pop());
    match numbers_or_words(words) {
        Labels::Words(words) => Ok(Some(Words { header, words })),
        Labels::Numbers(_) => Ok(None),
    }
}

fn numbers_or_words(words: Vec<String>) -> Labels {
    let numbers: Option<Vec<f64>> = words.iter().map(|word| word.parse().ok()).collect();
    numbers.map_or(Labels::Words(words), Labels::Numbers)
}

/// The rows of a table after its header.
struct Lines {
    name: String,
    reader: csv::Reader<Box<dyn Read>>,
    header: Option<Vec<String>>,
    /// Number of fields of a row.
    width: usize,
    /// Rows that were read to recognize the header.
    ahead: std::collections::VecDeque<StringRecord>,
    /// Number of rows that were given out.
    row: usize,
    path: std::path::PathBuf,
}

impl Lines {
    fn open(path: &Path, separator: Separator, chosen: &[&str]) -> Result<Self, DataError> {
        let mut source = BufReader::new(File::open(path).map_err(DataError::io("read", path))?);
        let start = source.fill_buf().map_err(DataError::io("read", path))?;
        let mut source: Box<dyn BufRead> = match start.starts_with(&[0x1f, 0x8b]) {
            true => Box::new(BufReader::new(MultiGzDecoder::new(source))),
            false => Box::new(source),
        };
        let delimiter = match separator {
            Separator::Tab => b'\t',
            Separator::Recognized => most_frequent(source.fill_buf().map_err(|e| unreadable(path, e))?),
        };
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .trim(csv::Trim::All)
            .from_reader(source as Box<dyn Read>);
        let mut lines = Self {
            name: path.display().to_string(),
            reader,
            header: None,
            width: 0,
            ahead: std::collections::VecDeque::new(),
            row: 0,
            path: path.to_path_buf(),
        };
        let Some(first) = lines.record()? else { return Err(DataError::Empty { name: lines.name }) };
        lines.width = first.len();
        let second = lines.record()?;
        if is_header(&first, second.as_ref(), chosen) {
            lines.header = Some(first.iter().map(|name| name.replace(char::is_control, " ")).collect());
        } else {
            lines.ahead.push_back(first);
        }
        lines.ahead.extend(second);
        Ok(lines)
    }

    fn record(&mut self) -> Result<Option<StringRecord>, DataError> {
        let mut record = StringRecord::new();
        match self.reader.read_record(&mut record) {
            Ok(true) => Ok(Some(record)),
            Ok(false) => Ok(None),
            Err(error) => Err(match error.into_kind() {
                csv::ErrorKind::Io(error) => unreadable(&self.path, error),
                csv::ErrorKind::UnequalLengths { pos, expected_len, len } => self.malformed(format!(
                    "line {} has {len} fields, the first line has {expected_len}",
                    pos.map_or(0, |pos| pos.line())
                )),
                csv::ErrorKind::Utf8 { pos, .. } => {
                    self.malformed(format!("line {} is not UTF-8", pos.map_or(0, |pos| pos.line())))
                }
                other => self.malformed(format!("{other:?}")),
            }),
        }
    }

    fn next(&mut self) -> Result<Option<StringRecord>, DataError> {
        let record = match self.ahead.pop_front() {
            Some(record) => Some(record),
            None => self.record()?,
        };
        self.row += usize::from(record.is_some());
        Ok(record)
    }

    /// The index of the column with a name.
    fn find(&self, column: &str, setting: &'static str) -> Result<usize, DataError> {
        let names = self.header.as_deref().unwrap_or(&[]);
        names.iter().position(|name| name == column).ok_or_else(|| DataError::Column {
            name: self.name.clone(),
            column: column.to_owned(),
            setting,
            known: match names {
                [] => "no header".to_owned(),
                names => names.join(", "),
            },
        })
    }

    fn number(&self, row: &StringRecord, k: usize) -> Result<f64, DataError> {
        let field = &row[k];
        match field.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.wrong_field(row, k)),
        }
    }

    fn word(&self, row: &StringRecord, k: usize) -> Result<String, DataError> {
        if is_missing(&row[k]) { Err(self.wrong_field(row, k)) } else { Ok(row[k].to_owned()) }
    }

    fn wrong_field(&self, row: &StringRecord, k: usize) -> DataError {
        let column = match &self.header {
            Some(names) => format!("\"{}\"", names[k]),
            None => k.to_string(),
        };
        let line = row.position().map_or(0, csv::Position::line);
        let what = match &row[k] {
            field if is_missing(field) => "the value is missing".to_owned(),
            field => format!("'{}' is not a finite number", field.escape_debug()),
        };
        DataError::Field { name: self.name.clone(), row: self.row - 1, line, column, what }
    }

    fn malformed(&self, reason: String) -> DataError {
        DataError::Malformed { path: self.path.clone(), format: "csv", reason }
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> DataError {
    DataError::io("read", path)(error)
}

fn is_missing(field: &str) -> bool {
    MISSING.iter().any(|missing| missing.eq_ignore_ascii_case(field))
}

/// The comma, semicolon or tab that the first line has most of, outside of quotation marks.
fn most_frequent(start: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for &byte in start.iter().take_while(|byte| **byte != b'\n') {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(separator, _)| *separator == byte && !quoted) {
            *count += 1;
        }
    }
    // Of equal counts the first.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

/// Whether the first line names the columns.
fn is_header(first: &StringRecord, second: Option<&StringRecord>, chosen: &[&str]) -> bool {
    let is_number = |field: &str| field.parse::<f64>().is_ok() || is_missing(field);
    let above = |second: &StringRecord| {
        first.iter().zip(second).any(|(above, below)| !is_number(above) && below.parse::<f64>().is_ok())
    };
    first.iter().any(|field| chosen.contains(&field))
        || first.iter().all(|field| !is_number(field))
        || second.is_some_and(above)
}
