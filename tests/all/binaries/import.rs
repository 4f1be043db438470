//! Weights of other programs: a state dict of PyTorch becomes a run with the same log-probabilities.

use std::fs;
use std::path::{Path, PathBuf};

use gibbs_data::npy;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::{MADE, RBM, evaluation::doubles};
use crate::{golden::numbers, support::assert_close};

/// Settings of the network in `torch_made.pt`.
const SETTINGS: [&str; 8] = [
    "--set",
    "model.n_hidden=[5]",
    "--set",
    "model.n_masks=1",
    "--set",
    "model.order=natural",
    "--set",
    "model.direct=false",
];

fn state_dict() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/torch_made.pt")
}

/// A folder with all rows of 6 bits in `bits.npy`, the last bit fastest.
fn all_rows() -> TempDir {
    let folder = tempdir().unwrap();
    let bits: Vec<u8> = (0..64u8).flat_map(|row| (0..6).rev().map(move |bit| row >> bit & 1)).collect();
    npy::write(&folder.path().join("bits.npy"), &bits, &[64, 6]).unwrap();
    folder
}

/// `made import` of a file into `run`, with these flags and the settings of the network.
fn import<'a>(file: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["import", file, "run", "--data", "bits.npy"], flags, &SETTINGS].concat()
}

#[test]
fn a_made_of_torch_has_the_same_log_probabilities() {
    let folder = all_rows();
    let file = state_dict();
    let maps = ["--map", "0=layers.0", "--map", "2=layers.1"];
    let file = file.to_str().unwrap();
    MADE.run(folder.path(), import(file, &[&maps[..], &["--transpose"]].concat())).succeeds();
    MADE.eval(
        folder.path(),
        &["run", "--data", "bits.npy", "--split", "all", "--per-example", "log_prob.npy"],
    );
    let reference: Value = serde_json::from_str(include_str!("../../golden/torch_made.json")).unwrap();
    let found = doubles(&folder.path().join("log_prob.npy"));
    assert_close(&found, &numbers(&reference["log_prob"]), 1e-5, "log_prob");
    // The run is one like any other.
    MADE.sample(folder.path(), &["run", "-n", "5", "--out", "draws.npy"]).succeeds();
}

#[test]
fn weights_that_do_not_fit_are_refused_and_leave_no_run() {
    let folder = all_rows();
    let file = state_dict();
    let file = file.to_str().unwrap();
    let refuses = |arguments: Vec<&str>, words: &[&str]| {
        MADE.run(folder.path(), arguments).refuses(words);
        assert!(!folder.path().join("run/config.json").exists());
    };
    let maps = ["--map", "0=layers.0", "--map", "2=layers.1"];
    refuses(import(file, &maps), &["layers.0.weight", "--transpose"]);
    refuses(import(file, &["--map", "net=layers", "--transpose"]), &["--map net", "0.weight"]);
    refuses(import(file, &["--map", "layers"]), &["--map layers", "THEIRS=OURS"]);
    refuses(import(file, &["--transpose"]), &["layers.0"]);
    refuses(import("absent.pt", &[]), &["absent.pt"]);
    refuses(import("bits.npy", &[]), &["bits.npy", ".safetensors"]);
    for name in ["broken.pt", "broken.safetensors"] {
        fs::write(folder.path().join(name), [7; 100]).unwrap();
        refuses(import(name, &[]), &[name]);
    }
    let arguments = ["import", file, "run", "--data", "bits.npy", "--set", "model.n_hidden=5"];
    RBM.run(folder.path(), arguments).refuses(&["weight"]);
}
