//! Readers on damaged files: they give an error or examples, and never panic.

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use gibbs_testkit::mutations;
use tempfile::tempdir;

use crate::manifest::Manifest;
use crate::npz::tests::archive;
use crate::{DataError, Dataset, ReadConfig, Splits, npy};

/// Reads mutations of a file; those that still have examples must be sound.
#[track_caller]
fn survives(name: &str, file: &[u8]) {
    let folder = tempdir().unwrap();
    let path = folder.path().join(name);
    let mut refused = 0;
    for bytes in mutations(name, file) {
        fs::write(&path, &bytes).unwrap();
        match (ReadConfig { whole: true, ..ReadConfig::default() }).read(&path) {
            Ok(Splits { train, .. }) => {
                assert!(sound(&train) && train.bytes_in_memory() <= (1 << 16) * (bytes.len() + 64));
            }
            Err(error) => {
                refused += 1;
                assert!(is_one_line(&error), "{error}");
            }
        }
    }
    assert!(refused > 0, "no mutation of {name} was refused");
}

fn sound(set: &Dataset) -> bool {
    let rows = [0, set.len() - 1];
    set.values(&rows).iter().all(|x| x.is_finite()) && set.values(&rows).len() == 2 * set.width()
}

fn is_one_line(error: &DataError) -> bool {
    let text = error.to_string();
    !text.is_empty() && !text.contains('\n')
}

/// An npy file as NumPy writes it.
fn array(values: &[f32], shape: &[usize]) -> Vec<u8> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("array.npy");
    npy::write(&path, values, shape).unwrap();
    fs::read(path).unwrap()
}

fn with_text(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = file.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    let mut bytes = file.to_vec();
    bytes.splice(at..at + from.len(), to.bytes());
    bytes
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn npy_files() {
    let values: Vec<f32> = (0..24).map(|i| i as f32 * 0.37).collect();
    let file = array(&values, &[4, 6]);
    survives("plain.npy", &file);
    survives("fortran.npy", &with_text(&with_text(&file, "False", "True "), "(4, 6)", "(6, 4)"));
    survives("integers.npy", &with_text(&file, "<f4", ">i4"));
    survives("doubles.npy", &with_text(&with_text(&file, "<f4", "<f8"), "(4, 6)", "(4, 3)"));
}

#[test]
fn npz_archives() {
    survives(
        "archive.npz",
        &archive(&[("train", &array(&[0.5; 12], &[4, 3])), ("train_labels", &array(&[1.0; 4], &[4]))]),
    );
}

#[test]
fn idx_files() {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 3];
    file.extend(7..31);
    survives("idx3-ubyte", &file);
    survives("idx3-ubyte.gz", &packed(&file));
}

#[test]
fn tables() {
    let table = "height,\"weight, kg\"\n1.5,60\n2,\"70\"\n-1e-3,80.25\n";
    survives("table.csv", table.as_bytes());
    survives("table.tsv", table.replace(", kg", "").replace(',', "\t").as_bytes());
    survives("table.csv.gz", &packed(table.as_bytes()));
}

#[test]
fn folders_of_pictures() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("picture.png");
    image::GrayImage::from_fn(5, 4, |x, y| image::Luma([(50 * x + y) as u8])).save(&path).unwrap();
    let picture = fs::read(&path).unwrap();
    for bytes in mutations("png", &picture) {
        fs::write(&path, bytes).unwrap();
        if let Err(error) = (ReadConfig { whole: true, ..ReadConfig::default() }).read(folder.path()) {
            assert!(is_one_line(&error), "{error}");
        }
    }
}

#[test]
fn manifests() {
    let text = include_str!("../../../datasets/frey-faces.toml");
    let folder = tempdir().unwrap();
    for bytes in mutations("manifest", text.as_bytes()) {
        if let Ok(manifest) = toml::from_str::<Manifest>(&String::from_utf8_lossy(&bytes)) {
            let error = manifest.load(folder.path()).unwrap_err();
            assert!(!error.to_string().is_empty());
        }
    }
}
