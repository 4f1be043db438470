//! Element types of npy files, and their values.

use std::io::Read;
use std::path::Path;

use crate::{Array, DataError};

/// Element types that can be read, for messages.
pub(super) const SUPPORTED: &str = "bool, whole numbers of 1 to 8 bytes and real numbers of 2, 4 or 8 bytes";

/// How the bytes of an element become a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementType {
    kind: Kind,
    /// Bytes of an element: 1, 2, 4 or 8.
    pub(super) size: usize,
    is_big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Unsigned,
    Signed,
    Float,
}

impl ElementType {
    /// Of a type in a header, such as `<f4`; `None` for all others.
    pub(super) fn parse(descr: &str) -> Option<Self> {
        let (order, rest) = descr.split_at_checked(1)?;
        let (kind, size) = rest.split_at_checked(1)?;
        let is_big_endian = match order {
            "<" | "|" | "=" => false,
            ">" => true,
            _ => return None,
        };
        let (kind, sizes): (Kind, &[usize]) = match kind {
            "b" => (Kind::Bool, &[1]),
            "u" => (Kind::Unsigned, &[1, 2, 4, 8]),
            "i" => (Kind::Signed, &[1, 2, 4, 8]),
            "f" => (Kind::Float, &[2, 4, 8]),
            _ => return None,
        };
        let size = size.parse().ok().filter(|size| sizes.contains(size))?;
        Some(Self { kind, size, is_big_endian })
    }
}

/// Reads `n` values. The caller has compared `n` with the size of the file.
pub(super) fn read_values(
    element: ElementType,
    source: &mut impl Read,
    n: usize,
    path: &Path,
) -> Result<Array, DataError> {
    let word = |bytes: &[u8]| -> u64 {
        let append = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        if element.is_big_endian { bytes.iter().fold(0, append) } else { bytes.iter().rev().fold(0, append) }
    };
    let mut read = Reader { source, n, size: element.size, path };
    Ok(match (element.kind, element.size) {
        (Kind::Bool, _) => Array::U8(read.all(|bytes| Ok(u8::from(bytes[0] != 0)))?),
        (Kind::Unsigned, 1) => Array::U8(read.all(|bytes| Ok(bytes[0]))?),
        (Kind::Unsigned, _) => Array::I64(read.all(|bytes| {
            let value = word(bytes);
            i64::try_from(value).map_err(|_| DataError::Malformed {
                path: path.to_path_buf(),
                format: "npy",
                reason: format!("the number {value} is above {}", i64::MAX),
            })
        })?),
        (Kind::Signed, size) => {
            let unused = 64 - 8 * size;
            Array::I64(read.all(|bytes| Ok(((word(bytes) << unused) as i64) >> unused))?)
        }
        (Kind::Float, 2) => {
            Array::F32(read.all(|bytes| Ok(half::f16::from_bits(word(bytes) as u16).to_f32()))?)
        }
        (Kind::Float, 4) => Array::F32(read.all(|bytes| Ok(f32::from_bits(word(bytes) as u32)))?),
        (Kind::Float, _) => Array::F64(read.all(|bytes| Ok(f64::from_bits(word(bytes))))?),
    })
}

struct Reader<'a, R> {
    source: &'a mut R,
    n: usize,
    size: usize,
    path: &'a Path,
}

impl<R: Read> Reader<'_, R> {
    /// Reads all values piece by piece.
    fn all<T>(&mut self, value: impl Fn(&[u8]) -> Result<T, DataError>) -> Result<Vec<T>, DataError> {
        const PIECE: usize = 1 << 14;
        let mut values = Vec::with_capacity(self.n);
        let mut buffer = vec![0; self.n.min(PIECE) * self.size];
        while values.len() < self.n {
            let piece = &mut buffer[..(self.n - values.len()).min(PIECE) * self.size];
            self.source.read_exact(piece).map_err(DataError::io("read", self.path))?;
            for bytes in piece.chunks_exact(self.size) {
                values.push(value(bytes)?);
            }
        }
        Ok(values)
    }
}
