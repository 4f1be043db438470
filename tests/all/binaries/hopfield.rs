//! Associative memories as a user meets them.

use std::fs;
use std::path::Path;

use gibbs_data::npy::{self, Array};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::{
    RBM, bytes,
    command::{Outcome, command},
    evaluation::{doubles, mean},
    json, metrics, set, summary, value, weights,
};
use crate::support::assert_close;

const KINDS: [&str; 6] =
    ["hebb", "pseudo_inverse", "storkey", "dense_polynomial", "dense_exponential", "continuous"];

fn run(folder: &Path, arguments: &[&str]) -> Outcome {
    command("hopfield", folder, arguments).output().unwrap().into()
}

/// Three random patterns of 36 spins.
fn train(folder: &Path, name: &str, settings: &[&str]) -> Outcome {
    let short = ["model.n_visible=36", "model.n_patterns=3"];
    let flags = ["train", name, "--data", "random", "--preset", "tiny", "--quiet"];
    run(folder, &[&flags[..], &set(&[&short, settings].concat())].concat())
}

fn trained(settings: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    let outcome = train(folder.path(), "run", settings).succeeds();
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.lines().all(|line| line.starts_with("warning: ")), "{}", outcome.stderr);
    folder
}

#[track_caller]
fn eval(folder: &Path, arguments: &[&str]) -> Value {
    let outcome = run(folder, &[&["eval"], arguments].concat()).succeeds();
    assert!(outcome.stderr.lines().all(|line| line.starts_with("warning: ")), "{}", outcome.stderr);
    assert_eq!(outcome.stdout.lines().count(), 1);
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn values(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let file = npy::read(path).unwrap();
    let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
    (file.shape, values)
}

/// The tensor of that name: shape and values.
fn tensor(folder: &Path, name: &str) -> (Vec<usize>, Vec<f32>) {
    let bytes = weights(folder, "run");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor(name).unwrap();
    let number = |chunk: &[u8]| f32::from_le_bytes(chunk.try_into().unwrap());
    (view.shape().to_vec(), view.data().chunks(4).map(number).collect())
}

#[test]
fn every_kind_stores_measures_recalls_and_samples() {
    for kind in KINDS {
        let folder = trained(&[&format!("model.kind={kind}")]);
        let folder = folder.path();
        for picture in ["patterns.png", "recall.png", "recall-energy.png"] {
            assert!(bytes(folder, &format!("run/{picture}")).starts_with(b"\x89PNG"), "{kind}: {picture}");
        }
        assert_eq!(metrics(folder, "run").len(), 1, "{kind}: storing is one step");
        let printed = eval(folder, &["run", "--per-example", "values.npy"]);
        let mut summary = json(folder, "run/summary.json");
        for key in ["data_check", "selected", "warnings", "wall_seconds"] {
            summary.as_object_mut().unwrap().remove(key).unwrap();
        }
        assert_eq!(summary, printed, "{kind}");
        assert_eq!((&printed["experiment"], &printed["n"]), (&json!("hopfield"), &json!(3)));
        let metric = |name: &str| value(&printed["metrics"], name);
        assert_close(
            &[mean(&doubles(&folder.join("values.npy")))],
            &[metric("example_overlap")],
            1e-12,
            kind,
        );
        for name in ["overlap", "recalled", "example_overlap"] {
            assert!(metric(name) > 0.8 && metric(name) < 1.0 + 1e-9, "{kind}: {name} in {printed}");
        }
        // Attention leaves patterns only nearly where they are, a little lower.
        assert!(
            kind == "continuous" || metric("energy_recalled") >= metric("energy") - 1e-4,
            "{kind}: {printed}"
        );
        assert_eq!(printed["metrics"]["spurious"]["kind"], "unbiased");
        run(folder, &["sample", "run", "-n", "5", "--out", "draws.npy"]).succeeds();
        let (shape, draws) = values(&folder.join("draws.npy"));
        assert_eq!(shape, [5, 6, 6]);
        assert!(draws.iter().all(|x| (0.0..=1.0).contains(x)), "{kind}: {draws:?}");
        run(folder, &["recall", "run", "--given", "upper", "--flip", "0.1", "--out", "film.png"]).succeeds();
        assert!(bytes(folder, "film.png").starts_with(b"\x89PNG"));
        assert!(bytes(folder, "film-energy.png").starts_with(b"\x89PNG"));
    }
}

/// The weights are the published rule, and the patterns are those drawn.
#[test]
fn the_weights_of_hebb_are_correlations_of_the_patterns() {
    let folder = trained(&[]);
    let (shape, patterns) = tensor(folder.path(), "patterns");
    assert_eq!(shape, [3, 36]);
    assert!(patterns.iter().all(|x| x.abs() == 1.0));
    let (shape, weight) = tensor(folder.path(), "weight");
    assert_eq!(shape, [36, 36]);
    for i in 0..36 {
        for j in 0..36 {
            let sum: f32 = (0..3).map(|mu| patterns[36 * mu + i] * patterns[36 * mu + j]).sum();
            let expected = if i == j { 0.0 } else { sum / 36.0 };
            assert!((weight[36 * i + j] - expected).abs() < 1e-7, "({i}, {j})");
        }
    }
}

#[test]
fn a_resumed_run_and_one_from_its_configuration_are_the_same() {
    let folder = trained(&["seed=4"]);
    let folder = folder.path();
    let before = weights(folder, "run");
    let settings = set(&["model.n_visible=36", "model.n_patterns=3", "seed=4"]);
    let resume = ["train", "run", "--data", "random", "--preset", "tiny", "--quiet", "--resume"];
    run(folder, &[&resume[..], &settings].concat()).succeeds();
    assert!(weights(folder, "run") == before);
    run(folder, &["train", "again", "--config", "run/config.json", "--quiet"]).succeeds();
    assert!(weights(folder, "again") == before);
    assert_eq!(summary(folder, "run"), summary(folder, "again"));
    run(folder, &[&resume[..], &set(&["model.n_visible=36", "model.n_patterns=4", "seed=4"])].concat())
        .refuses(&["n_patterns", "--resume"]);
    fs::create_dir(folder.join("copy")).unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(folder.join("run").join(name), folder.join("copy").join(name)).unwrap();
    }
    assert_eq!(eval(folder, &["copy"]), eval(folder, &["run"]));
}

