//! Continuous flows as a user meets them.

use std::path::Path;

use gibbs_backend::Noise;
use gibbs_core::Estimate;
use gibbs_data::npy::{self, Array};
use serde_json::Value;
use tempfile::tempdir;

use super::{
    command::Outcome,
    density::{bent, mass},
    evaluation::doubles,
    family::CNF,
    json, set, summary, value,
};

/// Settings of a run of a second or two.
const SHORT: [&str; 4] =
    ["train.steps=60", "train.learning_rate=0.01", "train.solver.steps=4", "train.average.decay=0.9"];

fn run(folder: &Path, flags: &[&str]) -> Outcome {
    CNF.run(folder, [&["train", "run", "--preset", "tiny", "--quiet", "--overwrite"], flags].concat())
}

#[track_caller]
fn trained(folder: &Path, flags: &[&str]) -> Value {
    run(folder, &[&set(&SHORT)[..], flags].concat()).succeeds();
    summary(folder, "run")
}

#[test]
fn every_kind_and_training_makes_a_density_in_the_coordinates_of_the_data() {
    let folder = tempdir().unwrap();
    bent(folder.path(), 3.0, 2.0);
    for settings in [
        ["train.objective=likelihood", "model.kind=mlp"],
        ["train.objective=adjoint", "model.time=concatenated"],
        ["train.objective=matching", "train.matching.pairing=optimal_transport"],
        ["train.objective=likelihood", "model.kind=potential"],
        ["train.objective=likelihood", "model.solver.method=tsitouras"],
    ] {
        let metrics = trained(folder.path(), &[&["--data", "bent.npy"], &set(&settings)[..]].concat());
        assert_eq!(metrics["log_prob"]["kind"], "exact");
        assert!(value(&metrics, "nfe") > 6.0, "{metrics}");
        let mass = mass(&CNF, folder.path(), [-16.0, 32.0], 100);
        assert!((mass - 1.0).abs() < 0.02, "{settings:?}: {mass}");
    }
}

#[test]
fn estimated_traces_are_told_with_their_error() {
    let folder = tempdir().unwrap();
    bent(folder.path(), 3.0, 2.0);
    let estimated = set(&["model.trace=rademacher"]);
    let metrics = trained(folder.path(), &[&["--data", "bent.npy"], &estimated[..]].concat());
    assert_eq!(metrics["log_prob"]["kind"], "unbiased");
    assert!(metrics["log_prob"]["std_err"].as_f64().is_some_and(|error| error > 0.0), "{metrics}");
    let mut exact = json(folder.path(), "run/config.json");
    exact["model"]["trace"] = "exact".into();
    std::fs::write(folder.path().join("run/config.json"), exact.to_string()).unwrap();
    let printed = CNF.eval(folder.path(), &["run"]);
    let error = metrics["log_prob"]["std_err"].as_f64().unwrap();
    let gap = value(&printed["metrics"], "log_prob") - value(&metrics, "log_prob");
    assert!(gap.abs() < 4.5 * error, "{gap} with an error of {error}");
}

#[test]
fn generated_sets_have_their_true_density() {
    let folder = tempdir().unwrap();
    let metrics = trained(folder.path(), &["--data", "moons"]);
    assert!(value(&metrics, "log_prob") < value(&metrics, "log_prob_true"), "{metrics}");
    for picture in ["samples.png", "density.png", "flow.png", "curves.png", "curves.svg"] {
        assert!(folder.path().join("run").join(picture).is_file(), "{picture}");
    }
    let printed = CNF.eval(folder.path(), &["run"]);
    assert_eq!(printed["metrics"], metrics);
}

