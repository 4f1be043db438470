//! Data of one's own: how files are read, divided, and scored by a model of other files.

use std::fs;
use std::path::Path;

use gibbs_backend::Noise;
use gibbs_data::npy::{self, Array};
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{
    family::{FAMILIES, MADE, RBM, REALNVP, VAN},
    value,
};

fn config(folder: &Path, run: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(run).join("config.json")).unwrap()).unwrap()
}

fn numbers(path: &Path) -> (Vec<usize>, Vec<f64>) {
    let file = npy::read(path).unwrap();
    (file.shape, file.values.to_f64())
}

/// Fair bits, `[n, shape]`.
fn write_bits(path: &Path, n: usize, shape: &[usize]) {
    let shape = [&[n], shape].concat();
    let uniform = Noise::new(0, "bits").uniform_vec(shape.iter().product());
    let bits: Vec<u8> = uniform.into_iter().map(|u| u8::from(u < 0.4)).collect();
    npy::write(path, &bits, &shape).unwrap();
}

fn normal(name: &str, n: usize) -> Vec<f64> {
    let mut values = vec![0.0; n];
    Noise::new(0, name).fill_normal_f64(&mut values);
    values
}

/// A short `train` of a family on a file.
fn arguments<'a>(
    family: &super::family::Family,
    run: &'a str,
    data: &'a str,
    further: &[&'a str],
) -> Vec<String> {
    let settings = family.short.iter().filter(|setting| !setting.starts_with("train.batch_size"));
    let flags = ["train", run, "--data", data, "--preset", "tiny", "--set", "train.batch_size=20"];
    let settings = settings.flat_map(|setting| ["--set", setting]);
    flags.into_iter().chain(settings).chain(further.iter().copied()).map(str::to_owned).collect()
}

#[test]
fn a_draw_has_the_shape_of_an_example_in_every_family() {
    let folder = tempdir().unwrap();
    write_bits(&folder.path().join("row.npy"), 60, &[16]);
    write_bits(&folder.path().join("channel.npy"), 60, &[2, 8, 1]);
    for family in FAMILIES {
        for (name, shape) in [("row", &[16][..]), ("channel", &[2, 8, 1])] {
            let run = format!("{}-{name}", family.name);
            let file = format!("{name}.npy");
            family.run(folder.path(), arguments(family, &run, &file, &["--quiet"])).succeeds();
            family.sample(folder.path(), &[&run, "-n", "3", "--out", "draws.npy"]).succeeds();
            assert_eq!(numbers(&folder.path().join("draws.npy")).0, [&[3], shape].concat(), "{run}");
            family.sample(folder.path(), &[&run, "-n", "3", "--out", "draws.csv"]).succeeds();
            let table = fs::read_to_string(folder.path().join("draws.csv")).unwrap();
            assert!(table.starts_with("x0,x1,") && table.lines().count() == 4, "{table}");
            family.sample(folder.path(), &[&run, "-n", "3", "--out", "draws.png"]).succeeds();
        }
    }
}

#[test]
fn values_mean_for_other_files_what_they_mean_for_the_run() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let gray: Vec<u8> = (0..60 * 16).map(|i| (i * 37 % 256) as u8).collect();
    npy::write(&path("gray.npy"), &gray, &[60, 4, 4]).unwrap();
    let levels: Vec<f32> = gray.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    npy::write(&path("levels.npy"), &levels, &[60, 4, 4]).unwrap();
    npy::write(&path("dark.npy"), &[0u8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 4, 4]).unwrap();
    npy::write(&path("dim.npy"), &[0.0f32, 1.0 / 255.0, 0.0, 0.0].repeat(4), &[1, 4, 4]).unwrap();
    let further = ["--set", "data.binarization=threshold", "--quiet"];
    MADE.run(folder.path(), arguments(&MADE, "gray", "gray.npy", &further)).succeeds();
    MADE.run(folder.path(), arguments(&MADE, "levels", "levels.npy", &further)).succeeds();
    let kinds = ["gray", "levels"].map(|run| config(folder.path(), run)["data"]["kind"].clone());
    assert_eq!(kinds, [json!("gray"), json!("unit_gray")]);
    let value = |run: &str, data: &str| {
        let printed = MADE.eval(folder.path(), &[run, "--data", data]);
        assert_eq!((&printed["split"], &printed["n"]), (&json!("all"), &json!(1)));
        value(&printed["metrics"], "log_prob")
    };
    // Both files are black after the threshold, and both runs have the same data.
    assert_eq!(value("gray", "dark.npy"), value("levels", "dim.npy"));
    MADE.run(folder.path(), ["eval", "gray", "--data", "dim.npy"]).refuses(&["dim.npy", "0 to 255"]);
    RBM.run(folder.path(), arguments(&RBM, "bits", "dark.npy", &["--quiet"])).refuses(&["at least 10"]);
}

