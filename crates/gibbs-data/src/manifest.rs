//! Named sets: their files, checksums and sources.
//!
//! The manifests are the files `datasets/NAME.toml` of the repository and part of the program. The files of a set lie in
//! `DATA_DIR/NAME/`. A file can have several forms, for example compressed or plain. The first form found is read, and its
//! checksum is verified at each load.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{DataError, Dataset, Division, Kind, Splits, idx};

const EMBEDDED: [&str; 4] = [
    include_str!("../datasets/mnist.toml"),
    include_str!("../datasets/fashion-mnist.toml"),
    include_str!("../datasets/binarized-mnist.toml"),
    include_str!("../datasets/frey-faces.toml"),
];

/// A named set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the set and of its folder.
    pub name: String,
    /// Description in a few words.
    pub title: String,
    /// License according to its source.
    pub license: String,
    /// Origin.
    pub source: String,
    /// How to get it, in one sentence.
    pub help: String,
    /// Shape of one example.
    pub shape: Vec<usize>,
    /// Kind of the values: binary or gray.
    pub values: Kind,
    /// Parts.
    pub splits: Parts,
    /// Files.
    pub files: Vec<File>,
}

/// The examples of each part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Training examples.
    pub train: Part,
    /// Validation examples.
    pub valid: Part,
    /// Test examples.
    pub test: Part,
}

/// Some rows of a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The [`File::id`] of the examples.
    pub images: String,
    /// The [`File::id`] of the labels.
    #[serde(default)]
    pub labels: Option<String>,
    /// First row, and the row after the last.
    pub rows: [usize; 2],
}

/// One array of a named set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Identifier for the [parts](Part).
    pub id: String,
    /// Shape of the array.
    pub shape: Vec<usize>,
    /// The possible files, the preferred one first.
    pub forms: Vec<Form>,
}

/// One possible file of an array.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Name of the file.
    pub name: String,
    /// Format.
    pub format: Format,
    /// Size, if known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// sha256 of the content, lowercase hexadecimal.
    pub sha256: String,
    /// Public addresses of this file.
    #[serde(default)]
    pub urls: Vec<String>,
}

/// The format of a file of a named set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// idx, plain or gzip.
    Idx,
    /// Text: the characters 0 and 1, separated by blanks.
    Amat,
}

/// The manifests of all named sets.
pub fn all() -> Vec<Manifest> {
    EMBEDDED.iter().map(|text| toml::from_str(text).expect("a test reads all manifests")).collect()
}

/// The manifest of `name`.
pub fn find(name: &str) -> Option<Manifest> {
    all().into_iter().find(|manifest| manifest.name == name)
}

impl Manifest {
    /// Reads the set from `data_dir/NAME/` and verifies its checksums.
    ///
    /// # Errors
    ///
    /// [`DataError::Missing`] with the names of the missing files and how to get them, [`DataError::Checksum`] for a file
    /// that differs from the published one, and the errors of [`idx::read`].
    pub fn load(&self, data_dir: &Path) -> Result<Splits, DataError> {
        let folder = data_dir.join(&self.name);
        let missing: Vec<&str> = self
            .files
            .iter()
            .filter(|file| file.found_in(&folder).is_none())
            .filter_map(|file| file.forms.first())
            .map(|form| form.name.as_str())
            .collect();
        if !missing.is_empty() {
            return Err(DataError::Missing {
                set: self.name.clone(),
                folder,
                files: missing.join(", "),
                help: format!(
                    "{} (see datasets/README.md), or set another data folder with --data-dir or GIBBS_DATA_DIR",
                    self.help
                ),
            });
        }
        let mut whole: HashMap<&str, Dataset> = HashMap::new();
        for Part { images, labels, .. } in self.splits.each() {
            if !whole.contains_key(images.as_str()) {
                whole.insert(images, self.read_examples(images, labels.as_deref(), &folder)?);
            }
        }
        let part = |Part { images, rows: [start, end], .. }: &Part| {
            let set = &whole[images.as_str()];
            match start <= end && *end <= set.len() {
                true => Ok(set.rows(*start..*end)),
                false => Err(self.malformed(format!("rows {start} to {end} of {} in {images}", set.len()))),
            }
        };
        let Parts { train, valid, test } = &self.splits;
        let (train, valid, test, division) = (part(train)?, part(valid)?, part(test)?, Division::Published);
        Ok(Splits { train, valid, test, known_density: None, division })
    }

    fn read_examples(&self, images: &str, labels: Option<&str>, folder: &Path) -> Result<Dataset, DataError> {
        let values = self.read(images, folder)?;
        let binary = self.values == Kind::Binary;
        let dataset = Dataset::from_bytes_as(binary, &self.name, values, &self.shape)?
            .with_origin(format!("{}/{images}", self.name));
        match labels {
            Some(labels) => {
                dataset.with_labels(self.read(labels, folder)?.into_iter().map(u16::from).collect())
            }
            None => Ok(dataset),
        }
    }

    /// The values of the array `id`.
    fn read(&self, id: &str, folder: &Path) -> Result<Vec<u8>, DataError> {
        let file = self.files.iter().find(|file| file.id == id);
        let file = file.ok_or_else(|| self.malformed(format!("no file with the id {id}")))?;
        let form = file.found_in(folder);
        let form = form.ok_or_else(|| self.malformed(format!("no form of the file {id}")))?;
        let path = folder.join(&form.name);
        let bytes = fs::read(&path).map_err(DataError::io("read", &path))?;
        let found = hex(&Sha256::digest(&bytes));
        if found != form.sha256 {
            return Err(DataError::Checksum { path, expected: form.sha256.clone(), found });
        }
        let (shape, values) = match form.format {
            Format::Idx => {
                let idx = idx::parse(bytes, &path)?;
                (idx.shape, idx.values)
            }
            Format::Amat => {
                let values = parse_amat(bytes, &path)?;
                let example = file.shape.get(1..).unwrap_or(&[]);
                let width = example.iter().try_fold(1usize, |width, &size| width.checked_mul(size));
                let rows = width.and_then(|width| values.len().checked_div(width)).unwrap_or(0);
                ([&[rows], example].concat(), values)
            }
        };
        let size = shape.iter().try_fold(1usize, |size, &axis| size.checked_mul(axis));
        if shape != file.shape || Some(values.len()) != size {
            let (name, expected) = (path.display().to_string(), format!("{:?}", file.shape));
            return Err(DataError::Shape { name, found: shape, expected });
        }
        Ok(values)
    }

    fn malformed(&self, reason: String) -> DataError {
        DataError::Malformed { path: format!("{}.toml", self.name).into(), format: "manifest", reason }
    }
}

impl Parts {
    fn each(&self) -> [&Part; 3] {
        [&self.train, &self.valid, &self.test]
    }
}

impl File {
    /// The first form with a file in `folder`.
    fn found_in(&self, folder: &Path) -> Option<&Form> {
        self.forms.iter().find(|form| folder.join(&form.name).is_file())
    }
}

/// Zeros and ones from text, in place.
fn parse_amat(mut bytes: Vec<u8>, path: &Path) -> Result<Vec<u8>, DataError> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r');
    if let Some(at) = bytes.iter().position(|byte| !matches!(byte, b'0' | b'1') && !is_blank(byte)) {
        return Err(DataError::Malformed {
            path: path.to_path_buf(),
            format: "amat",
            reason: format!("byte {:02x} at {at}, but only 0, 1 and blanks are allowed", bytes[at]),
        });
    }
    bytes.retain(|byte| !is_blank(byte));
    bytes.iter_mut().for_each(|byte| *byte -= b'0');
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// `bytes` as lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
