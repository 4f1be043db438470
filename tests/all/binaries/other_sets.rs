//! Named sets: the built-in ones, and real pictures where they are.

use std::path::{Path, PathBuf};

use gibbs_data::Dataset;
use serde_json::Value;
use tempfile::tempdir;

use super::{AUTOENCODER, DBN, Family, MADE, RBM, json, set, summary, value};

/// The folder of the named sets, if it has this one; else a line that says why the test is skipped.
fn data_dir(set: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("GIBBS_DATA_DIR") else {
        println!("skipped: GIBBS_DATA_DIR is not set, so there is no {set}");
        return None;
    };
    // The tests run in the folder of their package; a relative path is meant from the root of the workspace.
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    if folder.join(set).is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no {}", folder.join(set).display());
    None
}

#[test]
fn binarized_mnist_is_trained_and_measured() {
    let Some(data) = data_dir("binarized-mnist") else { return };
    let folder = tempdir().unwrap();
    let data = ["--data-dir", data.to_str().unwrap()];
    let flags = ["train", "run", "--data", "binarized-mnist", "--preset", "tiny", "--quiet"];
    RBM.run(folder.path(), flags.into_iter().chain(data)).succeeds();
    let summary = json(folder.path(), "run/summary.json");
    assert_eq!((summary["n"].as_u64(), summary["split"].as_str()), (Some(10_000), Some("test")));

    let printed = RBM.run(folder.path(), ["eval", "run"].into_iter().chain(data)).succeeds();
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(printed["metrics"], summary["metrics"]);
    let log_prob = &printed["metrics"]["log_prob"];
    assert_eq!(log_prob["binarization"], "none");
    // Independent pixels reach -205.8; an epoch of 32 hidden units is well above that.
    assert!((-195.0..-80.0).contains(&log_prob["value"].as_f64().unwrap()), "{log_prob}");
    let [lower, upper] = ["log_z_lower", "log_z_upper"].map(|name| value(&printed["metrics"], name));
    assert!((lower - upper).abs() < 5.0, "{lower} {upper}");
}

/// What the autoencoder prints after a run with few units.
fn small_autoencoder(data: &[&str]) -> Value {
    let folder = tempdir().unwrap();
    let small =
        set(&["model.n_hidden=[16]", "model.n_code=3", "train.baseline=false", "train.pretraining.epochs=1"]);
    run_and_eval(&AUTOENCODER, folder.path(), data, &small)
}

/// A tiny run, whose summary must be what `eval` prints.
fn run_and_eval(family: &Family, folder: &Path, data: &[&str], settings: &[&str]) -> Value {
    let train = [&["train", "run", "--preset", "tiny", "--quiet"], data, settings].concat();
    family.run(folder, train).succeeds();
    let printed = family.eval(folder, &[&["run"], data].concat());
    assert_eq!(printed["metrics"], summary(folder, "run"));
    printed
}

/// Three components explain something; a network after one epoch need not yet, but is near the mean image.
#[track_caller]
fn assert_errors_fit(printed: &Value, test: &Dataset) {
    assert_eq!(printed["n"], test.len());
    let variance = variance(test);
    let error = |name: &str| value(&printed["metrics"], name);
    let (network, linear) = (error("squared_error"), error("pca_squared_error"));
    assert!(linear > 0.0 && linear < variance, "{linear}, variance {variance}");
    assert!(network > 0.0 && network < 2.0 * variance, "{network}, variance {variance}");
}

#[test]
fn curves_are_encoded() {
    let printed = small_autoencoder(&["--data", "curves"]);
    assert_errors_fit(&printed, &gibbs_data::curves::splits().unwrap().test);
}

/// Sum of the variances of the pixels.
fn variance(data: &Dataset) -> f64 {
    let rows: Vec<usize> = (0..data.len()).collect();
    let values = data.values(&rows);
    let n = data.len() as f64;
    let moment = |pixel: usize, power: i32| {
        values.iter().skip(pixel).step_by(data.width()).map(|&x| f64::from(x).powi(power)).sum::<f64>() / n
    };
    (0..data.width()).map(|pixel| moment(pixel, 2) - moment(pixel, 1).powi(2)).sum()
}

#[test]
fn real_pictures_are_encoded() {
    for set in ["frey-faces", "mnist"] {
        let Some(folder) = data_dir(set) else { continue };
        let printed = small_autoencoder(&["--data", set, "--data-dir", folder.to_str().unwrap()]);
        assert_errors_fit(&printed, &gibbs_data::load(set, &folder).unwrap().test);
    }
}

#[test]
fn a_stack_on_binarized_mnist_is_bounded() {
    let Some(data) = data_dir("binarized-mnist") else { return };
    let folder = tempdir().unwrap();
    let data = ["--data", "binarized-mnist", "--data-dir", data.to_str().unwrap()];
    let small = set(&["model.n_hidden=[32, 18]", "train.bound_draws=0"]);
    let printed = run_and_eval(&DBN, folder.path(), &data, &small);
    let log_prob = &printed["metrics"]["log_prob"];
    assert_eq!((&log_prob["kind"], &log_prob["binarization"]), (&"lower_bound".into(), &"none".into()));
    assert_eq!(printed["metrics"]["log_z"]["kind"], "exact");
    // Independent pixels reach -205.8.
    let value = log_prob["value"].as_f64().unwrap();
    assert!((-205.0..-80.0).contains(&value), "{log_prob}");
}

#[test]
fn an_autoregressive_model_of_binarized_mnist_is_exact() {
    let Some(data) = data_dir("binarized-mnist") else { return };
    let folder = tempdir().unwrap();
    let data = ["--data", "binarized-mnist", "--data-dir", data.to_str().unwrap()];
    let small = set(&["model.n_hidden=16", "train.epochs=1"]);
    let printed = run_and_eval(&MADE, folder.path(), &data, &small);
    let log_prob = &printed["metrics"]["log_prob"];
    assert_eq!((&log_prob["kind"], &log_prob["binarization"]), (&"exact".into(), &"none".into()));
    // Independent pixels reach -205.8, a large model -84.
    let value = log_prob["value"].as_f64().unwrap();
    assert!((-150.0..-80.0).contains(&value), "{log_prob}");
}