#[test]
fn any_number_of_rows_can_be_scored() {
    for family in [&RBM, &MADE, &VAN] {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        for n in [1, 9, 12] {
            write_bits(&folder.path().join("rows.npy"), n, &[4, 4]);
            let flags = ["run", "--data", "rows.npy", "--per-example", "values.npy"];
            let printed = family.eval(folder.path(), &flags);
            assert_eq!((&printed["split"], &printed["n"]), (&json!("all"), &json!(n)), "{}", family.name);
            let (shape, values) = numbers(&folder.path().join("values.npy"));
            assert_eq!(shape, [n]);
            let metric = value(&printed["metrics"], "log_prob");
            assert!((values.iter().sum::<f64>() / n as f64 - metric).abs() < 1e-9);
        }
    }
}

#[test]
fn a_run_finds_its_file_from_every_folder() {
    let folder = tempdir().unwrap();
    let (work, other) = (folder.path().join("work"), folder.path().join("other"));
    fs::create_dir_all(&work).unwrap();
    fs::create_dir_all(&other).unwrap();
    write_bits(&work.join("rows.npy"), 60, &[4, 4]);
    MADE.run(&work, arguments(&MADE, "run", "rows.npy", &["--quiet"])).succeeds();
    MADE.run(&work, arguments(&MADE, "run", "rows.npy", &["--quiet", "--resume"])).succeeds();
    let name = config(&work, "run")["data"]["name"].clone();
    assert!(Path::new(name.as_str().unwrap()).is_absolute(), "{name}");
    let run = work.join("run").display().to_string();
    let printed = MADE.eval(&other, &[&run]);
    assert_eq!((&printed["split"], &printed["n"]), (&json!("test"), &json!(6)));
    assert_eq!(MADE.eval(&work, &["run", "--data", "rows.npy"])["n"], 6, "the run's own file is divided");
    // Moved together, the file is next to the run; without it the message names it.
    fs::rename(work.join("rows.npy"), other.join("rows.npy")).unwrap();
    fs::rename(work.join("run"), other.join("run")).unwrap();
    assert_eq!(MADE.eval(folder.path(), &["other/run"])["n"], 6);
    fs::remove_file(other.join("rows.npy")).unwrap();
    MADE.run(&other, ["eval", "run"]).refuses(&["rows.npy", "not there any more", "--data"]);
}

#[test]
fn a_sorted_file_is_noticed_and_can_be_shuffled() {
    let folder = tempdir().unwrap();
    let other = normal("other", 500);
    let rows: Vec<f64> = (0..500).flat_map(|i| [i as f64 * 0.01, other[i]]).collect();
    npy::write(&folder.path().join("sorted.npy"), &rows, &[500, 2]).unwrap();
    let run = |name: &str, further: &[&str]| {
        REALNVP.run(folder.path(), arguments(&REALNVP, name, "sorted.npy", further)).succeeds().stderr
    };
    let stderr = run("order", &[]);
    assert!(stderr.contains("400 train / 50 valid / 50 test, in file order"), "{stderr}");
    assert!(stderr.contains("warning: the ") && stderr.contains("data.split=shuffle"), "{stderr}");
    assert!(stderr.contains("of column 0"), "{stderr}");
    let stderr = run("shuffled", &["--set", "data.split=shuffle"]);
    assert!(
        stderr.contains("shuffled (data.split_seed = 0)") && !stderr.contains("data.split=shuffle"),
        "{stderr}"
    );
    let printed = ["order", "shuffled"].map(|run| REALNVP.eval(folder.path(), &[run]));
    let [order, shuffled] = printed.map(|p| value(&p["metrics"], "log_prob"));
    assert!(shuffled > order + 0.5, "{shuffled} against {order}");
}

