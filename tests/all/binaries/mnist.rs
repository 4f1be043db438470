//! Real pictures, where they are.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::tempdir;

use super::{json, rbm};

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
    rbm(folder.path(), flags.into_iter().chain(data)).succeeds();
    let summary = json(folder.path(), "run/summary.json");
    assert_eq!((summary["n"].as_u64(), summary["split"].as_str()), (Some(10_000), Some("test")));

    let printed = rbm(folder.path(), ["eval", "run"].into_iter().chain(data)).succeeds();
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(printed["metrics"], summary["metrics"]);
    let log_prob = &printed["metrics"]["log_prob"];
    assert_eq!(log_prob["binarization"], "none");
    // Independent pixels reach -205.8; an epoch of 32 hidden units is well above that.
    let value = log_prob["value"].as_f64().unwrap();
    assert!((-195.0..-80.0).contains(&value), "{log_prob}");
    let [lower, upper] =
        ["log_z_lower", "log_z_upper"].map(|name| printed["metrics"][name]["value"].as_f64().unwrap());
    assert!((lower - upper).abs() < 5.0, "{lower} {upper}");
}
