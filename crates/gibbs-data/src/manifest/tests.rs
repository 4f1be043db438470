use tempfile::tempdir;

use super::*;
use crate::{Binarization, load};

#[test]
fn the_manifests_are_complete() {
    let manifests = all();
    assert_eq!(manifests.len(), EMBEDDED.len());
    for manifest in manifests {
        let name = &manifest.name;
        assert!(!manifest.help.ends_with('.') && !manifest.help.contains('\n'), "{name}");
        let mut used = Vec::new();
        let file = |id: &str| manifest.files.iter().find(|file| file.id == id).unwrap();
        for Part { images, labels, rows: [start, end] } in manifest.splits.each() {
            assert!(start < end, "{name}");
            let examples = file(images);
            assert_eq!(examples.shape[1..], manifest.shape, "{name}");
            assert!(*end <= examples.shape[0], "{name}");
            used.push(images.clone());
            if let Some(labels) = labels {
                assert_eq!(file(labels).shape, examples.shape[..1], "{name}");
                used.push(labels.clone());
            }
        }
        for File { id, forms, .. } in &manifest.files {
            assert!(used.contains(id), "{name}: no part uses {id}");
            assert!(!forms.is_empty());
            for form in forms {
                assert!(form.sha256.len() == 64 && form.sha256.bytes().all(|c| c.is_ascii_hexdigit()));
                assert!(form.sha256 == form.sha256.to_lowercase());
                assert!(form.urls.iter().all(|url| url.ends_with(&form.name)), "{name}");
            }
        }
    }
}

/// A set of four files with 20 training and 10 test examples, whose first file has the given content.
fn small(folder: &Path, images: &[u8], labels: u8) -> Manifest {
    let array = |sizes: &[u32], values: Vec<u8>| {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(values);
        bytes
    };
    let folder = folder.join("small");
    fs::create_dir_all(&folder).unwrap();
    let file = |id: &str, shape: Vec<usize>, bytes: Vec<u8>| {
        let name = format!("{id}-ubyte");
        fs::write(folder.join(&name), &bytes).unwrap();
        let sha256 = hex(&Sha256::digest(&bytes));
        let form = Form { name, format: Format::Idx, bytes: None, sha256, urls: vec![] };
        File { id: id.to_owned(), shape, forms: vec![form] }
    };
    let part = |kind: &str, rows| Part {
        images: format!("{kind}-images"),
        labels: Some(format!("{kind}-labels")),
        rows,
    };
    Manifest {
        name: "small".into(),
        title: String::new(),
        license: String::new(),
        source: String::new(),
        help: "Ask for it".into(),
        shape: vec![2, 3],
        values: Kind::Gray,
        splits: Parts {
            train: part("train", [0, 15]),
            valid: part("train", [15, 20]),
            test: part("test", [0, 10]),
        },
        files: vec![
            file("train-images", vec![20, 2, 3], array(&[20, 2, 3], images.to_vec())),
            file(
                "train-labels",
                vec![usize::from(labels)],
                array(&[labels.into()], (0..labels).map(|i| i % 10).collect()),
            ),
            file("test-images", vec![10, 2, 3], array(&[10, 2, 3], vec![200; 60])),
            file("test-labels", vec![10], array(&[10], vec![3; 10])),
        ],
    }
}

fn images() -> Vec<u8> {
    (0..120).map(|i| i * 2).collect()
}

#[test]
fn parts_are_rows_of_files() {
    let folder = tempdir().unwrap();
    let splits = small(folder.path(), &images(), 20).load(folder.path()).unwrap();
    assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (15, 5, 10));
    assert_eq!(splits.valid.labels(), Some(&[5, 6, 7, 8, 9][..]));
    assert_eq!(splits.valid.values(&[0])[0], 180.0 / 255.0);
    assert_eq!(splits.test.labels(), Some(&[3; 10][..]));
}

