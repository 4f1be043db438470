//! Stochastic normalizing flows as a user meets them.

use std::path::Path;

use gibbs_physics::continuous::{DoubleWell, Ends, HarmonicChain, Springs};
use serde_json::Value;
use tempfile::tempdir;

use super::{command::Outcome, evaluation::doubles, family::SNF, number, set, summary, value};

/// A run of about a second.
const SHORT: [&str; 4] =
    ["train.steps=150", "train.samples=2000", "train.valid_samples=200", "train.learning_rate=0.02"];

fn run(folder: &Path, flags: &[&str]) -> Outcome {
    SNF.run(folder, [&["train", "run", "--preset", "tiny", "--quiet"], flags].concat())
}

#[track_caller]
fn trained(folder: &Path, flags: &[&str]) -> Value {
    run(folder, &[flags, &set(&SHORT)[..]].concat()).succeeds();
    summary(folder, "run")
}

/// The corrected free energy agrees with the exact one, and the bound lies above it.
#[track_caller]
fn check_metrics(metrics: &Value, exact: f64) {
    assert!((value(metrics, "free_energy_exact") - exact).abs() < 1e-12 * exact.abs(), "{metrics}");
    let [corrected, bound] = ["free_energy_corrected", "free_energy_per_site"]
        .map(|name| ["value", "std_err"].map(|key| number(metrics, name, key)));
    assert!((corrected[0] - exact).abs() < 4.5 * corrected[1] && corrected[1] < 0.1, "{metrics}");
    assert!(bound[0] > exact - 4.5 * bound[1], "{metrics}");
    for (name, kind) in [("free_energy_per_site", "upper_bound"), ("effective_sample_size", "asymptotic")] {
        assert_eq!(metrics[name]["kind"], kind, "{name}");
    }
}

/// Every kernel, for the same chain.
#[test]
fn a_chain_has_the_free_energy_of_its_modes() {
    let springs = Springs { mass: 1.0, coupling: 1.0, pinning: 0.0 };
    let exact = -HarmonicChain::new(3, Ends::Walls, springs, 1.0).unwrap().log_z() / 3.0;
    for kernel in ["metropolis", "hmc", "langevin"] {
        let folder = tempdir().unwrap();
        let kernel = format!("model.stochastic.kernel={kernel}");
        let chain = ["--model", "harmonic-chain", "--particles", "3"];
        let metrics = trained(
            folder.path(),
            &[&chain[..], &set(&[&kernel, "model.stochastic.step_size=0.2"])].concat(),
        );
        check_metrics(&metrics, exact);
        for file in ["samples.png", "curves.png", "curves.svg", "model.safetensors"] {
            assert!(folder.path().join("run").join(file).is_file(), "{file}");
        }
        let printed = SNF.eval(folder.path(), &["run", "--per-example", "weights.npy"]);
        assert_eq!((&printed["data"], &printed["n"]), (&"harmonic_chain".into(), &2000.into()));
        assert_eq!(printed["metrics"], metrics);
        let log_weights = doubles(&folder.path().join("weights.npy"));
        let mean = log_weights.iter().sum::<f64>() / log_weights.len() as f64;
        assert!((mean / 3.0 + value(&metrics, "free_energy_per_site")).abs() < 1e-9);
    }
}

#[test]
fn wells_have_their_difference() {
    for (model, wells) in [("double-well", DoubleWell::default()), ("steep-double-well", DoubleWell::steep())]
    {
        let folder = tempdir().unwrap();
        let metrics = trained(folder.path(), &["--model", model, "--set", "model.stochastic.steps=10"]);
        let exact = value(&metrics, "free_energy_difference_exact");
        assert!((exact - wells.difference().unwrap()).abs() < 1e-12, "{metrics}");
        assert_eq!(metrics["free_energy_difference"]["kind"], "asymptotic");
        assert!(metrics["free_energy_difference"]["unweighted"].is_number(), "{metrics}");
        assert!(number(&metrics, "profile_error", "bias") >= 0.0, "{metrics}");
        assert!(folder.path().join("run/profile.png").is_file());
    }
}

#[test]
fn machines_share_the_paths() {
    let folder = tempdir().unwrap();
    let metrics = trained(folder.path(), &[]);
    for shard in ["1/2", "2/2"] {
        SNF.run(folder.path(), ["eval", "run", "--shard", shard]).succeeds();
    }
    assert_eq!(SNF.eval(folder.path(), &["run", "--merge"])["metrics"], metrics);
}

#[test]
fn what_it_cannot_learn_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 8] = [
        (&["--data", "moons"], &["moons", "snf learns Hamiltonians", "--model"]),
        (&["--model", "harmonic-chain", "--beta", "-1"], &["beta = -1"]),
        (&["--model", "ring", "--beta", "2"], &["beta = 2", "ring has no temperature"]),
        (&["--model", "phi-four", "--lattice", "4xx"], &["4xx", "such as 16x16"]),
        (&["--set", "model.stochastic.step_size=0"], &["model.stochastic.step_size = 0", "above 0"]),
        (&["--set", "model.stochastic.kernel=gibbs"], &["model.stochastic.kernel", "gibbs", "metropolis"]),
        (&["--set", "train.annealing=2"], &["train.annealing = 2", "[0, 1]"]),
        (&["--set", "model.n_visible=3"], &["model.n_visible = 3"]),
    ];
    for (flags, expected) in cases {
        run(folder.path(), flags).refuses(expected);
        assert!(!folder.path().join("run").exists(), "{flags:?}");
    }
    trained(folder.path(), &[]);
    SNF.run(folder.path(), ["eval", "run", "--data", "moons"]).refuses(&["--data", "snf"]);
    SNF.run(folder.path(), ["encode", "run"]).refuses(&["snf has no latent variables"]);
}
