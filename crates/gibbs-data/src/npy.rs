//! The npy format of NumPy: booleans, whole numbers of 1 to 8 bytes, real numbers of 2, 4 or 8 bytes, in either byte order, in C
//! (row-major) or Fortran order.
//!
//! ```text
//! 93 "NUMPY", version (1, 2 or 3), 0, length of the header (u16 for version 1, else u32, little-endian),
//! header: {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }, values
//! ```
//!
//! Source: R. Kern, *NEP 1: A simple file format for NumPy arrays*, 2007.

mod element;
mod header;

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

pub use crate::Array;
use crate::DataError;
use element::read_values;
use header::{Header, MAGIC};

/// The content of an npy file.
#[derive(Clone, Debug, PartialEq)]
pub struct Npy {
    /// All sizes; the first is the number of examples.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: Array,
}

/// Whether `bytes` are the start of an npy file.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads an npy file. The size in the header is compared with the size of the file before memory is allocated.
///
/// # Errors
///
/// [`DataError::Io`], [`Malformed`](DataError::Malformed), [`ElementType`](DataError::ElementType),
/// [`AbsurdSize`](DataError::AbsurdSize), [`Truncated`](DataError::Truncated), [`TooLong`](DataError::TooLong).
pub fn read(path: &Path) -> Result<Npy, DataError> {
    let file = File::open(path).map_err(DataError::io("read", path))?;
    let bytes = file.metadata().map_err(DataError::io("read", path))?.len();
    read_from(&mut BufReader::new(file), bytes, path)
}

/// Reads the content of an npy file of `bytes` bytes. `path` is for messages.
pub(crate) fn read_from(source: &mut impl Read, bytes: u64, path: &Path) -> Result<Npy, DataError> {
    let header = Header::read(source, bytes, path)?;
    let values = read_values(header.element, source, header.values, path)?;
    let values = if header.fortran_order { row_major(&values, &header.shape) } else { values };
    Ok(Npy { shape: header.shape, values })
}

/// Values in Fortran order (first index fastest) in C order (last index fastest).
fn row_major(values: &Array, shape: &[usize]) -> Array {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let mut index = vec![0; shape.len()];
    let mut next = || {
        let at = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum::<usize>();
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
        at
    };
    values.select(&(0..values.len()).map(|_| next()).collect::<Vec<_>>())
}

/// Element types that are written.
pub trait Element: Copy + private::Sealed {
    /// The type in the header, such as `<f4`.
    const DESCR: &'static str;

    /// Appends the little-endian bytes.
    fn append_le(self, bytes: &mut Vec<u8>);
}

macro_rules! elements {
    ($($element:ty: $descr:literal),*) => {$(
        impl private::Sealed for $element {}

        impl Element for $element {
            const DESCR: &'static str = $descr;

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
    let fill = |file: &mut File| -> std::io::Result<()> {
        file.write_all(&header::compose(T::DESCR, shape))?;
        let mut bytes = Vec::with_capacity(PIECE * size_of::<T>());
        for piece in values.chunks(PIECE) {
            bytes.clear();
            piece.iter().for_each(|value| value.append_le(&mut bytes));
            file.write_all(&bytes)?;
        }
        Ok(())
    };
    let written = || {
        // A device or a pipe takes the bytes itself. To put a file in its place would destroy it.
        if path.metadata().is_ok_and(|target| !target.is_file() && !target.is_dir()) {
            return fill(&mut File::options().write(true).open(path)?);
        }
        let mut file = temporary(path)?;
        fill(file.as_file_mut())?;
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
    if !folder.is_dir() {
        return Err(std::io::Error::other(format!("there is no folder {}", folder.display())));
    }
    // The message of the builder would have the temporary name.
    builder.prefix(".npy-").tempfile_in(folder).map_err(|error| error.kind().into())
}

#[cfg(test)]
mod tests;
