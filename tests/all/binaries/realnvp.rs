//! Normalizing flows as a user meets them.

use std::path::Path;

use gibbs_backend::Noise;
use gibbs_data::npy::{self, Array};
use serde_json::Value;
use tempfile::tempdir;

use super::{
    command::Outcome,
    density::{bent, mass},
    evaluation::doubles,
    family::REALNVP,
    json, set, summary, value,
};

/// Settings of a run of a second.
const SHORT: [&str; 4] =
    ["train.steps=60", "model.n_hidden=16", "model.n_layers=3", "train.learning_rate=0.01"];

fn run(folder: &Path, flags: &[&str]) -> Outcome {
    REALNVP.run(folder, [&["train", "run", "--preset", "tiny", "--quiet", "--overwrite"], flags].concat())
}

#[track_caller]
fn trained(folder: &Path, flags: &[&str]) -> Value {
    run(folder, &[&set(&SHORT)[..], flags].concat()).succeeds();
    summary(folder, "run")
}

#[test]
fn every_kind_of_flow_is_a_density_in_the_coordinates_of_the_data() {
    let folder = tempdir().unwrap();
    bent(folder.path(), 1.0, 0.0);
    for kind in ["nice", "realnvp", "spline", "maf", "spline_maf", "iaf"] {
        let kind = format!("model.kind={kind}");
        let metrics = trained(folder.path(), &["--data", "bent.npy", "--set", &kind]);
        assert_eq!(metrics["log_prob"]["kind"], "exact");
        let mass = mass(&REALNVP, folder.path(), [-6.0, 9.0], 150);
        assert!((mass - 1.0).abs() < 0.01, "{kind}: {mass}");
    }
}

#[test]
fn a_change_of_units_changes_the_density_by_its_factor() {
    let folder = tempdir().unwrap();
    let scales = [(1.0, 0.0), (1000.0, 5e4)].map(|(scale, shift)| {
        bent(folder.path(), scale, shift);
        value(&trained(folder.path(), &["--data", "bent.npy"]), "log_prob")
    });
    let expected = scales[0] - 2.0 * 1000f64.ln();
    // The shifted values have 5 digits less in f32.
    assert!((scales[1] - expected).abs() < 0.02, "{scales:?}");
}

#[test]
fn generated_sets_have_their_true_density() {
    let folder = tempdir().unwrap();
    let metrics = trained(folder.path(), &["--data", "moons"]);
    assert!(value(&metrics, "log_prob") < value(&metrics, "log_prob_true"), "{metrics}");
    for picture in ["samples.png", "density.png", "curves.png", "curves.svg"] {
        assert!(folder.path().join("run").join(picture).is_file(), "{picture}");
    }
    let flags = ["run", "--per-example", "values.npy"];
    let printed = REALNVP.eval(folder.path(), &flags);
    let values = doubles(&folder.path().join("values.npy"));
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    assert!((mean - value(&printed["metrics"], "log_prob")).abs() < 1e-9);
    assert_eq!(printed["metrics"], metrics);
}

#[test]
fn pictures_have_bits_and_classes() {
    let folder = tempdir().unwrap();
    let classes = set(&[
        "data.limit=null",
        "model.kind=realnvp",
        "model.n_classes=10",
        "train.steps=20",
        "train.epochs=1",
        "train.batch_size=2000",
    ]);
    let metrics = trained(folder.path(), &[&["--data", "digits"], &classes[..]].concat());
    let bits = 8.0 - value(&metrics, "log_prob") / (784.0 * std::f64::consts::LN_2);
    assert!((value(&metrics, "bits_per_dim") - bits).abs() < 1e-9, "{metrics}");
    assert_eq!(metrics["bits_per_dim"]["kind"], "upper_bound");
    assert!(value(&metrics, "log_prob_logit") < value(&metrics, "log_prob"));
    for picture in ["samples.png", "interpolation.png"] {
        assert!(folder.path().join("run").join(picture).is_file(), "{picture}");
    }
    let draw = |flags: &[&str]| {
        REALNVP
            .sample(folder.path(), &[&["run", "-n", "4", "--out", "draws.npy"], flags].concat())
            .succeeds();
        let file = npy::read(&folder.path().join("draws.npy")).unwrap();
        assert_eq!(file.shape, [4, 28, 28]);
        let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
        assert!(values.iter().all(|x| (0.0..=1.0).contains(x)));
        values
    };
    let threes = draw(&["--class", "3", "--seed", "1"]);
    assert_eq!(draw(&["--class", "3", "--seed", "1"]), threes);
    assert_ne!(draw(&["--class", "4", "--seed", "1"]), threes);
    assert_ne!(draw(&["--class", "3", "--seed", "2"]), threes);
    let modes = draw(&["--class", "3", "--temperature", "0"]);
    assert!(modes.chunks(784).all(|mode| mode == &modes[..784]));
    let refuses = |flags: &[&str], expected: &[&str]| {
        REALNVP.sample(folder.path(), &[&["run"], flags].concat()).refuses(expected);
    };
    refuses(&["--class", "10"], &["--class 10", "classes 0 to 9"]);
    refuses(&["--temperature", "-1"], &["--temperature -1"]);
}

