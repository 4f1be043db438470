//! Variational autoregressive networks as a user meets them.

use std::path::Path;

use gibbs_data::npy::{self, Array};
use gibbs_physics::{Lattice, exact, ising};
use gibbs_testkit::check_normalized;
use serde_json::Value;
use tempfile::tempdir;

use super::{VAN, command::Outcome, evaluation::doubles, metrics, number, set, summary, value};
use crate::golden::autoregressive::states;

/// A run of seconds on a Hamiltonian.
const SHORT: [&str; 3] = ["train.epochs=4", "train.samples=2000", "train.learning_rate=0.01"];

/// `van train run` with flags, in a folder.
fn run(folder: &Path, flags: &[&str]) -> Outcome {
    VAN.run(folder, [&["train", "run", "--preset", "tiny", "--quiet"], flags].concat())
}

#[track_caller]
fn trained(folder: &Path, flags: &[&str]) -> Value {
    run(folder, &[&set(&SHORT)[..], flags].concat()).succeeds();
    summary(folder, "run")
}

/// What holds for the metrics of any system with an exact value.
#[track_caller]
fn check_metrics(metrics: &Value) {
    let exact = value(metrics, "free_energy_exact");
    let (corrected, error) =
        (value(metrics, "free_energy_corrected"), number(metrics, "free_energy_corrected", "std_err"));
    assert!((corrected - exact).abs() < 4.0 * error, "{metrics}");
    assert!(error < 0.01 * exact.abs(), "{metrics}");
    let bound = value(metrics, "free_energy_per_site");
    assert!(bound > exact - 4.0 * number(metrics, "free_energy_per_site", "std_err"), "{metrics}");
    let excess = value(metrics, "relative_excess");
    assert!((excess - (bound - exact) / exact.abs()).abs() < 1e-9, "{metrics}");
    assert!(value(metrics, "effective_sample_size") > 200.0, "{metrics}");
    assert!(
        metrics.as_object().unwrap().values().all(|metric| metric.get("unreliable").is_none()),
        "{metrics}"
    );
    let kinds = [
        ("free_energy_per_site", "upper_bound"),
        ("free_energy_corrected", "asymptotic"),
        ("free_energy_exact", "exact"),
        ("relative_excess", "upper_bound"),
        ("energy_per_site", "asymptotic"),
        ("acceptance", "asymptotic"),
    ];
    for (name, kind) in kinds {
        assert_eq!(metrics[name]["kind"], kind, "{name}");
    }
}

#[test]
fn metrics_of_the_torus_come_with_exact_ones() {
    let folder = tempdir().unwrap();
    let metrics = trained(folder.path(), &["--lattice", "3x4", "--beta", "0.4", "--seed", "1"]);
    check_metrics(&metrics);
    let torus =
        ising(&Lattice::hypercubic(&[3, 4].map(gibbs_physics::Axis::periodic)).unwrap(), 1.0, 0.0).unwrap();
    let exact = exact::enumerate(&torus, 0.4).unwrap();
    let free_energy = exact.thermodynamics.free_energy() / 12.0;
    assert!((value(&metrics, "free_energy_exact") - free_energy).abs() < 1e-12);
    assert!((value(&metrics, "abs_magnetization_exact") - exact.magnetization.abs).abs() < 1e-12);
    for file in ["samples.png", "curves.png", "curves.svg", "model.safetensors"] {
        assert!(folder.path().join("run").join(file).is_file(), "{file}");
    }
    let printed = VAN.eval(folder.path(), &["run", "--per-example", "log_q.npy"]);
    assert_eq!(
        (&printed["experiment"], &printed["data"], &printed["n"]),
        (&"van".into(), &"ising".into(), &2000.into())
    );
    assert_eq!(printed["metrics"], metrics);
    assert_eq!(doubles(&folder.path().join("log_q.npy")).len(), 2000);
}

