//! Ising models as a user meets them: learned from samples, measured over temperatures.

use std::path::Path;

use gibbs_backend::Noise;
use gibbs_data::npy::{self, Array};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{
    command::{Outcome, command},
    evaluation::doubles,
    json, set, summary, value, weights,
};

/// Settings of a run of a fraction of a second.
const SHORT: [&str; 4] =
    ["train.samples=5000", "model.system.n_spins=8", "train.chains=200", "train.steps=300"];

const METHODS: [&str; 7] =
    ["exact", "monte_carlo", "pseudo_likelihood", "bethe", "tap", "mean_field", "independent_pairs"];

fn ising(folder: &Path, arguments: &[&str]) -> Outcome {
    command("ising", folder, arguments).output().unwrap().into()
}

#[track_caller]
fn train(folder: &Path, name: &str, settings: &[&str]) {
    let settings = set(&[&SHORT, settings].concat());
    ising(folder, &[&["train", name, "--quiet"], &settings[..]].concat()).succeeds();
}

#[track_caller]
fn result(outcome: Outcome) -> Value {
    serde_json::from_str(&outcome.succeeds().stdout).unwrap()
}

/// Couplings of `0.3/√8` are learned from 5000 samples with an error of about `1/√5000` each, 13 %, of which pairs alone see
/// more.
#[test]
fn every_method_learns_and_eval_repeats_its_metrics() {
    let folder = tempdir().unwrap();
    for method in METHODS {
        train(folder.path(), method, &[&format!("model.kind={method}")]);
        let summary = json(folder.path(), &format!("{method}/summary.json"));
        let limit = if method == "independent_pairs" { 0.5 } else { 0.2 };
        assert!(value(&summary["metrics"], "coupling_error") < limit, "{method}: {summary}");
        for picture in ["samples.png", "reconstruction.png", "reconstruction.svg"] {
            assert!(folder.path().join(method).join(picture).is_file(), "{method}: {picture}");
        }
        let printed = result(ising(folder.path(), &["eval", method, "--per-example", "values.npy"]));
        assert_eq!(printed["metrics"], summary["metrics"], "{method}");
        let values = doubles(&folder.path().join("values.npy"));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert_eq!((values.len(), printed["n"].as_u64()), (500, Some(500)));
        assert!((mean - value(&printed["metrics"], "log_prob")).abs() < 1e-12);
    }
}

#[test]
fn the_weights_are_symmetric_couplings_and_fields() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    let bytes = weights(folder.path(), "run");
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = tensors.names();
    names.sort();
    assert_eq!(names, ["couplings", "field"]);
    assert_eq!(tensors.tensor("field").unwrap().shape(), [8]);
    let couplings = tensors.tensor("couplings").unwrap();
    assert_eq!(couplings.shape(), [8, 8]);
    let values: Vec<f32> =
        couplings.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    for i in 0..8 {
        assert_eq!(values[9 * i], 0.0);
        assert!((0..8).all(|j| values[8 * i + j] == values[8 * j + i]));
    }
}

/// A run that stops after its first step and is resumed ends as one that does not.
#[test]
fn a_stopped_run_goes_on_to_the_same_end() {
    let folder = tempdir().unwrap();
    for method in ["exact", "monte_carlo", "pseudo_likelihood"] {
        let kind = format!("model.kind={method}");
        let (whole, part) = (format!("{method}-whole"), format!("{method}-part"));
        train(folder.path(), &whole, &[&kind]);
        train(folder.path(), &part, &[&kind, "train.max_seconds=1e-9"]);
        assert_ne!(
            weights(folder.path(), &whole),
            weights(folder.path(), &part),
            "{method}: it did not stop"
        );
        let settings = set(&["train.max_seconds=null"]);
        ising(folder.path(), &[&["train", &part, "--quiet", "--resume"], &settings[..]].concat()).succeeds();
        assert!(weights(folder.path(), &whole) == weights(folder.path(), &part), "{method}");
    }
}

#[test]
fn samples_are_spins_with_the_moments_of_the_model() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &["model.kind=exact"]);
    let outcome = ising(folder.path(), &["sample", "run", "-n", "4000", "--out", "draws.npy"]).succeeds();
    assert!(outcome.stderr.contains("exact draws"), "{}", outcome.stderr);
    let file = npy::read(&folder.path().join("draws.npy")).unwrap();
    let Array::F32(values) = &file.values else { panic!("{:?}", file.values) };
    assert_eq!(values.len(), 4000 * 8);
    assert!(values.iter().all(|s| s.abs() == 1.0));
    // Evaluated on draws from the model itself, moments differ by the noise of 4000 draws: each by about 1/√4000.
    let evaluation = result(ising(folder.path(), &["eval", "run", "--data", "draws.npy", "--split", "all"]));
    assert!(value(&evaluation["metrics"], "moments_gap") < 2.0 / 4000f64.sqrt(), "{evaluation}");
    ising(folder.path(), &["sample", "run", "--out", "draws.txt"])
        .refuses(&["draws.txt", ".png, .npy or .csv"]);
}

