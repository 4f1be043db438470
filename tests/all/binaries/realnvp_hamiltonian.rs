//! Flows trained on continuous Hamiltonians, as a user meets them.

use std::path::Path;

use gibbs_data::npy;
use gibbs_physics::{
    Axis, Lattice,
    continuous::{Ends, HarmonicChain, Springs},
    exact, ising,
};
use gibbs_train::weights::tensors_of;
use serde_json::Value;
use tempfile::tempdir;

use super::{
    command::{Outcome, command},
    json, metrics, number, set, summary, value, weights,
};

/// A run of about a second.
const SHORT: [&str; 4] =
    ["train.steps=120", "train.samples=2000", "train.valid_samples=200", "train.learning_rate=0.02"];

fn run(folder: &Path, flags: &[&str]) -> Outcome {
    let arguments = [&["train", "run", "--preset", "tiny", "--quiet"], flags].concat();
    command("realnvp", folder, arguments).output().unwrap().into()
}

#[track_caller]
fn trained(folder: &Path, flags: &[&str]) -> Value {
    run(folder, &[flags, &set(&SHORT)[..]].concat()).succeeds();
    summary(folder, "run")
}

/// The corrected free energy agrees with `exact`, which is printed with the bound above it.
#[track_caller]
fn check_metrics(metrics: &Value, exact: f64) {
    assert!((value(metrics, "free_energy_exact") - exact).abs() < 1e-12 * exact.abs(), "{metrics}");
    let [corrected, bound] = ["free_energy_corrected", "free_energy_per_site"]
        .map(|name| ["value", "std_err"].map(|key| number(metrics, name, key)));
    assert!((corrected[0] - exact).abs() < 4.0 * corrected[1], "{metrics}");
    assert!(corrected[1] < 0.02 * exact.abs(), "{metrics}");
    assert!(bound[0] > exact - 4.0 * bound[1], "{metrics}");
    let excess = value(metrics, "relative_excess");
    assert!((excess - (bound[0] - exact) / exact.abs()).abs() < 1e-9, "{metrics}");
    let kinds = [
        ("free_energy_per_site", "upper_bound"),
        ("free_energy_corrected", "asymptotic"),
        ("free_energy_exact", "exact"),
        ("relative_excess", "upper_bound"),
        ("effective_sample_size", "asymptotic"),
        ("acceptance", "asymptotic"),
    ];
    for (name, kind) in kinds {
        assert_eq!(metrics[name]["kind"], kind, "{name}");
    }
}

#[test]
fn a_chain_has_the_free_energy_of_its_modes() {
    let folder = tempdir().unwrap();
    let chain = ["--model", "harmonic-chain", "--particles", "4", "--beta", "2"];
    let metrics = trained(folder.path(), &chain);
    let springs = Springs { mass: 1.0, coupling: 1.0, pinning: 0.0 };
    let exact = -HarmonicChain::new(4, Ends::Walls, springs, 2.0).unwrap().log_z() / 4.0;
    check_metrics(&metrics, exact);
    assert!(value(&metrics, "relative_excess") < 0.02, "{metrics}");
    for file in ["samples.png", "modes.png", "curves.png", "curves.svg", "model.safetensors"] {
        assert!(folder.path().join("run").join(file).is_file(), "{file}");
    }
    let printed: Outcome = command("realnvp", folder.path(), ["eval", "run"]).output().unwrap().into();
    let printed: Value = serde_json::from_str(&printed.succeeds().stdout).unwrap();
    assert_eq!((&printed["data"], &printed["n"]), (&"harmonic_chain".into(), &2000.into()));
    assert_eq!(printed["metrics"], metrics);
}

/// Each of the quadratic terms of a chain has half a kT, for every method.
#[test]
fn a_chain_is_measured_without_bias_in_latent_space() {
    let folder = tempdir().unwrap();
    trained(folder.path(), &["--model", "harmonic-chain", "--particles", "3"]);
    let short = ["--chains", "40", "--measurements", "60", "--burn-in", "40"];
    let measure = |flags: &[&str]| -> Outcome {
        let arguments = [&["measure", "run"], flags].concat();
        command("realnvp", folder.path(), arguments).output().unwrap().into()
    };
    let printed = measure(&short).succeeds().stdout;
    let result: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(json(folder.path(), "run/measure.json"), result);
    let methods = result["methods"].as_array().unwrap();
    let names: Vec<_> = methods.iter().map(|method| method["method"].as_str().unwrap()).collect();
    assert_eq!(names, ["independent_proposals", "latent_hmc", "hmc"]);
    for method in methods {
        let [energy, error] =
            ["value", "std_err"].map(|key| number(&method["metrics"], "energy_per_site", key));
        assert!((energy - 0.5).abs() < 4.5 * error && error < 0.05, "{method}");
        assert!((0.3..=1.0).contains(&number(&method["metrics"], "acceptance", "value")), "{method}");
        assert!(number(&method["metrics"], "energy_per_site_time", "value") >= 0.2, "{method}");
    }
    measure(&["--chains", "0"]).refuses(&["--chains", "at least 1"]);
}

