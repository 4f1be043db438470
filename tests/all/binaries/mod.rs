//! The executables as a user meets them.

mod autoencoder;
mod canonical;
mod cnf;
mod columns;
mod command;
mod conditional;
mod contract;
mod damage;
mod data;
mod dbn;
mod deep;
mod density;
mod diffusion;
mod evaluation;
pub(crate) mod family;
mod gibbs;
mod hopfield;
mod import;
mod interruption;
mod ising;
mod latent;
mod made;
mod other_sets;
mod others;
mod rbm;
mod realnvp;
mod realnvp_hamiltonian;
mod refusals;
mod reproducible;
mod sampling;
mod settings;
mod shards;
mod snf;
mod stacks;
mod start;
mod unix;
mod vae;
mod van;
mod weighted;

use std::path::Path;

use family::{AUTOENCODER, DBN, FAMILIES, Family, MADE, RBM, VAN, set};
use serde_json::Value;

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&bytes(folder, name)).unwrap()
}

/// The metrics in the summary of a run.
fn summary(folder: &Path, run: &str) -> Value {
    json(folder, &format!("{run}/summary.json"))["metrics"].clone()
}

/// A number that metrics have of one of them, such as its `std_err`.
#[track_caller]
fn number(metrics: &Value, name: &str, key: &str) -> f64 {
    metrics[name][key].as_f64().unwrap_or_else(|| panic!("{name}.{key} in {metrics}"))
}

/// The value of a metric.
#[track_caller]
fn value(metrics: &Value, name: &str) -> f64 {
    number(metrics, name, "value")
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
