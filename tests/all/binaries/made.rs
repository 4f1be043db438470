//! Autoregressive models as a user meets them.

use std::fs;
use std::path::Path;

use gibbs_backend::Noise;
use gibbs_data::npy::{self, Array};
use gibbs_testkit::{check_follows, check_normalized};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::{MADE, bytes, command::Outcome, evaluation::doubles, json, set, summary, value};
use crate::golden::{
    autoregressive::{cases, states, width},
    numbers,
};
use crate::support::assert_close;

/// Settings of every kind of model.
const KINDS: [(&str, &[&str]); 5] = [
    ("made", &["model.n_hidden=[16, 12]"]),
    ("masks", &["model.n_masks=3", "model.order=random", "model.degrees=random", "train.masks=drawn"]),
    ("nade", &["model.kind=nade", "model.activation=sigmoid"]),
    ("nade in a random order", &["model.kind=nade", "model.activation=tanh", "model.order=random"]),
    ("transformer", &["model.kind=transformer", "model.d_model=16", "model.n_layers=1"]),
];

/// A short run.
fn trained(settings: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    MADE.train(folder.path(), "run", &set(settings));
    folder
}

/// Pictures that `sample` writes.
#[track_caller]
fn draws(folder: &Path, run: &str, flags: &[&str]) -> Vec<Vec<f32>> {
    MADE.sample(folder, &[&[run, "--out", "draws.npy"], flags].concat()).succeeds();
    let file = npy::read(&folder.join("draws.npy")).unwrap();
    let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
    values.chunks(file.shape[1..].iter().product()).map(<[f32]>::to_vec).collect()
}

/// The test examples, each pattern of bars and stripes once.
fn patterns() -> Vec<Vec<f32>> {
    let test = gibbs_data::bars::bars_and_stripes(4).unwrap().test;
    (0..test.len()).map(|row| test.values(&[row])).collect()
}

#[test]
fn the_probabilities_of_all_states_sum_to_one() {
    let folder = tempdir().unwrap();
    npy::write(&folder.path().join("states.npy"), &states(16), &[1 << 16, 16]).unwrap();
    for (run, settings) in KINDS {
        MADE.train(folder.path(), run, &set(settings));
        let flags = [run, "--data", "states.npy", "--split", "all", "--per-example", "values.npy"];
        let log_prob = MADE.eval(folder.path(), &flags)["metrics"]["log_prob"].clone();
        let orderings = if run == "masks" { 3 } else { 1 };
        assert_eq!(
            (&log_prob["kind"], &log_prob["orderings"]),
            (&json!("exact"), &json!(orderings)),
            "{run}"
        );
        check_normalized(&doubles(&folder.path().join("values.npy")), 2e-5);
    }
}

