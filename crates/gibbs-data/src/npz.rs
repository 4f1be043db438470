//! The npz format of NumPy: a zip archive of npy files, stored or deflated.
//!
//! The arrays `train`, `valid` and `test` hold examples, `train_labels`, `train_context`, `train_weights` and so on what goes with
//! them. An archive of one array is one of training examples.
//!
//! Source of the archive: PKWARE, *APPNOTE.TXT, .ZIP File Format Specification*, 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::{Crc, read::DeflateDecoder};

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
    let bytes = fs::read(path).map_err(DataError::io("read", path))?;
    let archive = Archive::open(&bytes, path)?;
    let is_companion = |name: &str| [LABELS, CONTEXT, WEIGHTS].iter().any(|ending| name.ends_with(ending));
    let examples: Vec<&str> =
        archive.entries.iter().map(|entry| entry.name.as_str()).filter(|name| !is_companion(name)).collect();
    let names = match examples[..] {
        [only] if !PARTS[1..].contains(&only) => [only, PARTS[1], PARTS[2]],
        _ if examples.contains(&PARTS[0]) => PARTS,
        _ => {
            let found =
                archive.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(archive.malformed(format!(
                "no array `train`; the arrays must be named train, valid, test, train_labels and so on, it has: {found}"
            )));
        }
    };
    let part = |name: &str| -> Result<Option<Content>, DataError> {
        let Some(mut part) = archive.content(name)? else { return Ok(None) };
        let with = |ending: &str| archive.content(&format!("{name}{ending}"));
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

/// A zip archive in memory.
struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
    path: &'a Path,
}

/// An array of an archive.
struct Entry {
    /// Without `.npy`.
    name: String,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its local header begins.
    at: u64,
}

/// Bytes of the three records, without the names and comments at their end.
const LOCAL: usize = 30;
const CENTRAL: usize = 46;
const END: usize = 22;

impl<'a> Archive<'a> {
    /// Reads the central directory.
    fn open(bytes: &'a [u8], path: &'a Path) -> Result<Self, DataError> {
        let mut archive = Self { bytes, entries: Vec::new(), path };
        // The end record is followed by a comment of at most 65535 bytes.
        let first = bytes.len().saturating_sub(END + usize::from(u16::MAX));
        let end = bytes[first..].windows(END).rposition(|record| record.starts_with(b"PK\x05\x06"));
        let end = first + end.ok_or_else(|| archive.malformed("no end record; get the file again"))?;
        let n = u16_at(bytes, end + 10).unwrap_or(0);
        let mut at = u32_at(bytes, end + 16).unwrap_or(0) as usize;
        for _ in 0..n {
            let (entry, next) = archive
                .entry(at)
                .ok_or_else(|| archive.malformed("its directory is damaged; get the file again"))?;
            archive.entries.extend(entry);
            at = next;
        }
        Ok(archive)
    }

    /// The entry of the directory at a position, if it is an array, and the position of the next; `None` if there is no entry.
    fn entry(&self, at: usize) -> Option<(Option<Entry>, usize)> {
        let record = self.bytes.get(at..at.checked_add(CENTRAL)?).filter(|r| r.starts_with(b"PK\x01\x02"))?;
        let lengths = [28, 30, 32].map(|field| u16_at(record, field).map(usize::from));
        let [Some(name), Some(extra), Some(comment)] = lengths else { return None };
        let start = at + CENTRAL;
        let name_bytes = self.bytes.get(start..start + name)?;
        let text = String::from_utf8_lossy(name_bytes);
        let entry = text.strip_suffix(".npy").and_then(|name| {
            Some(Entry {
                name: name.to_owned(),
                method: u16_at(record, 10)?,
                crc: u32_at(record, 16)?,
                packed: u64::from(u32_at(record, 20)?),
                size: u64::from(u32_at(record, 24)?),
                at: u64::from(u32_at(record, 42)?),
            })
        });
        Some((entry, start + name + extra + comment))
    }

