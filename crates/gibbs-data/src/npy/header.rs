//! The header of an npy file: a Python dictionary with three entries.

use std::io::Read;
use std::path::Path;

use super::element::{ElementType, SUPPORTED};
use crate::DataError;

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Largest length of a header. NumPy writes much shorter ones.
const LONGEST: usize = 1 << 16;

/// The content of the header, which fits the size of the file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) element: ElementType,
    /// Whether the first index is the fastest, and the order matters.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// Number of values.
    pub(super) values: usize,
}

impl Header {
    pub(super) fn read(source: &mut impl Read, file_bytes: u64, path: &Path) -> Result<Self, DataError> {
        let malformed = |reason: &str| DataError::Malformed {
            path: path.to_path_buf(),
            format: "npy",
            reason: reason.to_owned(),
        };
        let mut fill = |buffer: &mut [u8]| {
            source.read_exact(buffer).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => malformed("the file ends within its header"),
                _ => DataError::io("read", path)(error),
            })
        };
        let mut start = [0; 8];
        fill(&mut start)?;
        if !start.starts_with(MAGIC) {
            let found = crate::idx::hex_pairs(&start[..6]);
            return Err(malformed(&format!("magic number {found}, where 93 4e 55 4d 50 59 is expected")));
        }
        let mut length = [0; 4];
        let length_bytes = match start[6] {
            1 => 2,
            2 | 3 => 4,
            version => return Err(malformed(&format!("format version {version}, only 1 to 3 exist"))),
        };
        fill(&mut length[..length_bytes])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(malformed(&format!("a header of {length} bytes")));
        }
        let mut text = vec![0; length];
        fill(&mut text)?;
        let text = String::from_utf8(text).map_err(|_| malformed("the header is not text"))?;
        let Dictionary { descr, fortran_order, shape } =
            Dictionary::parse(&text).map_err(|reason| malformed(&reason))?;

        let element = ElementType::parse(&descr).ok_or_else(|| DataError::ElementType {
            path: path.to_path_buf(),
            found: format!("'{}'", descr.escape_debug()),
            supported: SUPPORTED,
        })?;
        let fortran_order = fortran_order && shape.iter().filter(|&&size| size > 1).count() > 1;
        if shape.is_empty() {
            return Err(malformed("a single number; the first axis must count the examples"));
        }
        let before = (MAGIC.len() + 2 + length_bytes + length) as u64;
        let found = file_bytes.saturating_sub(before);
        let largest = shape
            .iter()
            .try_fold(element.size as u64, |bytes: u64, &size| bytes.checked_mul(size.max(1)))
            .filter(|&bytes| bytes <= 1 << 44)
            .ok_or_else(|| DataError::AbsurdSize {
                path: path.to_path_buf(),
                shape: shape.clone(),
                file_bytes,
            })?;
        let promised = if shape.contains(&0) { 0 } else { largest };
        crate::idx::check_length(promised, found, path)?;
        let shape = shape.iter().map(|&size| size as usize).collect();
        Ok(Self { element, fortran_order, shape, values: promised as usize / element.size })
    }
}

/// The three entries.
#[derive(Debug, PartialEq, Eq)]
struct Dictionary {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Dictionary {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }` with the entries in any order.
    fn parse(text: &str) -> Result<Self, String> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = text
            .trim()
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
            .ok_or("the header is not a dictionary")?;
        loop {
            rest = rest.trim_start_matches([' ', ',']);
            if rest.is_empty() {
                break;
            }
            let (key, value) = quoted(rest).ok_or("a key of the header is not quoted")?;
            let value =
                value.trim_start().strip_prefix(':').ok_or("a key of the header has no value")?.trim_start();
            rest = match key {
                "descr" => {
                    // A list of fields describes a structured array.
                    let (text, rest) = quoted(value)
                        .or_else(|| value.find(']').map(|end| value.split_at(end + 1)))
                        .ok_or("'descr' is not text")?;
                    descr = Some(text.to_owned());
                    rest
                }
                "fortran_order" => {
                    let (order, rest) = match (value.strip_prefix("True"), value.strip_prefix("False")) {
                        (Some(rest), _) => (true, rest),
                        (_, Some(rest)) => (false, rest),
                        _ => return Err("'fortran_order' is neither True nor False".to_owned()),
                    };
                    fortran_order = Some(order);
                    rest
                }
                "shape" => {
                    let inner = value.strip_prefix('(').ok_or("'shape' is not a tuple")?;
                    let (inner, rest) = inner.split_once(')').ok_or("'shape' does not end")?;
                    let sizes = inner.split(',').map(str::trim).filter(|size| !size.is_empty());
                    let sizes: Result<Vec<u64>, _> =
                        sizes.map(|size| size.trim_end_matches('L').parse()).collect();
                    shape = Some(sizes.map_err(|_| {
                        format!("'shape' is ({}), not a tuple of sizes", inner.escape_debug())
                    })?);
                    rest
                }
                other => return Err(format!("the header has an unknown key {other:?}")),
            };
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Self { descr, fortran_order, shape }),
            _ => Err("the header lacks one of 'descr', 'fortran_order', 'shape'".to_owned()),
        }
    }
}

/// The text in quotation marks at the start of `text`, and the rest.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mark = text.chars().next().filter(|mark| matches!(mark, '\'' | '"'))?;
    text[1..].split_once(mark)
}

/// Magic number, version, length and header. The values start at a multiple of 64 bytes.
pub(super) fn compose(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", sizes.join(", "));
    let before = MAGIC.len() + 4;
    let padded = (before + text.len() + 1).next_multiple_of(64);
    let length = (padded - before) as u16;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.resize(padded - 1, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_as_numpy_writes_them() {
        let parse = |text| Dictionary::parse(text);
        let expected = Dictionary { descr: "<f8".into(), fortran_order: false, shape: vec![3, 4] };
        assert_eq!(parse("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }     \n"), Ok(expected));
        let reordered = parse("{\"shape\":(5L,),\"descr\":\"|u1\",\"fortran_order\":True}").unwrap();
        assert_eq!(reordered, Dictionary { descr: "|u1".into(), fortran_order: true, shape: vec![5] });
        let fields =
            parse("{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (3,), }");
        assert_eq!(fields.unwrap().descr, "[('a', '<f4'), ('b', '<i4')]");
        assert_eq!(
            parse("{'descr': '<f8', 'fortran_order': False, 'shape': (), }").unwrap().shape,
            Vec::<u64>::new()
        );
    }

    #[test]
    fn dictionaries_that_are_none() {
        for text in [
            "",
            "{",
            "'descr': '<f8'",
            "{'descr': '<f8', 'shape': (3,)}",
            "{'descr': 8, 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}",
            "{é}",
        ] {
            assert!(Dictionary::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_begin_at_a_multiple_of_64_bytes() {
        for shape in [vec![1], vec![60_000, 28, 28], vec![123_456_789; 7]] {
            assert_eq!(compose("<f4", &shape).len() % 64, 0);
        }
    }
}