/// Bars of any grey on a noisy ground, `[n, 8, 8]`.
fn bars(folder: &Path) {
    let (n, mut noise) = (400, Noise::new(0, "bars"));
    let pictures: Vec<u8> = (0..n)
        .flat_map(|_| {
            let (bar, grey) = ((noise.next_uniform() * 8.0) as usize, 100.0 + 150.0 * noise.next_uniform());
            let ground: Vec<f64> = (0..64).map(|_| 20.0 * noise.next_uniform()).collect();
            (0..64).map(move |i| if i % 8 == bar { grey as u8 } else { ground[i] as u8 })
        })
        .collect();
    npy::write(&folder.join("bars.npy"), &pictures, &[n, 8, 8]).unwrap();
}

#[test]
fn flows_of_pictures_train_and_draw() {
    let folder = tempdir().unwrap();
    bars(folder.path());
    let short = set(&["train.steps=40"]);
    let flags = [&["--data", "bars.npy"], &short[..]].concat();
    run(folder.path(), &flags).succeeds();
    let metrics = summary(folder.path(), "run");
    let bits = &metrics["bits_per_dim"];
    assert_eq!(bits["kind"], "upper_bound");
    // Uniform grey values have 8 bits, the ground of 20 levels has 4.3.
    assert!(bits["value"].as_f64().unwrap() < 7.5 && bits["std_err"].as_f64().unwrap() > 0.0, "{metrics}");
    for picture in ["samples.png", "interpolation.png", "curves.png"] {
        assert!(folder.path().join("run").join(picture).is_file(), "{picture}");
    }
    assert_eq!(REALNVP.eval(folder.path(), &["run"])["metrics"], metrics);
    REALNVP.sample(folder.path(), &["run", "-n", "4", "--out", "draws.npy"]).succeeds();
    assert_eq!(npy::read(&folder.path().join("draws.npy")).unwrap().shape, [4, 8, 8]);
    let model = &json(folder.path(), "run/config.json")["model"];
    assert_eq!(model["kind"], "image_spline");
    assert_eq!(model["image"]["shape"], serde_json::json!([8, 8]));
    let refuses = |settings: &[&str], expected: &[&str]| {
        run(folder.path(), &[&flags[..], &set(settings)[..]].concat()).refuses(expected);
    };
    refuses(&["model.image.widths=[8,8,8,8]"], &["1 by 1", "must be even"]);
    refuses(&["model.image.shape=[7,8]"], &["model.image.shape = [7, 8]", "64 columns"]);
    refuses(&["model.image.bottleneck=0"], &["bottleneck = 0"]);
}

#[test]
fn what_has_no_density_is_refused() {
    let folder = tempdir().unwrap();
    let refuses = |flags: &[&str], expected: &[&str]| {
        run(folder.path(), flags).refuses(expected);
        assert!(!folder.path().join("run").exists(), "a refused run left a folder: {flags:?}");
    };
    refuses(&["--data", "bars-and-stripes"], &["bars-and-stripes", "zeros and ones"]);
    let constant: Vec<f32> = (0..30).flat_map(|i| [i as f32, 2.5]).collect();
    npy::write(&folder.path().join("constant.npy"), &constant, &[30, 2]).unwrap();
    refuses(&["--data", "constant.npy"], &["constant.npy", "column 1 is 2.5"]);
    let single: Vec<f32> = (0..30).map(|i| (i * i) as f32).collect();
    npy::write(&folder.path().join("single.npy"), &single, &[30, 1]).unwrap();
    refuses(&["--data", "single.npy", "--set", "model.kind=realnvp"], &["at least 2 columns", "maf"]);
    npy::write(&folder.path().join("nan.npy"), &[&constant[..58], &[f32::NAN, 1.0]].concat(), &[30, 2])
        .unwrap();
    refuses(&["--data", "nan.npy"], &["nan.npy", "NaN"]);
    refuses(&["--data", "moons", "--set", "model.n_layers=1"], &["model", "variable"]);
    refuses(&["--data", "moons", "--set", "model.bins=1"], &["bins", "1"]);
    refuses(&["--data", "moons", "--set", "model.bound=-1"], &["bound", "-1"]);
    refuses(&["--data", "moons", "--set", "model.kind=glow"], &["model.kind", "glow"]);
    refuses(
        &[
            "--data",
            "moons",
            "--set",
            "model.n_classes=2",
            "--set",
            "model.preprocessing.kind=logit",
            "--set",
            "model.preprocessing.margin=1e-6",
        ],
        &["moons"],
    );
}

/// A rate at which the second epoch leaves the numbers: the best weights so far stay, and can be measured.
#[test]
fn training_that_diverges_stops_with_its_last_good_weights() {
    let folder = tempdir().unwrap();
    bent(folder.path(), 1.0, 0.0);
    let rate = r#"train.learning_rate={"kind":"piecewise","points":[[0,0.01],[30,1e30]],"linear":false}"#;
    let settings = [
        "model.base=null",
        "train.epochs=20",
        "train.batch_size=100",
        "train.average.decay=0",
        "train.validate_every_steps=0",
        rate,
    ];
    let outcome = run(folder.path(), &[&["--data", "bent.npy"], &set(&SHORT)[..], &set(&settings)].concat());
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("model.safetensors holds the weights of step"), "{}", outcome.stderr);
    let printed = REALNVP.eval(folder.path(), &["run", "--data", "bent.npy"]);
    assert!(value(&printed["metrics"], "log_prob").is_finite(), "{printed}");
}
