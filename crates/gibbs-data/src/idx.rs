//! The idx format of MNIST, plain or compressed with gzip.
//!
//! ```text
//! 0, 0, type (8: unsigned byte), number of dimensions n, n sizes (u32, big-endian), values row-major
//! ```
//!
//! Source: Y. LeCun, C. Cortes, C. J. C. Burges, *The MNIST database of handwritten digits*, section "The IDX file format".

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::DataError;

/// The content of an idx file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// All sizes; the first is the number of examples.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: Vec<u8>,
}

/// Reads an idx file of unsigned bytes, plain or gzip. The size in the header is compared with the size of the
/// file before memory is allocated.
///
/// # Errors
///
/// [`DataError::Io`], [`Malformed`](DataError::Malformed) (wrong magic number), [`ElementType`](DataError::ElementType),
/// [`AbsurdSize`](DataError::AbsurdSize), [`Truncated`](DataError::Truncated), [`TooLong`](DataError::TooLong),
/// [`TruncatedGzip`](DataError::TruncatedGzip), [`DamagedGzip`](DataError::DamagedGzip).
pub fn read(path: &Path) -> Result<Idx, DataError> {
    parse(fs::read(path).map_err(DataError::io("read", path))?, path)
}

/// Largest number of values that a header may promise: a terabyte.
const LARGEST: u64 = 1 << 40;

/// Largest ratio of sizes after and before unpacking: deflate stores at most 258 bytes in 2 bits.
pub(crate) const MAX_RATIO: u64 = 1032;

/// Whether `bytes` are the start of an idx file or of gzip data.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    is_gzip(bytes) || bytes.starts_with(&[0, 0])
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Reads the content of an idx file. `path` is for error messages.
pub(crate) fn parse(mut bytes: Vec<u8>, path: &Path) -> Result<Idx, DataError> {
    if is_gzip(&bytes) {
        return parse_gzip(&bytes, path);
    }
    let file_bytes = bytes.len() as u64;
    let header = Header::read(&mut bytes.as_slice(), path)?;
    let promised = header.values(LARGEST, file_bytes, path)?;
    let found = bytes.len() - header.len();
    check_length(promised, found as u64, path)?;
    bytes.drain(..header.len());
    Ok(Idx { shape: header.shape(), values: bytes })
}

fn parse_gzip(bytes: &[u8], path: &Path) -> Result<Idx, DataError> {
    let mut decoder = MultiGzDecoder::new(bytes);
    let header = Header::read(&mut decoder, path)?;
    let file_bytes = bytes.len() as u64;
    let promised = header.values(LARGEST.min(file_bytes.saturating_mul(MAX_RATIO)), file_bytes, path)?;
    let mut values = Vec::with_capacity(promised as usize);
    decoder.by_ref().take(promised).read_to_end(&mut values).map_err(|error| gzip_error(error, path))?;
    // Reading the end of the stream verifies its checksum.
    let more = io::copy(&mut decoder.take(1), &mut io::sink()).map_err(|error| gzip_error(error, path))?;
    check_length(promised, values.len() as u64 + more, path)?;
    Ok(Idx { shape: header.shape(), values })
}

/// Compares the bytes of values that the header promises with those in the file.
pub(crate) fn check_length(promised: u64, found: u64, path: &Path) -> Result<(), DataError> {
    let path = path.to_path_buf();
    match found.cmp(&promised) {
        std::cmp::Ordering::Less => Err(DataError::Truncated { path, promised, found }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(DataError::TooLong { path, promised }),
    }
}

fn gzip_error(source: io::Error, path: &Path) -> DataError {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::UnexpectedEof => DataError::TruncatedGzip { path },
        _ => DataError::DamagedGzip { path, source },
    }
}

struct Header {
    sizes: Vec<u64>,
}

impl Header {
    fn read(source: &mut impl Read, path: &Path) -> Result<Self, DataError> {
        let malformed =
            |reason: String| DataError::Malformed { path: path.to_path_buf(), format: "idx", reason };
        let mut fill = |buffer: &mut [u8]| {
            let wanted = buffer.len();
            let mut found = 0;
            while found < wanted {
                match source.read(&mut buffer[found..]) {
                    Ok(0) => return Err(malformed("the file ends within its header".to_owned())),
                    Ok(n) => found += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(gzip_error(error, path)),
                }
            }
            Ok(())
        };
        let mut magic = [0; 4];
        fill(&mut magic)?;
        let [zero, nought, kind, dimensions] = magic;
        if (zero, nought) != (0, 0) || !(1..=8).contains(&dimensions) {
            return Err(malformed(format!(
                "magic number {}, where 00 00 08 and a number of dimensions from 1 to 8 are expected",
                hex_pairs(&magic)
            )));
        }
        if kind != 8 {
            return Err(match element_type(kind) {
                Some(found) => DataError::ElementType {
                    path: path.to_path_buf(),
                    found: found.to_owned(),
                    supported: "unsigned bytes (idx type 08)",
                },
                None => malformed(format!("magic number {} has no known type", hex_pairs(&magic))),
            });
        }
        let mut sizes = vec![0; usize::from(dimensions)];
        for size in &mut sizes {
            let mut word = [0; 4];
            fill(&mut word)?;
            *size = u64::from(u32::from_be_bytes(word));
        }
        Ok(Self { sizes })
    }

