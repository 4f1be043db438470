//! `eval`, against the library and against the rules of probability.

use std::fs;
use std::path::Path;

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{exact, units::UnitKind};
use gibbs_core::math::{mean_and_variance, to_host};
use gibbs_data::npy::{self, Array};
use gibbs_testkit::check_normalized;
use gibbs_train::weights as weights_file;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{FAMILIES, RBM, bytes, json, set, summary, value};
use crate::support::{
    assert_close,
    boltzmann::{AnyRbm, pairs, rbm_of},
};

pub(super) fn doubles(path: &Path) -> Vec<f64> {
    let file = npy::read(path).unwrap();
    match file.values {
        Array::F64(values) => {
            assert_eq!(file.shape, [values.len()]);
            values
        }
        other => panic!("{} holds {other:?}", path.display()),
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A folder with weights made elsewhere and the least configuration that names them; also the RBM.
fn foreign(folder: &Path, name: &str, sizes: [usize; 2]) -> AnyRbm {
    let rbm = rbm_of((UnitKind::Binary, UnitKind::Binary), sizes, 5, &Device::flex());
    let run = folder.join(name);
    fs::create_dir(&run).unwrap();
    weights_file::save(&rbm, run.join("model.safetensors")).unwrap();
    let config = json!({
        "experiment": "rbm",
        "data": { "name": "bars-and-stripes" },
        "model": { "n_visible": sizes[0], "n_hidden": sizes[1] },
    });
    fs::write(run.join("config.json"), config.to_string()).unwrap();
    rbm
}

#[test]
fn one_json_object_with_the_fields_of_the_contract() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let printed = family.eval(folder.path(), &["run"]);
        let keys: Vec<&String> = printed.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["experiment", "data", "split", "n", "metrics"]);
        assert_eq!(printed["experiment"], family.name);
        assert_eq!(printed["data"], "bars-and-stripes");
        assert_eq!((&printed["split"], &printed["n"]), (&json!("test"), &json!(30)));
        let names: Vec<&str> = printed["metrics"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, family.metrics.iter().map(|metric| metric.0).collect::<Vec<_>>());
        for (name, kind) in family.metrics {
            let metric = &printed["metrics"][name];
            assert!(metric["value"].is_f64() && metric["unit"].is_string(), "{name}: {metric}");
            assert_eq!(&metric["kind"], kind, "{name} of {}", family.name);
            // Mean field is not drawn, so that it has no error but its own. The bound of a VAE is drawn.
            let is_certain = metric["std_err"].as_f64() == Some(0.0);
            let is_mean_field = *name == "log_z_tap" || *name == "log_prob_bound" && family.name != "vae";
            let is_drawn = *kind != "exact" && !is_mean_field;
            assert_eq!(is_certain, !is_drawn, "{name} of {}: {metric}", family.name);
            // All but the partition function, counts, and what is known of draws of the model are means over examples.
            let spread = metric["std_err_examples"].as_f64();
            let is_mean = !name.starts_with("log_z") && !["active_units", "annealing_gap"].contains(name);
            assert_eq!(spread.is_some_and(|error| error > 0.0), is_mean, "{name}: {metric}");
            assert!(metric.get("unreliable").is_none(), "{name}: {metric}");
            // Whatever is said in nats of one example says how it was made of zeros and ones.
            if *name == "log_prob" {
                assert_eq!(metric["binarization"], "none");
            }
        }
        assert_eq!(family.eval(folder.path(), &["run", "--split", "train"])["n"], 3000);
    }
}

#[test]
fn one_value_for_each_example_whose_mean_is_the_metric() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        for (split, n) in [("train", 3000), ("valid", 30), ("test", 30), ("all", 3060)] {
            let flags = ["run", "--split", split, "--per-example", "values.npy"];
            let printed = family.eval(folder.path(), &flags);
            let values = doubles(&folder.path().join("values.npy"));
            assert_eq!((values.len(), printed["n"].as_u64()), (n, Some(n as u64)));
            let metric = &printed["metrics"][family.metrics[0].0];
            assert_close(&[mean(&values)], &[metric["value"].as_f64().unwrap()], 1e-9, split);
            let spread = (mean_and_variance(&values).1 / n as f64).sqrt();
            let found = metric["std_err_examples"].as_f64().unwrap();
            assert!((found - spread).abs() < 1e-6 * spread, "{}: {metric}, not {spread}", family.name);
        }
    }
}

