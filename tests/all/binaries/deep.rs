//! What only deep and general Boltzmann machines have.

use std::fs;

use gibbs_data::npy;
use serde_json::json;
use tempfile::tempdir;

use super::{
    evaluation::{doubles, mean},
    family::{BM, DBM, DBN, Family},
    set, summary, value, weights,
};

/// Weights made elsewhere: the likelihood by `eval` sums to one over all states and is above the bound.
#[test]
fn likelihoods_of_a_deep_machine_sum_to_one_and_exceed_the_bound() {
    const BITS: usize = 8;
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let states: Vec<u8> =
        (0..1usize << BITS).flat_map(|k| (0..BITS).map(move |i| (k >> i & 1) as u8)).collect();
    npy::write(&folder.join("states.npy"), &states, &[1 << BITS, BITS]).unwrap();
    for layers in ["[5, 4]", "[4, 3, 2]"] {
        let layers = format!("model.n_hidden={layers}");
        let depth = layers.matches(',').count() + 1;
        let epochs = format!("train.pretraining.epochs={:?}", vec![1; depth]);
        let flags = ["train", "run", "--data", "states.npy", "--preset", "tiny", "--quiet", "--overwrite"];
        DBM.run(folder, [&flags[..], &set(&[&layers, &epochs, "train.epochs=20"])].concat()).succeeds();
        let flags = ["run", "--data", "states.npy", "--split", "all", "--per-example", "each.npy"];
        let printed = DBM.eval(folder, &flags);
        let total: f64 = doubles(&folder.join("each.npy")).iter().map(|log_prob| log_prob.exp()).sum();
        assert!((total - 1.0).abs() < 1e-4, "{layers}: {total}");
        let value = |name: &str| value(&printed["metrics"], name);
        assert_eq!(printed["metrics"]["log_prob"]["kind"], "exact");
        assert!(value("log_prob") >= value("log_prob_bound") - 1e-5);
    }
}

/// Larger machines: the bound for all examples, the likelihood for some, and what lies between.
#[test]
fn larger_deep_machines_are_measured_by_annealing() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let settings =
        set(&["model.n_hidden=[24, 30]", "model.measured=10", "train.epochs=1", "model.n_classes=10"]);
    let flags = ["train", "run", "--data", "digits", "--preset", "tiny", "--quiet"];
    DBM.run(folder, [&flags[..], &settings].concat()).succeeds();
    let metrics = summary(folder, "run");
    for (name, kind) in [
        ("log_prob_bound", "lower_bound"),
        ("log_prob", "asymptotic"),
        ("mean_field_gap", "asymptotic"),
        ("log_z", "asymptotic"),
        ("classification_error", "exact"),
        ("mean_field_classification_error", "exact"),
    ] {
        assert_eq!(metrics[name]["kind"], kind, "{name}: {metrics}");
    }
    assert_eq!(metrics["log_prob"]["examples"], 10);
    assert!(value(&summary(folder, "run"), "mean_field_gap") > -0.5);
    // More than by guessing.
    assert!(value(&summary(folder, "run"), "classification_error") < 60.0);

    DBM.sample(folder, &["run", "-n", "3", "--class", "2", "--out", "twos.npy"]).succeeds();
    assert_eq!(npy::read(&folder.join("twos.npy")).unwrap().shape[0], 3);
    DBM.sample(folder, &["run", "--class", "10"]).refuses(&["--class 10", "0 to 9"]);
    DBM.sample(folder, &["run", "-n", "3", "--given", "upper", "--out", "completed.png"]).succeeds();
    for (layer, width) in [("1", 24), ("2", 30)] {
        DBM.run(folder, ["encode", "run", "--layer", layer, "--out", "h.npy"]).succeeds();
        assert_eq!(npy::read(&folder.join("h.npy")).unwrap().shape[1], width);
        DBM.run(folder, ["decode", "run", "h.npy", "--layer", layer, "--out", "v.npy"]).succeeds();
        assert_eq!(npy::read(&folder.join("v.npy")).unwrap().shape[1..], [28, 28]);
    }
}

