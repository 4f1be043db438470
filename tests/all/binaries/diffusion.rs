//! Diffusion models as a user meets them.

use std::path::Path;

use gibbs_data::npy::{self, Array};
use serde_json::Value;
use tempfile::tempdir;

use super::{
    command::Outcome,
    density::{bent, mass},
    family::DIFFUSION,
    json, set, summary, value,
};

/// Settings of a run of a second or two.
const SHORT: [&str; 4] =
    ["train.steps=60", "train.learning_rate=0.01", "train.average.decay=0.9", "model.solver.tolerance=1e-4"];

fn run(folder: &Path, flags: &[&str]) -> Outcome {
    DIFFUSION.run(folder, [&["train", "run", "--preset", "tiny", "--quiet", "--overwrite"], flags].concat())
}

#[track_caller]
fn trained(folder: &Path, flags: &[&str]) -> Value {
    run(folder, &[&set(&SHORT)[..], flags].concat()).succeeds();
    summary(folder, "run")
}

#[test]
fn every_parametrization_makes_a_density() {
    let folder = tempdir().unwrap();
    bent(folder.path(), 3.0, 2.0);
    for settings in [
        ["model.schedule.kind=cosine", "model.prediction=velocity", "train.weighting=likelihood"],
        ["model.schedule.kind=straight", "model.prediction=straight_velocity", "train.weighting=simple"],
        ["model.schedule.kind=linear", "model.prediction=noise", "train.weighting=likelihood"],
        ["model.schedule.kind=cosine", "model.prediction=data", "model.coordinates=straight"],
        ["model.schedule.kind=linear", "model.prediction=score", "train.weighting=simple"],
    ] {
        // A grid sees no structure below its cells: wide noise in the data, and signal in the noise, so that the flow expands little.
        let wide = set(&[
            "model.schedule.sigma_min=0.3",
            "model.schedule.alpha_min=0.1",
            "model.schedule.beta_max=5",
        ]);
        let metrics = trained(folder.path(), &[&["--data", "bent.npy"], &set(&settings)[..], &wide].concat());
        assert_eq!(metrics["log_prob"]["kind"], "exact");
        assert_eq!(metrics["log_prob_bound"]["kind"], "lower_bound");
        assert!(value(&metrics, "nfe") > 6.0, "{metrics}");
        let mass = mass(&DIFFUSION, folder.path(), [-16.0, 32.0], 100);
        assert!((mass - 1.0).abs() < 0.05, "{settings:?}: {mass}");
    }
}

#[test]
fn generated_sets_have_their_true_density_and_a_bound_below() {
    let folder = tempdir().unwrap();
    let metrics = trained(folder.path(), &["--data", "moons"]);
    assert!(value(&metrics, "log_prob") < value(&metrics, "log_prob_true"), "{metrics}");
    let error = metrics["log_prob_bound"]["std_err"].as_f64().unwrap();
    assert!(value(&metrics, "log_prob_bound") < value(&metrics, "log_prob_true") + 4.5 * error, "{metrics}");
    for picture in ["samples.png", "density.png", "flow.png", "curves.png", "curves.svg"] {
        assert!(folder.path().join("run").join(picture).is_file(), "{picture}");
    }
    let printed = DIFFUSION.eval(folder.path(), &["run"]);
    assert_eq!(printed["metrics"], metrics);
}