/// A lattice too large to sum over.
#[test]
fn larger_systems_are_learned_from_chains() {
    let folder = tempdir().unwrap();
    let settings = ["train.samples=2000", "train.walk={\"chains\": 50, \"burn_in\": 200, \"every\": 5}"];
    let flags = ["train", "run", "--quiet", "--model", "ising", "--lattice", "5x5", "--beta", "0.2"];
    ising(folder.path(), &[&flags[..], &set(&settings)].concat()).succeeds();
    let evaluation = result(ising(folder.path(), &["eval", "run"]));
    assert!(value(&evaluation["metrics"], "coupling_error_rms") < 2.0 / 2000f64.sqrt(), "{evaluation}");
    assert_eq!(evaluation["metrics"]["log_prob"], Value::Null);
    let outcome = ising(folder.path(), &["sample", "run", "-n", "4", "--out", "draws.npy"]).succeeds();
    assert!(outcome.stderr.contains("4 heat-bath chains"), "{}", outcome.stderr);
    assert_eq!(npy::read(&folder.path().join("draws.npy")).unwrap().shape, [4, 5, 5]);
}

#[test]
fn samples_come_from_a_file_too() {
    let folder = tempdir().unwrap();
    let uniform = Noise::new(1, "spins").uniform_vec(3000);
    // Three spins, of which the second is mostly the first.
    let mut spins: Vec<f32> = uniform.iter().map(|u| if *u < 0.5 { -1.0 } else { 1.0 }).collect();
    for (row, noise) in spins.chunks_mut(3).zip(Noise::new(2, "spins").uniform_vec(1000)) {
        row[1] = if noise < 0.9 { row[0] } else { -row[0] };
    }
    npy::write(&folder.path().join("spins.npy"), &spins, &[1000, 3]).unwrap();
    let flags = ["train", "run", "--quiet", "--data", "spins.npy"];
    ising(folder.path(), &flags).succeeds();
    let bytes = weights(folder.path(), "run");
    let data = SafeTensors::deserialize(&bytes).unwrap().tensor("couplings").unwrap().data().to_vec();
    let coupling = f32::from_le_bytes(data[4..8].try_into().unwrap());
    // artanh 0.8, of 800 samples with a standard error of 1/√(800 (1 - 0.8²)).
    assert!((coupling - 0.8f32.atanh()).abs() < 4.0 * 0.059, "{coupling}");

    spins[7] = 0.5;
    npy::write(&folder.path().join("bad.npy"), &spins, &[1000, 3]).unwrap();
    let flags = ["train", "bad", "--quiet", "--data", "bad.npy"];
    ising(folder.path(), &flags).refuses(&["bad.npy", "value 1 of example 2 is 0.5", "-1 and +1"]);
    ising(folder.path(), &["eval", "run", "--data", "bars-and-stripes"]).refuses(&["16", "3"]);
}

#[test]
fn all_methods_stand_in_one_table() {
    let folder = tempdir().unwrap();
    let flags = ["compare", "out", "--spins", "8", "--samples", "5000", "--seed", "3"];
    let outcome = ising(folder.path(), &flags);
    let stderr = outcome.stderr.clone();
    let compared = result(outcome);
    assert_eq!(compared, json(folder.path(), "out/compare.json"));
    let rows = compared["methods"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["method"].as_str().unwrap()).collect::<Vec<_>>(), METHODS);
    for row in rows {
        assert!(
            row["coupling_error"].as_f64().unwrap() < 0.5 && stderr.contains(row["method"].as_str().unwrap())
        );
    }
    assert!(folder.path().join("out/compare.png").is_file());
    // The samples are those of a run with this seed.
    train(folder.path(), "run", &["seed=3", "model.kind=bethe"]);
    let error = value(&summary(folder.path(), "run"), "coupling_error");
    assert!((error - rows[3]["coupling_error"].as_f64().unwrap()).abs() < 1e-6, "f32 weights");
}

