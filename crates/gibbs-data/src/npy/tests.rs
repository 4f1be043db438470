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
fn every_type_in_both_byte_orders() {
    let read = |descr: &str, bytes: &[u8]| {
        let n = bytes.len() / descr[2..].parse::<usize>().unwrap();
        read_bytes(&file_of(&described(descr, false, &format!("({n},)")), bytes)).unwrap().values
    };
    assert_eq!(read("|b1", &[0, 1, 2]), Array::U8(vec![0, 1, 1]));
    assert_eq!(read("|u1", &[0, 255]), Array::U8(vec![0, 255]));
    assert_eq!(read("|i1", &[127, 0x80, 0xff]), Array::I64(vec![127, -128, -1]));
    for (kind, words) in [
        ("u2", vec![(0x0201, vec![1, 2]), (0xff00, vec![0, 0xff])]),
        ("i2", vec![(-2, vec![0xfe, 0xff]), (300, vec![44, 1])]),
        ("u4", vec![(4_294_967_295, vec![0xff; 4])]),
        ("i4", vec![(-70_000, (-70_000i32).to_le_bytes().to_vec())]),
        ("i8", vec![(i64::MIN, i64::MIN.to_le_bytes().to_vec()), (-3, (-3i64).to_le_bytes().to_vec())]),
        ("u8", vec![(i64::MAX, i64::MAX.to_le_bytes().to_vec())]),
    ] {
        for (value, bytes) in words {
            let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
            assert_eq!(read(&format!("<{kind}"), &bytes), Array::I64(vec![value]), "<{kind}");
            assert_eq!(read(&format!(">{kind}"), &reversed), Array::I64(vec![value]), ">{kind}");
        }
    }
    // 1.5 and the largest number of half precision.
    assert_eq!(read("<f2", &[0, 0x3e, 0xff, 0x7b]), Array::F32(vec![1.5, 65_504.0]));
    assert_eq!(read(">f2", &[0x3e, 0]), Array::F32(vec![1.5]));
    assert_eq!(read(">f4", &(-0.1f32).to_be_bytes()), Array::F32(vec![-0.1]));
    assert_eq!(read(">f8", &1e-300f64.to_be_bytes()), Array::F64(vec![1e-300]));
    for descr in ["<c16", "<f16", "|S5", "<M8[ns]", "|O", "<U3", "<i3", ""] {
        let error = read_bytes(&file_of(&described(descr, false, "(1,)"), &[0; 16])).unwrap_err();
        assert!(matches!(&error, DataError::ElementType { .. }), "{error}");
        assert!(error.to_string().contains(descr), "{error}");
    }
    let large = read_bytes(&file_of(&described("<u8", false, "(1,)"), &[0xff; 8])).unwrap_err().to_string();
    assert!(large.contains("18446744073709551615"), "{large}");
}

#[test]
fn fortran_order_is_turned_into_c_order() {
    // numpy.asfortranarray(numpy.arange(24).reshape(2, 3, 4)) stores the first index fastest.
    let stored = (0..4).flat_map(|k| (0..3).flat_map(move |j| (0..2).map(move |i| 12 * i + 4 * j + k)));
    let file = file_of(&described("|u1", true, "(2, 3, 4)"), &stored.collect::<Vec<u8>>());
    assert_eq!(read_bytes(&file).unwrap().values, Array::U8((0..24).collect()));
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
fn unfit_writes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file.npy");
    assert!(matches!(write(&path, &[1.0, 2.0], &[3]), Err(DataError::Shape { .. })));
    assert!(matches!(write(&folder.path().join("no/file.npy"), &[1.0], &[1]), Err(DataError::Io { .. })));
    assert!(!path.exists());
}