/// A folder with the weights of a case of the reference values and the least configuration that names them.
fn foreign(folder: &Path, case: &Value) {
    fs::create_dir(folder.join("run")).unwrap();
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> =
        case["tensors"].as_object().unwrap().iter().map(tensor).collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    fs::write(folder.join("run/model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    let mut model = case["model"].clone();
    // What the kind is known for, or the weights show, need not be said.
    for key in ["activation", "direct"] {
        model.as_object_mut().unwrap().remove(key);
    }
    model["n_visible"] = json!(width(case));
    let config = json!({ "experiment": "made", "data": { "name": "states.npy" }, "model": model });
    fs::write(folder.join("run/config.json"), config.to_string()).unwrap();
    npy::write(&folder.join("states.npy"), &states(width(case)), &[1 << width(case), width(case)]).unwrap();
}

/// Name, shape and bytes.
fn tensor((name, values): (&String, &Value)) -> (String, Vec<usize>, Vec<u8>) {
    let rows = values.as_array().unwrap();
    let columns = rows[0].as_array().map(Vec::len);
    let bytes = numbers(values).into_iter().flat_map(|value| (value as f32).to_le_bytes()).collect();
    (name.clone(), [rows.len()].into_iter().chain(columns).collect(), bytes)
}

#[test]
fn weights_made_elsewhere_have_the_distribution_that_another_program_computed() {
    for case in cases() {
        let folder = tempdir().unwrap();
        foreign(folder.path(), &case);
        let what = case["model"].to_string();
        let log_probs = numbers(&case["log_prob"]);
        let printed = MADE.eval(folder.path(), &["run", "--split", "all", "--per-example", "values.npy"]);
        let found = doubles(&folder.path().join("values.npy"));
        // Logits of up to 15 in single precision.
        assert_close(&found, &log_probs, 2e-5, &what);
        let mean = log_probs.iter().sum::<f64>() / log_probs.len() as f64;
        let metric = value(&printed["metrics"], "log_prob");
        assert_close(&[metric], &[mean], 2e-5, &what);

        let distribution: Vec<f64> = log_probs.iter().map(|log_prob| log_prob.exp()).collect();
        let state = |row: &Vec<f32>| (0..row.len()).map(|d| (row[d] as usize) << d).sum();
        let draws: Vec<usize> = draws(folder.path(), "run", &["-n", "4000"]).iter().map(state).collect();
        check_follows(&draws, &distribution);
    }
}

#[test]
fn draws_of_every_kind_are_states() {
    for (kind, settings) in KINDS {
        let folder = trained(settings);
        let draws = draws(folder.path(), "run", &["-n", "30"]);
        assert_eq!((draws.len(), draws[0].len()), (30, 16), "{kind}");
        let values = draws.concat();
        assert!(values.iter().all(|&x| x == 0.0 || x == 1.0), "{kind}: {values:?}");
        assert!(values.contains(&0.0) && values.contains(&1.0), "{kind}");
    }
}

/// Checks that the pixels of the test examples that are given stay and that others are drawn.
#[track_caller]
fn completes(folder: &Path, flags: &[&str], given: impl Fn(usize) -> bool) {
    let completed = draws(folder, "run", &[flags, &["-n", "30"]].concat());
    let (kept, drawn): (Vec<usize>, Vec<usize>) = (0..16).partition(|&pixel| given(pixel));
    let mut changed = 0;
    for (row, (picture, example)) in completed.iter().zip(patterns()).enumerate() {
        let differs = |pixel: &&usize| picture[**pixel] != example[**pixel];
        assert_eq!(kept.iter().find(differs), None, "{flags:?}, example {row}: {picture:?}");
        changed += drawn.iter().filter(differs).count();
    }
    assert_eq!(changed > 0, !drawn.is_empty(), "{flags:?}: {changed} pixels are not those of the examples");
}

#[test]
fn the_first_variables_of_the_order_stay() {
    let natural = trained(&[]);
    completes(natural.path(), &["--prefix", "0"], |_| false);
    completes(natural.path(), &["--prefix", "5"], |pixel| pixel < 5);
    completes(natural.path(), &["--prefix", "16"], |_| true);
    completes(natural.path(), &["--given", "upper"], |pixel| pixel < 8);
    let backwards = "model.order=[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]";
    for kind in ["model.kind=made", "model.kind=nade"] {
        let folder = trained(&[kind, backwards]);
        completes(folder.path(), &["--prefix", "5"], |pixel| pixel >= 11);
        completes(folder.path(), &["--given", "lower"], |pixel| pixel >= 8);
    }
    let transformer = trained(KINDS[4].1);
    completes(transformer.path(), &["--prefix", "5"], |pixel| pixel < 5);
}

/// A model of many orders takes any pixels first.
#[test]
fn any_half_stays_where_many_orders_are_trained() {
    let folder = trained(&["model.n_masks=3", "model.order=random"]);
    completes(folder.path(), &["--given", "upper"], |pixel| pixel < 8);
    completes(folder.path(), &["--given", "lower"], |pixel| pixel >= 8);
    completes(folder.path(), &["--given", "left"], |pixel| pixel % 4 < 2);
    completes(folder.path(), &["--given", "right"], |pixel| pixel % 4 >= 2);
}

/// Levels, and real numbers.
#[test]
fn every_distribution_of_a_variable_is_trained_measured_and_sampled() {
    let folder = tempdir().unwrap();
    let uniform = Noise::new(0, "values").uniform_vec(200 * 6);
    let real: Vec<f32> = uniform.iter().map(|u| 20.0 * u - 7.0).collect();
    for (name, values) in [("unit.npy", &uniform), ("real.npy", &real)] {
        npy::write(&folder.path().join(name), values, &[200, 6]).unwrap();
    }
    let levels = ["data.name=unit.npy", "model.output.kind=categorical", "model.output.levels=5"];
    let mixture = ["data.name=real.npy", "model.output.kind=gaussian_mixture", "model.output.components=2"];
    for (kind, further) in KINDS {
        for (distribution, settings) in [("levels", levels), ("mixture", mixture)] {
            let run = format!("{distribution} {kind}");
            MADE.train(folder.path(), &run, &set(&[further, &settings].concat()));
            let metrics = MADE.eval(folder.path(), &[&run])["metrics"].clone();
            let value = |name: &str| metrics[name]["value"].as_f64().unwrap();
            assert!(
                value("log_prob").is_finite() && metrics["log_prob"]["kind"] == "exact",
                "{run}: {metrics}"
            );
            let draws = draws(folder.path(), &run, &["-n", "50"]).concat();
            match distribution {
                "levels" => {
                    let bits = -value("log_prob") / (6.0 * 2f64.ln());
                    assert_close(&[value("bits_per_dim")], &[bits], 1e-9, &run);
                    assert!(
                        draws.iter().all(|x| [0.0, 0.25, 0.5, 0.75, 1.0].contains(x)),
                        "{run}: {draws:?}"
                    );
                }
                _ => assert!(draws.iter().any(|x| !(0.0..=1.0).contains(x)), "{run}: {draws:?}"),
            }
        }
    }
}

/// Settings of a model of digits given their class.
const CLASSES: [&str; 6] = [
    "data.name=digits",
    "data.limit=null",
    "train.batch_size=500",
    "train.epochs=1",
    "model.n_hidden=8",
    "model.n_classes=10",
];

#[test]
fn digits_are_drawn_by_their_class() {
    let folder = trained(&CLASSES);
    let log_prob = &summary(folder.path(), "run")["log_prob"];
    assert_eq!((&log_prob["given"], &log_prob["binarization"]), (&json!("class"), &json!("stochastic")));
    let of = |class: &str| draws(folder.path(), "run", &["-n", "20", "--class", class]);
    let three = of("3");
    assert_eq!((three.len(), three[0].len()), (20, 784));
    assert_eq!(of("3"), three);
    assert_ne!(of("8"), three, "the class does not matter");
    // All classes in turn, with the same noise: the draws of class 3 are the fourth tenth.
    let all = draws(folder.path(), "run", &["-n", "20"]);
    assert_eq!(all[6..8], three[6..8]);
    assert_ne!(all[8..10], three[8..10]);

    let sample = |flags: &[&str]| MADE.sample(folder.path(), &[&["run"], flags].concat());
    sample(&["--class", "10"]).refuses(&["--class 10", "0 to 9"]);
    sample(&["--prefix", "785"]).refuses(&["--prefix 785", "784"]);
    npy::write(&folder.path().join("no-labels.npy"), &[1u8; 7840], &[10, 784]).unwrap();
    let flags = ["eval", "run", "--data", "no-labels.npy", "--split", "all"];
    MADE.run(folder.path(), flags).refuses(&["no-labels.npy", "no labels", "n_classes"]);
}

/// A short run with these settings, which come to nothing.
#[track_caller]
fn refused(settings: &[&str], expected: &[&str]) {
    let folder = tempdir().unwrap();
    let arguments = MADE.arguments("run", &[&["--quiet"], &set(settings)[..]].concat());
    MADE.run(folder.path(), arguments).refuses(expected);
    assert!(!folder.path().join("run").exists(), "a refused run left a folder");
}

#[test]
fn settings_out_of_range() {
    for kind in ["model.kind=made", "model.kind=nade", "model.kind=transformer"] {
        refused(&[kind, "model.n_hidden=0"], &["model.n_hidden", "at least 1"]);
    }
    refused(&["model.n_hidden=[4, 0]"], &["model.n_hidden", "at least 1"]);
    refused(&["model.kind=nade", "model.n_hidden=[8, 8]"], &["model.n_hidden", "[8,8]", "whole number"]);
    refused(&["model.kind=nade", "model.n_masks=4"], &["model.n_masks"]);
    refused(&["model.n_masks=0"], &["model.n_masks = 0", "at least 1"]);
    refused(&["model.kind=maid"], &["model.kind", "maid", "made", "nade"]);
    refused(&["model.activation=sine"], &["model.activation", "sine", "relu"]);
    refused(
        &["model.output.kind=categorical", "model.output.levels=1"],
        &["model.output.levels = 1", "at least 2"],
    );
    refused(
        &["model.output.kind=gaussian_mixture", "model.output.components=0"],
        &["model.output.components = 0", "at least 1"],
    );
    refused(&["model.dropout=1.0"], &["dropout", "1"]);
    refused(&["train.optimizer.weight_decay=-1"], &["weight_decay", "-1"]);
    refused(&["train.average.decay=1.5"], &["train.average.decay = 1.5"]);
    refused(&["model.n_classes=2"], &["bars-and-stripes", "no labels", "n_classes"]);
    // Before training, whatever is done to the values.
    for binarization in ["none", "stochastic"] {
        let binarization = format!("data.binarization={binarization}");
        let settings =
            ["data.name=digits", "model.n_classes=3", "model.output.kind=categorical", &binarization];
        refused(&settings, &["digits", "label", "n_classes"]);
    }
}

#[test]
fn orders_that_are_no_permutations() {
    let sixteen =
        |last: &str| format!("model.order=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, {last}]");
    for kind in ["model.kind=made", "model.kind=nade", "model.kind=transformer"] {
        refused(&[kind, &sixteen("4")], &["model.order.15 = 4", "permutation"]);
        refused(&[kind, &sixteen("16")], &["model.order.15 = 16"]);
        refused(&[kind, "model.order=[0, 1, 2]"], &["model.order", "16 variables"]);
        refused(&[kind, "model.order=sorted"], &["model.order", "sorted", "natural"]);
        refused(&[kind, &sixteen("-1")], &["model.order", "-1"]);
    }
}

#[test]
fn values_that_the_variables_do_not_have() {
    let folder = tempdir().unwrap();
    let grey: Vec<f32> = (0..20 * 16).map(|i| if i == 100 { 0.5 } else { 1.0 }).collect();
    let write = |name: &str, values: &[f32]| {
        npy::write(&folder.path().join(name), values, &[values.len() / 16, 16]).unwrap();
    };
    write("grey.npy", &grey);
    write("wild.npy", &[1e3; 320]);
    let train = |settings: &[&str]| {
        MADE.run(folder.path(), MADE.arguments("refused", &[&["--quiet"], &set(settings)[..]].concat()))
    };
    let as_it_is = ["data.name=grey.npy", "data.binarization=none"];
    train(&as_it_is).refuses(&["grey.npy", "0.5", "variable 4", "example 6", "data.binarization"]);
    train(&["data.name=wild.npy", "model.output.kind=categorical"]).refuses(&["wild.npy", "1000", "[0, 1]"]);

    MADE.train(folder.path(), "run", &[]);
    let eval = MADE.run(folder.path(), ["eval", "run", "--data", "grey.npy", "--split", "all"]);
    eval.refuses(&["grey.npy", "0.5", "variable 4", "example 6", "data.binarization"]);
    npy::write(&folder.path().join("narrow.npy"), &[1u8; 180], &[20, 9]).unwrap();
    MADE.run(folder.path(), ["eval", "run", "--data", "narrow.npy"]).refuses(&["narrow.npy", "9", "16"]);
}

#[test]
fn draws_that_the_model_cannot_make() {
    let folder = trained(&[]);
    let sample = |flags: &[&str]| -> Outcome { MADE.sample(folder.path(), &[&["run"], flags].concat()) };
    sample(&["--prefix", "17"]).refuses(&["--prefix 17", "16"]);
    sample(&["--class", "0"]).refuses(&["--class", "model.n_classes = 0"]);
    for half in ["lower", "left", "right"] {
        sample(&["--given", half]).refuses(&["order", "--prefix", "model.n_masks"]);
    }
    assert!(!folder.path().join("run/samples.npy").exists());
    let clash = sample(&["--prefix", "3", "--given", "upper"]);
    assert_eq!((clash.code, clash.stdout.as_str()), (Some(2), ""), "{}", clash.stderr);
    assert!(clash.stderr.starts_with("error: ") && clash.stderr.contains("--given"), "{}", clash.stderr);
}

/// The settings of a kind that are left open are filled in, and stand in the configuration.
#[test]
fn what_is_left_to_the_kind_is_in_the_configuration() {
    for (kind, activation) in [("made", "relu"), ("nade", "sigmoid"), ("transformer", "silu")] {
        let folder = tempdir().unwrap();
        let flags = ["train", "run", "--data", "bars-and-stripes", "--preset", "tiny", "--quiet"];
        let settings = [format!("model.kind={kind}"), "train.epochs=1".into()];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        MADE.run(folder.path(), [&flags[..], &set(&settings)].concat()).succeeds();
        let config: Value = serde_json::from_slice(&bytes(folder.path(), "run/config.json")).unwrap();
        assert_eq!(config["model"]["activation"], activation);
        assert!(
            !config["model"]["n_hidden"].is_null() && !config["train"]["learning_rate"].is_null(),
            "{config}"
        );
    }
}

/// Bits, levels from 3 to 6, and real numbers of another scale.
#[test]
fn columns_of_a_table_get_distributions_of_their_own() {
    let folder = tempdir().unwrap();
    let uniform = Noise::new(3, "table").uniform_vec(300 * 3);
    let row = |u: &[f32]| [f32::from(u8::from(u[0] < 0.3)), 3.0 + (4.0 * u[1]).floor(), 500.0 * u[2] - 80.0];
    let rows: Vec<f32> = uniform.chunks(3).flat_map(row).collect();
    npy::write(&folder.path().join("table.npy"), &rows, &[300, 3]).unwrap();
    let mut other = rows[..30].to_vec();
    other[4] = 8.0;
    npy::write(&folder.path().join("other.npy"), &other, &[10, 3]).unwrap();
    let train = |run: &str, settings: &[&str]| {
        let further = [&["--data", "table.npy", "--quiet"], &set(settings)[..]].concat();
        let arguments = [&["train", run, "--preset", "tiny"], &further[..]].concat();
        MADE.run(folder.path(), arguments)
    };
    for kind in ["model.kind=made", "model.kind=nade"] {
        for outputs in [&["model.outputs=auto"], &[][..]] {
            let run = format!("{kind} {}", outputs.len());
            train(&run, &[&[kind], outputs].concat()).succeeds();
            let columns = &json(folder.path(), &format!("{run}/config.json"))["model"]["output"]["columns"];
            let kinds: Vec<&Value> = (0..3).map(|k| &columns[k]["kind"]).collect();
            assert_eq!(kinds, ["bernoulli", "categorical", "gaussian_mixture"]);
            assert_eq!(columns[1]["levels"], 4);
            let log_prob = MADE.eval(folder.path(), &[&run])["metrics"]["log_prob"].clone();
            assert_eq!(log_prob["of"], "mass of the discrete columns times density of the real ones");
            // Independent columns: two discrete entropies, and a uniform density on 500.
            let truth = -(0.6109 + 4f64.ln() + 500f64.ln());
            let found = log_prob["value"].as_f64().unwrap();
            assert!((found - truth).abs() < 1.0, "{run}: {found}, {truth}");
            for row in draws(folder.path(), &run, &["-n", "40"]) {
                let is_level = (3.0..=6.0).contains(&row[1]) && row[1].fract() == 0.0;
                assert!([0.0, 1.0].contains(&row[0]) && is_level && row[2].fract() != 0.0, "{run}: {row:?}");
            }
        }
    }
    let eval = ["eval", "model.kind=made 1", "--data", "other.npy", "--split", "all"];
    MADE.run(folder.path(), eval).refuses(&["other.npy", "8", "column 1", "example 1", "3 to 6"]);
    train("kinds", &["model.outputs=gaussian_mixture"]).succeeds();
    assert_eq!(json(folder.path(), "kinds/config.json")["model"]["output"]["kind"], "gaussian_mixture");
    train("transformer", &["model.kind=transformer"]).refuses(&["model.output.kind", "made or nade"]);
    npy::write(&folder.path().join("table.npy"), &[7f32; 90], &[30, 3]).unwrap();
    train("constant", &["model.outputs=auto"]).refuses(&["table.npy", "column 0", "7"]);
}

/// `y` is `x` with little noise; `x` has a large offset and scale.
#[test]
fn real_numbers_condition_a_model() {
    let folder = tempdir().unwrap();
    let normal = Noise::new(4, "context").normal_vec(600 * 2);
    let x: Vec<f32> = normal[..600].iter().map(|z| 1000.0 + 300.0 * z).collect();
    let y: Vec<f32> = (0..600).map(|i| normal[i] + 0.1 * normal[600 + i]).collect();
    for (name, values) in [("x.npy", &x), ("y.npy", &y)] {
        npy::write(&folder.path().join(name), values, &[600, 1]).unwrap();
    }
    npy::write(&folder.path().join("two.npy"), &[700f32, 1300.0], &[2, 1]).unwrap();
    npy::write(&folder.path().join("wide.npy"), &[0f32; 4], &[2, 2]).unwrap();
    let kind = ["model.output.kind=gaussian_mixture", "train.steps=1500"];
    for network in ["model.kind=made", "model.kind=nade"] {
        let settings = set(&[&[network], &kind[..]].concat());
        let data = ["train", network, "--data", "y.npy", "--context", "x.npy", "--preset", "tiny", "--quiet"];
        MADE.run(folder.path(), [&data[..], &settings].concat()).succeeds();
        let log_prob = MADE.eval(folder.path(), &[network])["metrics"]["log_prob"].clone();
        assert_eq!(log_prob["given"], "context");
        // The entropy of the noise, 0.1: a model without the context is worse by ln 10.
        let truth = -(0.5 * (std::f64::consts::TAU * std::f64::consts::E).ln() + 0.1f64.ln());
        let found = log_prob["value"].as_f64().unwrap();
        assert!((found - truth).abs() < 0.5, "{network}: {found}, {truth}");
        let drawn = draws(folder.path(), network, &["-n", "200", "--context", "two.npy"]).concat();
        for (i, want) in [-1.0, 1.0].into_iter().enumerate() {
            let own = &drawn[200 * i..200 * (i + 1)];
            let mean = own.iter().sum::<f32>() / own.len() as f32;
            assert!((mean - want).abs() < 0.15, "{network}: {mean}, {want}");
        }
    }
    let sample = |flags: &[&str]| MADE.sample(folder.path(), &[&["model.kind=made"], flags].concat());
    sample(&["--class", "0"]).refuses(&["--class", "--context FILE"]);
    sample(&["--context", "wide.npy"]).refuses(&["wide.npy", "2", "1"]);
    // The file of the run keeps its contexts; another file needs some.
    std::fs::copy(folder.path().join("y.npy"), folder.path().join("other.npy")).unwrap();
    let eval = |file| ["eval", "model.kind=made", "--data", file, "--split", "all"];
    MADE.run(folder.path(), eval("y.npy")).succeeds();
    MADE.run(folder.path(), eval("other.npy")).refuses(&["other.npy", "--context FILE"]);
}