#[test]
fn the_probabilities_of_all_states_sum_to_one() {
    const BITS: usize = 16;
    let folder = tempdir().unwrap();
    let states: Vec<u8> =
        (0..1usize << BITS).flat_map(|k| (0..BITS).map(move |i| (k >> i & 1) as u8)).collect();
    npy::write(&folder.path().join("states.npy"), &states, &[1 << BITS, BITS]).unwrap();
    foreign(folder.path(), "few-hidden", [BITS, 7]);
    foreign(folder.path(), "many-hidden", [BITS, 40]);
    for run in ["few-hidden", "many-hidden"] {
        let flags = ["--data", "states.npy", "--split", "all", "--per-example", "values.npy"];
        let printed = RBM.eval(folder.path(), &[&[run], &flags[..]].concat());
        assert_eq!(printed["metrics"]["log_prob"]["kind"], "exact");
        check_normalized(&doubles(&folder.path().join("values.npy")), 2e-5);
    }
}

#[test]
fn weights_made_elsewhere_give_the_metrics_of_the_library_in_the_order_of_the_file() {
    let folder = tempdir().unwrap();
    let rbm = foreign(folder.path(), "run", [6, 4]);
    let rows: Vec<f32> = (0..20u32).flat_map(|k| (0..6).map(move |i| ((k * 37) >> i & 1) as f32)).collect();
    npy::write(&folder.path().join("rows.npy"), &rows, &[20, 6]).unwrap();

    let x: Tensor<2> = Tensor::from_data(TensorData::new(rows, [20, 6]), &Device::flex());
    let log_z = exact::log_z(&rbm).unwrap().value;
    let log_prob: Vec<f64> = to_host(rbm.free_energy(x.clone())).iter().map(|f| -f - log_z).collect();
    let error = mean(&to_host(rbm.reconstruction_error(x.clone())));

    for (split, range) in [("train", 0..16), ("valid", 16..18), ("test", 18..20), ("all", 0..20)] {
        let flags = ["run", "--data", "rows.npy", "--split", split, "--per-example", "values.npy"];
        let printed = RBM.eval(folder.path(), &flags);
        assert_eq!((&printed["data"], printed["n"].as_u64()), (&json!("rows.npy"), Some(range.len() as u64)));
        let values = doubles(&folder.path().join("values.npy"));
        assert_close(&values, &log_prob[range.clone()], 1e-5, split);
        let metric = |name: &str| value(&printed["metrics"], name);
        assert_close(&[metric("log_z")], &[log_z], 1e-5, "log_z");
        if split == "all" {
            assert_close(&[metric("reconstruction_error")], &[error], 1e-5, "reconstruction_error");
            // The data of the run do not fit these weights, so both free energies are those of the file, which is not divided.
            assert_eq!(metric("free_energy_gap"), 0.0);
            assert_eq!(printed["metrics"]["free_energy_gap"]["fitted_on"], "rows.npy");
        }
    }
}

/// What a family fits for its metrics belongs to the run: other data with the same examples have the same metrics.
#[test]
fn the_test_examples_in_another_file_have_the_metrics_of_the_test_split() {
    let test = gibbs_data::load("bars-and-stripes", Path::new("")).unwrap().test;
    let rows: Vec<usize> = (0..test.len()).collect();
    let bits: Vec<u8> = test.values(&rows).into_iter().map(|x| x as u8).collect();
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        npy::write(&folder.path().join("test.npy"), &bits, &[test.len(), 4, 4]).unwrap();
        family.train(folder.path(), "run", &[]);
        let own = &family.eval(folder.path(), &["run"])["metrics"];
        let other = &family.eval(folder.path(), &["run", "--data", "test.npy", "--split", "all"])["metrics"];
        for (name, _) in family.metrics.iter().filter(|(_, kind)| *kind == "exact") {
            let [own, other] = [own, other].map(|metrics| metrics[name]["value"].as_f64().unwrap());
            assert_close(&[other], &[own], 1e-5 * (1.0 + own.abs()), &format!("{name} of {}", family.name));
        }
        let fitted = ["free_energy_gap", "pca_squared_error"];
        for name in fitted.into_iter().filter(|name| other.get(name).is_some()) {
            assert_eq!(other[name]["fitted_on"], "bars-and-stripes-4x4");
            assert!(own[name].get("fitted_on").is_none(), "{own}");
        }
    }
}

#[test]
fn configuration_and_weights_alone_are_enough() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        fs::create_dir(folder.path().join("copy")).unwrap();
        for name in ["config.json", "model.safetensors"] {
            fs::write(folder.path().join("copy").join(name), bytes(folder.path(), &format!("run/{name}")))
                .unwrap();
        }
        assert_eq!(family.eval(folder.path(), &["copy"]), family.eval(folder.path(), &["run"]));
        family.sample(folder.path(), &["copy", "-n", "3"]).succeeds();
        assert!(folder.path().join("copy/samples.png").is_file());
    }
}