#[test]
fn pictures_have_classes_and_guidance() {
    let folder = tempdir().unwrap();
    let classes = set(&[
        "data.limit=null",
        "model.n_classes=10",
        "train.matching.context_dropout=0.2",
        "train.epochs=1",
        "train.batch_size=2000",
        "model.measured=100",
        "model.solver.method=midpoint",
        "model.solver.steps=2",
    ]);
    let metrics = trained(folder.path(), &[&["--data", "digits"], &classes[..]].concat());
    assert_eq!(metrics["log_prob"]["kind"], "lower_bound");
    assert_eq!(metrics["bits_per_dim"]["kind"], "upper_bound");
    for picture in ["samples.png", "flow.png"] {
        assert!(folder.path().join("run").join(picture).is_file(), "{picture}");
    }
    let draw = |flags: &[&str]| {
        CNF.sample(folder.path(), &[&["run", "-n", "4", "--out", "draws.npy"], flags].concat()).succeeds();
        let file = npy::read(&folder.path().join("draws.npy")).unwrap();
        assert_eq!(file.shape, [4, 28, 28]);
        let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
        assert!(values.iter().all(|x| (0.0..=1.0).contains(x)));
        values
    };
    let threes = draw(&["--class", "3", "--seed", "1"]);
    assert_eq!(draw(&["--class", "3", "--seed", "1"]), threes);
    assert_ne!(draw(&["--class", "4", "--seed", "1"]), threes);
    assert_ne!(draw(&["--class", "3", "--seed", "1", "--guidance", "3"]), threes);
    let refuses = |flags: &[&str], expected: &[&str]| {
        CNF.sample(folder.path(), &[&["run"], flags].concat()).refuses(expected);
    };
    refuses(&["--class", "10"], &["--class 10", "classes 0 to 9"]);
    refuses(&["--temperature", "-1"], &["--temperature -1"]);
    refuses(&["--guidance", "NaN"], &["--guidance NaN"]);
}

/// The same steps on the same images: uniform noise in the cells of gray levels costs more than the error of the difference.
#[test]
fn levels_have_a_larger_likelihood_than_dequantized_values() {
    let folder = tempdir().unwrap();
    let short = set(&["train.steps=150", "model.measured=100", "train.batch_size=32"]);
    let log_probs = |setting: &str, kind: &str| {
        let metrics = trained(folder.path(), &[&["--data", "digits"], &short[..], &set(&[setting])].concat());
        assert_eq!(metrics["log_prob"]["kind"], kind, "{setting}");
        assert_eq!(CNF.eval(folder.path(), &["run"])["metrics"], metrics);
        let flags = ["run", "--data", "few.npy", "--split", "all", "--per-example", "log_prob.npy"];
        CNF.eval(folder.path(), &flags);
        doubles(&folder.path().join("log_prob.npy"))
    };
    let (bytes, _) = gibbs_data::digits::generate(100, 1);
    npy::write(&folder.path().join("few.npy"), &bytes, &[100, 28, 28]).unwrap();
    let levels = log_probs("model.levels=256", "lower_bound");
    let dequantized = log_probs("model.levels=null", "unbiased");
    let gains: Vec<f64> = levels.iter().zip(&dequantized).map(|(a, b)| a - b).collect();
    let gain = Estimate::mean(&gains);
    assert!(gains.len() == 100 && gain.value > 4.5 * gain.std_err, "{gain:?}");
}

#[track_caller]
fn check_hamiltonian(flags: &[&str]) {
    let folder = tempdir().unwrap();
    let settings = set(&["train.samples=1000", "train.valid_samples=200", "train.steps_per_epoch=20"]);
    let metrics = trained(folder.path(), &[flags, &settings[..]].concat());
    let [bound, corrected, exact] = ["free_energy_per_site", "free_energy_corrected", "free_energy_exact"]
        .map(|name| value(&metrics, name));
    let error = |name: &str| metrics[name]["std_err"].as_f64().unwrap();
    assert!(bound > exact - 4.5 * error("free_energy_per_site"), "{metrics}");
    assert!((corrected - exact).abs() < 4.5 * error("free_energy_corrected").max(0.01), "{metrics}");
}

#[test]
fn a_hamiltonian_has_its_exact_free_energy() {
    check_hamiltonian(&["--model", "harmonic-chain", "--particles", "4"]);
    check_hamiltonian(&["--model", "dual-ising", "--lattice", "3x3", "--beta", "0.2"]);
}

#[test]
fn what_cannot_be_solved_or_made_is_refused() {
    let folder = tempdir().unwrap();
    let refuses = |flags: &[&str], expected: &[&str]| {
        run(folder.path(), flags).refuses(expected);
        assert!(!folder.path().join("run").exists(), "a refused run left a folder: {flags:?}");
    };
    let moons = |setting: &'static str| ["--data", "moons", "--set", setting];
    refuses(&["--data", "bars-and-stripes"], &["bars-and-stripes", "zeros and ones"]);
    refuses(&moons("model.kind=image"), &["model.kind = image", "no pictures"]);
    refuses(&moons("model.activation=relu"), &["relu", "not smooth"]);
    refuses(&moons("model.solver.method=rk4"), &["model.solver", "steps"]);
    refuses(&moons("train.solver.steps=0"), &["train.solver", "steps = 0"]);
    refuses(&moons("model.solver.tolerance=0"), &["tolerance = 0"]);
    refuses(&moons("train.kinetic=-1"), &["train.kinetic = -1"]);
    refuses(&moons("train.matching.sigma=1"), &["train.matching", "sigma = 1"]);
    refuses(&moons("train.objective=magic"), &["train.objective", "magic"]);
    refuses(&moons("model.n_classes=2"), &["moons"]);
    refuses(&moons("model.levels=256"), &["model.levels", "signed"]);
    let digits = |setting: &'static str| ["--data", "digits", "--set", setting];
    refuses(&digits("model.levels=1"), &["model.levels = 1"]);
    refuses(&digits("model.level_noise=0"), &["model.level_noise = 0: must be above 0"]);
    let by_likelihood = ["--set", "train.objective=likelihood"];
    refuses(&[&digits("model.levels=256")[..], &by_likelihood].concat(), &["model.levels", "matching"]);
}

