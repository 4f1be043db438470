//! `config`: the settings of every family and what they mean.

use tempfile::tempdir;

use super::{
    command::{Outcome, command},
    family::all,
};

fn config(name: &str, arguments: &[&str]) -> Outcome {
    let folder = tempdir().unwrap();
    command(name, folder.path(), [&["config"], arguments].concat()).output().unwrap().into()
}

/// Path and default, and below each its type and meaning.
fn settings(stdout: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = stdout.lines().collect();
    let paths = lines.iter().enumerate().filter(|(_, line)| !line.starts_with(' '));
    paths.map(|(i, line)| (line.split(" = ").next().unwrap().into(), lines[i + 1].trim().into())).collect()
}

#[test]
fn every_setting_of_every_family_has_a_type_and_a_meaning() {
    for family in all() {
        let outcome = config(family.name, &family.short());
        let settings = settings(&outcome.succeeds().stdout);
        for path in ["train.epochs", "train.batch_size", "train.learning_rate", "model.n_hidden", "seed"] {
            assert!(settings.iter().any(|(found, _)| found == path), "{} has no {path}", family.name);
        }
        for (path, text) in settings {
            let (values, meaning) = text.split_once(". ").unwrap_or((&text, ""));
            assert!(!values.is_empty() && values != "value", "{}: {path}: {text}", family.name);
            assert!(meaning.len() > 5, "{}: {path}: {text}", family.name);
        }
    }
    for name in ["hopfield", "ising"] {
        config(name, &["--preset", "tiny"]).succeeds();
    }
}

#[test]
fn one_setting_is_explained_with_its_range_and_its_choices() {
    let explained =
        |arguments: &[&str]| config("rbm", &[&["--data", "bars-and-stripes"], arguments].concat());
    let rate = explained(&["--explain", "train.learning_rate"]).succeeds().stdout;
    for part in [
        "train.learning_rate = ",
        "number, or object with kind = constant | linear",
        "cosine: ",
        "at least 0",
    ] {
        assert!(rate.contains(part), "{part} is not in: {rate}");
    }
    let batch =
        explained(&["--explain", "train.batch_size", "--set", "train.batch_size=7"]).succeeds().stdout;
    assert_eq!(batch, "train.batch_size = 7\n    whole number, at least 1. Examples of a step.\n");
    let kind = config("made", &["--data", "bars-and-stripes", "--explain", "model.kind"]).succeeds().stdout;
    assert!(kind.contains("made | nade | transformer") && kind.contains("\n    nade: "), "{kind}");
    let section = explained(&["--explain", "train.contrastive"]).succeeds().stdout;
    assert!(settings(&section).iter().all(|(path, _)| path.starts_with("train.contrastive.")), "{section}");
}

#[test]
fn a_misspelled_path_names_the_nearest() {
    let refused = |path: &str, nearest: &str| {
        config("rbm", &["--data", "bars-and-stripes", "--explain", path]).refuses(&[path, nearest]);
    };
    refused("train.learning_rat", "train.learning_rate");
    refused("learning_rate", "train.learning_rate");
    refused("train.epochs.x", "train.epochs");
}

/// A preset is made for the settings that are given.
#[test]
fn defaults_follow_what_is_given() {
    let line = |name: &str, path: &str, arguments: &[&str]| {
        let arguments = [&["--data", "digits", "--explain", path], arguments].concat();
        config(name, &arguments).succeeds().stdout.lines().next().unwrap().to_string()
    };
    // Without a classifier the bound of a deep machine does not select: ln Z is estimated too roughly.
    assert_eq!(line("dbm", "train.select_best", &[]), "train.select_best = true");
    let without = ["--set", "train.classifier.epochs=0"];
    assert_eq!(line("dbm", "train.select_best", &without), "train.select_best = false");
    // Images have convolutional flows, and these have smaller batches.
    assert_eq!(line("realnvp", "model.kind", &[]), "model.kind = \"image_spline\"");
    assert_eq!(line("realnvp", "train.batch_size", &[]), "train.batch_size = 64");
    let pixels = ["--set", "model.kind=realnvp"];
    assert_eq!(line("realnvp", "train.batch_size", &pixels), "train.batch_size = 256");
}