#[test]
fn a_deep_machine_goes_on_from_the_weights_of_another() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    DBM.train(folder, "first", &["--seed", "3"]);
    let flags = ["train", "still", "--from", "first", "--preset", "tiny", "--quiet"];
    let still = set(&["train.learning_rate=0", "train.average.decay=0", "train.epochs=1"]);
    DBM.run(folder, [&flags[..], &still].concat()).succeeds();
    assert!(weights(folder, "still") == weights(folder, "first"));
    let flags = ["--from", "first", "--quiet"];
    DBM.run(folder, DBM.arguments("other", &flags))
        .refuses(&["train.pretraining.epochs", "starts from weights"]);
}

/// A classifier that learns from few labels, next to one without pre-training.
#[test]
fn deep_machines_and_belief_networks_learn_from_few_labels() {
    let folder = tempdir().unwrap();
    let train = |family: &Family, run: &str, settings: &[&str]| {
        let flags = ["train", run, "--data", "digits", "--preset", "tiny", "--quiet"];
        family.run(folder.path(), [&flags[..], &set(settings)].concat())
    };
    // The layers of a belief network learn labels too by default.
    for (family, own) in [(&DBM, &[][..]), (&DBN, &["model.n_classes=0"])] {
        let [few, all] = ["few", "all"].map(|run| format!("{}-{run}", family.name));
        train(family, &few, &[&["train.classifier.n_labels=20", "train.baseline=true"], own].concat())
            .succeeds();
        train(family, &all, own).succeeds();
        let [few, all] = [few, all].map(|run| summary(folder.path(), &run));
        assert!(value(&few, "random_start_classification_error") > 0.0);
        // Two labels of each class against hundreds.
        let [few, all] = [few, all].map(|metrics| value(&metrics, "classification_error"));
        assert!(few > all + 5.0 && few < 85.0, "{} {few} {all}", family.name);
    }

    // A baseline starts from random weights, also where the run does not.
    let from = ["train", "on", "--from", "dbm-few", "--data", "digits", "--preset", "tiny", "--quiet"];
    DBM.run(folder.path(), [&from[..], &set(&["train.baseline=true"])].concat()).succeeds();
    assert!(value(&summary(folder.path(), "on"), "random_start_classification_error") > 0.0);

    let refused = |settings: &[&str], expected: &[&str]| train(&DBM, "run", settings).refuses(expected);
    refused(
        &["train.classifier.n_labels=9"],
        &["train.classifier.n_labels = 9", "from 10, one of each class"],
    );
    refused(&["train.classifier.n_labels=1000000"], &["n_labels = 1000000", "the training examples"]);
    refused(
        &["train.classifier.n_labels=20", "train.classifier.epochs=0"],
        &["n_labels = 20", "for a classifier"],
    );
    refused(&["train.classifier.n_labels=20", "model.n_classes=10"], &["n_labels = 20", "model.n_classes"]);
}

#[test]
fn real_columns_take_gaussian_visible_units() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let mut noise = gibbs_backend::Noise::new(0, "table");
    let values: Vec<f32> = noise.normal_vec(600 * 5);
    npy::write(&folder.join("table.npy"), &values, &[600, 5]).unwrap();
    let flags = ["train", "run", "--data", "table.npy", "--preset", "tiny", "--quiet"];
    DBM.run(folder, flags).refuses(&["model.visible=gaussian"]);
    let settings = set(&["model.visible=gaussian", "model.n_hidden=[6, 4]"]);
    DBM.run(folder, [&flags[..], &settings].concat()).succeeds();
    // Independent standard normal columns have -½ (1 + ln 2π) nats each.
    let best = -2.5 * (1.0 + std::f64::consts::TAU.ln());
    assert!((value(&summary(folder, "run"), "log_prob") - best).abs() < 1.0);
}