/// A heat bath draws from exp(-E/T): cold it stays in the patterns, hot it is noise.
#[test]
fn samples_follow_seed_and_temperature() {
    let folder = trained(&[]);
    let folder = folder.path();
    let patterns = tensor(folder, "patterns").1;
    let overlap = |flags: &[&str]| {
        run(folder, &[&["sample", "run", "-n", "40", "--out", "draws.npy"], flags].concat()).succeeds();
        let (_, draws) = values(&folder.join("draws.npy"));
        let largest = |state: &[f32]| {
            let m = |xi: &[f32]| xi.iter().zip(state).map(|(a, b)| a * (2.0 * b - 1.0)).sum::<f32>() / 36.0;
            patterns.chunks(36).map(|xi| m(xi).abs()).fold(0.0, f32::max)
        };
        let overlaps: Vec<f64> = draws.chunks(36).map(|state| f64::from(largest(state))).collect();
        (mean(&overlaps), draws)
    };
    let (quenched, draws) = overlap(&["--seed", "1"]);
    assert_eq!(overlap(&["--seed", "1"]).1, draws);
    assert_ne!(overlap(&["--seed", "2"]).1, draws);
    let (cold, _) = overlap(&["--temperature", "0.1"]);
    let (hot, _) = overlap(&["--temperature", "5"]);
    assert!(quenched > 0.7 && cold > 0.8 && hot < 0.4, "{quenched} {cold} {hot}");
}

