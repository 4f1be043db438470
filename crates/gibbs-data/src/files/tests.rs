use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::{Compression, write::GzEncoder};
use tempfile::{TempDir, tempdir};

use super::*;
use crate::Array;
use crate::npy::{self, Element};
use crate::npz::tests::archive;

/// A folder with files for one test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn spec(&self, name: &str) -> Option<String> {
        Some(self.path(name).display().to_string())
    }

    fn text(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn array<T: Element>(&self, name: &str, values: &[T], shape: &[usize]) {
        npy::write(&self.path(name), values, shape).unwrap();
    }

    /// An npz archive of npy files.
    fn archive(&self, name: &str, arrays: &[&str]) {
        let files: Vec<Vec<u8>> =
            arrays.iter().map(|array| fs::read(self.path(&format!("{array}.npy"))).unwrap()).collect();
        let entries: Vec<(&str, &[u8])> =
            arrays.iter().copied().zip(files.iter().map(Vec::as_slice)).collect();
        fs::write(self.path(name), archive(&entries)).unwrap();
    }

    fn read(&self, name: &str, config: &ReadConfig) -> Result<Splits, DataError> {
        config.read(&self.path(name))
    }

    /// All of a file.
    fn whole(&self, name: &str) -> Dataset {
        let config = ReadConfig { whole: true, ..ReadConfig::default() };
        self.read(name, &config).unwrap().test
    }

    fn refusal(&self, name: &str, config: &ReadConfig) -> String {
        self.read(name, config).unwrap_err().to_string()
    }
}

fn all(set: &Dataset) -> Vec<f32> {
    set.values(&(0..set.len()).collect::<Vec<_>>())
}

#[test]
fn kinds_are_recognized_by_value_in_every_type() {
    let folder = Folder::new();
    let kind = |name: &str| folder.whole(name).kind();
    folder.array("bits.npy", &[0.0f32, 1.0, 1.0, 0.0], &[2, 2]);
    folder.array("wide.npy", &[0.0f64, 1.0, 1.0, 0.0], &[2, 2]);
    assert_eq!((kind("bits.npy"), kind("wide.npy")), (Kind::Binary, Kind::Binary));
    assert_eq!(all(&folder.whole("bits.npy")), [0.0, 1.0, 1.0, 0.0]);
    // Bytes and pictures of whole numbers are gray, tables of them are real.
    folder.array("bytes.npy", &[0u8, 3], &[2, 1]);
    folder.array("picture.npy", &[0.0f32, 3.0, 255.0, 1.0], &[1, 2, 2]);
    folder.array("table.npy", &[0.0f32, 3.0, 255.0, 1.0], &[2, 2]);
    folder.array("negative.npy", &[-1.0f32, 1.0, 1.0, 1.0], &[1, 2, 2]);
    assert_eq!((kind("bytes.npy"), kind("picture.npy")), (Kind::Gray, Kind::Gray));
    assert_eq!((kind("table.npy"), kind("negative.npy")), (Kind::Real, Kind::Real));
    assert_eq!(all(&folder.whole("picture.npy")), [0.0, 3.0 / 255.0, 1.0, 1.0 / 255.0]);
    // Levels survive their division in single precision.
    let levels: Vec<f32> = (0..=255).map(|level| level as f32 / 255.0).collect();
    folder.array("levels.npy", &levels, &[4, 8, 8]);
    folder.array(
        "products.npy",
        &levels.iter().map(|x| x * 255.0 * (1.0 / 255.0)).collect::<Vec<_>>(),
        &[4, 8, 8],
    );
    let set = folder.whole("levels.npy");
    assert_eq!((set.kind(), all(&set)), (Kind::UnitGray, levels.clone()));
    assert!(set.dequantized(0).is_ok());
    assert_eq!(kind("products.npy"), Kind::UnitGray);
    folder.array("uniform.npy", &levels.iter().map(|x| x * 0.999).collect::<Vec<_>>(), &[4, 8, 8]);
    assert_eq!(kind("uniform.npy"), Kind::Real);
}