#[test]
fn large_rbms_get_a_bracket_with_errors() {
    let folder = tempdir().unwrap();
    let settings = ["data.name=bars-and-stripes-5x5", "model.n_hidden=21", "train.epochs=1"];
    RBM.train(folder.path(), "run", &set(&settings));
    let metrics = summary(folder.path(), "run");
    let [lower, upper] = ["log_z_lower", "log_z_upper"].map(|name| metrics[name].clone());
    // The reverse chains are no exact draws, so theirs is no bound.
    assert_eq!((&lower["kind"], &upper["kind"]), (&json!("lower_bound"), &json!("asymptotic")));
    for metric in [&lower, &upper] {
        assert!(metric["effective_samples"].is_f64() && metric["largest_weight"].is_f64(), "{metric}");
    }
    let number = |metric: &Value, key: &str| metric[key].as_f64().unwrap();
    assert!(number(&lower, "std_err") > 0.0 && number(&upper, "std_err") > 0.0, "{metrics}");
    let errors = number(&lower, "std_err") + number(&upper, "std_err");
    let is_crossed = number(&lower, "value") > number(&upper, "value") + 4.0 * errors;
    for name in ["log_z", "log_prob", "log_prob_lower", "log_prob_upper"] {
        assert!(!is_crossed || metrics[name]["unreliable"].is_string(), "{metrics}");
    }
    assert!(
        metrics["log_prob"]["kind"] != "exact" && number(&metrics["log_prob"], "std_err") > 0.0,
        "{metrics}"
    );
}

#[test]
fn grey_pictures_are_made_binary_and_the_figure_says_how() {
    let folder = tempdir().unwrap();
    let header = [0, 0, 8, 3, 0, 0, 0, 100, 0, 0, 0, 5, 0, 0, 0, 6];
    let pixels = Noise::new(0, "pixels").uniform_vec(100 * 30).into_iter().map(|u| (256.0 * u) as u8);
    let file: Vec<u8> = header.into_iter().chain(pixels).collect();
    fs::write(folder.path().join("grey-idx3-ubyte"), file).unwrap();
    for (binarization, further) in [("stochastic", None), ("threshold", Some("data.binarization=threshold"))]
    {
        let settings = ["data.name=grey-idx3-ubyte", "train.batch_size=40"].into_iter().chain(further);
        let flags = set(&settings.collect::<Vec<_>>());
        RBM.train(folder.path(), binarization, &flags);
        let config = json(folder.path(), &format!("{binarization}/config.json"));
        assert_eq!(config["data"]["binarization"], binarization);
        assert_eq!(config["data"]["shape"], json!([5, 6]));
        let printed = RBM.eval(folder.path(), &[binarization]);
        assert_eq!(printed["metrics"]["log_prob"]["binarization"], binarization);
        assert_eq!(printed["n"], 10);
    }
}

#[test]
fn every_kind_of_units_is_trained_measured_and_sampled() {
    let folder = tempdir().unwrap();
    let values: Vec<f32> = Noise::new(0, "values").uniform_vec(200 * 6);
    npy::write(&folder.path().join("values.npy"), &values, &[200, 6]).unwrap();
    for (visible, hidden) in pairs() {
        let run = format!("{visible}-{hidden}");
        let kinds = [format!("model.visible={visible}"), format!("model.hidden={hidden}")];
        let fixed = [
            "data.name=values.npy",
            "train.contrastive.centered=false",
            "model.hidden_bias=0",
            "model.states=3",
        ];
        let settings: Vec<&str> = kinds.iter().map(String::as_str).chain(fixed).collect();
        RBM.train(folder.path(), &run, &set(&settings));
        let log_prob = &RBM.eval(folder.path(), &[&run])["metrics"]["log_prob"];
        let exact = [visible, hidden].iter().any(|kind| *kind != UnitKind::Gaussian);
        assert_eq!(log_prob["kind"] == "exact", exact, "{run}: {log_prob}");
        assert!(log_prob["value"].as_f64().is_some_and(f64::is_finite), "{run}: {log_prob}");
        RBM.run(folder.path(), ["sample", &run, "-n", "5", "--sweeps", "3", "--out", "draws.npy"]).succeeds();
        assert_eq!(npy::read(&folder.path().join("draws.npy")).unwrap().shape, [5, 6], "{run}");
    }
}
