//! What only a VAE has: bounds from both sides, flows, codes in the plane, tables.

use std::{f64::consts::TAU, fs, path::Path};

use gibbs_backend::Noise;
use gibbs_data::npy::{self, Array};
use serde_json::Value;
use tempfile::tempdir;

use super::{evaluation::doubles, family::VAE, set, summary, value};

/// Trains on a file or a set with the preset `tiny`.
fn train(folder: &Path, data: &str, settings: &[&str]) {
    let flags = ["train", "run", "--data", data, "--preset", "tiny", "--quiet"];
    VAE.run(folder, [&flags[..], &set(settings)].concat()).succeeds();
}

/// The mean of the weights is an unbiased estimate of `p(x)`, whatever encoder and decoder are.
#[test]
fn weights_of_all_states_sum_to_one() {
    const BITS: usize = 8;
    let states: Vec<u8> =
        (0..1usize << BITS).flat_map(|k| (0..BITS).map(move |i| (k >> i & 1) as u8)).collect();
    for flows in [&[][..], &["model.prior.kind=realnvp", "model.posterior.kind=iaf"]] {
        let folder = tempdir().unwrap();
        let folder = folder.path();
        npy::write(&folder.join("states.npy"), &states, &[1 << BITS, BITS]).unwrap();
        // Hardly trained: the posteriors are about as wide as the prior, so the weights have no heavy tails.
        let settings = ["model.n_hidden=[12]", "model.n_latent=2", "train.epochs=1", "model.samples=2000"];
        train(folder, "states.npy", &[&settings[..], flows].concat());
        let flags = ["run", "--data", "states.npy", "--split", "all", "--per-example", "each.npy"];
        let metrics = VAE.eval(folder, &flags)["metrics"].clone();
        let probs: Vec<f64> = doubles(&folder.join("each.npy")).iter().map(|bound| bound.exp()).collect();
        let total: f64 = probs.iter().sum();
        // The error of the mean bound is that of the mean of ln w̄: each is known to std_err·√256, independently.
        let each = metrics["log_prob_importance_weighted"]["std_err"].as_f64().unwrap() * 16.0;
        let error = each * probs.iter().map(|p| p * p).sum::<f64>().sqrt();
        assert!((total - 1.0).abs() < 5.0 * error + 1e-4, "{total} ± {error}");
        let (weighted, elbo) =
            (value(&metrics, "log_prob_importance_weighted"), value(&metrics, "log_prob_bound"));
        assert!(weighted >= elbo, "{weighted} {elbo}");
        let (rate, distortion) = (value(&metrics, "rate"), value(&metrics, "distortion"));
        assert!((elbo + rate + distortion).abs() < 1e-6 && rate > 0.0);
    }
}

/// A table of two Gaussian columns of different units: the bound is that of the density in the coordinates of the file.
#[test]
fn a_table_is_measured_in_its_own_units() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let noise = &mut Noise::new(0, "table");
    let scales = [50.0, 0.02];
    let rows: Vec<f64> = (0..3000).map(|i| 7.0 + scales[i % 2] * noise.next_normal()).collect();
    npy::write(&folder.join("rows.npy"), &rows, &[1500, 2]).unwrap();
    train(folder, "rows.npy", &["model.n_latent=1", "train.steps=400"]);
    let metrics = summary(folder, "run");
    let truth = -scales.iter().map(|scale| 0.5 * (TAU.ln() + 1.0) + scale.ln()).sum::<f64>();
    let bound = &metrics["log_prob_importance_weighted"];
    let spread = bound["std_err_examples"].as_f64().unwrap();
    let bound = bound["value"].as_f64().unwrap();
    assert!((bound - truth).abs() < 4.0 * spread + 0.1, "{bound} ± {spread}, {truth}");
    assert!(!folder.join("run/walks.png").exists());
    let draws = VAE.run(folder, ["sample", "run", "-n", "500", "--out", "draws.csv"]).succeeds();
    assert!(draws.stderr.contains("draws.csv"));
    let text = fs::read_to_string(folder.join("draws.csv")).unwrap();
    let second = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap());
    let second: Vec<f64> = second.collect();
    let mean = second.iter().sum::<f64>() / second.len() as f64;
    // 500 draws have the error 0.02/√500, the model that of its training.
    assert!((mean - 7.0).abs() < 0.01, "{mean}");
}