#[test]
fn the_kind_of_a_run_holds_for_other_files() {
    let folder = Folder::new();
    folder.array("dark.npy", &[0u8, 1, 0, 0], &[1, 2, 2]);
    folder.array("half.npy", &[0.5f32, 1.0, 0.0, 0.0], &[1, 2, 2]);
    let as_kind = |kind| ReadConfig { kind: Some(kind), whole: true, ..ReadConfig::default() };
    let dark = folder.read("dark.npy", &as_kind(Kind::Gray)).unwrap().test;
    assert_eq!(all(&dark), [0.0, 1.0 / 255.0, 0.0, 0.0]);
    assert_eq!(all(&folder.read("dark.npy", &as_kind(Kind::UnitGray)).unwrap().test), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(folder.read("dark.npy", &as_kind(Kind::Real)).unwrap().test.kind(), Kind::Real);
    let message = folder.refusal("half.npy", &as_kind(Kind::Gray));
    assert!(message.contains("example 0 has the value 0.5") && message.contains("0 to 255"), "{message}");
    let message = folder.refusal("half.npy", &as_kind(Kind::Binary));
    assert!(message.contains("zeros and ones"), "{message}");
    let other = as_kind(Kind::Binary).for_other_file();
    let half = folder.read("half.npy", &other).unwrap().test;
    assert_eq!((half.kind(), half.values(&[0])[0]), (Kind::Real, 0.5));
    let config = ReadConfig { labels: folder.spec("x"), ..as_kind(Kind::Gray) }.for_other_file();
    assert_eq!((config.kind, config.labels, config.whole), (Some(Kind::Gray), None, true));
}

#[test]
fn large_offsets_are_subtracted_before_rounding() {
    let folder = Folder::new();
    let n = 400;
    let times: Vec<f64> = (0..n).map(|i| 1.7e9 + 1000.0 * f64::from(i) / f64::from(n)).collect();
    let rows: Vec<f64> = times.iter().flat_map(|t| [*t, t - 1.7e9]).collect();
    folder.array("times.npy", &rows, &[n as usize, 2]);
    let set = folder.whole("times.npy");
    let offset = set.offset().unwrap().to_vec();
    assert!((offset[0] - 1.7e9 - 500.0).abs() < 300.0 && offset[1] == 0.0, "{offset:?}");
    for (row, time) in all(&set).chunks(2).zip(&times) {
        assert_eq!(f64::from(row[0]), f64::from((time - offset[0]) as f32));
        assert!((f64::from(row[0]) + offset[0] - time).abs() <= 500.0 * f64::from(f32::EPSILON));
    }
    // The offset of a run holds for other files.
    let config = ReadConfig { offset: Some(vec![1.0, 2.0]), whole: true, ..ReadConfig::default() };
    folder.array("other.npy", &[3.0f64, 4.5], &[1, 2]);
    assert_eq!(all(&folder.read("other.npy", &config).unwrap().test), [2.0, 2.5]);
    let message = folder.refusal("times.npy", &ReadConfig { offset: Some(vec![1.0]), ..config });
    assert!(message.contains("data.offset"), "{message}");
    // Ordinary columns have none.
    folder.array("ordinary.npy", &rows.iter().map(|x| x.sin() + 5.0).collect::<Vec<_>>(), &[n as usize, 2]);
    assert_eq!(folder.whole("ordinary.npy").offset(), None);
}

#[test]
fn whole_numbers_beyond_double_precision_lose_nothing() {
    let start = 1_700_000_000_000_000_000i64;
    let values = Array::I64((0..100).map(|i| start + i).collect());
    let offsets = offset::offsets(&values, 1).unwrap();
    let offset = offsets[0] as i64;
    let expected: Vec<f32> = (0..100).map(|i| (start + i - offset) as f32).collect();
    assert_eq!(offset::subtract(values, &offsets).unwrap(), expected);
    assert!(expected.windows(2).all(|pair| pair[1] - pair[0] == 1.0));
}

#[test]
fn tables_of_text() {
    let folder = Folder::new();
    let table = "height,\"weight, kg\",kind\n1.5,60,oak\n2,\"70\",elm\n-1e-3,80.25,oak\n";
    folder.text("trees.csv", table);
    folder.text("trees.tsv", &table.replace("\"weight, kg\"", "weight").replace(',', "\t"));
    folder.text("semicolon.csv", "\"a\";\"b\"\n1;2\n");
    folder.text("plain.csv", "1,2\n3,4\n");
    let mut encoder =
        GzEncoder::new(fs::File::create(folder.path("trees.csv.gz")).unwrap(), Compression::default());
    encoder.write_all(table.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let config = ReadConfig { label_column: Some("kind".into()), whole: true, ..ReadConfig::default() };
    for name in ["trees.csv", "trees.csv.gz"] {
        let set = folder.read(name, &config).unwrap().test;
        assert_eq!(all(&set), [1.5, 60.0, 2.0, 70.0, -1e-3, 80.25]);
        assert_eq!(set.columns().unwrap(), ["height", "weight, kg"]);
        assert_eq!(set.column_name(1), "column \"weight, kg\"");
        assert_eq!(
            (set.labels().unwrap(), set.classes().unwrap()),
            (&[1u16, 0, 1][..], &["elm".into(), "oak".into()][..])
        );
    }
    let set = folder.read("trees.tsv", &config).unwrap().test;
    assert_eq!(set.columns().unwrap(), ["height", "weight"]);
    assert_eq!(all(&folder.whole("semicolon.csv")), [1.0, 2.0]);
    let plain = folder.whole("plain.csv");
    assert_eq!((plain.len(), plain.columns()), (2, None));
    // Context columns, and columns that are left out.
    let split = ReadConfig {
        context_columns: Some(vec!["height".into()]),
        drop: vec![Column::Name("kind".into())],
        whole: true,
        ..ReadConfig::default()
    };
    let set = folder.read("trees.csv", &split).unwrap().test;
    assert_eq!((all(&set), set.context().unwrap()), (vec![60.0, 70.0, 80.25], &[1.5, 2.0, -1e-3][..]));
    assert_eq!(set.context_columns(), ["height"]);
    let other = ReadConfig { classes: Some(vec!["oak".into(), "elm".into()]), ..config.clone() };
    assert_eq!(folder.read("trees.csv", &other).unwrap().test.labels().unwrap(), [0, 1, 0]);
    let few = ReadConfig { classes: Some(vec!["oak".into()]), ..config };
    let message = folder.refusal("trees.csv", &few);
    assert!(message.contains("example 1 has the label elm"), "{message}");
}

#[test]
fn wrong_fields_are_named_by_row_line_and_column() {
    let folder = Folder::new();
    let refused = |text: &str, expected: &[&str]| {
        folder.text("t.csv", text);
        let message = folder.refusal("t.csv", &ReadConfig::default());
        for part in expected {
            assert!(message.contains(part), "{message}");
        }
    };
    refused("a,b\n1,2\n3,\n", &["t.csv: example 1 (line 3), column \"b\": the value is missing"]);
    refused("a,b\n1,NA\n3,4\n", &["line 2), column \"b\": the value is missing"]);
    refused("a,b\n1,2\nx,4\n", &["column \"a\": 'x' is not a finite number"]);
    refused("1,2\n3,inf\n", &["example 1 (line 2), column 1: 'inf' is not"]);
    refused("a,b\n1,2\n3,4,5\n", &["line 3 has 3 fields, the first line has 2"]);
    refused("", &["no examples"]);
    refused("a,b\n", &["no examples"]);
    fs::write(folder.path("t.csv"), b"a,b\n1,\xff\n").unwrap();
    assert!(folder.refusal("t.csv", &ReadConfig::default()).contains("line 2 is not UTF-8"));
    folder.text("t.csv", "a,b\n1,2\n");
    let config = ReadConfig { label_column: Some("c".into()), ..ReadConfig::default() };
    let message = folder.refusal("t.csv", &config);
    assert!(message.contains("no column \"c\" (data.label_column); it has a, b"), "{message}");
}

#[test]
fn archives_hold_parts_with_what_goes_with_them() {
    let folder = Folder::new();
    for (part, n) in [("train", 5), ("valid", 2), ("test", 1)] {
        folder.array(&format!("{part}.npy"), &vec![0.25f32 * n as f32; 2 * n], &[n, 2]);
        folder.array(&format!("{part}_labels.npy"), &vec![n as u8; n], &[n]);
        folder.array(&format!("{part}_context.npy"), &vec![0.5f64; 3 * n], &[n, 3]);
        folder.array(&format!("{part}_weights.npy"), &vec![1.0f32; n], &[n]);
    }
    let parts = ["train", "valid", "test"];
    let names: Vec<String> = parts
        .iter()
        .flat_map(|part| ["", "_labels", "_context", "_weights"].map(|ending| format!("{part}{ending}")))
        .collect();
    folder.archive("all.npz", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let splits = folder.read("all.npz", &ReadConfig::default()).unwrap();
    assert_eq!(splits.division, Division::Files);
    for (split, n) in crate::Split::ALL.into_iter().zip([5, 2, 1]) {
        let set = splits.get(split);
        assert_eq!((set.len(), set.labels().unwrap()[0], set.context_columns().len()), (n, n as u16, 3));
        assert_eq!((set.values(&[0]), set.weights().unwrap().len()), (vec![0.25 * n as f32; 2], n));
    }
    folder.archive("one.npz", &["valid_context"]);
    folder.archive("single.npz", &["train"]);
    assert_eq!(folder.whole("single.npz").len(), 5);
    assert!(folder.refusal("one.npz", &ReadConfig::default()).contains("no array `train`"));
    let twice = ReadConfig { valid: folder.spec("valid.npy"), ..ReadConfig::default() };
    assert!(folder.refusal("all.npz", &twice).contains("data.valid names a file"));
}

#[test]
fn companions_come_from_files_of_their_own() {
    let folder = Folder::new();
    folder.array("x.npy", &(0..20).map(|i| i as f32 + 0.5).collect::<Vec<_>>(), &[20, 1]);
    folder.array("v.npy", &[0.5f32, 1.5, 2.5], &[3, 1]);
    folder.array("y.npy", &(0..20).map(|i| f64::from(i % 3)).collect::<Vec<_>>(), &[20]);
    folder.text("words.csv", &"b\na\n".repeat(10));
    folder.text("c.csv", &format!("wind,rain\n{}", "1,2\n".repeat(20)));
    folder.array("w.npy", &[2.0f64; 20], &[20, 1]);
    let config = ReadConfig {
        valid: folder.spec("v.npy"),
        labels: folder.spec("y.npy"),
        context: folder.spec("c.csv"),
        weights: folder.spec("w.npy"),
        ..ReadConfig::default()
    };
    let splits = folder.read("x.npy", &config).unwrap();
    assert_eq!([splits.train.len(), splits.valid.len(), splits.test.len()], [18, 3, 2]);
    assert_eq!((splits.test.labels().unwrap(), splits.valid.labels()), (&[0u16, 1][..], None));
    assert_eq!(
        (splits.train.context_columns(), splits.test.weights()),
        (&["wind".into(), "rain".into()][..], Some(&[2.0, 2.0][..]))
    );
    let words = ReadConfig { labels: folder.spec("words.csv"), whole: true, ..ReadConfig::default() };
    let set = folder.read("x.npy", &words).unwrap().test;
    assert_eq!(
        (&set.labels().unwrap()[..3], set.classes().unwrap()),
        (&[1u16, 0, 1][..], &["a".into(), "b".into()][..])
    );

    let refused = |config: ReadConfig, expected: &str| {
        let message = folder.refusal("x.npy", &config);
        assert!(message.contains(expected), "{message}");
    };
    let none = ReadConfig::default;
    refused(ReadConfig { labels: folder.spec("v.npy"), ..none() }, "label 0.5");
    refused(ReadConfig { weights: folder.spec("v.npy"), ..none() }, "the weights are 3");
    refused(ReadConfig { test_labels: folder.spec("y.npy"), ..none() }, "give data.test");
    refused(ReadConfig { label_column: Some("a".into()), ..none() }, "take a csv file");
    folder.array("wide.npy", &[1.0f32; 6], &[3, 2]);
    refused(ReadConfig { valid: folder.spec("wide.npy"), ..none() }, "wide.npy: shape [2] where [1]");
    folder.array("few.npy", &[1.0f32, 2.5, 3.0], &[3, 1]);
    assert!(
        folder
            .refusal("few.npy", &ReadConfig { test: folder.spec("v.npy"), ..none() })
            .contains("valid split is empty")
    );
    folder.array("negative.npy", &[-1.0f32; 20], &[20]);
    refused(ReadConfig { weights: folder.spec("negative.npy"), ..none() }, "hold -1 for example 0");
    folder.array("seconds.npy", &(0..20).map(|i| 1.7e9 + f64::from(i) / 7.0).collect::<Vec<_>>(), &[20]);
    refused(ReadConfig { context: folder.spec("seconds.npy"), ..none() }, "subtract 1700000");
}

#[test]
fn a_shuffled_split_is_a_permutation_that_does_not_change() {
    let folder = Folder::new();
    folder.array("x.npy", &(0..40).map(|i| i as f32 + 0.5).collect::<Vec<_>>(), &[40, 1]);
    folder.array("y.npy", &(0..40).collect::<Vec<u8>>(), &[40]);
    let config = |seed| ReadConfig {
        split: SplitOrder::Shuffle,
        split_seed: seed,
        labels: folder.spec("y.npy"),
        ..ReadConfig::default()
    };
    let splits = folder.read("x.npy", &config(0)).unwrap();
    assert_eq!(splits.division, Division::Shuffled { seed: 0 });
    let parts = [&splits.train, &splits.valid, &splits.test];
    assert_eq!(parts.map(Dataset::len), [32, 4, 4]);
    let mut seen: Vec<f32> = parts.iter().flat_map(|part| all(part)).collect();
    for part in parts {
        let labels: Vec<f32> = part.labels().unwrap().iter().map(|&y| f32::from(y) + 0.5).collect();
        assert_eq!(labels, all(part));
    }
    assert_ne!(all(&splits.test), [36.5, 37.5, 38.5, 39.5]);
    assert_eq!(all(&folder.read("x.npy", &config(0)).unwrap().test), all(&splits.test));
    assert_ne!(all(&folder.read("x.npy", &config(1)).unwrap().test), all(&splits.test));
    seen.sort_by(f32::total_cmp);
    assert_eq!(seen, (0..40).map(|i| i as f32 + 0.5).collect::<Vec<_>>());
}

#[test]
fn folders_of_pictures_have_their_folders_as_classes() {
    let folder = Folder::new();
    let picture = |name: &str, value: u8| {
        let path = folder.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_pixel(3, 2, image::Luma([value])).save(path).unwrap();
    };
    for (name, value) in
        [("p/b/2.png", 7), ("p/b/1.PNG", 255), ("p/a/9.png", 0), ("flat/y.png", 51), ("flat/x.png", 0)]
    {
        picture(name, value);
    }
    fs::create_dir(folder.path("p/empty")).unwrap();
    folder.text("flat/notes.txt", "not a picture");
    let set = folder.whole("p");
    assert_eq!((set.kind(), set.shape()), (Kind::Gray, &[2, 3][..]));
    assert_eq!(
        set.values(&[0, 1, 2]).iter().step_by(6).copied().collect::<Vec<_>>(),
        [0.0, 1.0, 7.0 / 255.0]
    );
    assert_eq!(
        (set.labels().unwrap(), set.classes().unwrap()),
        (&[0u16, 1, 1][..], &["a".into(), "b".into()][..])
    );
    let flat = folder.whole("flat");
    assert_eq!((flat.values(&[1])[0], flat.labels()), (0.2, None));
    let message = folder.refusal("p/empty", &ReadConfig::default());
    assert!(message.contains("p/empty: a folder without PNG files"), "{message}");
}