/// The smoke test stops long before the network has learned 256 spins: a few draws carry all of the weight.
#[test]
fn metrics_of_a_network_that_learned_too_little_are_marked() {
    let folder = tempdir().unwrap();
    let outcome = run(folder.path(), &[]).succeeds();
    let metrics = summary(folder.path(), "run");
    let weighted = [
        "free_energy_corrected",
        "effective_sample_size",
        "acceptance",
        "energy_per_site",
        "energy_per_site_chain",
        "abs_magnetization",
        "abs_magnetization_chain",
    ];
    for name in weighted {
        assert!(metrics[name]["unreliable"].is_string(), "{name}: {metrics}");
        assert!(outcome.stderr.contains(&format!("warning: {name} is unreliable")), "{}", outcome.stderr);
    }
    // The variational bound needs no weights.
    assert!(metrics["free_energy_per_site"].get("unreliable").is_none(), "{metrics}");
}

#[test]
fn the_temperature_falls_along_the_run_and_then_stays() {
    let folder = tempdir().unwrap();
    run(
        folder.path(),
        &[
            &["--lattice", "2x3", "--beta", "0.5"],
            &set(&["train.log_every_steps=1", "train.epochs=2", "train.steps_per_epoch=10"])[..],
        ]
        .concat(),
    )
    .succeeds();
    let betas: Vec<f64> =
        metrics(folder.path(), "run").iter().map(|line| line["beta"].as_f64().unwrap()).collect();
    assert_eq!(betas.len(), 20);
    assert!(betas.is_sorted() && betas[0] > 0.0 && betas[0] < 0.1, "{betas:?}");
    assert_eq!(betas[9..], [0.5; 11]);
}

#[test]
fn glasses_and_couplings_from_a_file_have_the_metrics_of_their_instance() {
    let folder = tempdir().unwrap();
    let sk = ["--model", "sk", "--spins", "8", "--beta", "1", "--instance-seed", "3"];
    let metrics = trained(folder.path(), &sk);
    check_metrics(&metrics);
    let mut noise = gibbs_backend::Noise::new(3, "instance");
    let glass = gibbs_physics::sherrington_kirkpatrick(8, &mut noise).unwrap();
    npy::write(&folder.path().join("couplings.npy"), &glass.matrix(), &[8, 8]).unwrap();
    let from_file = trained(folder.path(), &["--overwrite", "--couplings", "couplings.npy", "--beta", "1"]);
    assert_eq!(from_file, metrics);
}

#[test]
fn the_symmetric_distribution_of_a_run_sums_to_one_and_is_drawn_from() {
    let folder = tempdir().unwrap();
    trained(folder.path(), &["--lattice", "2x4", "--beta", "0.3"]);
    let spins: Vec<f32> = states(8).iter().map(|bit| 2.0 * f32::from(*bit) - 1.0).collect();
    npy::write(&folder.path().join("states.npy"), &spins, &[256, 8]).unwrap();
    let flags = ["run", "--data", "states.npy", "--split", "all", "--per-example", "values.npy"];
    let printed = VAN.eval(folder.path(), &flags);
    assert_eq!(printed["metrics"]["log_prob"]["kind"], "exact");
    let values = doubles(&folder.path().join("values.npy"));
    check_normalized(&values, 1e-5);
    let opposite: Vec<f64> = values.iter().rev().copied().collect();
    crate::support::assert_close(&values, &opposite, 1e-5, "all spins reversed");
    VAN.sample(folder.path(), &["run", "-n", "50", "--out", "spins.npy"]).succeeds();
    let file = npy::read(&folder.path().join("spins.npy")).unwrap();
    let Array::F32(spins) = file.values else { panic!("{:?}", file.values) };
    assert_eq!(file.shape, [50, 2, 4]);
    assert!(spins.iter().all(|s| s.abs() == 1.0) && spins.iter().any(|s| *s > 0.0));
}

