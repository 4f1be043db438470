//! The npz format of NumPy: a zip archive of npy files, stored or deflated.
//!
//! The arrays `train`, `valid` and `test` hold examples, `train_labels`, `train_context`, `train_weights` and so on what goes with
//! them. An archive of one array is one of training examples.
//!
use std::{fmt::Display, fs::File, io::Read, path::Path};

use zip::{ZipArchive, result::ZipError};

use crate::content::{Content, Labels};
use crate::{DataError, npy};

/// Names of the parts of a data set.
const PARTS: [&str; 3] = ["train", "valid", "test"];
/// Endings of the names of what goes with a part.
const LABELS: &str = "_labels";
const CONTEXT: &str = "_context";
const WEIGHTS: &str = "_weights";

/// Whether `bytes` are the start of a zip archive.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
}

/// The parts in an archive. The first is always there.
///
/// # Errors
///
/// [`DataError::Malformed`] for a damaged archive, or one without examples, and the errors of npy files.
pub(crate) fn read(path: &Path) -> Result<[Option<Content>; 3], DataError> {
    let mut archive = Archive::open(path)?;
    let arrays = archive.names()?;
    let is_companion = |name: &str| [LABELS, CONTEXT, WEIGHTS].iter().any(|ending| name.ends_with(ending));
    let examples: Vec<&str> = arrays.iter().map(String::as_str).filter(|name| !is_companion(name)).collect();
    let names = match examples[..] {
        [only] if !PARTS[1..].contains(&only) => [only, PARTS[1], PARTS[2]],
        _ if examples.contains(&PARTS[0]) => PARTS,
        _ => {
            let reason = format!(
                "no array `train`; the arrays must be named train, valid, test, train_labels and so on, it has: {}",
                arrays.join(", ")
            );
            return Err(DataError::Malformed { path: path.to_path_buf(), format: "npz", reason });
        }
    };
    let mut part = |name: &str| -> Result<Option<Content>, DataError> {
        let Some(mut part) = archive.content(name)? else { return Ok(None) };
        let mut with = |ending: &str| archive.content(&format!("{name}{ending}"));
        if let Some(labels) = with(LABELS)? {
            part.labels = Some(Labels::Numbers(labels.into_column("labels")?.to_f64()));
        }
        part.context = with(CONTEXT)?.map(Content::into_context);
        if let Some(weights) = with(WEIGHTS)? {
            part.weights = Some(weights.into_column("weights")?.to_f64());
        }
        Ok(Some(part))
    };
    Ok([part(names[0])?, part(names[1])?, part(names[2])?])
}

/// The npy files of a zip archive.
struct Archive<'a> {
    zip: ZipArchive<File>,
    path: &'a Path,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(DataError::io("read", path))?;
        let zip = ZipArchive::new(file).map_err(|error| malformed(path, &error))?;
        Ok(Self { zip, path })
    }

    /// The names of the arrays, without `.npy`.
    fn names(&self) -> Result<Vec<String>, DataError> {
        let names = self.zip.file_names().collect::<Result<Vec<_>, _>>();
        let names = names.map_err(|error| malformed(self.path, &error))?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(".npy")).map(str::to_owned).collect())
    }

    /// An array as examples; `None` if it is not there.
    fn content(&mut self, name: &str) -> Result<Option<Content>, DataError> {
        let (file, path) = (format!("{name}.npy"), self.path.join(format!("{name}.npy")));
        let damaged = |error: &dyn Display| malformed(&path, error);
        let mut entry = match self.zip.by_name(&file) {
            Err(ZipError::FileNotFound) => return Ok(None),
            entry => entry.map_err(|error| damaged(&error))?,
        };
        let size = entry.size();
        if size > entry.compressed_size().saturating_mul(crate::idx::MAX_RATIO) {
            return Err(damaged(&"its size cannot be that of the packed bytes"));
        }
        // One byte more shows that the stream is longer than it says.
        let mut bytes = Vec::new();
        entry.by_ref().take(size + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 != size {
            return Err(damaged(&"its size is not that of the packed bytes"));
        }
        let npy::Npy { shape, values } = npy::read_from(&mut bytes.as_slice(), size, &path)?;
        Ok(Some(Content::of_array(path.display().to_string(), &shape, values)))
    }
}

fn malformed(path: &Path, reason: &dyn Display) -> DataError {
    let reason = format!("{reason}; get the file again").replace('\n', " ");
    DataError::Malformed { path: path.to_path_buf(), format: "npz", reason }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        fs,
        io::{Cursor, Write},
    };

    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    /// An archive of npy files by the names of their arrays, deflated and stored in turn.
    pub(crate) fn archive(arrays: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for ((name, plain), method) in
            arrays.iter().zip([CompressionMethod::Deflated, CompressionMethod::Stored].into_iter().cycle())
        {
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(format!("{name}.npy"), options).unwrap();
            writer.write_all(plain).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn arrays_are_unpacked_and_verified() {
        let plain: Vec<u8> = {
            let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
            let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }";
            bytes.extend(format!("{header:<117}\n").bytes());
            bytes.extend([1, 2]);
            bytes
        };
        let bytes = archive(&[("train", &plain)]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let open = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            Archive::open(&path)
        };
        let mut archive = open(&bytes).unwrap();
        let content = archive.content("train").unwrap().unwrap();
        assert!(content.name.ends_with("a.npz/train.npy"), "{}", content.name);
        assert_eq!(content.values.to_f64(), [1.0, 2.0]);
        assert!(archive.content("test").unwrap().is_none());
        let mut damaged = bytes.clone();
        damaged[45] ^= 1;
        let message = open(&damaged).unwrap().content("train").unwrap_err().to_string();
        assert!(message.contains("a.npz/train.npy: not a valid npz file"), "{message}");
        let message = open(&bytes[..60]).err().unwrap().to_string();
        assert!(message.contains("a.npz: not a valid npz file"), "{message}");
    }
}
