//! The npy format of NumPy: little-endian `f4` and `f8`, unsigned bytes `u1`, in C (row-major) order.
//!
//! ```text
//! 93 "NUMPY", version (1, 2 or 3), 0, length of the header (u16 for version 1, else u32, little-endian),
//! header: {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }, values
//! ```
//!
//! Source: R. Kern, *NEP 1: A simple file format for NumPy arrays*, 2007.

mod header;

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use crate::DataError;
use header::{Header, MAGIC};

/// The content of an npy file.
#[derive(Clone, Debug, PartialEq)]
pub struct Npy {
    /// All sizes; the first is the number of examples.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: Array,
}

/// Values of an npy file.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// `|u1`
    U8(Vec<u8>),
    /// `<f4`
    F32(Vec<f32>),
    /// `<f8`
    F64(Vec<f64>),
}

/// Whether `bytes` are the start of an npy file.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads an npy file of `u8`, `f32` or `f64`. The size in the header is compared with the size of the file before
/// memory is allocated.
///
/// # Errors
///
/// [`DataError::Io`], [`Malformed`](DataError::Malformed), [`ElementType`](DataError::ElementType),
/// [`FortranOrder`](DataError::FortranOrder), [`AbsurdSize`](DataError::AbsurdSize),
/// [`Truncated`](DataError::Truncated), [`TooLong`](DataError::TooLong).
pub fn read(path: &Path) -> Result<Npy, DataError> {
    let (header, mut source) = open(path)?;
    let n = header.values;
    let values = match header.descr.as_str() {
        u8::DESCR => Array::U8(convert::<u8, _>(&mut source, n, path, |byte| Ok(*byte))?),
        f32::DESCR => Array::F32(convert::<f32, _>(&mut source, n, path, |x| Ok(*x))?),
        _ => Array::F64(convert::<f64, _>(&mut source, n, path, |x| Ok(*x))?),
    };
    Ok(Npy { shape: header.shape, values })
}

/// Values of an npy file in the types of a data set.
pub(crate) enum Narrow {
    Bytes(Vec<u8>),
    Real(Vec<f32>),
}

/// As [`read`], but with `f64` rounded to `f32` piece by piece, which saves memory.
///
/// # Errors
///
/// As [`read`], and [`DataError::NotFinite`] for an `f64` that is NaN, infinite or too large for `f32`.
pub(crate) fn read_narrow(path: &Path) -> Result<(Vec<usize>, Narrow), DataError> {
    let (header, mut source) = open(path)?;
    let (n, shape) = (header.values, header.shape);
    let values = match header.descr.as_str() {
        u8::DESCR => Narrow::Bytes(convert::<u8, _>(&mut source, n, path, |byte| Ok(*byte))?),
        f32::DESCR => Narrow::Real(convert::<f32, _>(&mut source, n, path, |x| Ok(*x))?),
        _ => {
            let width = shape[1..].iter().product::<usize>().max(1);
            let mut done = 0;
            Narrow::Real(convert::<f64, _>(&mut source, n, path, |&value| {
                let narrow = value as f32;
                done += 1;
                if narrow.is_finite() {
                    return Ok(narrow);
                }
                let name = path.display().to_string();
                Err(DataError::NotFinite { name, row: (done - 1) / width, value })
            })?)
        }
    };
    Ok((shape, values))
}

fn open(path: &Path) -> Result<(Header, BufReader<File>), DataError> {
    let file = File::open(path).map_err(DataError::io("read", path))?;
    let file_bytes = file.metadata().map_err(DataError::io("read", path))?.len();
    let mut source = BufReader::new(file);
    let header = Header::read(&mut source, file_bytes, path)?;
    Ok((header, source))
}

/// Reads `n` values piece by piece and applies `change` to each.
fn convert<T: Element, U>(
    source: &mut impl Read,
    n: usize,
    path: &Path,
    mut change: impl FnMut(&T) -> Result<U, DataError>,
) -> Result<Vec<U>, DataError> {
    const PIECE: usize = 1 << 14;
    let mut values = Vec::with_capacity(n);
    let mut buffer = vec![0; n.min(PIECE) * size_of::<T>()];
    while values.len() < n {
        let piece = &mut buffer[..(n - values.len()).min(PIECE) * size_of::<T>()];
        source.read_exact(piece).map_err(DataError::io("read", path))?;
        for bytes in piece.chunks_exact(size_of::<T>()) {
            values.push(change(&T::from_le(bytes))?);
        }
    }
    Ok(values)
}

/// Element types of npy files.
pub trait Element: Copy + private::Sealed {
    /// The type in the header, such as `<f4`.
    const DESCR: &'static str;

    /// The value of `size_of::<Self>()` little-endian bytes.
    ///
    /// # Panics
    ///
    /// If the number of bytes is wrong.
    fn from_le(bytes: &[u8]) -> Self;

    /// Appends the little-endian bytes.
    fn append_le(self, bytes: &mut Vec<u8>);
}

macro_rules! elements {
    ($($element:ty: $descr:literal),*) => {$(
        impl private::Sealed for $element {}

        impl Element for $element {
            const DESCR: &'static str = $descr;

            fn from_le(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("the caller passes the bytes of one element"))
            }

            fn append_le(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
        }
    )*};
}

elements!(u8: "|u1", f32: "<f4", f64: "<f8");

mod private {
    pub trait Sealed {}
}

/// Writes `values` (row-major) of `shape` to an npy file. The file is written under a temporary name in the same folder and
/// then renamed, so that it is never incomplete.
///
/// ```
/// use gibbs_data::npy;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("log_prob.npy");
/// npy::write(&path, &[-84.5, -90.25], &[2])?;
/// assert_eq!(npy::read(&path)?.values, npy::Array::F64(vec![-84.5, -90.25]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`DataError::Shape`] if the number of values does not fit the shape, [`DataError::Io`] if writing fails.
pub fn write<T: Element>(path: &Path, values: &[T], shape: &[usize]) -> Result<(), DataError> {
    const PIECE: usize = 1 << 14;
    if shape.iter().product::<usize>() != values.len() {
        return Err(DataError::Shape {
            name: path.display().to_string(),
            found: shape.to_vec(),
            expected: format!("a shape of {} values", values.len()),
        });
    }
    let written = || {
        let mut file = temporary(path)?;
        file.write_all(&header::compose(T::DESCR, shape))?;
        let mut bytes = Vec::with_capacity(PIECE * size_of::<T>());
        for piece in values.chunks(PIECE) {
            bytes.clear();
            piece.iter().for_each(|value| value.append_le(&mut bytes));
            file.write_all(&bytes)?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(DataError::io("write", path))
}

/// A new file in the folder of `path` with the usual permissions.
fn temporary(path: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".npy-").tempfile_in(folder)
}

#[cfg(test)]
mod tests;
