//! The executables as a user meets them.

pub(crate) mod command;
mod contract;
mod damage;
mod evaluation;
mod interruption;
mod mnist;
mod others;
mod refusals;
mod reproducible;
mod sampling;

use std::path::Path;

use command::{Outcome, rbm};
use serde_json::Value;

/// Flags of a run that takes a fraction of a second: 30 steps an epoch on the 4x4 bars and stripes.
const SHORT: [&str; 8] = [
    "--data",
    "bars-and-stripes",
    "--preset",
    "tiny",
    "--set",
    "train.batch_size=100",
    "--set",
    "train.epochs=2",
];

/// Trains in `folder/name` with [`SHORT`] and further flags.
#[track_caller]
fn train(folder: &Path, name: &str, further: &[&str]) -> Outcome {
    let arguments =
        ["train", name].into_iter().chain(SHORT).chain(further.iter().copied()).chain(["--quiet"]);
    rbm(folder, arguments).succeeds()
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&bytes(folder, name)).unwrap()
}

/// Weights of a run.
fn weights(folder: &Path, run: &str) -> Vec<u8> {
    bytes(folder, &format!("{run}/model.safetensors"))
}

/// The lines of `metrics.jsonl`.
fn metrics(folder: &Path, run: &str) -> Vec<Value> {
    let text = String::from_utf8(bytes(folder, &format!("{run}/metrics.jsonl"))).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line of metrics is cut off: {text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
