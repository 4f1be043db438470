//! What a run writes, and where.

use std::fs;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{SHORT, bytes, json, metrics, rbm, train};

#[test]
fn a_run_writes_every_file_of_its_folder_and_nothing_to_stdout() {
    let folder = tempdir().unwrap();
    let arguments = ["train", "run"].into_iter().chain(SHORT);
    let outcome = rbm(folder.path(), arguments).succeeds();
    assert_eq!(outcome.stdout, "");
    assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains('\r'), "{:?}", outcome.stderr);
    for told in ["train.epochs = 2", "train.batch_size = 100", "run"] {
        assert!(outcome.stderr.contains(told), "{told} is not in: {}", outcome.stderr);
    }

    let config = json(folder.path(), "run/config.json");
    for (key, value) in [("experiment", json!("rbm")), ("seed", json!(0))] {
        assert_eq!(config[key], value);
    }
    assert_eq!(config["data"]["name"], "bars-and-stripes");
    assert_eq!(config["train"]["epochs"], 2);
    assert!(config["model"]["n_hidden"].is_u64());

    let info = json(folder.path(), "run/run.json");
    for key in ["version", "backend", "device", "start", "end"] {
        assert!(info[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {info}");
    }
    assert_eq!(info["command"].as_array().unwrap()[1..3], [json!("train"), json!("run")]);
    assert!(info["wall_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{info}");
    assert!(info["peak_memory_bytes"].as_f64().is_some_and(|bytes| bytes > 1e6), "{info}");

    let lines = metrics(folder.path(), "run");
    let last = lines.last().unwrap();
    assert_eq!((last["step"].as_u64(), last["epoch"].as_u64()), (Some(60), Some(2)));
    assert!(lines.iter().all(|line| line["seconds"].is_f64() && line["reconstruction_error"].is_f64()));

    for picture in ["samples.png", "chains.png", "inpainting.png", "filters.png", "curves.png"] {
        assert!(bytes(folder.path(), &format!("run/{picture}")).starts_with(b"\x89PNG"), "{picture}");
    }
    assert!(folder.path().join("run/checkpoint").is_dir());
}

#[test]
fn the_summary_is_what_eval_prints_with_the_wall_seconds() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    let printed = rbm(folder.path(), ["eval", "run"]).succeeds();
    assert_eq!(printed.stderr, "");
    assert_eq!(printed.stdout.lines().count(), 1);
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    let mut summary = json(folder.path(), "run/summary.json");
    let seconds = summary.as_object_mut().unwrap().remove("wall_seconds");
    assert!(seconds.is_some_and(|seconds| seconds.as_f64() > Some(0.0)));
    assert_eq!(summary, printed);
}

#[test]
fn the_folder_is_named_after_binary_data_and_seed() {
    let folder = tempdir().unwrap();
    rbm(folder.path(), ["train", "--seed", "7", "--quiet"].into_iter().chain(SHORT)).succeeds();
    assert!(folder.path().join("runs/rbm-bars-and-stripes-s7/model.safetensors").is_file());
}

#[test]
fn a_run_is_not_written_over_unless_asked_and_foreign_files_stay() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    fs::write(folder.path().join("run/notes.txt"), "mine").unwrap();
    let before = bytes(folder.path(), "run/model.safetensors");
    let again = |further: &[&'static str]| {
        let arguments = ["train", "run", "--quiet", "--seed", "1"].into_iter().chain(SHORT);
        rbm(folder.path(), arguments.chain(further.iter().copied()))
    };
    again(&[]).refuses(&["run already holds a run", "--resume", "--overwrite"]);
    assert_eq!(bytes(folder.path(), "run/model.safetensors"), before);
    again(&["--overwrite"]).succeeds();
    assert_ne!(bytes(folder.path(), "run/model.safetensors"), before);
    assert_eq!(bytes(folder.path(), "run/notes.txt"), b"mine");
    assert_eq!(json(folder.path(), "run/run.json")["resumed"], 0);
}

#[test]
fn quiet_means_quiet() {
    let folder = tempdir().unwrap();
    let outcome = train(folder.path(), "run", &[]);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}
