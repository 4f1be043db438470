//! Restricted Boltzmann machines with a label, as a user meets them.

use gibbs_backend::Noise;
use gibbs_data::npy::{self, Array};
use tempfile::tempdir;

use super::{RBM, json};

/// Three classes of eight bits, of which one in ten is turned over.
#[test]
fn a_label_is_learned_measured_and_held() {
    let folder = tempdir().unwrap();
    let uniform = Noise::new(1, "bits").uniform_vec(600 * 8);
    let is_on = |class: usize, bit: usize| [bit < 4, bit >= 4, bit.is_multiple_of(2)][class];
    let bit = |i: usize| u8::from(is_on(i / 8 % 3, i % 8) != (uniform[i] < 0.1));
    let labels: Vec<u8> = (0..600).map(|i| (i % 3) as u8).collect();
    npy::write(&folder.path().join("x.npy"), &(0..4800).map(bit).collect::<Vec<_>>(), &[600, 8]).unwrap();
    npy::write(&folder.path().join("y.npy"), &labels, &[600]).unwrap();
    let settings = ["model.n_hidden=12", "train.epochs=1000", "train.validate_every_epochs=500"];
    let data = ["train", "run", "--data", "x.npy", "--labels", "y.npy", "--preset", "tiny", "--quiet"];
    RBM.run(folder.path(), [&data[..], &super::set(&settings)].concat()).succeeds();
    let model = json(folder.path(), "run/config.json")["model"].clone();
    assert_eq!((&model["n_visible"], &model["states"]), (&11.into(), &3.into()));

    let metrics = RBM.eval(folder.path(), &["run"])["metrics"].clone();
    assert_eq!(
        (&metrics["log_prob"]["kind"], &metrics["log_prob"]["of"]),
        (&"exact".into(), &"example and label".into())
    );
    // Eight independent bits of entropy 0.325, and a third for each class.
    let truth = -(8.0 * 0.3251 + 3f64.ln());
    let log_prob = metrics["log_prob"]["value"].as_f64().unwrap();
    assert!((log_prob - truth).abs() < 0.5, "{log_prob}, {truth}");
    let error = metrics["classification_error"]["value"].as_f64().unwrap();
    assert!(error < 15.0, "{error}");

    let flags = ["sample", "run", "--class", "1", "-n", "50", "--sweeps", "50", "--out", "draws.npy"];
    RBM.run(folder.path(), flags).succeeds();
    let file = npy::read(&folder.path().join("draws.npy")).unwrap();
    let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
    assert_eq!(values.len(), 50 * 8);
    let right = (0..values.len()).filter(|&i| (values[i] > 0.5) == is_on(1, i % 8)).count();
    assert!(right > 50 * 8 * 8 / 10, "{right} of 400");
    RBM.run(folder.path(), ["sample", "run", "--class", "3"]).refuses(&["--class 3", "0 to 2"]);
    std::fs::copy(folder.path().join("x.npy"), folder.path().join("other.npy")).unwrap();
    RBM.run(folder.path(), ["eval", "run", "--data", "other.npy"]).refuses(&["other.npy", "no labels"]);
}

/// Four of a hundred bits are on: with the default penalty their weights grow.
#[test]
fn weights_of_rare_bits_grow() {
    let folder = tempdir().unwrap();
    let uniform = Noise::new(2, "words").uniform_vec(2000 * 60);
    let word = |i: usize| u8::from(uniform[i] < if i / 60 % 5 == i % 60 / 12 { 0.2 } else { 0.005 });
    let words: Vec<u8> = (0..2000 * 60).map(word).collect();
    npy::write(&folder.path().join("words.npy"), &words, &[2000, 60]).unwrap();
    let data = ["train", "run", "--data", "words.npy", "--quiet"];
    let settings = ["model.n_hidden=8", "train.steps=30000", "train.batch_size=10"];
    RBM.run(folder.path(), [&data[..], &super::set(&settings)].concat()).succeeds();
    let found = RBM.eval(folder.path(), &["run"])["metrics"]["log_prob"].clone();
    let n = 200 * 60;
    let test = &words[words.len() - n..];
    // Independent bits with the frequencies of the whole file.
    let independent: f64 = (0..n)
        .map(|i| {
            let on = words.iter().skip(i % 60).step_by(60).filter(|x| **x == 1).count() as f64 / 2000.0;
            (if test[i] == 1 { on } else { 1.0 - on }).ln() / 200.0
        })
        .sum();
    let found = found["value"].as_f64().unwrap();
    assert!(found > independent + 0.5, "{found}, {independent}");
}

/// Solutions of the mean-field equations are drawn on request, where visible units have two values.
#[test]
fn mean_field_solutions_are_drawn() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    RBM.train(folder, "plain", &[]);
    assert!(!folder.join("plain/tap.png").exists());
    RBM.train(folder, "run", &super::set(&["train.tap=20"]));
    assert!(super::bytes(folder, "run/tap.png").starts_with(b"\x89PNG"));
    let table: Vec<f32> = Noise::new(3, "table").normal_vec(600);
    npy::write(&folder.join("table.npy"), &table, &[200, 3]).unwrap();
    let data = ["train", "real", "--data", "table.npy", "--preset", "tiny", "--quiet"];
    let settings = super::set(&["model.visible=gaussian", "train.tap=20"]);
    RBM.run(folder, [&data[..], &settings].concat()).refuses(&["train.tap = 20", "these are gaussian"]);
}