    /// Bytes of the header.
    fn len(&self) -> usize {
        4 + 4 * self.sizes.len()
    }

    /// Number of values; an error if it is above `most`.
    fn values(&self, most: u64, file_bytes: u64, path: &Path) -> Result<u64, DataError> {
        let product = self.sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
        product.filter(|&values| values <= most).ok_or_else(|| DataError::AbsurdSize {
            path: path.to_path_buf(),
            shape: self.sizes.clone(),
            file_bytes,
        })
    }

    fn shape(&self) -> Vec<usize> {
        self.sizes.iter().map(|&size| size as usize).collect()
    }
}

fn element_type(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0x09 => "i8 (idx type 09)",
        0x0b => "i16 (idx type 0b)",
        0x0c => "i32 (idx type 0c)",
        0x0d => "f32 (idx type 0d)",
        0x0e => "f64 (idx type 0e)",
        _ => return None,
    })
}

/// `bytes` as pairs of hexadecimal digits with spaces between them.
pub(crate) fn hex_pairs(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn plain(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn parsed(bytes: Vec<u8>) -> Result<Idx, DataError> {
        parse(bytes, Path::new("file"))
    }

    fn noisy(n: u32) -> Vec<u8> {
        (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[test]
    fn plain_and_packed_files_read_alike() {
        let file = plain(&[3, 2, 2], &noisy(12));
        let expected = Idx { shape: vec![3, 2, 2], values: noisy(12) };
        assert_eq!(parsed(file.clone()).unwrap(), expected);
        assert_eq!(parsed(packed(&file)).unwrap(), expected);
    }

    #[test]
    fn wrong_magic_numbers() {
        for (bytes, words) in [
            (b"\x89PNG\r\n".to_vec(), "magic number 89 50 4e 47"),
            (vec![0, 0, 8, 0, 0, 0], "magic number 00 00 08 00"),
            (vec![0, 0, 7, 1, 0, 0, 0, 1, 5], "no known type"),
            (vec![0, 0, 8, 3, 0, 0], "ends within its header"),
            (packed(b"\x89PNG\r\n"), "magic number 89 50 4e 47"),
        ] {
            let error = parsed(bytes).unwrap_err();
            assert!(
                matches!(error, DataError::Malformed { .. }) && error.to_string().contains(words),
                "{error}"
            );
        }
    }

    #[test]
    fn other_element_types() {
        let error = parsed(vec![0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0]).unwrap_err();
        assert!(
            matches!(error, DataError::ElementType { .. }) && error.to_string().contains("f32"),
            "{error}"
        );
    }

    #[test]
    fn headers_that_promise_more_than_the_file_holds() {
        let short = plain(&[100, 28, 28], &noisy(784));
        let is_short = |error| matches!(error, DataError::Truncated { promised: 78_400, found: 784, .. });
        assert!(is_short(parsed(short.clone()).unwrap_err()));
        assert!(is_short(parsed(packed(&short)).unwrap_err()));
    }

    #[test]
    fn absurd_sizes_are_refused_before_memory_is_taken() {
        let absurd = plain(&[u32::MAX, u32::MAX, u32::MAX], &[1, 2, 3]);
        for bytes in [absurd.clone(), packed(&absurd), packed(&plain(&[u32::MAX, 255], &[1, 2, 3]))] {
            let error = parsed(bytes).unwrap_err();
            assert!(matches!(error, DataError::AbsurdSize { .. }), "{error}");
        }
    }

    #[test]
    fn values_after_the_promised_ones() {
        let long = plain(&[2, 2], &noisy(5));
        for bytes in [long.clone(), packed(&long)] {
            assert!(matches!(parsed(bytes), Err(DataError::TooLong { promised: 4, .. })));
        }
    }

    #[test]
    fn truncated_and_damaged_gzip() {
        let whole = packed(&plain(&[50, 28, 28], &noisy(39_200)));
        for keep in [5, 30, whole.len() / 2, whole.len() - 4] {
            let error = parsed(whole[..keep].to_vec()).unwrap_err();
            assert!(matches!(error, DataError::TruncatedGzip { .. }), "{keep}: {error}");
        }
        let mut damaged = whole;
        let end = damaged.len();
        damaged[end - 6] ^= 0x55;
        let error = parsed(damaged).unwrap_err();
        assert!(matches!(error, DataError::DamagedGzip { .. }), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("no-such-file-ubyte")).unwrap_err();
        assert!(error.to_string().starts_with("no-such-file-ubyte: cannot read: "), "{error}");
    }
}