/// The RBM has the Boltzmann distribution of the network: its log-likelihoods are those of the couplings by enumeration. Training goes
/// on from there.
#[test]
fn a_network_becomes_an_rbm_with_the_same_energy() {
    const SPINS: usize = 9;
    const TEMPERATURE: f64 = 0.4;
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let bits: Vec<u8> =
        (0..1usize << SPINS).flat_map(|k| (0..SPINS).map(move |i| (k >> i & 1) as u8)).collect();
    npy::write(&folder.join("states.npy"), &bits, &[1 << SPINS, SPINS]).unwrap();
    for kind in ["hebb", "pseudo_inverse"] {
        let settings = ["model.n_visible=9", "model.n_patterns=2", &format!("model.kind={kind}")];
        train(folder, "run", &settings).succeeds();
        let outcome = run(folder, &["to-rbm", "run", kind, "--temperature", "0.4"]).succeeds();
        assert!(outcome.stderr.contains("9 spins, 2 Gaussian hidden units"), "{}", outcome.stderr);
        RBM.eval(folder, &[kind, "--data", "states.npy", "--split", "all", "--per-example", "each.npy"]);

        let couplings = tensor(folder, "weight").1;
        let log_weight = |state: &[u8]| -> f64 {
            let spin = |i: usize| 2.0 * f64::from(state[i]) - 1.0;
            let pair = |k: usize| f64::from(couplings[k]) * spin(k / SPINS) * spin(k % SPINS);
            (0..SPINS * SPINS).map(pair).sum::<f64>() / (2.0 * TEMPERATURE)
        };
        let log_weights: Vec<f64> = bits.chunks(SPINS).map(log_weight).collect();
        let log_z = log_weights.iter().map(|weight| weight.exp()).sum::<f64>().ln();
        let expected: Vec<f64> = log_weights.iter().map(|weight| weight - log_z).collect();
        assert_close(&doubles(&folder.join("each.npy")), &expected, 1e-5, kind);

        let further = format!("{kind}-further");
        let flags =
            ["train", &further, "--from", kind, "--data", "states.npy", "--preset", "tiny", "--quiet"];
        let still = set(&["train.learning_rate=0", "train.average.decay=0", "train.epochs=1"]);
        RBM.run(folder, [&flags[..], &still].concat()).succeeds();
        assert!(weights(folder, &further) == weights(folder, kind), "{kind}");
        fs::remove_dir_all(folder.join("run")).unwrap();
    }
}

#[test]
fn networks_that_are_no_rbm_are_refused() {
    let folder = trained(&["model.kind=storkey"]);
    let folder = folder.path();
    let refused = |flags: &[&str], expected: &[&str]| {
        run(folder, &[&["to-rbm"], flags].concat()).refuses(expected);
        assert!(!folder.join("rbm").exists(), "a refused command left a folder");
    };
    refused(&["run", "rbm"], &["run: model.kind = storkey", "take hebb or pseudo_inverse"]);
    refused(&["run", "rbm", "--temperature", "0"], &["--temperature 0", "above 0"]);
    refused(&["run", "rbm", "--temperature=-1"], &["--temperature -1"]);
    refused(&["nowhere", "rbm"], &["nowhere"]);
    train(folder, "hebb", &["model.kind=hebb"]).succeeds();
    refused(&["hebb", "run"], &["run holds a run", "another folder"]);
}

