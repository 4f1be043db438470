//! The same configuration gives the same weights, bit by bit.

use std::fs;

use tempfile::tempdir;

use super::{FAMILIES, RBM, command::command, json, metrics, set, weights};

#[test]
fn the_seed_decides() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        for (run, seed) in [("a", "3"), ("b", "3"), ("c", "4")] {
            family.train(folder.path(), run, &["--seed", seed]);
        }
        let [a, b, c] = ["a", "b", "c"].map(|run| weights(folder.path(), run));
        assert!(a == b, "{}: the same seed gave other weights", family.name);
        assert!(a != c, "{}: another seed gave the same weights", family.name);
        assert_eq!(json(folder.path(), "c/config.json")["seed"], 4);
    }
}

#[test]
fn the_configuration_reads_back_and_gives_the_same_weights() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let settings = [family.resized.setting, "train.learning_rate=0.03"];
        let flags: Vec<&str> = ["--seed", "5"].into_iter().chain(set(&settings)).collect();
        family.train(folder.path(), "run", &flags);
        family.run(folder.path(), ["train", "again", "--config", "run/config.json", "--quiet"]).succeeds();
        assert!(weights(folder.path(), "run") == weights(folder.path(), "again"), "{}", family.name);
        assert_eq!(json(folder.path(), "run/config.json"), json(folder.path(), "again/config.json"));
    }
}

#[test]
fn flags_win_over_the_configuration_file() {
    let folder = tempdir().unwrap();
    RBM.train(folder.path(), "run", &["--seed", "5", "--set", "model.n_hidden=9"]);
    let flags = ["--config", "run/config.json", "--seed", "6", "--set", "model.n_hidden=8", "--quiet"];
    RBM.run(folder.path(), ["train", "other"].into_iter().chain(flags)).succeeds();
    let config = json(folder.path(), "other/config.json");
    assert_eq!((&config["seed"], &config["model"]["n_hidden"]), (&6.into(), &8.into()));
    assert_eq!(config["train"]["batch_size"], 100, "the file's value, not the preset's");
}

#[test]
fn how_often_a_run_is_logged_and_saved_does_not_change_it() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "plain", &[]);
        let busy = set(&["train.log_every_steps=1", "train.checkpoint_every_steps=7"]);
        family.train(folder.path(), "busy", &busy);
        assert!(weights(folder.path(), "plain") == weights(folder.path(), "busy"), "{}", family.name);
        assert_eq!(metrics(folder.path(), "busy").len(), family.steps());
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "many", &[]);
        let arguments = family.arguments("one", &["--quiet"]);
        let one = command(family.name, folder.path(), arguments).env("RAYON_NUM_THREADS", "1").status();
        assert!(one.unwrap().success());
        assert!(weights(folder.path(), "many") == weights(folder.path(), "one"), "{}", family.name);
        assert_eq!(json(folder.path(), "one/run.json")["threads"], 1);
    }
}

#[test]
fn a_configuration_of_another_family_or_with_an_unknown_key_is_refused() {
    let folder = tempdir().unwrap();
    for (text, expected) in [
        (r#"{"experiment": "van"}"#, "experiment"),
        (r#"{"model": {"n_hiden": 3}}"#, "model.n_hidden"),
        (r#"{"model": {"n_hidden": "three"}}"#, "model.n_hidden"),
        (r#"{"model": "#, "config"),
    ] {
        fs::write(folder.path().join("config"), text).unwrap();
        RBM.run(folder.path(), ["train", "run", "--config", "config", "--quiet"]).refuses(&[expected]);
        assert!(!folder.path().join("run").exists(), "a refused run left a folder: {text}");
    }
    RBM.run(folder.path(), ["train", "run", "--config", "absent"]).refuses(&["absent"]);
}