#[test]
fn a_missing_file_is_named_with_the_way_to_get_it() {
    let folder = tempdir().unwrap();
    let manifest = small(folder.path(), &images(), 20);
    fs::remove_file(folder.path().join("small/test-labels-ubyte")).unwrap();
    let error = manifest.load(folder.path()).unwrap_err().to_string();
    let place = folder.path().join("small").display().to_string();
    assert!(error.contains(&place) && error.contains("test-labels-ubyte. Ask for it"), "{error}");

    let error = load("mnist", folder.path()).unwrap_err().to_string();
    for words in ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "https://", "GIBBS_DATA_DIR"] {
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn another_content_than_the_published_one() {
    let folder = tempdir().unwrap();
    let manifest = small(folder.path(), &images(), 20);
    let path = folder.path().join("small/test-images-ubyte");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = manifest.load(folder.path()).unwrap_err();
    assert!(matches!(error, DataError::Checksum { .. }), "{error}");
}

#[test]
fn labels_that_do_not_fit_the_images() {
    let folder = tempdir().unwrap();
    let error = small(folder.path(), &images(), 19).load(folder.path()).unwrap_err();
    assert!(matches!(error, DataError::Labels { examples: 20, labels: 19, .. }), "{error}");
}

#[test]
fn another_shape_than_the_manifests() {
    let folder = tempdir().unwrap();
    let mut manifest = small(folder.path(), &images(), 20);
    manifest.files[0].shape = vec![20, 3, 2];
    let error = manifest.load(folder.path()).unwrap_err();
    assert!(matches!(error, DataError::Shape { .. }), "{error}");
}

#[test]
fn binary_sets_are_verified_to_be_binary() {
    let folder = tempdir().unwrap();
    let mut manifest = small(folder.path(), &images(), 20);
    manifest.values = Kind::Binary;
    assert!(matches!(manifest.load(folder.path()), Err(DataError::NotBinary { row: 0, value: 2, .. })));
}

#[test]
fn text_of_zeros_and_ones() {
    let path = Path::new("file.amat");
    assert_eq!(parse_amat(b"0 1 1\n1 0 0\n".to_vec(), path).unwrap(), [0, 1, 1, 1, 0, 0]);
    let error = parse_amat(b"0 1 0.5".to_vec(), path).unwrap_err();
    assert!(error.to_string().contains("byte 2e at 5"), "{error}");
}

/// The folder of the real sets, or a note that they are not tested.
fn real(set: &str) -> Option<std::path::PathBuf> {
    use std::io::Write;
    let folder = std::env::var_os("GIBBS_DATA_DIR").map(std::path::PathBuf::from);
    let reason = match &folder {
        None => "GIBBS_DATA_DIR is not set".to_owned(),
        Some(folder) if !folder.join(set).is_dir() => format!("{} has no {set}", folder.display()),
        Some(_) => return folder,
    };
    writeln!(std::io::stderr(), "skipped: the test on the real {set}, because {reason}").unwrap();
    None
}

#[test]
fn real_mnist() {
    let Some(folder) = real("mnist") else { return };
    let start = std::time::Instant::now();
    let splits = load("mnist", &folder).unwrap();
    assert!(start.elapsed().as_secs_f64() < 5.0, "{:?}", start.elapsed());
    let memory = splits.train.bytes_in_memory() + splits.test.bytes_in_memory();
    assert!(memory < 60_000_000, "{memory} bytes");
    assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (50_000, 10_000, 10_000));
    assert_eq!(splits.train.labels().unwrap()[..5], [5, 0, 4, 1, 9]);
    assert_eq!(splits.test.labels().unwrap()[..5], [7, 2, 1, 0, 4]);
    let mean = |set: &Dataset| set.mean().iter().sum::<f64>() / set.width() as f64;
    let whole = (mean(&splits.train) * 5.0 + mean(&splits.valid)) / 6.0;
    assert!((whole - 0.1307).abs() < 1e-4, "mean pixel {whole}");
    let bits = splits.binarized(Binarization::Stochastic, 0).unwrap();
    assert!(bits.train.values(&[17]).iter().all(|&x| x == 0.0 || x == 1.0));
}

#[test]
fn real_binarized_mnist() {
    let Some(folder) = real("binarized-mnist") else { return };
    let splits = load("binarized-mnist", &folder).unwrap();
    assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (50_000, 10_000, 10_000));
    for (set, published) in
        [(&splits.train, 0.130_562_28), (&splits.valid, 0.131_127_04), (&splits.test, 0.132_512_24)]
    {
        assert!(set.is_binary());
        let mean = set.mean().iter().sum::<f64>() / 784.0;
        assert!((mean - published).abs() < 1e-7, "mean pixel {mean}");
    }
}

#[test]
fn real_frey_faces() {
    let Some(folder) = real("frey-faces") else { return };
    let splits = load("frey-faces", &folder).unwrap();
    assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (1573, 196, 196));
    assert_eq!(splits.train.shape(), [28, 20]);
    let total: f64 = [&splits.train, &splits.valid, &splits.test]
        .map(|set| set.mean().iter().sum::<f64>() / 560.0 * set.len() as f64)
        .iter()
        .sum();
    assert!((total / 1965.0 * 255.0 - 154.461).abs() < 1e-3);
}
