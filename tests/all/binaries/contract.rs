//! What a run writes, and where.

use std::fs;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{FAMILIES, RBM, bytes, json, metrics, weights};

#[test]
fn a_run_writes_every_file_of_its_folder_and_nothing_to_stdout() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let outcome = family.run(folder.path(), family.arguments("run", &[])).succeeds();
        assert_eq!(outcome.stdout, "");
        assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains('\r'), "{:?}", outcome.stderr);
        for expected in [family.name, "run folder run", "test "] {
            assert!(outcome.stderr.contains(expected), "{expected} is not in: {}", outcome.stderr);
        }

        let config = json(folder.path(), "run/config.json");
        for (key, value) in [("experiment", json!(family.name)), ("seed", json!(0))] {
            assert_eq!(config[key], value);
        }
        assert_eq!(config["data"]["name"], "bars-and-stripes");
        assert_eq!(config["train"]["batch_size"], 100);
        assert_eq!(config["model"]["n_visible"], 16);

        let info = json(folder.path(), "run/run.json");
        for key in ["version", "backend", "device", "start", "end"] {
            assert!(info[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {info}");
        }
        assert_eq!(info["command"].as_array().unwrap()[1..3], [json!("train"), json!("run")]);
        assert!(info["wall_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{info}");
        assert!(info["peak_memory_bytes"].as_f64().is_some_and(|bytes| bytes > 1e6), "{info}");

        let lines = metrics(folder.path(), "run");
        let last = lines.last().unwrap();
        let [steps, epochs] = [family.steps(), family.stages.iter().sum()].map(|n| Some(n as u64));
        assert_eq!([last["step"].as_u64(), last["epoch"].as_u64()], [steps, epochs], "{}", family.name);
        assert!(lines.iter().all(|line| line["seconds"].is_f64()));
        assert!(lines[0][family.logged].is_f64(), "{}", lines[0]);

        for picture in family.pictures {
            let found = bytes(folder.path(), &format!("run/{picture}"));
            assert!(found.starts_with(b"\x89PNG"), "{picture} of {}", family.name);
        }
        assert!(folder.path().join("run/checkpoint").is_dir());
    }
}

#[test]
fn every_value_that_differs_from_the_preset_is_printed() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let flags = ["--seed", "3", "--set", "train.batch_size=77", "--set", "data.shape=[2, 8]"];
        let outcome = family.run(folder.path(), family.arguments("run", &flags)).succeeds();
        for expected in
            ["train.batch_size = 77 (preset: ", "seed = 3 (preset: 0)", "data.shape = [2,8] (preset: [4,4])"]
        {
            assert!(outcome.stderr.contains(expected), "{expected} is not in: {}", outcome.stderr);
        }
    }
}

#[test]
fn the_summary_is_what_eval_prints_with_the_course_of_the_run() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let printed = family.run(folder.path(), ["eval", "run"]).succeeds();
        assert_eq!(printed.stderr, "");
        assert_eq!(printed.stdout.lines().count(), 1);
        let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
        let mut summary = json(folder.path(), "run/summary.json");
        let seconds = summary.as_object_mut().unwrap().remove("wall_seconds");
        assert!(seconds.is_some_and(|seconds| seconds.as_f64() > Some(0.0)));
        for key in ["selected", "warnings"] {
            assert!(summary.as_object_mut().unwrap().remove(key).is_some(), "{}: {key}", family.name);
        }
        // What the check of the data found, where there are data.
        summary.as_object_mut().unwrap().remove("data_check");
        assert_eq!(summary, printed);
    }
}

#[test]
fn the_folder_is_named_after_binary_data_and_seed() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let arguments = ["train", "--seed", "7", "--quiet"].into_iter().chain(family.short());
        family.run(folder.path(), arguments).succeeds();
        let run = format!("runs/{}-bars-and-stripes-s7", family.name);
        assert!(!weights(folder.path(), &run).is_empty());
    }
}

#[test]
fn a_run_is_not_written_over_unless_asked_and_foreign_files_stay() {
    let folder = tempdir().unwrap();
    for family in FAMILIES {
        let run = family.name;
        family.train(folder.path(), run, &[]);
        let notes = format!("{run}/notes.txt");
        fs::write(folder.path().join(&notes), "mine").unwrap();
        let before = weights(folder.path(), run);
        let again = |further: &[&str]| {
            let flags = [&["--quiet", "--seed", "1"], further].concat();
            family.run(folder.path(), family.arguments(run, &flags))
        };
        again(&[]).refuses(&[&format!("{run} already holds a run"), "--resume", "--overwrite"]);
        assert!(weights(folder.path(), run) == before);
        again(&["--overwrite"]).succeeds();
        assert!(weights(folder.path(), run) != before);
        assert_eq!(bytes(folder.path(), &notes), b"mine");
        assert_eq!(json(folder.path(), &format!("{run}/run.json"))["resumed"], 0);
    }
}

#[test]
fn a_folder_with_other_files_is_refused() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("papers")).unwrap();
    fs::write(folder.path().join("papers/thesis.txt"), "mine").unwrap();
    let outcome = RBM.run(folder.path(), RBM.arguments("papers", &["--quiet"]));
    outcome.refuses(&["papers is not empty", "another folder"]);
    assert_eq!(fs::read_dir(folder.path().join("papers")).unwrap().count(), 1);
}

#[test]
fn quiet_means_quiet() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let outcome = family.train(folder.path(), "run", &[]);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{}", family.name);
    }
}

/// A folder of one family is no run of another.
#[test]
fn a_run_belongs_to_its_family() {
    let folder = tempdir().unwrap();
    RBM.train(folder.path(), "run", &[]);
    for family in FAMILIES.into_iter().filter(|family| family.name != "rbm") {
        for command in ["eval", "sample"] {
            family.run(folder.path(), [command, "run"]).refuses(&[
                "experiment = \"rbm\"",
                family.name,
                "`rbm`",
            ]);
        }
    }
}