#[test]
fn densities_are_those_of_a_column_with_a_large_offset() {
    let folder = tempdir().unwrap();
    let n = 2000;
    let y = normal("y", n);
    let mut u = vec![0.0; n];
    Noise::new(0, "u").fill_uniform_f64(&mut u);
    let table = |start: f64| u.iter().zip(&y).flat_map(|(u, y)| [start + 1000.0 * u, *y]).collect::<Vec<_>>();
    npy::write(&folder.path().join("near.npy"), &table(0.0), &[n, 2]).unwrap();
    npy::write(&folder.path().join("far.npy"), &table(1.7e9), &[n, 2]).unwrap();
    let further = ["--quiet", "--set", "train.steps=300"];
    for data in ["near", "far"] {
        let file = format!("{data}.npy");
        REALNVP.run(folder.path(), arguments(&REALNVP, data, &file, &further)).succeeds();
    }
    let log_prob = |run: &str| value(&REALNVP.eval(folder.path(), &[run])["metrics"], "log_prob");
    // The density of the first column is 1/1000, and single precision at 1.7e9 has steps of 128.
    let (near, far) = (log_prob("near"), log_prob("far"));
    assert!((near - far).abs() < 0.02, "{near} against {far}");
    let offset = config(folder.path(), "far")["data"]["offset"].clone();
    assert!((offset[0].as_f64().unwrap() - 1.7e9 - 500.0).abs() < 300.0 && offset[1] == 0.0, "{offset}");
    REALNVP.sample(folder.path(), &["far", "-n", "50", "--out", "draws.npy"]).succeeds();
    let file = npy::read(&folder.path().join("draws.npy")).unwrap();
    let Array::F64(draws) = file.values else { panic!("draws with an offset are f64") };
    assert!(draws.iter().step_by(2).all(|t| (t - 1.7e9 - 500.0).abs() < 3000.0), "{draws:?}");
    // Other files of the same columns are read with the same offset.
    npy::write(&folder.path().join("few.npy"), &table(1.7e9)[..6], &[3, 2]).unwrap();
    npy::write(&folder.path().join("few-near.npy"), &table(0.0)[..6], &[3, 2]).unwrap();
    let few = |run: &str, data: &str| {
        let printed = REALNVP.eval(folder.path(), &[run, "--data", data]);
        value(&printed["metrics"], "log_prob")
    };
    assert!((few("far", "few.npy") - few("near", "few-near.npy")).abs() < 0.1);
}

#[test]
fn csv_files_keep_their_names_to_the_end() {
    let folder = tempdir().unwrap();
    let values = normal("table", 600);
    let table: String = values
        .chunks(2)
        .enumerate()
        .map(|(i, row)| format!("{},{},{}\n", row[0], ["oak", "elm"][i % 2], row[1] + (i % 2) as f64))
        .collect();
    fs::write(folder.path().join("trees.csv"), format!("height,kind,\"weight, kg\"\n{table}")).unwrap();
    let further = ["--label-column", "kind", "--quiet", "--set", "model.n_classes=2"];
    REALNVP.run(folder.path(), arguments(&REALNVP, "run", "trees.csv", &further)).succeeds();
    let data = config(folder.path(), "run")["data"].clone();
    assert_eq!(
        (&data["columns"], &data["classes"]),
        (&json!(["height", "weight, kg"]), &json!(["elm", "oak"]))
    );
    REALNVP.sample(folder.path(), &["run", "-n", "2", "--class", "1", "--out", "draws.csv"]).succeeds();
    let draws = fs::read_to_string(folder.path().join("draws.csv")).unwrap();
    assert!(draws.starts_with("height,\"weight, kg\"\n"), "{draws}");
    fs::write(folder.path().join("other.csv"), "height,kind,\"weight, kg\"\n1,oak,2\n").unwrap();
    assert_eq!(REALNVP.eval(folder.path(), &["run", "--data", "other.csv"])["n"], 1);
    fs::write(folder.path().join("pine.csv"), "height,kind,\"weight, kg\"\n1,pine,2\n").unwrap();
    REALNVP.run(folder.path(), ["eval", "run", "--data", "pine.csv"]).refuses(&["pine", "elm, oak"]);
    fs::write(folder.path().join("gap.csv"), "height,kind,\"weight, kg\"\n1,oak,\n").unwrap();
    REALNVP.run(folder.path(), ["eval", "run", "--data", "gap.csv"]).refuses(&[
        "line 2",
        "weight, kg",
        "missing",
    ]);
}