/// Its configuration has the sizes of the lattice instead of the number of variables.
#[test]
fn a_flow_of_a_lattice_is_loaded_without_its_width() {
    let folder = tempdir().unwrap();
    trained(folder.path(), &["--model", "phi-four", "--lattice", "4x4"]);
    for arguments in [
        &["sample", "run", "-n", "4"][..],
        &["measure", "run", "--chains", "4", "--measurements", "4", "--burn-in", "4"],
    ] {
        Outcome::from(command("realnvp", folder.path(), arguments).output().unwrap()).succeeds();
    }
}

/// Below its critical temperature a flow is one half of an even distribution. Its chains keep to that half, and agree with plain ones.
#[test]
fn chains_of_one_half_agree_with_those_of_the_whole() {
    let folder = tempdir().unwrap();
    let ordered = ["--model", "dual-ising", "--lattice", "4x4", "--beta", "0.55"];
    let flow = set(&["model.kind=hierarchy", "model.n_layers=2", "train.steps=300"]);
    run(folder.path(), &[&ordered[..], &flow].concat()).succeeds();
    let short = ["measure", "run", "--chains", "40", "--measurements", "600", "--burn-in", "100"];
    let printed: Outcome = command("realnvp", folder.path(), short).output().unwrap().into();
    let result: Value = serde_json::from_str(&printed.succeeds().stdout).unwrap();
    let of = |method: usize, name: &str, key: &str| number(&result["methods"][method]["metrics"], name, key);
    assert!((0.2..1.0).contains(&of(1, "acceptance", "value")), "{result}");
    for name in ["energy_per_site", "abs_mean"] {
        let [latent, plain] = [1, 2].map(|method| (of(method, name, "value"), of(method, name, "std_err")));
        let error = latent.1.hypot(plain.1);
        assert!((latent.0 - plain.0).abs() < 4.5 * error && error < 0.1, "{name} {latent:?} {plain:?}");
    }
    let latents = number(&result["metrics"], "latent_correlation", "value");
    let fields = number(&result["metrics"], "field_correlation", "value");
    assert!(latents < 0.5 * fields, "{latents} {fields}");
}

/// A hierarchy on 4 by 4 sites, one on 8 by 8 that starts from it, and both measured. The last scales have the same weights at first, and
/// the other ones of the larger hierarchy those of the finest one of the smaller.
#[test]
fn a_hierarchy_starts_a_larger_one() {
    let folder = tempdir().unwrap();
    let field = ["--model", "dual-ising", "--beta", "0.2", "--lattice"];
    let metrics = trained(folder.path(), &[&field[..], &["4x4", "--set", "model.kind=hierarchy"]].concat());
    let torus = ising(&Lattice::hypercubic(&[Axis::periodic(4); 2]).unwrap(), 1.0, 0.0).unwrap();
    let exact = exact::enumerate(&torus, 0.2).unwrap().thermodynamics.free_energy() / 16.0;
    check_metrics(&metrics, exact);

    let larger = |name: &str, flags: &[&str]| {
        let start = ["train", name, "--from", "run", "--quiet"];
        let few = set(&["train.samples=20", "train.steps=20"]);
        let arguments = [&start[..], &field, &["8x8"], &set(&SHORT), &few, flags].concat();
        Outcome::from(command("realnvp", folder.path(), arguments).output().unwrap())
    };
    let still = set(&["train.learning_rate=0", "train.average.decay=0"]);
    larger("still", &still).succeeds();
    let [small, large] = ["run", "still"].map(|name| tensors_of(&weights(folder.path(), name)).unwrap());
    for (name, tensor) in &large {
        let of_small = name.replace("levels.1.", "levels.0.").replace("levels.2.", "levels.1.");
        assert_eq!(&small[&of_small], tensor, "{name}");
    }
    larger("larger", &[]).succeeds();
    assert!(folder.path().join("larger/scales.png").is_file());
    let config = json(folder.path(), "larger/config.json");
    assert_eq!((&config["model"]["kind"], &config["model"]["rows"]), (&"hierarchy".into(), &8.into()));

    let arguments = ["measure", "run", "larger", "--chains", "8", "--measurements", "20", "--burn-in", "10"];
    let arguments = [&arguments[..], &["--plot", "times.png"]].concat();
    let measured: Outcome = command("realnvp", folder.path(), arguments).output().unwrap().into();
    let measured = measured.succeeds();
    assert!(measured.stderr.contains("autocorrelation time of |mean|"), "{}", measured.stderr);
    let results: Value = serde_json::from_str(&measured.stdout).unwrap();
    assert_eq!(results[1], json(folder.path(), "larger/measure.json"));
    let latents = number(&results[1]["metrics"], "latent_correlation", "value");
    assert!(latents.is_finite() && latents > 0.0);
    assert!(folder.path().join("times.png").is_file());

    let odd = [&field[..], &["5x5", "--set", "model.kind=hierarchy", "--overwrite"]].concat();
    run(folder.path(), &odd).refuses(&["rows and columns = 5 by 5", "an even number"]);
}

