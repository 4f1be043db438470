//! Wrong usage and bad data: exit code 2 and one line that names the thing, the value and the way out.

use gibbs_data::npy::{self, Element};
use tempfile::{TempDir, tempdir};

use super::{
    AUTOENCODER, FAMILIES, Family, RBM,
    command::{Outcome, command},
    set,
};

/// A short run with further flags, which come to nothing.
#[track_caller]
fn refused(further: &[&str], expected: &[&str]) {
    let folder = tempdir().unwrap();
    RBM.run(folder.path(), RBM.arguments("run", &[&["--quiet"], further].concat())).refuses(expected);
    assert!(!folder.path().join("run").exists(), "a refused run left a folder");
}

#[test]
fn settings_that_do_not_exist() {
    refused(&["--set", "model.n_hiden=3"], &["model.n_hiden", "`model.n_hidden`", "n_visible"]);
    refused(&["--set", "modle.n_hidden=3"], &["modle.n_hidden", "experiment, data, model, train, seed"]);
    refused(&["--set", "train.contrastive.k=3"], &["train.contrastive.k", "`train.contrastive` has: "]);
    refused(&["--set", "seed.x=3"], &["seed"]);
    refused(&["--set", "model.n_hidden"], &["path.to.key=value"]);
}

/// The paths that the contract names, given values of a wrong type, and paths that do not exist.
#[test]
fn settings_of_every_family_are_checked() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let refused = |setting: &str, expected: &[&str]| {
            let arguments = family.arguments("run", &["--quiet", "--set", setting]);
            family.run(folder.path(), arguments).refuses(expected);
            assert!(!folder.path().join("run").exists(), "a refused run left a folder");
        };
        refused("model.n_hiden=3", &["model.n_hiden", "`model.n_hidden`"]);
        refused("train.optimiser.kind=3", &["train.optimiser", "`train` has: "]);
        refused("train.epochs=-1", &["train.epochs", "-1"]);
        refused("train.batch_size=many", &["train.batch_size", "many", "whole number"]);
        refused("train.learning_rate=fast", &["train.learning_rate", "fast"]);
        refused("train.batch_size=0", &["train.batch_size = 0"]);
        refused("data.binarization=sometimes", &["data.binarization", "sometimes", "stochastic"]);
        refused("data.name=nowhere", &["nowhere"]);
        refused("experiment=other", &["experiment", "other", family.name]);
    }
}

#[test]
fn settings_of_a_wrong_type() {
    refused(&["--set", "model.n_hidden=many"], &["model.n_hidden", "many", "whole number"]);
    refused(&["--set", "model.n_hidden=2.5"], &["model.n_hidden", "2.5"]);
    refused(&["--set", "train.epochs=-1"], &["train.epochs", "-1"]);
    refused(&["--set", "train.select_best=3"], &["train.select_best", "3"]);
    refused(&["--set", "model.visible=gausian"], &["model.visible", "gausian", "gaussian"]);
    refused(&["--set", "data.binarization=sometimes"], &["data.binarization", "sometimes", "stochastic"]);
    refused(&["--set", "model=3"], &["model"]);
}

#[test]
fn settings_out_of_range() {
    refused(&["--set", "model.n_hidden=0"], &["n_hidden = 0", "at least 1"]);
    refused(&["--set", "data.limit=0"], &["data.limit = 0", "at least 1"]);
    refused(&["--set", "train.batch_size=0"], &["train.batch_size = 0", "at least 1"]);
    refused(&["--set", "train.contrastive.sweeps=0"], &["sweeps = 0", "at least 1"]);
    refused(&["--set", "train.learning_rate=.inf"], &["train.learning_rate"]);
    refused(&["--set", "train.learning_rate=-1"], &["train.learning_rate", "-1", "negative"]);
    refused(&["--set", "train.optimizer.momentum=1.5"], &["train.optimizer.momentum", "1.5", "[0, 1)"]);
    refused(&["--set", "train.average.decay=1.5"], &["train.average.decay = 1.5"]);
    refused(&["--set", "model.weight_std=-1"], &["weight_std = -1"]);
    refused(&["--set", "model.hidden=softmax"], &["hidden = softmax", "binary"]);
    refused(&["--set", "model.visible=softmax", "--set", "model.states=1"], &["states = 1", "at least 2"]);
    let gaussian = ["--set", "model.visible=gaussian", "--set", "train.contrastive.centered=true"];
    refused(&gaussian, &["centered = true", "Gaussian"]);
    refused(&["--set", "model.n_visible=9"], &["16", "9"]);
}