    /// An array as examples; `None` if it is not there.
    fn content(&self, name: &str) -> Result<Option<Content>, DataError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else { return Ok(None) };
        let path = self.path_of(name);
        let bytes = self.unpack(entry)?;
        let npy::Npy { shape, values } = npy::read_from(&mut bytes.as_slice(), bytes.len() as u64, &path)?;
        Ok(Some(Content::of_array(path.display().to_string(), &shape, values)))
    }

    /// The bytes of an npy file.
    fn unpack(&self, entry: &Entry) -> Result<Vec<u8>, DataError> {
        let damaged = || DataError::Malformed {
            path: self.path_of(&entry.name),
            format: "npz",
            reason: "the packed bytes are damaged, or of a method other than deflate; get the file again"
                .to_owned(),
        };
        let local = entry.at as usize;
        let field = |at: usize| u16_at(self.bytes, local + at).map(usize::from).ok_or_else(damaged);
        let start = local + LOCAL + field(26)? + field(28)?;
        let packed = self.bytes.get(start..start + entry.packed as usize).ok_or_else(damaged)?;
        let bytes = match entry.method {
            0 => packed.to_vec(),
            8 if entry.size <= entry.packed.saturating_mul(crate::idx::MAX_RATIO) => {
                let mut bytes = Vec::with_capacity(entry.size as usize);
                // One byte more shows that the stream is longer than it says.
                let mut source = DeflateDecoder::new(packed).take(entry.size + 1);
                source.read_to_end(&mut bytes).map_err(|_| damaged())?;
                bytes
            }
            _ => return Err(damaged()),
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 == entry.size && crc.sum() == entry.crc { Ok(bytes) } else { Err(damaged()) }
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.npy"))
    }

    fn malformed(&self, reason: impl Into<String>) -> DataError {
        DataError::Malformed { path: self.path.to_path_buf(), format: "npz", reason: reason.into() }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::DeflateEncoder};

    use super::*;

    /// An archive of npy files by the names of their arrays, deflated and stored in turn.
    pub(crate) fn archive(arrays: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (i, (array, plain)) in arrays.iter().enumerate() {
            let mut crc = Crc::new();
            crc.update(plain);
            let (method, packed) = if i % 2 == 0 {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(plain).unwrap();
                (8u16, encoder.finish().unwrap())
            } else {
                (0, plain.to_vec())
            };
            let file = format!("{array}.npy");
            let mut sizes = crc.sum().to_le_bytes().to_vec();
            sizes.extend((packed.len() as u32).to_le_bytes());
            sizes.extend((plain.len() as u32).to_le_bytes());
            sizes.extend((file.len() as u16).to_le_bytes());
            let start = bytes.len() as u32;
            bytes.extend(b"PK\x03\x04\x14\0\0\0");
            bytes.extend(method.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(&sizes);
            bytes.extend([4, 0]);
            bytes.extend(file.bytes());
            bytes.extend([9; 4]);
            bytes.extend(packed);
            directory.extend(b"PK\x01\x02\x14\0\x14\0\0\0");
            directory.extend(method.to_le_bytes());
            directory.extend([0; 4]);
            directory.extend(&sizes);
            directory.extend([0; 12]);
            directory.extend(start.to_le_bytes());
            directory.extend(file.bytes());
        }
        let at = bytes.len() as u32;
        bytes.extend(&directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend([arrays.len() as u16; 2].map(u16::to_le_bytes).concat());
        bytes.extend((directory.len() as u32).to_le_bytes());
        bytes.extend(at.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
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
        let archive = Archive::open(&bytes, Path::new("a.npz")).unwrap();
        let content = archive.content("train").unwrap().unwrap();
        assert_eq!((content.name.as_str(), content.values.to_f64()), ("a.npz/train.npy", vec![1.0, 2.0]));
        assert!(archive.content("test").unwrap().is_none());
        let mut damaged = bytes.clone();
        damaged[45] ^= 1;
        let archive = Archive::open(&damaged, Path::new("a.npz")).unwrap();
        let message = archive.content("train").unwrap_err().to_string();
        assert!(message.contains("a.npz/train.npy: not a valid npz file"), "{message}");
        let message = Archive::open(&bytes[..60], Path::new("a.npz")).err().unwrap().to_string();
        assert!(message.contains("no end record"), "{message}");
    }
}
