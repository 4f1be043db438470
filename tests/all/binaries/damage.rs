//! Damaged weights, configurations and checkpoints.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use super::{SHORT, bytes, command::Outcome, rbm, train, weights};

/// Replaces a file by what `change` makes of it.
fn change(folder: &Path, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    fs::write(folder.join(name), change(bytes(folder, name))).unwrap();
}

fn resume(folder: &Path, further: &[&str]) -> Outcome {
    let arguments = ["train", "run", "--resume", "--quiet"].into_iter().chain(SHORT);
    rbm(folder, arguments.chain(further.iter().copied()))
}

#[test]
fn damaged_weights_are_named() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    let whole = weights(folder.path(), "run");
    let with_nan = [&whole[..whole.len() - 4], &f32::NAN.to_le_bytes()].concat();
    let renamed = String::from_utf8_lossy(&whole[8..200]).replace("hidden.bias", "hidden.gain");
    let renamed = [&whole[..8], &renamed.as_bytes()[..192], &whole[200..]].concat();
    let damaged: [(&[u8], &str); 6] = [
        (&whole[..whole.len() - 1], "safetensors"),
        (&whole[..20], "safetensors"),
        (b"", "safetensors"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f a header of that length", "safetensors"),
        (&with_nan, "NaN"),
        (&renamed, "hidden.bias"),
    ];
    for (bytes, told) in damaged {
        fs::write(folder.path().join("run/model.safetensors"), bytes).unwrap();
        for command in ["eval", "sample"] {
            rbm(folder.path(), [command, "run"]).refuses(&["run/model.safetensors", told]);
        }
    }
    fs::remove_file(folder.path().join("run/model.safetensors")).unwrap();
    rbm(folder.path(), ["eval", "run"]).refuses(&["run/model.safetensors"]);
}

#[test]
fn weights_that_do_not_fit_the_configuration_are_named() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &["--set", "model.n_hidden=12"]);
    change(folder.path(), "run/config.json", |text| {
        String::from_utf8(text).unwrap().replace("\"n_hidden\": 12", "\"n_hidden\": 13").into_bytes()
    });
    rbm(folder.path(), ["eval", "run"]).refuses(&["run/model.safetensors", "weight", "[16, 12]", "[16, 13]"]);
}

#[test]
fn damaged_configurations_are_named() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    let whole = bytes(folder.path(), "run/config.json");
    let edited = |from: &str, to: &str| {
        let text = String::from_utf8(whole.clone()).unwrap();
        assert!(text.contains(from));
        text.replace(from, to).into_bytes()
    };
    for (bytes, told) in [
        (whole[..whole.len() / 2].to_vec(), "run/config.json"),
        (Vec::new(), "run/config.json"),
        (b"[]".to_vec(), "run/config.json"),
        (edited("\"n_hidden\"", "\"n_hiden\""), "n_hidden"),
        (edited("\"visible\": \"binary\"", "\"visible\": \"ternary\""), "ternary"),
    ] {
        fs::write(folder.path().join("run/config.json"), bytes).unwrap();
        rbm(folder.path(), ["eval", "run"]).refuses(&[told]);
    }
}

/// `eval` takes the width from the data; `sample` has none.
#[test]
fn a_configuration_without_a_width_cannot_be_sampled() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    change(folder.path(), "run/config.json", |text| {
        String::from_utf8(text).unwrap().replace("\"n_visible\": 16", "\"n_visible\": null").into_bytes()
    });
    rbm(folder.path(), ["eval", "run"]).succeeds();
    rbm(folder.path(), ["sample", "run"]).refuses(&["model.n_visible", "width"]);
}

/// A checkpoint that lacks a byte, or differs in a single bit anywhere, is noticed and left as it is.
#[test]
fn damaged_checkpoints_are_named() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    const CHECKPOINT: &str = "run/checkpoint/state.safetensors";
    let whole = bytes(folder.path(), CHECKPOINT);
    let mut damaged = vec![whole[..whole.len() - 1].to_vec(), whole[..100].to_vec(), Vec::new()];
    for place in [9, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write(folder.path().join(CHECKPOINT), &bytes).unwrap();
        resume(folder.path(), &[]).refuses(&[CHECKPOINT]);
        assert!(super::bytes(folder.path(), CHECKPOINT) == bytes);
    }
    fs::write(folder.path().join(CHECKPOINT), &whole).unwrap();
    resume(folder.path(), &[]).succeeds();
}

#[test]
fn another_configuration_cannot_resume() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    let before = weights(folder.path(), "run");
    for (setting, told) in [
        ("model.n_hidden=5", "n_hidden"),
        ("train.learning_rate=0.5", "learning_rate"),
        ("train.batch_size=50", "batch_size"),
        ("train.epochs=4", "epochs"),
        ("seed=9", "seed"),
    ] {
        resume(folder.path(), &["--set", setting]).refuses(&[told, "--resume"]);
        assert!(weights(folder.path(), "run") == before);
    }
}

#[test]
fn a_damaged_run_json_is_named_with_the_way_out() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    fs::write(folder.path().join("run/run.json"), "{").unwrap();
    resume(folder.path(), &[]).refuses(&["run/run.json", "remove it"]);
    fs::remove_file(folder.path().join("run/run.json")).unwrap();
    resume(folder.path(), &[]).succeeds();
}
