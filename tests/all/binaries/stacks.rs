//! Runs that begin with the stack of another run: `--from`.

use std::path::Path;

use safetensors::SafeTensors;
use tempfile::{TempDir, tempdir};

use super::{AUTOENCODER, DBN, Family, RBM, command::Outcome, json, set, weights};

/// A tied stack of 16-12 units in `base`.
fn base() -> TempDir {
    let folder = tempdir().unwrap();
    DBN.train(folder.path(), "base", &set(&["model.n_hidden=[12]", "train.up_down.epochs=0"]));
    folder
}

/// A short run on top of a stack.
fn on(family: &Family, folder: &Path, from: &str, run: &str, settings: &[&str]) -> Outcome {
    let flags = [&["--quiet", "--from", from], &set(settings)[..]].concat();
    family.run(folder, family.arguments(run, &flags))
}

/// The values of a tensor of a run.
fn values(folder: &Path, run: &str, tensor: &str) -> Vec<u8> {
    let bytes = weights(folder, run);
    SafeTensors::deserialize(&bytes).unwrap().tensor(tensor).unwrap().data().to_vec()
}

/// The largest difference between two tensors, each given by its run and its name.
fn distance(folder: &Path, one: [&str; 2], other: [&str; 2]) -> f32 {
    let [a, b] = [one, other].map(|[run, tensor]| -> Vec<f32> {
        let bytes = values(folder, run, tensor);
        bytes.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    });
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

const LOWEST: [&str; 3] = ["layers.0.weight", "layers.0.visible.bias", "layers.0.hidden.bias"];

#[test]
fn a_stack_is_extended_and_its_layers_stay() {
    let folder = base();
    let settings = ["model.n_hidden=[12, 8]", "train.up_down.epochs=0"];
    on(&DBN, folder.path(), "base", "higher", &settings).succeeds();
    for tensor in LOWEST {
        assert!(values(folder.path(), "base", tensor) == values(folder.path(), "higher", tensor), "{tensor}");
    }
    // Before its only epoch the new layer has the weights that its seed gives; without epochs it keeps them.
    on(&DBN, folder.path(), "base", "other", &[&settings[..], &["seed=1"]].concat()).succeeds();
    assert!(
        values(folder.path(), "higher", "layers.1.weight")
            != values(folder.path(), "other", "layers.1.weight")
    );
    let config = json(folder.path(), "higher/config.json");
    assert_eq!(config["train"]["from"], "base");

    on(&DBN, folder.path(), "higher", "highest", &["model.n_hidden=[12, 8, 6]"]).succeeds();
    let printed = DBN.eval(folder.path(), &["highest"]);
    assert_eq!(printed["metrics"]["log_prob"]["kind"], "lower_bound");
}

/// Several fine-tunings of one stack: each begins where the stack ended, and leaves it as it is.
#[test]
fn one_stack_starts_several_fine_tunings() {
    let folder = tempdir().unwrap();
    DBN.train(folder.path(), "base", &set(&["train.up_down.epochs=0"]));
    let before = weights(folder.path(), "base");
    for (run, rate) in
        [("slow", "train.up_down.learning_rate=1e-9"), ("fast", "train.up_down.learning_rate=0.1")]
    {
        on(&DBN, folder.path(), "base", run, &["train.up_down.average.decay=0", rate]).succeeds();
    }
    assert!(weights(folder.path(), "base") == before);
    for tensor in ["layers.0.weight", "recognition.0"] {
        let [slow, fast] =
            ["slow", "fast"].map(|run| distance(folder.path(), [run, tensor], ["base", "layers.0.weight"]));
        assert!(slow < 1e-5 && fast > 1e-3, "{tensor}: {slow} {fast}");
    }
}

#[test]
fn an_autoencoder_is_unrolled_from_a_stack() {
    let folder = base();
    // A rate of nearly zero leaves the network as it was unrolled.
    let still = ["train.learning_rate=1e-12", "train.average.decay=0"];
    on(&AUTOENCODER, folder.path(), "base", "run", &still).succeeds();
    for (own, rbm) in [
        ("encoder.0.weight", "layers.0.weight"),
        ("encoder.0.bias", "layers.0.hidden.bias"),
        ("decoder.1.bias", "layers.0.visible.bias"),
    ] {
        let moved = distance(folder.path(), ["run", own], ["base", rbm]);
        assert!(moved < 1e-9, "{own} is {moved} away from {rbm}");
    }
}

#[test]
fn a_run_from_a_stack_reads_back_and_resumes() {
    let folder = base();
    for family in [&DBN, &AUTOENCODER] {
        on(family, folder.path(), "base", family.name, &[]).succeeds();
        let before = weights(folder.path(), family.name);
        on(family, folder.path(), "base", family.name, &[]).refuses(&["already holds a run"]);
        let flags = ["--config", &format!("{}/config.json", family.name), "--quiet"];
        family.run(folder.path(), ["train", "again", "--overwrite"].iter().chain(&flags)).succeeds();
        assert!(weights(folder.path(), "again") == before, "{}", family.name);
        family
            .run(
                folder.path(),
                ["train", family.name, "--resume", "--from", "base", "--quiet"].iter().chain(&family.short()),
            )
            .succeeds();
        assert!(weights(folder.path(), family.name) == before, "{}", family.name);
    }
}

#[test]
fn stacks_that_do_not_fit() {
    let folder = base();
    let path = folder.path();
    DBN.train(path, "untied", &[]);
    DBN.train(
        path,
        "spin",
        &set(&["model.n_hidden=[12]", "model.hidden=[\"spin\"]", "train.up_down.epochs=0"]),
    );
    RBM.train(path, "rbm", &[]);
    std::fs::create_dir(path.join("damaged")).unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(path.join("base").join(name), path.join("damaged").join(name)).unwrap();
    }
    std::fs::write(path.join("damaged/model.safetensors"), "damaged").unwrap();

    for family in [&DBN, &AUTOENCODER] {
        let refused = |from: &str, settings: &[&str], expected: &[&str]| {
            let from_told = format!("train.from = {from}");
            on(family, path, from, "run", settings).refuses(&[&[from_told.as_str()], expected].concat());
            assert!(!path.join("run").exists(), "a refused run left a folder");
        };
        refused("absent", &[], &["holds no run"]);
        refused("rbm", &[], &["`rbm`", "`dbn`"]);
        refused("damaged", &[], &["model.safetensors"]);
        refused("spin", &[], &["16 binary-12 spin", "16 binary-12 binary"]);
        let wide = if family.name == "dbn" { "model.n_hidden=[13, 8]" } else { "model.n_hidden=[13]" };
        refused("base", &[wide], &["16 binary-12 binary", "16 binary-13 binary", "model."]);
    }
    let fit = ["model.n_hidden=[12]", "model.n_code=8", "model.code=logistic"];
    on(&AUTOENCODER, path, "untied", "run", &fit).refuses(&["untied", "up-down", "train.up_down.epochs = 0"]);
    on(&DBN, path, "untied", "run", &["model.n_hidden=[12, 8, 6]"]).refuses(&["untied", "up-down"]);
}