#[test]
fn every_sampler_draws_and_all_are_compared() {
    let folder = tempdir().unwrap();
    trained(folder.path(), &["--data", "moons"]);
    let draw = |flags: &[&str]| {
        let all = [&["run", "-n", "50", "--steps", "20", "--out", "draws.npy"], flags].concat();
        DIFFUSION.sample(folder.path(), &all).succeeds();
        let file = npy::read(&folder.path().join("draws.npy")).unwrap();
        assert_eq!(file.shape, [50, 2]);
        let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
        assert!(values.iter().all(|x| x.is_finite()));
        values
    };
    let all: Vec<Vec<f32>> =
        ["ode", "ancestral", "ddim", "langevin"].iter().map(|name| draw(&["--sampler", name])).collect();
    for (i, draws) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|other| other != draws), "two samplers draw the same");
    }
    assert_eq!(draw(&["--sampler", "langevin"]), all[3]);
    assert_eq!(draw(&[]), all[0]);

    let outcome =
        DIFFUSION.run(folder.path(), ["compare", "run", "--draws", "100", "--steps", "20"]).succeeds();
    let printed: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(json(folder.path(), "run/compare.json"), printed);
    assert!(folder.path().join("run/compare.png").is_file());
    assert_eq!(printed["n"], 100);
    assert_eq!(printed["log_prob_bound"]["kind"], "lower_bound");
    let samplers = printed["samplers"].as_array().unwrap();
    assert_eq!(samplers.len(), 4);
    for sampler in samplers {
        for metric in ["log_prob_of_draws", "log_prob_true_of_draws", "mmd"] {
            assert!(sampler[metric]["value"].is_f64() && sampler[metric]["std_err"].is_f64(), "{sampler}");
        }
        assert!((0.001..=1.0).contains(&sampler["p_value"].as_f64().unwrap()), "{sampler}");
    }
}

#[test]
fn pictures_have_classes_and_guidance() {
    let folder = tempdir().unwrap();
    let classes = set(&[
        "data.limit=null",
        "model.n_classes=10",
        "train.context_dropout=0.2",
        "train.epochs=1",
        "train.batch_size=2000",
        "model.measured=100",
        "model.bound.evaluations=4",
        "model.solver.method=midpoint",
        "model.solver.steps=2",
    ]);
    let metrics = trained(folder.path(), &[&["--data", "digits"], &classes[..]].concat());
    for (metric, kind) in [
        ("log_prob", "lower_bound"),
        ("log_prob_bound", "lower_bound"),
        ("bits_per_dim", "upper_bound"),
        ("bits_per_dim_bound", "upper_bound"),
    ] {
        assert_eq!(metrics[metric]["kind"], kind, "{metric}");
    }
    let draw = |flags: &[&str]| {
        let all = [&["run", "-n", "4", "--steps", "4", "--out", "draws.npy"], flags].concat();
        DIFFUSION.sample(folder.path(), &all).succeeds();
        let file = npy::read(&folder.path().join("draws.npy")).unwrap();
        assert_eq!(file.shape, [4, 28, 28]);
        let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
        values
    };
    let threes = draw(&["--class", "3", "--seed", "1", "--sampler", "ancestral"]);
    assert_ne!(draw(&["--class", "4", "--seed", "1", "--sampler", "ancestral"]), threes);
    let guided = ["--class", "3", "--seed", "1", "--sampler", "ancestral", "--guidance", "3"];
    assert_ne!(draw(&guided), threes);
    let refuses = |flags: &[&str], expected: &[&str]| {
        DIFFUSION.sample(folder.path(), &[&["run"], flags].concat()).refuses(expected);
    };
    refuses(&["--class", "10"], &["--class 10", "classes 0 to 9"]);
    refuses(&["--guidance", "NaN"], &["--guidance NaN"]);
    refuses(&["--steps", "0"], &["--steps 0"]);
}