#[test]
fn pictures_and_spins_of_files_are_stored() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    for (name, shift) in [("a.png", 0), ("b.png", 3)] {
        let bright = |x: u32, y: u32| if (x + y + shift) % 5 < 2 { 200 } else { 90 };
        let pixels: Vec<f32> = (0..56).map(|i| bright(i % 8, i / 8) as f32 / 255.0).collect();
        let grid = gibbs_report::ImageGrid::new(7, 8).scale(1).margin(0);
        grid.render(&pixels).unwrap().save_png(folder.join(name)).unwrap();
    }
    let flags = ["train", "--images", "a.png", "b.png", "--preset", "tiny", "--quiet"];
    run(folder, &flags).succeeds();
    let folder_of_run = "runs/hopfield-images-s0";
    let config = json(folder, &format!("{folder_of_run}/config.json"));
    assert_eq!((&config["data"]["shape"], &config["model"]["n_patterns"]), (&json!([7, 8]), &json!(2)));
    assert_eq!(eval(folder, &[folder_of_run])["metrics"]["example_overlap"]["value"], json!(1.0));
    run(folder, &["recall", folder_of_run, "--image", "b.png", "--given", "left", "--out", "film.png"])
        .succeeds();

    let spins: Vec<f32> = (0..4 * 20).map(|i| if i * i % 7 < 3 { 1.0 } else { -1.0 }).collect();
    npy::write(&folder.join("spins.npy"), &spins, &[4, 20]).unwrap();
    run(folder, &["train", "run", "--data", "spins.npy", "--preset", "tiny", "--quiet"]).succeeds();
    assert_eq!(tensor(folder, "patterns"), (vec![4, 20], spins));
}

#[test]
fn bad_settings_are_one_clear_line() {
    let folder = tempdir().unwrap();
    let refused = |settings: &[&str], expected: &[&str]| {
        train(folder.path(), "none", settings).refuses(expected);
        assert!(!folder.path().join("none").exists(), "a refused run left a folder");
    };
    refused(&["model.kind=hopfield"], &["model.kind", "hopfield", "pseudo_inverse"]);
    refused(&["model.n_patterns=0"], &["model.n_patterns = 0", "at least 1"]);
    refused(&["model.kind=pseudo_inverse", "model.n_patterns=36"], &["model.n_patterns = 36", "pixels, 36"]);
    refused(&["model.kind=dense_polynomial", "model.degree=1"], &["model.degree = 1", "at least 2"]);
    refused(&["model.kind=dense_polynomial", "model.degree=400"], &["model.degree = 400", "36^degree"]);
    refused(&["model.kind=continuous", "model.beta=-1"], &["model.beta = -1"]);
    refused(&["train.evaluation.flip=1.5"], &["train.evaluation.flip = 1.5", "[0, 1]"]);
    refused(&["train.evaluation.copies=0"], &["train.evaluation.copies = 0"]);
    refused(&["train.epochs=3"], &["train.epochs = 3", "at once"]);
    refused(&["train.updates=sometimes"], &["train.updates", "sometimes", "synchronous"]);
    refused(&["data.name=images"], &["images", "no examples"]);
}

#[test]
fn bad_data_are_one_clear_line() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let refused = |flags: &[&str], expected: &[&str]| {
        run(folder, &[&["train", "none", "--quiet"], flags].concat()).refuses(expected);
        assert!(!folder.join("none").exists(), "a refused run left a folder");
    };
    npy::write(&folder.join("three.npy"), &[1.0f32, -1.0, 3.0, 1.0, 1.0, -1.0], &[2, 3]).unwrap();
    refused(&["--data", "three.npy"], &["three.npy", "example 0", "-1.0", "patterns are made of -1 and +1"]);
    npy::write(&folder.join("grey.npy"), &[0.2f32, 0.9, 0.3, 1.0], &[2, 2]).unwrap();
    refused(&["--data", "grey.npy", "--set", "data.binarization=none"], &["grey.npy", "take threshold"]);
    refused(&["--data", "grey.npy", "--set", "model.n_patterns=3"], &["model.n_patterns = 3", "2 examples"]);
    npy::write::<f32>(&folder.join("empty.npy"), &[], &[0, 4]).unwrap();
    refused(&["--data", "empty.npy"], &["empty.npy", "no examples"]);
    for (name, side) in [("small.png", 4), ("large.png", 5)] {
        let grid = gibbs_report::ImageGrid::new(side, side).scale(1).margin(0);
        grid.render(&vec![1.0; side * side]).unwrap().save_png(folder.join(name)).unwrap();
    }
    refused(&["--images", "small.png", "large.png"], &["large.png", "[5, 5]", "4x4", "small.png"]);
    fs::write(folder.join("text.png"), "no picture").unwrap();
    refused(&["--images", "text.png"], &["text.png", "PNG"]);
    refused(&["--images", "absent.png"], &["absent.png"]);
}