#[test]
fn backends_that_are_not_there() {
    refused(&["--backend", "abacus"], &["abacus", "flex", "wgpu"]);
    let missing =
        gibbs_backend::backends().into_iter().find(|name| !gibbs_backend::compiled().contains(name));
    if let Some(name) = missing {
        refused(&["--backend", name], &[name, "flex", &format!("--features {name}")]);
    }
    let folder = tempdir().unwrap();
    let outcome =
        command("rbm", folder.path(), RBM.arguments("run", &[])).env("GIBBS_BACKEND", "slide-rule").output();
    Outcome::from(outcome.unwrap()).refuses(&["slide-rule"]);
}

#[test]
fn flags_that_do_not_exist() {
    let folder = tempdir().unwrap();
    let wrong: [&[&str]; 5] = [
        &["train", "--bogus"],
        &["flail"],
        &["eval"],
        &["train", "--resume", "--overwrite"],
        &["sample", "x", "-n", "few"],
    ];
    for arguments in wrong {
        let outcome = RBM.run(folder.path(), arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(outcome.stderr.starts_with("error: "), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn data_sets_that_are_not_there() {
    let folder = tempdir().unwrap();
    for (name, expected) in [
        ("mnits", &["mnits", "digits", "mnist", ".npy"][..]),
        ("absent.npy", &["absent.npy"]),
        ("mnist", &["elsewhere/mnist", "train-images-idx3-ubyte", "https://", "--data-dir"]),
        ("bars-and-stripes-99x99", &["99"]),
    ] {
        let arguments = ["train", "run", "--data", name, "--data-dir", "elsewhere", "--quiet"];
        RBM.run(folder.path(), arguments).refuses(expected);
        assert!(!folder.path().join("run").exists(), "a refused run left a folder");
    }
}

/// A folder with one array, and `train` on it refused.
#[track_caller]
fn refused_array<T: Element>(values: &[T], shape: &[usize], further: &[&str], expected: &[&str]) {
    let folder = tempdir().unwrap();
    npy::write(&folder.path().join("array.npy"), values, shape).unwrap();
    let flags = ["train", "run", "--data", "array.npy", "--preset", "tiny", "--quiet"];
    RBM.run(folder.path(), flags.iter().chain(further)).refuses(&[&["array.npy"], expected].concat());
    assert!(!folder.path().join("run").exists(), "a refused run left a folder");
}

#[test]
fn arrays_that_cannot_be_used() {
    let with = |value: f32| -> Vec<f32> { (0..80).map(|i| if i == 13 { value } else { 0.5 }).collect() };
    refused_array(&with(f32::NAN), &[20, 4], &[], &["example 3", "NaN"]);
    refused_array(
        &with(f32::NEG_INFINITY),
        &[20, 4],
        &["--set", "model.visible=gaussian"],
        &["example 3", "-inf"],
    );
    refused_array(&with(1.5), &[20, 4], &[], &["example 3", "1.5", "[0, 1]"]);
    refused_array(&with(-0.25), &[20, 4], &["--set", "model.visible=spin"], &["example 3", "-0.25"]);
    refused_array(&[f64::MAX; 80], &[20, 4], &[], &["example 0"]);
    refused_array(&[1u8; 8], &[2, 4], &[], &["split", "at least 10"]);
    refused_array::<u8>(&[], &[0, 4], &[], &["no examples"]);
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempdir().unwrap();
    let refused = |bytes: &[u8], expected: &[&str]| {
        std::fs::write(folder.path().join("file"), bytes).unwrap();
        RBM.run(folder.path(), ["train", "run", "--data", "file", "--quiet"])
            .refuses(&[&["file"], expected].concat());
    };
    npy::write(&folder.path().join("whole.npy"), &[0.5f32; 80], &[20, 4]).unwrap();
    let whole = std::fs::read(folder.path().join("whole.npy")).unwrap();
    let text = String::from_utf8_lossy(&whole[10..128]).into_owned();
    let with_header = |from: &str, to: &str| -> Vec<u8> {
        assert!(text.contains(from) && from.len() == to.len());
        [&whole[..10], text.replace(from, to).as_bytes(), &whole[128..]].concat()
    };
    refused(&with_header("<f4", "<c8"), &["<c8", "real numbers of 2, 4 or 8 bytes"]);
    refused(&with_header("(20, 4), ", "(20, 5), "), &["truncated", "400", "320"]);
    refused(&whole[..whole.len() - 1], &["truncated"]);
    refused(&[&whole[..], &[0]].concat(), &["has more"]);
    refused(b"PK\x03\x04 a zip file", &["npz", "get the file again"]);
    refused(b"%PDF-1.7", &["25 50 44 46", "npy"]);
    refused(b"", &["no examples"]);
    refused(&[0, 0, 8, 3, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 28, 0, 0, 0, 28], &["more than"]);
    refused(&[0x1f, 0x8b, 8, 0, 0], &["gzip"]);
}

fn trained(family: &Family) -> TempDir {
    let folder = tempdir().unwrap();
    family.train(folder.path(), "run", &[]);
    folder
}

#[test]
fn data_that_do_not_fit_the_model() {
    for family in FAMILIES {
        let folder = trained(family);
        let write = |name: &str, values: &[f32], width: usize| {
            npy::write(&folder.path().join(name), values, &[values.len() / width, width]).unwrap();
        };
        write("narrow.npy", &[0.5; 180], 9);
        write("large.npy", &[2.0; 320], 16);
        let eval = |data| family.run(folder.path(), ["eval", "run", "--data", data]);
        eval("narrow.npy").refuses(&["narrow.npy", "9", "16"]);
        let allowed = if family.name == "van" { "-1 and +1" } else { "[0, 1]" };
        eval("large.npy").refuses(&["large.npy", "2.0", allowed]);
        eval("moons").refuses(&["moons", "2", "16"]);
        eval("nowhere").refuses(&["nowhere"]);
    }
}

#[test]
fn folders_that_hold_no_run() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        for command in ["eval", "sample"] {
            family.run(folder.path(), [command, "run"]).refuses(&["run holds no run", "config.json"]);
        }
        std::fs::write(folder.path().join("run"), "a file").unwrap();
        for command in ["eval", "sample"] {
            family.run(folder.path(), [command, "run"]).refuses(&["run"]);
        }
        let arguments = family.arguments("run", &["--quiet"]);
        family.run(folder.path(), arguments).refuses(&["run is not a folder"]);
    }
}

#[test]
fn draws_that_cannot_be_written() {
    for family in FAMILIES {
        let folder = trained(family);
        let sample = |further: &[&str]| family.sample(folder.path(), &[&["run"], further].concat());
        sample(&["-n", "0"]).refuses(&["-n 0", "at least one"]);
        sample(&["--out", "draws.jpg"]).refuses(&["draws.jpg", ".png, .npy or .csv"]);
        for (out, reason) in [("absent/draws.png", "there is no folder absent"), ("run", "this is a folder")]
        {
            let outcome = sample(&["--out", out]);
            assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
            assert!(
                outcome.stderr.starts_with(&format!("error: --out {out}: {reason}")),
                "{}",
                outcome.stderr
            );
        }
    }
}

#[test]
fn a_run_that_diverges_says_so() {
    // Errors of logistic units stay finite at any weights; those of a linear output do not.
    let linear = [
        "model.output=linear",
        "train.loss=squared_error",
        "train.pretrain=false",
        "train.learning_rate=1e38",
    ];
    let runs: [(&Family, &[&str]); 2] = [(&RBM, &["train.learning_rate=1e38"]), (&AUTOENCODER, &linear)];
    for (family, settings) in runs {
        let folder = tempdir().unwrap();
        let arguments = family.arguments("run", &[&["--quiet"], &set(settings)[..]].concat());
        let outcome = family.run(folder.path(), arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{}", outcome.stderr);
        let stderr = &outcome.stderr;
        assert!(stderr.starts_with("error: ") && stderr.contains("lower train.learning_rate"), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}