#[test]
fn spins_of_either_sign_are_the_same_data_as_bits() {
    let folder = tempdir().unwrap();
    let bits: Vec<u8> = states(4).repeat(10);
    let spins: Vec<f64> = bits.iter().map(|bit| 2.0 * f64::from(*bit) - 1.0).collect();
    npy::write(&folder.path().join("bits.npy"), &bits, &[160, 4]).unwrap();
    npy::write(&folder.path().join("spins.npy"), &spins, &[160, 4]).unwrap();
    let runs = [("bits.npy", 0.0), ("spins.npy", -1.0)].map(|(file, down)| {
        let metrics = trained(folder.path(), &["--overwrite", "--data", file]);
        VAN.sample(folder.path(), &["run", "-n", "50", "--out", "draws.npy"]).succeeds();
        let Array::F32(draws) = npy::read(&folder.path().join("draws.npy")).unwrap().values else { panic!() };
        assert!(draws.iter().all(|s| *s == 1.0 || *s == down), "{draws:?}");
        (metrics, draws.into_iter().map(|s| s > 0.0).collect::<Vec<bool>>())
    });
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn what_makes_no_system_is_refused() {
    let folder = tempdir().unwrap();
    let refuses = |flags: &[&str], expected: &[&str]| {
        run(folder.path(), flags).refuses(expected);
        assert!(!folder.path().join("run").exists(), "a refused run left a folder: {flags:?}");
    };
    refuses(&["--beta", "-0.5"], &["beta = -0.5"]);
    refuses(&["--beta", "nan"], &["beta"]);
    refuses(&["--lattice", "4y4"], &["4y4", "16x16"]);
    refuses(&["--lattice", "4x0"], &["4x0", "length 0"]);
    refuses(&["--lattice", "4x4x4", "--set", "model.system.geometry=triangular"], &["4x4x4", "two axes"]);
    refuses(&["--spins", "9"], &["n_spins = 9", "lattice"]);
    refuses(&["--model", "sk", "--lattice", "4x4"], &["lattice = 4x4", "number of spins"]);
    refuses(&["--model", "sk", "--spins", "0"], &["spin"]);
    refuses(&["--set", "model.system.kind=couplings"], &["--couplings FILE.npy"]);
    refuses(&["--couplings", "none.npy"], &["none.npy"]);
    refuses(&["--lattice", "2x2", "--set", "train.batch_size=1"], &["train.batch_size = 1"]);
    refuses(&["--lattice", "2x2", "--set", "train.annealing=1.5"], &["train.annealing = 1.5"]);
    refuses(&["--lattice", "16x16", "--set", "train.symmetry=lattice"], &["train.symmetry", "4096 images"]);

    let couplings = |name: &str, matrix: &[f64], shape: &[usize]| {
        npy::write(&folder.path().join(name), matrix, shape).unwrap();
    };
    couplings("asymmetric.npy", &[0.0, 1.0, 0.5, 0.0], &[2, 2]);
    refuses(&["--couplings", "asymmetric.npy"], &["asymmetric.npy", "(0, 1) is 1", "symmetric"]);
    couplings("wide.npy", &[0.0; 6], &[2, 3]);
    refuses(&["--couplings", "wide.npy"], &["wide.npy", "square"]);
    couplings("flat.npy", &[0.0; 4], &[4]);
    refuses(&["--couplings", "flat.npy"], &["flat.npy", "matrix"]);
    couplings("broken.npy", &[0.0, f64::NAN, f64::NAN, 0.0], &[2, 2]);
    refuses(&["--couplings", "broken.npy"], &["broken.npy", "NaN"]);
    couplings("diagonal.npy", &[1.0, 0.0, 0.0, 1.0], &[2, 2]);
    refuses(&["--couplings", "diagonal.npy"], &["diagonal.npy", "diagonal"]);

    npy::write(&folder.path().join("grey.npy"), &[0.5f32; 40], &[10, 4]).unwrap();
    refuses(&["--data", "grey.npy"], &["grey.npy", "0.5", "-1 and +1"]);
    refuses(
        &["--data", "bars-and-stripes", "--set", "model.symmetry=lattice"],
        &["model.symmetry", "16 spins", "--lattice"],
    );
}