#[test]
fn codes_of_digits_lie_in_the_plane_by_class() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let (bytes, labels) = gibbs_data::digits::generate(600, 0);
    npy::write(&folder.join("digits.npy"), &bytes, &[600, 28, 28]).unwrap();
    npy::write(&folder.join("labels.npy"), &labels, &[600]).unwrap();
    let encoded = || -> Value {
        let flags = ["encode", "run", "--data", "digits.npy", "--labels", "labels.npy", "--split", "all"];
        let flags = [&flags[..], &["--out", "codes.npy", "--plane", "plane.png"]].concat();
        let outcome = VAE.run(folder, flags).succeeds();
        serde_json::from_str(&outcome.stdout).unwrap()
    };
    // Two latent variables are the plane.
    train(folder, "digits.npy", &["train.steps=200", "model.n_latent=2"]);
    let accuracy = encoded();
    assert!(accuracy["neighbor_accuracy"].as_f64().unwrap() > 0.2, "{accuracy}");
    assert!(accuracy["neighbor_accuracy_tsne"].is_null() && folder.join("plane.png").exists(), "{accuracy}");
    std::fs::remove_file(folder.join("plane.png")).unwrap();
    std::fs::remove_dir_all(folder.join("run")).unwrap();
    train(folder, "digits.npy", &["train.steps=200"]);
    let accuracy = encoded();
    for name in ["neighbor_accuracy", "neighbor_accuracy_tsne", "neighbor_accuracy_pca"] {
        // One of ten classes by chance.
        assert!(accuracy[name].as_f64().unwrap() > 0.2, "{accuracy}");
    }
    assert!(folder.join("plane.png").exists() && folder.join("codes.npy").exists());
    VAE.run(folder, ["encode", "run", "--plane", "plane.jpg"]).refuses(&["plane.jpg", "png"]);
}

#[test]
fn conditions_and_settings_that_do_not_fit_are_refused() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let refused = |settings: &[&str], expected: &[&str]| {
        let arguments = VAE.arguments("run", &[&["--quiet"], &set(settings)[..]].concat());
        VAE.run(folder, arguments).refuses(expected);
    };
    refused(&["train.n_samples=0"], &["train.n_samples"]);
    refused(&["train.n_samples=5", "train.n_resampled=5"], &["train.n_resampled", "n_samples"]);
    refused(&["train.n_samples=5", "train.free_bits=0.1"], &["train.free_bits", "n_samples=1"]);
    refused(
        &["model.posterior.kind=iaf", "train.estimator=doubly_reparametrized"],
        &["train.estimator", "model.posterior"],
    );
    refused(&["model.prior.kind=lattice"], &["model.prior"]);
    refused(&["model.samples=0"], &["model.samples"]);
    refused(&["train.annealing.chains=1"], &["train.annealing.chains"]);
    refused(&["model.n_classes=3"], &["no labels", "model.n_classes"]);
    VAE.train(folder, "run", &[]);
    VAE.run(folder, ["sample", "run", "--class", "1"]).refuses(&["--class 1", "no classes"]);
}

/// Classes: every draw of a class, and codes that need one.
#[test]
fn a_conditional_model_draws_a_class() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    train(folder, "digits", &["data.limit=500", "train.epochs=1", "model.n_classes=10"]);
    assert_eq!(summary(folder, "run")["log_prob_bound"]["given"], "class");
    VAE.run(folder, ["sample", "run", "--class", "3", "-n", "4", "--out", "three.npy"]).succeeds();
    VAE.run(folder, ["sample", "run", "--class", "10"]).refuses(&["--class 10", "0 to 9"]);
    VAE.run(folder, ["encode", "run", "--out", "codes.npy"]).succeeds();
    VAE.run(folder, ["decode", "run", "codes.npy"]).refuses(&["--class", "--labels"]);
    VAE.run(folder, ["decode", "run", "codes.npy", "--class", "2", "--out", "decoded.npy"]).succeeds();
}

/// Gray values are levels for the encoder, as in training: images of different levels have different codes, images of one level the same.
#[test]
fn codes_of_gray_levels_are_those_of_training() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let gray = [10u8, 50, 100, 120, 150, 180, 230, 250];
    let images: Vec<u8> = (0..400).flat_map(|row| [gray[row % 8]; 16]).collect();
    npy::write(&folder.join("gray.npy"), &images, &[400, 4, 4]).unwrap();
    train(folder, "gray.npy", &["model.output.kind=categorical", "model.output.levels=4", "train.steps=100"]);
    VAE.run(folder, ["encode", "run", "--split", "all", "--out", "codes.npy"]).succeeds();
    let Array::F32(codes) = npy::read(&folder.join("codes.npy")).unwrap().values else { panic!("f32") };
    let width = codes.len() / 400;
    let code = |row: usize| &codes[row * width..(row + 1) * width];
    for row in 0..7 {
        // Levels of the gray values: 0 0 1 1 2 2 3 3.
        assert_eq!(code(row) == code(row + 1), row % 2 == 0, "{row}: {:?} {:?}", code(row), code(row + 1));
    }
}