#[test]
fn the_fields_of_spins_have_the_free_energy_of_the_spins() {
    let folder = tempdir().unwrap();
    let metrics = trained(folder.path(), &["--model", "dual-ising", "--lattice", "3x3", "--beta", "0.2"]);
    let torus = ising(&Lattice::hypercubic(&[Axis::periodic(3); 2]).unwrap(), 1.0, 0.0).unwrap();
    let exact = exact::enumerate(&torus, 0.2).unwrap().thermodynamics.free_energy() / 9.0;
    check_metrics(&metrics, exact);
    assert_eq!(metrics["free_energy_per_site"]["symmetries"], 144);
}

#[test]
fn data_are_looked_at_with_the_symmetries_of_the_hamiltonian() {
    let folder = tempdir().unwrap();
    trained(folder.path(), &["--model", "phi-four", "--lattice", "2x2"]);
    let fields: Vec<f32> = (0..40_i16).map(|i| f32::from(i * i % 17) / 10.0).collect();
    let reversed: Vec<f32> = fields.iter().map(|x| -x).collect();
    let shifted: Vec<f32> = fields.chunks(4).flat_map(|x| [x[1], x[0], x[3], x[2]]).collect();
    let [value, of_reversed, of_shifted] = [fields, reversed, shifted].map(|fields| {
        npy::write(&folder.path().join("fields.npy"), &fields, &[10, 2, 2]).unwrap();
        let arguments = ["eval", "run", "--data", "fields.npy", "--split", "all"];
        let printed: Outcome = command("realnvp", folder.path(), arguments).output().unwrap().into();
        let printed: Value = serde_json::from_str(&printed.succeeds().stdout).unwrap();
        assert_eq!(printed["metrics"]["log_prob"]["symmetries"], 16, "{printed}");
        number(&printed["metrics"], "log_prob", "value")
    });
    // Sums over the same images in another order, in f32.
    assert!(
        (value - of_reversed).abs() < 1e-4 && (value - of_shifted).abs() < 1e-4,
        "{value} {of_reversed} {of_shifted}"
    );
}

#[test]
fn densities_of_the_plane_are_drawn_next_to_their_targets() {
    let folder = tempdir().unwrap();
    for model in ["ring", "double-well"] {
        trained(folder.path(), &["--model", model, "--overwrite"]);
        assert!(folder.path().join("run/density.png").is_file(), "{model}");
        let lines = metrics(folder.path(), "run");
        assert!(lines.iter().any(|line| line["valid_effective"].is_number()), "{lines:?}");
    }
}

#[test]
fn what_is_no_system_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--model", "harmonic-chain", "--beta", "-1"], &["beta = -1"]),
        (&["--model", "harmonic-chain", "--beta", "NaN"], &["model.system.beta", "NaN"]),
        (&["--model", "ring", "--beta", "2"], &["beta = 2", "ring has no temperature"]),
        (&["--model", "double-well", "--lattice", "4x4"], &["lattice = 4x4", "double_well has none"]),
        (&["--model", "phi-four", "--lattice", "4xx"], &["4xx", "such as 16x16"]),
        (&["--model", "dual-ising", "--set", "model.system.margin=-1"], &["margin = -1"]),
        (&["--model", "harmonic-chain", "--set", "model.system.ends=ring"], &["pinning = 0"]),
    ];
    for (flags, expected) in cases {
        run(folder.path(), flags).refuses(expected);
        assert!(!folder.path().join("run").exists(), "{flags:?}");
    }
}