#[test]
fn more_than_256_classes_are_read_and_drawn() {
    let folder = tempdir().unwrap();
    let n = 900;
    let bits =
        Noise::new(0, "bits").uniform_vec(6 * n).into_iter().map(|u| u8::from(u < 0.5)).collect::<Vec<_>>();
    npy::write(&folder.path().join("x.npy"), &bits, &[n, 6]).unwrap();
    let labels: Vec<f64> = (0..n).map(|i| (i % 300) as f64).collect();
    npy::write(&folder.path().join("labels.npy"), &labels, &[n]).unwrap();
    let train = ["train", "run", "--data", "x.npy", "--labels", "labels.npy", "--preset", "tiny", "--quiet"];
    MADE.run(folder.path(), train).succeeds();
    assert_eq!(config(folder.path(), "run")["model"]["n_context"], 300);
    MADE.run(folder.path(), ["sample", "run", "-n", "3", "--class", "299", "--out", "x299.npy"]).succeeds();
    let refused = MADE.run(folder.path(), ["sample", "run", "--class", "300", "--out", "x300.npy"]);
    refused.refuses(&["--class 300", "0 to 299"]);
}

#[test]
fn files_of_parts_and_labels_by_flags() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, n) in [("a", 30), ("b", 7), ("c", 5)] {
        write_bits(&path(&format!("{name}.npy")), n, &[16]);
        let labels: Vec<u8> = (0..n).map(|i| (i % 3) as u8).collect();
        npy::write(&path(&format!("{name}-labels.npy")), &labels, &[n]).unwrap();
    }
    let further = [
        "--valid",
        "b.npy",
        "--test",
        "c.npy",
        "--labels",
        "a-labels.npy",
        "--valid-labels",
        "b-labels.npy",
        "--test-labels",
        "c-labels.npy",
        "--set",
        "model.n_classes=3",
    ];
    let stderr = MADE.run(folder.path(), arguments(&MADE, "run", "a.npy", &further)).succeeds().stderr;
    assert!(stderr.contains("30 train / 7 valid / 5 test, from their own files"), "{stderr}");
    assert_eq!(MADE.eval(folder.path(), &["run"])["n"], 5);
    let flags = ["run", "--data", "b.npy", "--labels", "b-labels.npy"];
    assert_eq!(MADE.eval(folder.path(), &flags)["n"], 7);
    MADE.run(folder.path(), ["eval", "run", "--data", "b.npy"]).refuses(&["b.npy has no labels"]);
    let flags = ["eval", "run", "--data", "b.npy", "--labels", "a-labels.npy"];
    MADE.run(folder.path(), flags).refuses(&["30 labels for 7 examples"]);
}

#[test]
fn messages_name_what_was_given() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    MADE.run(folder.path(), ["train", "run", "--data", "empty"]).refuses(&["empty", "without PNG files"]);
    write_bits(&folder.path().join("rows.npy"), 60, &[4, 4]);
    MADE.run(folder.path(), arguments(&MADE, "run", "rows.npy", &["--quiet"])).succeeds();
    for file in ["nodir/s.png", "nodir/s.npy", "nodir/s.csv"] {
        let outcome = MADE.sample(folder.path(), &["run", "--out", file]);
        assert_ne!(outcome.code, Some(0), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(file) && !outcome.stderr.contains(".tmp"), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("nodir/."), "{}", outcome.stderr);
    }
}