/// Every method within five of its standard errors, which are asymptotic, of sums over all states.
#[test]
fn every_chain_measures_the_exact_values() {
    let folder = tempdir().unwrap();
    let flags = [
        "measure",
        "out",
        "--lattice",
        "4x3",
        "--temperatures",
        "2,3",
        "--burn-in",
        "200",
        "--measurements",
        "500",
    ];
    let methods = ["wolff", "heat-bath", "metropolis", "tempering"];
    let methods: Vec<&str> = methods.iter().flat_map(|method| ["--method", method]).collect();
    let measured = result(ising(folder.path(), &[&flags[..], &methods].concat()));
    assert_eq!(measured, json(folder.path(), "out/measure.json"));
    for temperature in measured["temperatures"].as_array().unwrap() {
        assert_eq!(temperature["exact"]["method"], json!("enumeration"));
        let methods = temperature["methods"].as_array().unwrap();
        assert_eq!(methods.len(), 4);
        for method in methods {
            for metric in ["energy", "specific_heat", "abs_magnetization", "binder"] {
                let deviation = method[metric]["deviation"].as_f64().unwrap();
                assert!(deviation.abs() < 5.0, "{metric}: {method}");
            }
        }
    }
    for picture in ["measure.png", "measure.svg"] {
        assert!(folder.path().join("out").join(picture).is_file());
    }
}

#[test]
fn the_same_seed_measures_the_same() {
    let folder = tempdir().unwrap();
    let flags =
        ["--model", "edwards-anderson", "--lattice", "4x4", "--measurements", "20", "--burn-in", "10"];
    let measure = |name: &str, seed: &str| {
        let flags = [&["measure", name, "--seed", seed], &flags[..]].concat();
        result(ising(folder.path(), &flags))["temperatures"].clone()
    };
    assert_eq!(measure("a", "1"), measure("b", "1"));
    assert_ne!(measure("c", "2"), measure("d", "1"));
}

#[test]
fn bad_input_is_one_line() {
    let folder = tempdir().unwrap();
    let refuses = |arguments: &[&str], expected: &[&str]| ising(folder.path(), arguments).refuses(expected);
    let train = |settings: &[&str], expected: &[&str]| {
        refuses(&[&["train", "run", "--quiet"], settings].concat(), expected);
        assert!(!folder.path().join("run").exists(), "a refused run left a folder");
    };
    train(&["--set", "model.kind=magic"], &["model.kind", "magic", "pseudo_likelihood"]);
    train(&["--beta=-1"], &["beta = -1"]);
    train(&["--beta=nan"], &["beta"]);
    train(
        &["--spins", "30", "--set", "train.samples=10", "--set", "model.kind=exact"],
        &["exact", "30", "20"],
    );
    train(&["--set", "train.samples=0"], &["train.samples = 0"]);
    train(&["--set", "train.epochs=2"], &["train.epochs = 2"]);
    train(&["--set", "train.penalty=-1"], &["train.penalty = -1"]);
    train(&["--set", "train.learning_rate=0"], &["train.learning_rate = 0"]);
    train(&["--set", "train.chains=0"], &["train.chains = 0"]);
    train(&["--set", "train.samples=10", "--set", "model.kind=mean_field"], &["16 spins", "no inverse"]);
    train(&["--data", "bars-and-stripes", "--set", "model.kind=tap"], &["16 spins", "no inverse"]);

    npy::write(&folder.path().join("skew.npy"), &[0.0, 1.0, 2.0, 0.0], &[2, 2]).unwrap();
    npy::write(&folder.path().join("wide.npy"), &[0.0; 6], &[2, 3]).unwrap();
    for command in ["train", "compare", "measure"] {
        refuses(&[command, "--couplings", "skew.npy"], &["(0, 1) is 1", "(1, 0) is 2", "symmetric"]);
        refuses(&[command, "--couplings", "wide.npy"], &["wide.npy", "square"]);
    }
    refuses(&["measure", "--beta=-1"], &["beta = -1"]);
    refuses(&["measure", "--betas=0.4,nan"], &["--betas NaN"]);
    refuses(&["measure", "--betas=0.4,0.4"], &["beta = 0.4", "twice"]);
    refuses(&["measure", "--temperatures=-2"], &["--temperatures -2"]);
    refuses(&["measure", "--lattice", "3x"], &["3x", "16x16"]);
    refuses(&["measure", "--lattice", "1x4"], &["axis 0", "1"]);
    refuses(&["measure", "--measurements", "0"], &["--measurements = 0"]);
    refuses(&["measure", "--model", "sk", "--method", "wolff"], &["wolff", "(0, ", "heat bath"]);
    refuses(&["measure", "--betas", "0.4", "--method", "tempering"], &["tempering", "at least two"]);
    refuses(&["compare", "--samples", "0"], &["--samples = 0"]);
}