#[test]
fn bad_flags_of_recall_and_damaged_couplings_are_one_clear_line() {
    let folder = trained(&["model.kind=hebb"]);
    let folder = folder.path();
    let refused = |flags: &[&str], expected: &[&str]| run(folder, flags).refuses(expected);
    refused(&["recall", "run", "--flip", "1.5"], &["--flip = 1.5", "[0, 1]"]);
    refused(&["recall", "run", "--flip", "NaN"], &["--flip = NaN"]);
    refused(&["recall", "run", "--temperature=-1"], &["--temperature = -1", "at least 0"]);
    refused(&["sample", "run", "--temperature", "NaN"], &["--temperature = NaN"]);
    refused(&["recall", "run", "--out", "film.gif"], &["film.gif", ".png"]);
    refused(&["recall", "nowhere"], &["nowhere"]);
    let grid = gibbs_report::ImageGrid::new(3, 3).scale(1).margin(0);
    grid.render(&[1.0; 9]).unwrap().save_png(folder.join("small.png")).unwrap();
    refused(&["recall", "run", "--image", "small.png"], &["small.png", "3x3", "6x6"]);
    for (kind, flags, expected) in [
        ("dense_exponential", ["--updates", "synchronous"], "dense_exponential"),
        ("continuous", ["--temperature", "1"], "continuous"),
    ] {
        train(folder, kind, &[&format!("model.kind={kind}")]).succeeds();
        refused(&[&["recall", kind], &flags[..]].concat(), &[expected]);
    }

    // Last come the couplings: the last row without its diagonal entry.
    let whole = weights(folder, "run");
    let damaged = [&whole[..whole.len() - 8], &9f32.to_le_bytes(), &whole[whole.len() - 4..]].concat();
    fs::write(folder.join("run/model.safetensors"), damaged).unwrap();
    refused(&["eval", "run"], &["run/model.safetensors", "(34, 35)", "symmetric"]);
}

#[test]
fn the_capacity_is_measured_with_its_error() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let flags = ["--sizes", "200,800", "--instances", "200", "--seed", "3"];
    let measure = |name| {
        let outcome = run(folder, &[&["capacity", name, "--quiet"], &flags[..]].concat()).succeeds();
        assert_eq!((outcome.stderr.as_str(), outcome.stdout.lines().count()), ("", 1));
        serde_json::from_str::<Value>(&outcome.stdout).unwrap()
    };
    let found = measure("run");
    let critical = &found["metrics"]["critical_load"];
    let number = |key: &str| critical[key].as_f64().unwrap();
    assert_eq!((&critical["kind"], &critical["theory"]), (&json!("asymptotic"), &json!(0.138)));
    assert!((number("value") - 0.138).abs() < 4.0 * number("std_err"), "{critical}");
    assert!(number("std_err") < 0.02, "{critical}");
    assert_close(&[number("statistical").hypot(number("systematic"))], &[number("std_err")], 1e-12, "errors");
    assert_eq!(found["curves"].as_array().unwrap().len(), 2);
    assert_eq!(found["crossings"].as_array().unwrap().len(), 3, "one for each threshold");
    assert_eq!(json(folder, "run/capacity.json"), found);
    assert!(bytes(folder, "run/capacity.png").starts_with(b"\x89PNG"));
    assert_eq!(measure("again"), found);

    let refused =
        |flags: &[&str], expected: &[&str]| run(folder, &[&["capacity"], flags].concat()).refuses(expected);
    refused(&["--sizes", "100"], &["--sizes 100", "two different"]);
    refused(&["--sizes", "0,100"], &["--sizes 0,100"]);
    refused(&["--instances", "1"], &["--instances 1", "at least 2"]);
    refused(&["--sizes", "4,5", "--instances", "3", "--quiet"], &["4 and 5 spins", "--instances"]);
}
