//! The format of a file, and its content.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::content::Content;
use crate::table::{self, Separator, Words};
use crate::{DataError, ReadConfig, idx, npy, npz, png};

/// Training, validation and test examples of a file or folder, without the columns to leave out; without splits of its own it has
/// the first alone.
///
/// # Errors
///
/// [`DataError::UnknownFormat`] for other files, [`DataError::Column`] for columns that are not there, and those of the readers.
pub(crate) fn read(path: &Path, columns: &ReadConfig) -> Result<[Option<Content>; 3], DataError> {
    let mut content = match Format::of(path)? {
        Format::Table(separator) => return Ok([Some(table::read(path, separator, columns)?), None, None]),
        Format::Npy => {
            let npy::Npy { shape, values } = npy::read(path)?;
            [Some(Content::of_array(name(path), &shape, values)), None, None]
        }
        Format::Npz => npz::read(path)?,
        Format::Idx => {
            let idx::Idx { shape, values } = idx::read(path)?;
            [Some(Content::of_array(name(path), &shape, npy::Array::U8(values))), None, None]
        }
        Format::Folder => [Some(png::folder(path)?), None, None],
    };
    let label = columns.label_column.as_ref().map(|label| (label, "data.label_column"));
    let context = columns.context_columns.iter().flatten().next().map(|name| (name, "data.context_columns"));
    if let Some((column, setting)) = label.or(context) {
        return Err(DataError::Column {
            name: name(path),
            column: column.to_owned(),
            setting,
            known: "no names of columns; take a csv file, or files of labels and contexts".to_owned(),
        });
    }
    if !columns.drop.is_empty() {
        content.iter_mut().flatten().try_for_each(|part| part.leave_out(&columns.drop))?;
    }
    Ok(content)
}

/// The words of a table of one column; `None` if it holds numbers, or is no table.
pub(crate) fn words(path: &Path) -> Result<Option<Words>, DataError> {
    match Format::of(path)? {
        Format::Table(separator) => table::words(path, separator),
        _ => Ok(None),
    }
}

enum Format {
    Npy,
    Npz,
    Idx,
    Table(Separator),
    Folder,
}

impl Format {
    /// Tables by the ending of the name, all others by their first bytes.
    fn of(path: &Path) -> Result<Self, DataError> {
        if path.is_dir() {
            return Ok(Self::Folder);
        }
        if let Some(separator) = Separator::of(path) {
            return Ok(Self::Table(separator));
        }
        let mut start = [0; 8];
        let mut file = File::open(path).map_err(DataError::io("read", path))?;
        let n = file.read(&mut start).map_err(DataError::io("read", path))?;
        match &start[..n] {
            start if npy::recognizes(start) => Ok(Self::Npy),
            start if npz::recognizes(start) => Ok(Self::Npz),
            start if idx::recognizes(start) => Ok(Self::Idx),
            [] => Err(DataError::Empty { name: name(path) }),
            start => Err(DataError::UnknownFormat { path: path.to_path_buf(), found: idx::hex_pairs(start) }),
        }
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
