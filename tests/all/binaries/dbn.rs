//! What only the deep belief network has: the bound, labels, the classifier.

use std::fs;
use std::path::Path;

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{Dbn, exact, units::Units};
use gibbs_core::math::{log_sum_exp, to_host};
use gibbs_data::npy;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{
    DBN, RBM, bytes,
    evaluation::{doubles, mean},
    json, set, summary,
};
use crate::support::{assert_close, boltzmann::stack};

/// The states of `bits` binary units, one in each row.
fn states(bits: usize) -> Tensor<2> {
    let values: Vec<f32> =
        (0..1usize << bits).flat_map(|k| (0..bits).map(move |i| (k >> i & 1) as f32)).collect();
    Tensor::from_data(TensorData::new(values, [1 << bits, bits]), &Device::flex())
}

/// Exact `log p(v)` of every visible state of a stack of two layers of binary units.
fn exact_log_prob(dbn: &Dbn) -> Vec<f64> {
    let [bottom, top] = [&dbn.layers[0], dbn.top()];
    let (v, h) = (states(bottom.visible.width()), states(top.visible.width()));
    let log_z = exact::log_z(top).unwrap().value;
    let joint: Vec<Vec<f64>> = (0..h.dims()[0])
        .map(|k| {
            let h = h.clone().narrow(0, k, 1);
            let prior = -to_host(top.free_energy(h.clone()))[0] - log_z;
            let input = bottom.visible_input(h).expand(v.dims());
            to_host(bottom.visible.log_prob(v.clone(), input)).into_iter().map(|p| p + prior).collect()
        })
        .collect();
    (0..v.dims()[0]).map(|i| log_sum_exp(&joint.iter().map(|row| row[i]).collect::<Vec<_>>())).collect()
}

