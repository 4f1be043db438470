//! Canonical transformations as a user meets them.

use std::path::Path;

use gibbs_backend::Noise;
use gibbs_data::npy;
use gibbs_physics::continuous::{Ends, HarmonicChain, Springs};
use serde_json::Value;
use tempfile::tempdir;

use super::{command::Outcome, family::CANONICAL, number, set, summary, value};

fn run(folder: &Path, flags: &[&str]) -> Outcome {
    CANONICAL.run(folder, [&["train", "run", "--preset", "tiny", "--quiet"], flags].concat())
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
    let metrics = summary(folder.path(), "run");
    let springs = Springs { mass: 1.0, coupling: 1.0, pinning: 0.0 };
    let chain = HarmonicChain::new(3, Ends::Walls, springs, 2.0).unwrap();
    let (found, exact) = (list(&metrics, "frequencies"), list(&metrics, "frequencies_exact"));
    assert!(found.is_sorted());
    assert_eq!(exact, chain.frequencies());
    let error = value(&metrics, "frequency_error");
    let worst = found.iter().zip(&exact).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
    assert!(error < 0.01 && (error - worst).abs() < 1e-12, "{metrics}");
    let free_energy = -chain.log_z() / 3.0;
    assert!((value(&metrics, "free_energy_exact") - free_energy).abs() < 1e-12, "{metrics}");
    assert!((value(&metrics, "free_energy_per_site") - free_energy).abs() < 1e-3, "{metrics}");
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
    let metrics = summary(folder.path(), "run");
    assert_eq!(list(&metrics, "frequencies").len(), 2);
    assert!(metrics.get("frequencies_exact").is_none(), "{metrics}");
    assert!(folder.path().join("run/modes.png").is_file());
}

#[test]
fn what_is_no_transformation_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 8] = [
        (&["--data", "bars-and-stripes"], &["bars-and-stripes", "zeros and ones", "rbm"]),
        (&["--data", "moons", "--set", "model.units.scale=0"], &["model.units.scale = 0"]),
        (&["--data", "moons", "--set", "model.momenta=1"], &["model.momenta = 1"]),
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
    CANONICAL.run(folder.path(), ["eval", "run", "--data", "odd.npy"]).refuses(&["odd.npy", "3"]);
    CANONICAL.run(folder.path(), ["sample", "run", "--slow", "inf"]).refuses(&["--slow inf"]);
}

/// Two positions of different spread, turned by 30 degrees and moved: the frequencies are one over their spreads, and the bounds lie below
/// the entropy of the normal distribution, the tighter one nearer.
#[test]
fn positions_are_learned_from_data() {
    let folder = tempdir().unwrap();
    let (spreads, angle) = ([0.5, 2.0], std::f64::consts::FRAC_PI_6);
    let mut noise = Noise::new(3, "positions");
    let positions: Vec<f32> = (0..4000)
        .flat_map(|_| {
            let [a, b] = spreads.map(|spread| spread * noise.next_normal());
            let (sin, cos) = angle.sin_cos();
            [100.0 + a * cos - b * sin, -7.0 + a * sin + b * cos]
        })
        .map(|x| x as f32)
        .collect();
    npy::write(&folder.path().join("positions.npy"), &positions, &[4000, 2]).unwrap();
    let settings = set(&["train.steps=1500", "train.learning_rate=0.02", "model.n_layers=0"]);
    run(folder.path(), &[&["--data", "positions.npy"], &settings[..]].concat()).succeeds();
    let metrics = summary(folder.path(), "run");
    // Five errors of the spread of the 3200 training examples.
    let tolerance = 5.0 / (2.0 * 3200f64).sqrt();
    for (found, spread) in list(&metrics, "frequencies").into_iter().zip(spreads.iter().rev()) {
        assert!((found * spread - 1.0).abs() < tolerance, "{found}, not {}", spread.recip());
    }
    let (bound, weighted) =
        (value(&metrics, "log_prob_bound"), value(&metrics, "log_prob_importance_weighted"));
    let entropy = 1.0 + std::f64::consts::TAU.ln() + (spreads[0] * spreads[1]).ln();
    let error = number(&metrics, "log_prob_importance_weighted", "std_err_examples");
    assert!(bound < weighted && weighted < -entropy + 4.0 * error, "{metrics}");
    assert!(bound > -entropy - 0.05 - 4.0 * error, "{metrics}");
    for file in ["samples.png", "modes.png", "curves.png", "curves.svg"] {
        assert!(folder.path().join("run").join(file).is_file(), "{file}");
    }
    CANONICAL
        .run(folder.path(), ["sample", "run", "-n", "2000", "--slow", "2", "--out", "slow.npy"])
        .succeeds();
    let draws = npy::read(&folder.path().join("slow.npy")).unwrap().values.to_f64();
    let along = |row: &[f64]| -(row[0] - 100.0) * angle.sin() + (row[1] + 7.0) * angle.cos();
    let mean = draws.chunks(2).map(along).sum::<f64>() / 2000.0;
    assert!((mean.abs() / (2.0 * spreads[1]) - 1.0).abs() < tolerance, "{mean}");
}

/// A run on a Hamiltonian also bounds the density of given positions.
#[test]
fn positions_have_a_density_under_a_hamiltonian() {
    let folder = tempdir().unwrap();
    run(folder.path(), &[&CHAIN[..], &set(&["train.steps=800", "train.learning_rate=0.03"])].concat())
        .succeeds();
    let metrics = summary(folder.path(), "run");
    assert!(value(&metrics, "slow_coordinate_correlation") > 0.999, "{metrics}");
    let positions = [0.3f32, -0.1, 0.2, -0.5, 0.4, 0.1];
    npy::write(&folder.path().join("two.npy"), &positions, &[2, 3]).unwrap();
    let report = CANONICAL.eval(folder.path(), &["run", "--data", "two.npy", "--split", "all"]);
    let springs = Springs { mass: 1.0, coupling: 1.0, pinning: 0.0 };
    let chain = HarmonicChain::new(3, Ends::Walls, springs, 2.0).unwrap();
    let energy = |q: &[f32]| {
        let padded = [&[0.0], q, &[0.0]].concat();
        padded.windows(2).map(|pair| f64::from(pair[1] - pair[0]).powi(2)).sum::<f64>()
    };
    let exact = positions.chunks(3).map(|q| -energy(q) - chain.log_z()).sum::<f64>() / 2.0;
    let found = number(&report["metrics"], "log_prob_importance_weighted", "value");
    assert!((found - exact).abs() < 0.02, "{found}, not {exact}");
}