/// From the second epoch on a learning rate at which the weights leave all bounds: the run ends with one line that says where the
/// solver was, and leaves the weights that were validated before.
#[test]
fn training_that_diverges_is_one_line_of_error_and_leaves_good_weights() {
    let folder = tempdir().unwrap();
    bent(folder.path(), 3.0, 2.0);
    let rate = r#"train.learning_rate={"kind": "piecewise", "points": [[0, 0.01], [8, 1e30]]}"#;
    let settings = set(&[
        rate,
        "model.base=null",
        "train.solver.steps=3",
        "train.epochs=3",
        "train.batch_size=128",
        "train.validate_every_steps=0",
    ]);
    let outcome = run(folder.path(), &[&["--data", "bent.npy"], &settings[..]].concat());
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    let lines: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("error:")).collect();
    let [line] = lines[..] else { panic!("{}", outcome.stderr) };
    assert!(line.contains("time 1.0") && line.contains("weights of step 7"), "{line}");
    let printed = CNF.eval(folder.path(), &["run"]);
    assert!(value(&printed["metrics"], "log_prob").is_finite());
}

/// Three columns that are nearly functions of each other, far from the origin, and the mean log-density of their distribution.
fn correlated(folder: &Path) -> f64 {
    let (n, mut noise) = (900, Noise::new(0, "correlated"));
    let points: Vec<f64> = (0..n)
        .flat_map(|_| {
            let [a, b, c] = [(); 3].map(|()| noise.next_normal());
            [40.0 + 3.0 * a, 3.0 * a + 0.01 * b - 7.0, a - 2.0 * c]
        })
        .collect();
    npy::write(&folder.join("correlated.npy"), &points, &[n, 3]).unwrap();
    // Minus the entropy of a triangular map of three normal variables.
    -1.5 * (std::f64::consts::TAU.ln() + 1.0) - (3.0f64 * 0.01 * 2.0).ln()
}

#[test]
fn whitened_runs_begin_at_the_gaussian_and_keep_their_whitening() {
    let folder = tempdir().unwrap();
    let truth = correlated(folder.path());
    let data = ["--data", "correlated.npy", "--set", "model.base=null"];
    let metrics = trained(folder.path(), &[&data[..], &set(&["train.steps=10"])].concat());
    // Nine moments of 720 examples cost 9/1440 nats, and the mean over 90 has an error of √(1.5/90).
    let found = value(&metrics, "log_prob");
    assert!((found - truth).abs() < 4.5 * (1.5f64 / 90.0).sqrt(), "{found}, not {truth}");
    assert_eq!(json(folder.path(), "run/config.json")["model"]["whitened"], true);
    assert_eq!(CNF.eval(folder.path(), &["run"])["metrics"], metrics);
    CNF.sample(folder.path(), &["run", "-n", "2000", "--out", "draws.npy"]).succeeds();
    let file = npy::read(&folder.path().join("draws.npy")).unwrap();
    let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
    let gaps: Vec<f64> = values.chunks(3).map(|x| f64::from(x[1] - x[0] + 47.0)).collect();
    let deviation = (gaps.iter().map(|gap| gap * gap).sum::<f64>() / 2000.0).sqrt();
    // The error of a deviation is a part 1/√(2n) of it: of 720 examples and of 2000 draws.
    assert!((deviation / 0.01 - 1.0).abs() < 4.5 * (1.0f64 / 1440.0 + 1.0 / 4000.0).sqrt(), "{deviation}");

    trained(folder.path(), &[&data[..], &set(&["train.steps=10", "model.whitened=false"])].concat());
    assert!(CNF.eval(folder.path(), &["run"])["metrics"]["log_prob"]["value"].as_f64().unwrap() < found);
}