/// Draws spell levels, whose probability is measured; latent variables are those of the digits.
#[test]
fn analog_bits_are_learned_and_draws_are_levels() {
    let folder = tempdir().unwrap();
    let settings = set(&[
        "model.analog_bits=true",
        "train.steps=100",
        "train.batch_size=32",
        "model.measured=20",
        "model.solver.method=midpoint",
        "model.solver.steps=10",
        "model.bound.evaluations=8",
    ]);
    let metrics = trained(folder.path(), &[&["--data", "digits"], &settings[..]].concat());
    for metric in ["log_prob", "log_prob_bound"] {
        assert_eq!(metrics[metric]["kind"], "lower_bound", "{metric}");
    }
    // Levels that are all equally likely take 8 bits, and the steps of the solver are coarse.
    for metric in ["bits_per_dim", "bits_per_dim_bound"] {
        assert!((0.0..6.0).contains(&value(&metrics, metric)), "{metric}: {metrics}");
    }
    assert_eq!(DIFFUSION.eval(folder.path(), &["run"])["metrics"], metrics);
    for sampler in ["ode", "ancestral"] {
        let flags = ["run", "-n", "20", "--steps", "20", "--sampler", sampler, "--out", "draws.npy"];
        DIFFUSION.sample(folder.path(), &flags).succeeds();
        let file = npy::read(&folder.path().join("draws.npy")).unwrap();
        let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
        assert!(
            values.iter().all(|x| (x * 256.0 - 0.5).fract() == 0.0 && (0.0..=1.0).contains(x)),
            "{sampler}"
        );
        // More than half of the pixels of digits are black; so are draws of a model that has learned anything.
        let black = values.iter().filter(|x| **x < 0.1).count() as f64 / values.len() as f64;
        assert!(black > 0.5, "{sampler}: {black}");
    }
    let (bytes, _) = gibbs_data::digits::generate(5, 1);
    npy::write(&folder.path().join("few.npy"), &bytes, &[5, 28, 28]).unwrap();
    let few = ["encode", "run", "--data", "few.npy", "--split", "all", "--out", "latent.npy"];
    DIFFUSION.run(folder.path(), few).succeeds();
    let latent = npy::read(&folder.path().join("latent.npy")).unwrap();
    assert_eq!(latent.shape, [5, 28 * 28 * 8]);
    DIFFUSION.run(folder.path(), ["decode", "run", "latent.npy", "--out", "decoded.npy"]).succeeds();
    assert_eq!(npy::read(&folder.path().join("decoded.npy")).unwrap().shape, [5, 28, 28]);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let folder = tempdir().unwrap();
    let refuses = |flags: &[&str], expected: &[&str]| {
        run(folder.path(), flags).refuses(expected);
        assert!(!folder.path().join("run").exists(), "a refused run left a folder: {flags:?}");
    };
    let moons = |setting: &'static str| ["--data", "moons", "--set", setting];
    refuses(&["--data", "bars-and-stripes"], &["bars-and-stripes", "zeros and ones"]);
    refuses(&["--model", "phi-four", "--lattice", "4x4"], &["diffusion learns from data", "cnf"]);
    refuses(&moons("model.kind=image"), &["model.kind = image", "no pictures"]);
    refuses(&moons("model.kind=potential"), &["model.kind", "mlp and image"]);
    refuses(&moons("model.schedule.sigma_min=0"), &["model.schedule.sigma_min = 0"]);
    refuses(&moons("model.schedule.beta_max=0.01"), &["model.schedule.beta_max = 0.01"]);
    refuses(&moons("model.schedule.kind=magic"), &["model.schedule.kind", "magic"]);
    refuses(&moons("model.prediction=magic"), &["model.prediction", "magic"]);
    refuses(&moons("model.bound.evaluations=0"), &["model.bound.evaluations = 0"]);
    refuses(&moons("train.context_dropout=1"), &["train.context_dropout = 1"]);
    refuses(&moons("train.weighting=magic"), &["train.weighting", "magic"]);
    refuses(&moons("model.n_classes=2"), &["moons"]);
    refuses(&moons("model.levels=256"), &["model.levels", "signed"]);
    refuses(&["--data", "digits", "--set", "model.levels=1"], &["model.levels = 1"]);
    refuses(&moons("model.analog_bits=true"), &["model.analog_bits", "gray levels"]);
    let bits = ["--data", "digits", "--set", "model.analog_bits=true", "--set"];
    refuses(&[&bits[..], &["model.levels=12"]].concat(), &["model.levels = 12", "power of 2"]);
    refuses(&[&bits[..], &["model.per_pixel=3"]].concat(), &["model.per_pixel = 3", "must be 8"]);
    let digits = ["--data", "digits", "--set", "model.prediction=noise"];
    refuses(&digits, &["point_masses", "straight_velocity"]);
}
