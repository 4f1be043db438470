//! Canonical transformations as a user meets them.

use std::path::Path;

use gibbs_data::npy;
use gibbs_physics::continuous::{Ends, HarmonicChain, Springs};
use serde_json::Value;
use tempfile::tempdir;

use super::{command::Outcome, family::CANONICAL, json, set};

fn run(folder: &Path, flags: &[&str]) -> Outcome {
    CANONICAL.run(folder, [&["train", "run", "--preset", "tiny", "--quiet"], flags].concat())
}

fn number(metrics: &Value, name: &str, key: &str) -> f64 {
    metrics[name][key].as_f64().unwrap_or_else(|| panic!("{name}.{key} in {metrics}"))
}

fn list(metrics: &Value, name: &str) -> Vec<f64> {
    metrics[name]["value"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

const CHAIN: [&str; 6] = ["--model", "harmonic-chain", "--particles", "3", "--beta", "2"];

/// A run of seconds. At another temperature the frequencies are those of the same particles.
#[test]
fn a_chain_has_its_modes_and_its_free_energy() {
    let folder = tempdir().unwrap();
    run(folder.path(), &[&CHAIN[..], &set(&["train.steps=800", "train.learning_rate=0.03"])].concat())
        .succeeds();
    let metrics = json(folder.path(), "run/summary.json")["metrics"].clone();
    let springs = Springs { mass: 1.0, coupling: 1.0, pinning: 0.0 };
    let chain = HarmonicChain::new(3, Ends::Walls, springs, 2.0).unwrap();
    let (found, exact) = (list(&metrics, "frequencies"), list(&metrics, "frequencies_exact"));
    assert!(found.is_sorted());
    assert_eq!(exact, chain.frequencies());
    let error = number(&metrics, "frequency_error", "value");
    let worst = found.iter().zip(&exact).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
    assert!(error < 0.01 && (error - worst).abs() < 1e-12, "{metrics}");
    let free_energy = -chain.log_z() / 3.0;
    assert!((number(&metrics, "free_energy_exact", "value") - free_energy).abs() < 1e-12, "{metrics}");
    assert!((number(&metrics, "free_energy_per_site", "value") - free_energy).abs() < 1e-3, "{metrics}");
    for file in ["samples.png", "modes.png", "curves.png", "curves.svg"] {
        assert!(folder.path().join("run").join(file).is_file(), "{file}");
    }
    assert_eq!(CANONICAL.eval(folder.path(), &["run"])["metrics"], metrics);
}

/// The slowest mode of the chain, `sin(π i / 4)`, survives the way through one oscillator; the other modes are lost.
#[test]
fn positions_are_compressed_to_the_slowest_modes() {
    let folder = tempdir().unwrap();
    let settings = set(&["train.steps=800", "train.learning_rate=0.03", "model.slowest=1"]);
    run(folder.path(), &[&CHAIN[..], &settings].concat()).succeeds();
    let root = 0.5f32.sqrt();
    let positions = [root, 1.0, root, -2.0 * root, -2.0, -2.0 * root, 1.0, 0.0, -1.0];
    npy::write(&folder.path().join("positions.npy"), &positions, &[3, 3]).unwrap();
    let encode = ["encode", "run", "--data", "positions.npy", "--split", "all", "--out", "slow.npy"];
    CANONICAL.run(folder.path(), encode).succeeds();
    CANONICAL.run(folder.path(), ["decode", "run", "slow.npy", "--out", "back.npy"]).succeeds();
    let read = |name: &str| npy::read(&folder.path().join(name)).unwrap();
    assert_eq!(read("slow.npy").shape, [3, 2]);
    let back = read("back.npy").values.to_f64();
    let expected = [&positions[..6], &[0.0; 3]].concat();
    for (found, expected) in back.into_iter().zip(expected) {
        assert!((found - f64::from(expected)).abs() < 0.05, "{found}, not {expected}");
    }
}

/// In the plane the pictures show the lines of the oscillators.
#[test]
fn wells_in_the_plane_are_drawn_with_the_lines_of_the_oscillators() {
    let folder = tempdir().unwrap();
    run(folder.path(), &["--model", "double-well", "--set", "train.steps=50"]).succeeds();
    let metrics = json(folder.path(), "run/summary.json")["metrics"].clone();
    assert_eq!(list(&metrics, "frequencies").len(), 2);
    assert!(metrics.get("frequencies_exact").is_none(), "{metrics}");
    assert!(folder.path().join("run/modes.png").is_file());
}

#[test]
fn what_is_no_transformation_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--data", "moons"], &["moons", "canonical learns Hamiltonians", "--model"]),
        (&["--model", "harmonic-chain", "--beta", "0"], &["beta = 0"]),
        (&["--set", "model.slowest=9"], &["model.slowest = 9", "1 to 8"]),
        (&["--set", "model.linear=false"], &["model.n_layers = 0", "needs a layer"]),
        (&["--set", "model.n_visible=7"], &["model.n_visible = 7"]),
        (
            &[
                "--model",
                "harmonic-chain",
                "--particles",
                "1",
                "--set",
                "model.points=true",
                "--set",
                "model.n_layers=1",
            ],
            &["points=false"],
        ),
    ];
    for (flags, expected) in cases {
        run(folder.path(), flags).refuses(expected);
        assert!(!folder.path().join("run").exists(), "{flags:?}");
    }
    CANONICAL.train(folder.path(), "run", &[]);
    npy::write(&folder.path().join("odd.npy"), &[0.0f32; 9], &[3, 3]).unwrap();
    let encode = ["encode", "run", "--data", "odd.npy"];
    CANONICAL.run(folder.path(), encode).refuses(&["odd.npy", "3"]);
    npy::write(&folder.path().join("two.npy"), &[0.5f32; 8], &[4, 2]).unwrap();
    CANONICAL.run(folder.path(), ["eval", "run", "--data", "two.npy"]).refuses(&["--data", "momenta"]);
}