/// The tensors of a stack under their documented names, written without the library's own writer.
fn write_by_hand(dbn: &Dbn, path: &Path) {
    let flat = |x: &[f64]| -> Vec<u8> { x.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect() };
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (k, layer) in dbn.layers.iter().enumerate() {
        let [visible, hidden] = layer.weight.dims();
        let bias = |units: &gibbs_boltzmann::units::AnyUnits| flat(&to_host(units.parameters()[0].val()));
        tensors.push((
            format!("layers.{k}.weight"),
            vec![visible, hidden],
            flat(&to_host(layer.weight.val())),
        ));
        tensors.push((format!("layers.{k}.visible.bias"), vec![visible], bias(&layer.visible)));
        tensors.push((format!("layers.{k}.hidden.bias"), vec![hidden], bias(&layer.hidden)));
    }
    for (k, weight) in dbn.recognition.iter().enumerate() {
        tensors.push((format!("recognition.{k}"), weight.dims().to_vec(), flat(&to_host(weight.val()))));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// A folder with such weights and the least configuration that fits them.
fn foreign(folder: &Path, dbn: &Dbn, settings: Value) {
    let run = folder.join("run");
    fs::create_dir(&run).unwrap();
    write_by_hand(dbn, &run.join("model.safetensors"));
    let [visible, classes] = [dbn.layers[0].weight.dims()[0], dbn.n_classes()];
    let n_hidden: Vec<usize> = dbn.layers.iter().map(|layer| layer.weight.dims()[1]).collect();
    let config = json!({
        "experiment": "dbn",
        "data": { "name": "states.npy" },
        "model": { "n_visible": visible, "n_hidden": n_hidden, "n_classes": classes },
        "train": settings,
    });
    fs::write(run.join("config.json"), config.to_string()).unwrap();
    let values: Vec<u8> = to_host(states(visible)).into_iter().map(|x| x as u8).collect();
    npy::write(&folder.join("states.npy"), &values, &[1 << visible, visible]).unwrap();
}

/// The metric of the library and that of the executable; and both on the right side of what enumeration gives.
#[test]
fn weights_made_elsewhere_give_a_bound_below_the_exact_value() {
    for untied in [false, true] {
        let folder = tempdir().unwrap();
        let dbn = stack(&[6, 4, 3], false, untied, 1);
        foreign(folder.path(), &dbn, json!({ "bound_draws": 2000 }));
        let printed = DBN.eval(folder.path(), &["run", "--split", "all", "--per-example", "values.npy"]);
        let metrics = &printed["metrics"];
        assert_eq!(metrics["log_prob"]["kind"], "lower_bound");
        assert_eq!(metrics["log_z"]["kind"], "exact");
        assert_close(&[number(&metrics["log_z"])], &[exact::log_z(dbn.top()).unwrap().value], 1e-6, "log_z");

        let exact = mean(&exact_log_prob(&dbn));
        let bound = &metrics["log_prob"];
        let several = &metrics["log_prob_importance_weighted"];
        let four_errors = |metric: &Value| 4.0 * metric["std_err"].as_f64().unwrap();
        assert!(number(bound) < exact + four_errors(bound), "{metrics}, exactly {exact}");
        // To first order the gap of K draws is the relative variance of a weight over 2 K: here that is of the order of 10.
        assert!((number(several) - exact).abs() < 0.05, "{several}, exactly {exact}");
        assert!(number(several) > number(bound), "{metrics}");

        DBN.sample(folder.path(), &["run", "-n", "3", "--out", "draws.npy"]).succeeds();
        assert_eq!(npy::read(&folder.path().join("draws.npy")).unwrap().shape, [3, 6]);
    }
}

fn number(metric: &Value) -> f64 {
    metric["value"].as_f64().unwrap_or_else(|| panic!("{metric}"))
}

/// Depth and kinds come from `model` alone: what the file leaves open about training does not matter.
#[test]
fn a_stack_of_any_depth_is_read_from_its_own_settings() {
    let folder = tempdir().unwrap();
    foreign(folder.path(), &stack(&[6, 5, 4, 3, 2], false, false, 2), json!({}));
    DBN.eval(folder.path(), &["run"]);
    DBN.sample(folder.path(), &["run", "-n", "3"]).succeeds();
}

#[test]
fn a_stack_of_one_layer_is_a_restricted_boltzmann_machine() {
    let folder = tempdir().unwrap();
    let settings = set(&["model.n_hidden=[9]", "train.up_down.epochs=0", "train.bound_draws=0"]);
    DBN.train(folder.path(), "stack", &settings);
    let rbm = folder.path().join("rbm");
    fs::create_dir(&rbm).unwrap();
    let config = json!({
        "experiment": "rbm",
        "data": { "name": "bars-and-stripes" },
        "model": { "n_visible": 16, "n_hidden": 9 },
    });
    fs::write(rbm.join("config.json"), config.to_string()).unwrap();
    let file = bytes(folder.path(), "stack/model.safetensors");
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    let renamed = file.iter().map(|(name, view)| (name.strip_prefix("layers.0.").unwrap().to_string(), view));
    fs::write(rbm.join("model.safetensors"), safetensors::serialize(renamed, None).unwrap()).unwrap();

    let stack = DBN.eval(folder.path(), &["stack", "--per-example", "stack.npy"]);
    let alone = RBM.eval(folder.path(), &["rbm", "--per-example", "rbm.npy"]);
    let [a, b] = ["stack.npy", "rbm.npy"].map(|file| doubles(&folder.path().join(file)));
    assert_close(&a, &b, 1e-12, "log_prob");
    let [a, b] = [stack, alone].map(|printed| printed["metrics"]["log_prob"].clone());
    assert_eq!([&a["kind"], &b["kind"]], ["exact", "exact"]);
    assert_eq!([a["std_err"].as_f64(), b["std_err"].as_f64()], [Some(0.0); 2]);
}

#[test]
fn a_large_top_gets_a_bracket_whose_upper_end_keeps_the_bound_a_lower_one() {
    let folder = tempdir().unwrap();
    let annealing = ["train.evaluation.chains=50", "train.evaluation.temperatures=200"];
    let settings = ["model.n_hidden=[24, 22]", "train.up_down.epochs=0"];
    DBN.train(folder.path(), "run", &set(&[settings, annealing].concat()));
    let metrics = summary(folder.path(), "run");
    let [lower, upper] = ["log_z_lower", "log_z_upper"].map(|name| &metrics[name]);
    assert_eq!((&lower["kind"], &upper["kind"]), (&json!("lower_bound"), &json!("asymptotic")));
    let error = |metric: &Value| metric["std_err"].as_f64().unwrap();
    assert!(error(lower) > 0.0 && error(upper) > 0.0, "{metrics}");
    let is_crossed = number(lower) > number(upper) + 4.0 * (error(lower) + error(upper));
    assert!(!is_crossed || metrics["log_prob"]["unreliable"].is_string(), "{metrics}");
    assert_eq!(metrics["log_z"]["unreliable"], metrics["log_prob"]["unreliable"]);
    assert_eq!(number(&metrics["log_z"]), number(upper));
    assert_eq!(metrics["log_prob"]["kind"], "lower_bound");
    assert!(error(&metrics["log_prob"]) >= error(upper), "{metrics}");
}

/// Grey values that training sees as they are become zeros and ones for the bound, always the same.
#[test]
fn the_bound_of_grey_data_says_how_they_were_made_binary() {
    let folder = tempdir().unwrap();
    let values = Noise::new(0, "values").uniform_vec(200 * 6);
    npy::write(&folder.path().join("grey.npy"), &values, &[200, 6]).unwrap();
    for (chosen, reported) in [("none", "fixed"), ("threshold", "threshold"), ("stochastic", "stochastic")] {
        let binarization = format!("data.binarization={chosen}");
        DBN.train(folder.path(), chosen, &set(&["data.name=grey.npy", &binarization]));
        assert_eq!(json(folder.path(), &format!("{chosen}/config.json"))["data"]["binarization"], chosen);
        let printed = DBN.eval(folder.path(), &[chosen]);
        assert_eq!(printed["metrics"]["log_prob"]["binarization"], reported);
        assert_eq!(printed, DBN.eval(folder.path(), &[chosen]));
    }
}

#[test]
fn labels_are_learned_told_apart_and_generated() {
    let folder = tempdir().unwrap();
    let settings = [
        "data.name=digits",
        "data.limit=null",
        "train.batch_size=250",
        "model.n_hidden=[32, 16]",
        "train.up_down.epochs=0",
        "train.learning_rate=0.3",
        "train.layers.0.average.decay=0",
        "train.layers.1.average.decay=0",
        "train.classifier.epochs=1",
        "train.classifier.learning_rate=0.01",
        "train.classifier.dropout=0",
        "train.classifier.average.decay=0",
        "train.baseline=true",
        "train.bound_draws=0",
    ];
    DBN.train(folder.path(), "run", &set(&settings));
    let metrics = summary(folder.path(), "run");
    for name in
        ["classification_error", "random_start_classification_error", "free_energy_classification_error"]
    {
        let metric = &metrics[name];
        assert_eq!((&metric["kind"], &metric["unit"]), (&json!("exact"), &json!("percent")), "{name}");
        // 10000 examples: a percentage of two decimals.
        let hundredths = 100.0 * number(metric);
        assert!(
            (hundredths - hundredths.round()).abs() < 1e-6 && metric["std_err"] == 0.0,
            "{name}: {metric}"
        );
    }
    assert!(number(&metrics["classification_error"]) < 60.0, "chance is 90: {metrics}");
    assert!(folder.path().join("run/baseline/model.safetensors").is_file());

    let sample = |further: &[&str]| DBN.sample(folder.path(), &[&["run"], further].concat());
    sample(&["--class", "3", "-n", "4", "--out", "threes.npy"]).succeeds();
    let threes = npy::read(&folder.path().join("threes.npy")).unwrap();
    assert_eq!(threes.shape, [4, 28, 28]);
    sample(&["--class", "5", "-n", "4", "--out", "fives.npy"]).succeeds();
    assert_ne!(npy::read(&folder.path().join("fives.npy")).unwrap().values, threes.values);
    sample(&["--class", "10"]).refuses(&["--class 10", "0 to 9"]);
    assert_eq!(sample(&["--class", "three"]).code, Some(2));

    fs::remove_dir_all(folder.path().join("run/baseline")).unwrap();
    let printed = DBN.eval(folder.path(), &["run"]);
    assert!(printed["metrics"]["classification_error"] == metrics["classification_error"]);
    assert!(printed["metrics"]["random_start_classification_error"].is_null(), "{printed}");
}

#[track_caller]
fn refused(settings: &[&str], expected: &[&str]) {
    let folder = tempdir().unwrap();
    let arguments = DBN.arguments("run", &[&["--quiet"], &set(settings)[..]].concat());
    DBN.run(folder.path(), arguments).refuses(expected);
    assert!(!folder.path().join("run").exists(), "a refused run left a folder");
}

#[test]
fn labels_that_are_not_there() {
    let expected = ["bars-and-stripes", "labels", "digits"];
    refused(&["train.classifier.epochs=1"], &[&["train.classifier.epochs"], &expected[..]].concat());
    refused(&["model.n_classes=3"], &[&["model.n_classes"], &expected[..]].concat());
    let folder = tempdir().unwrap();
    DBN.train(folder.path(), "run", &[]);
    DBN.sample(folder.path(), &["run", "--class", "1"]).refuses(&["--class 1", "no classes"]);
}

#[test]
fn stacks_that_cannot_be() {
    refused(&["model.n_hidden=[]"], &["model.n_hidden", "at least one layer"]);
    refused(&["model.n_hidden=[4, 0]"], &["layers.1", "n_hidden = 0"]);
    refused(&["model.n_hidden=3"], &["model.n_hidden", "3"]);
    refused(&["model.hidden=[]"], &["model.hidden", "at least one kind"]);
    refused(&["model.visible=labeled"], &["model.visible", "model.n_classes"]);
    refused(&["model.n_visible=9"], &["16", "9"]);
    refused(&["train.layers.0.start=mirrored"], &["train.layers.0.start", "random"]);
    refused(&["train.epochs=0", "train.up_down.epochs=0"], &["epochs are 0"]);
    refused(&["train.up_down.learning_rate=-1"], &["train.up_down.learning_rate", "-1"]);
    refused(&["train.up_down.top.sweeps=0"], &["train.up_down.top", "sweeps = 0"]);
    refused(&["train.classifier.dropout=1.5"], &["train.classifier.dropout = 1.5", "[0, 1)"]);
    refused(&["train.layers.1.optimizer.momentum=1"], &["train.layers.1.optimizer.momentum", "[0, 1)"]);
    refused(&["train.batch_size=0"], &["train.batch_size = 0"]);
}

/// What a later stage cannot take is refused before the first one begins.
#[test]
fn later_stages_are_checked_before_the_first_one() {
    let centered = [
        "model.hidden=[\"binary\", \"gaussian\"]",
        "train.up_down.top.centered=true",
        "train.layers.1.contrastive.centered=false",
    ];
    refused(&centered, &["train.up_down.top", "centered = true", "Gaussian"]);
    let settings = [
        "data.name=digits",
        "model.hidden=[\"gaussian\"]",
        "model.n_classes=0",
        "train.layers.0.contrastive.centered=false",
        "train.layers.1.contrastive.centered=false",
        "train.up_down.epochs=0",
        "train.classifier.epochs=1",
    ];
    refused(&settings, &["layer 0", "gaussian", "classifier", "binary"]);
}