#[test]
fn layers_and_labels_that_do_not_fit_are_refused() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let refused = |settings: &[&str], expected: &[&str]| {
        let flags = [&["--quiet"], &set(settings)[..]].concat();
        DBM.run(folder, DBM.arguments("run", &flags)).refuses(expected);
        assert!(!folder.join("run").exists());
    };
    refused(
        &["model.n_hidden=[12]", "train.pretraining.epochs=[1]"],
        &["model.n_hidden = [12]", "at least two"],
    );
    refused(&["model.n_hidden=[12, 0]"], &["model.n_hidden = [12, 0]", "layer 1 has no units"]);
    refused(&["train.pretraining.epochs=[1]"], &["train.pretraining.epochs = [1]", "hidden layers, 2"]);
    refused(&["model.n_classes=3"], &["bars-and-stripes", "no labels", "model.n_classes"]);
    refused(&["train.classifier.epochs=1"], &["no labels", "train.classifier.epochs"]);
    refused(&["model.visible=spin"], &["model.visible = spin", "binary or gaussian"]);
    refused(&["train.likelihood.chains=1"], &["train.likelihood.chains = 1", "at least 2"]);
}

/// The limits of three bits of even parity: without hidden units -ln 8, with one -ln 4.
#[test]
fn a_general_machine_learns_parity_and_needs_a_hidden_unit_for_it() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let flags = |run| ["train", run, "--data", "parity-3", "--quiet"];
    BM.run(folder, flags("one")).succeeds();
    BM.run(folder, [&flags("none")[..], &set(&["model.n_hidden=0"])].concat()).succeeds();
    let (one, none) =
        (value(&summary(folder, "one"), "log_prob"), value(&summary(folder, "none"), "log_prob"));
    assert!(one > -(4f64.ln()) - 0.05 && one < -(4f64.ln()), "{one}");
    assert!((none + 8f64.ln()).abs() < 1e-3, "{none}");
    for name in ["parity-99", "shifter-1"] {
        BM.run(folder, ["train", "x", "--data", name]).refuses(&[name, "from 2 to 16"]);
    }
}

#[test]
fn a_general_machine_too_large_for_exact_sums_is_measured_by_annealing() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let flags = [&BM.arguments("run", &["--quiet"])[..], &set(&["model.n_hidden=10"])].concat();
    BM.run(folder, flags).succeeds();
    let metrics = summary(folder, "run");
    assert_eq!(
        (&metrics["log_prob"]["kind"], &metrics["log_z"]["kind"]),
        (&json!("asymptotic"), &json!("asymptotic"))
    );
    let flags = ["run", "--per-example", "each.npy"];
    let value = BM.eval(folder, &flags)["metrics"]["log_prob"]["value"].as_f64().unwrap();
    assert!((mean(&doubles(&folder.join("each.npy"))) - value).abs() < 1e-9);
    let exact = set(&["train.learning.method=exact", "model.n_hidden=10"]);
    let refused = [&BM.arguments("other", &["--quiet"])[..], &exact].concat();
    BM.run(folder, refused).refuses(&["train.learning.method", "at most 20 units"]);
}

#[test]
fn machines_are_compared_by_their_exact_likelihoods() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let compare = |further: &[&str]| {
        let flags = ["compare", "out", "--data", "parity-3", "--steps", "300"];
        Family::run(&BM, folder, [&flags[..], further].concat())
    };
    let outcome = compare(&["--hidden", "1,2"]).succeeds();
    let printed: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let machines = printed["machines"].as_array().unwrap();
    // 3 couplings and 3 fields; 6 and 4 with a hidden unit, 3 and 4 without couplings of visible units.
    let parameters: Vec<u64> = machines.iter().map(|m| m["parameters"].as_u64().unwrap()).collect();
    assert_eq!(parameters, [6, 10, 15, 7, 11]);
    let limit = printed["limit"].as_f64().unwrap();
    assert!((limit + 4f64.ln()).abs() < 1e-12, "{limit}");
    assert!(machines.iter().all(|m| m["log_prob"].as_f64().unwrap() < limit), "{printed}");
    assert!(fs::read(folder.join("out/compare.png")).unwrap().starts_with(b"\x89PNG"));
    compare(&["--hidden", "30"]).refuses(&["33 units", "at most 20"]);
}
