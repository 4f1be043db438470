use std::fs;

use tempfile::tempdir;

use super::*;

fn file_of(header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

fn described(descr: &str, fortran: bool, shape: &str) -> String {
    let order = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
}

fn read_bytes(bytes: &[u8]) -> Result<Npy, DataError> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file.npy");
    fs::write(&path, bytes).unwrap();
    read(&path)
}

#[test]
fn what_is_written_reads_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file.npy");
    let wide: Vec<f64> = (0..40_000).map(|i| f64::from(i).sqrt()).collect();
    write(&path, &wide, &[100, 400]).unwrap();
    assert_eq!(read(&path).unwrap(), Npy { shape: vec![100, 400], values: Array::F64(wide.clone()) });
    let narrow: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
    let (shape, Narrow::Real(values)) = read_narrow(&path).unwrap() else { panic!("real values") };
    assert_eq!((shape, &values), (vec![100, 400], &narrow));
    write(&path, &narrow, &[40_000]).unwrap();
    assert_eq!(read(&path).unwrap(), Npy { shape: vec![40_000], values: Array::F32(narrow) });
    write(&path, &[1u8, 2, 3, 4, 5, 6], &[1, 2, 3]).unwrap();
    assert_eq!(read(&path).unwrap(), Npy { shape: vec![1, 2, 3], values: Array::U8(vec![1, 2, 3, 4, 5, 6]) });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file remains");
}

#[test]
fn bytes_as_numpy_writes_them() {
    // numpy.save of numpy.array([[1.5, -2.0]], dtype='<f4'), version 1.26
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{:<117}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }").bytes());
    bytes.extend([0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]);
    let folder = tempdir().unwrap();
    let path = folder.path().join("file.npy");
    write(&path, &[1.5f32, -2.0], &[1, 2]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn other_types_and_orders() {
    for descr in ["<i8", ">f4", "<f2", "|b1", "<c16"] {
        let error = read_bytes(&file_of(&described(descr, false, "(1,)"), &[0; 16])).unwrap_err();
        assert!(matches!(&error, DataError::ElementType { .. }), "{error}");
        assert!(error.to_string().contains(descr), "{error}");
    }
    let error = read_bytes(&file_of(&described("<f4", true, "(2, 2)"), &[0; 16])).unwrap_err();
    assert!(matches!(error, DataError::FortranOrder { .. }), "{error}");
    let column = read_bytes(&file_of(&described("|u1", true, "(3, 1)"), &[7, 8, 9])).unwrap();
    assert_eq!(column.values, Array::U8(vec![7, 8, 9]), "one column is the same in both orders");
}

#[test]
fn headers_against_the_size_of_the_file() {
    let is = |header: String, values: &[u8]| read_bytes(&file_of(&header, values)).unwrap_err();
    assert!(matches!(
        is(described("<f4", false, "(60000, 784)"), &[0; 100]),
        DataError::Truncated { promised: 188_160_000, found: 100, .. }
    ));
    assert!(matches!(is(described("|u1", false, "(4,)"), &[0; 5]), DataError::TooLong { promised: 4, .. }));
    for shape in ["(18446744073709551615, 2)", "(4294967295, 4294967295)"] {
        assert!(matches!(is(described("<f8", false, shape), &[0; 8]), DataError::AbsurdSize { .. }));
    }
    assert!(matches!(is(described("<f4", false, "()"), &[0; 4]), DataError::Malformed { .. }));
}

#[test]
fn broken_headers() {
    let valid = file_of(&described("|u1", false, "(1,)"), &[1]);
    let mut version = valid.clone();
    version[6] = 9;
    let mut long = valid.clone();
    long[6] = 2;
    for (bytes, words) in [
        (b"PK\x03\x04 an archive".to_vec(), "magic number 50 4b"),
        (valid[..9].to_vec(), "ends within its header"),
        (valid[..30].to_vec(), "ends within its header"),
        (version, "format version 9"),
        (long, "a header of"),
    ] {
        let error = read_bytes(&bytes).unwrap_err();
        assert!(matches!(error, DataError::Malformed { .. }) && error.to_string().contains(words), "{error}");
    }
}

#[test]
fn values_beyond_f32_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file.npy");
    for (bad, shown) in [(1e300, "1e300"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        write(&path, &[0.0, 1.0, 2.0, 3.0, bad, 5.0], &[3, 2]).unwrap();
        let Err(error) = read_narrow(&path) else { panic!("{bad} was accepted") };
        assert!(matches!(error, DataError::NotFinite { row: 2, .. }), "{error}");
        let value = error.to_string();
        assert!(
            value.contains("example 2") && value.to_lowercase().contains(&shown.to_lowercase()),
            "{value}"
        );
    }
}

#[test]
fn unfit_writes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file.npy");
    assert!(matches!(write(&path, &[1.0, 2.0], &[3]), Err(DataError::Shape { .. })));
    assert!(matches!(write(&folder.path().join("no/file.npy"), &[1.0], &[1]), Err(DataError::Io { .. })));
    assert!(!path.exists());
}
