//! What a user expects of any command-line tool, in every family.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::{
    FAMILIES, Family, RBM,
    command::{Outcome, command},
    family::{REALNVP, all},
    json, set, weights,
};

/// A folder with a short run.
fn trained(family: &Family) -> TempDir {
    let folder = tempdir().unwrap();
    family.train(folder.path(), "run", &[]);
    folder
}

fn warnings(folder: &Path) -> Vec<String> {
    let summary = json(folder, "run/summary.json");
    summary["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().into()).collect()
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    for family in all() {
        let folder = trained(family);
        let mut child = command(family.name, folder.path(), ["eval", "run"]).spawn().unwrap();
        drop(child.stdout.take());
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{}", family.name);
    }
}

#[test]
fn other_programs_end_quietly_too() {
    let folder = tempdir().unwrap();
    let measure = ["measure", "--lattice", "4x4", "--betas", "0.4", "--measurements", "100"];
    let couplings = ["compare", "--spins", "4", "--samples", "1000"];
    let programs: [(&str, &[&str]); 4] =
        [("ising", &measure), ("ising", &couplings), ("bench", &["rbm-ais-784x500-c1"]), ("data", &["list"])];
    for (name, arguments) in programs {
        let mut child = command(name, folder.path(), arguments).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn a_closed_stderr_stops_no_run() {
    for family in all() {
        let folder = tempdir().unwrap();
        let mut child = command(family.name, folder.path(), family.arguments("run", &[])).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{}", family.name);
        assert!(folder.path().join("run/summary.json").is_file(), "{}", family.name);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_a_failure_and_no_wrong_usage() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for family in all() {
        let folder = trained(family);
        let outcome = command(family.name, folder.path(), ["eval", "run"]).stdout(full()).output().unwrap();
        let outcome = Outcome::from(outcome);
        assert_eq!(outcome.code, Some(1), "{}: {}", family.name, outcome.stderr);
        assert!(outcome.stderr.starts_with("error: cannot write to stdout: "), "{}", outcome.stderr);

        for name in ["draws.png", "draws.npy"] {
            std::os::unix::fs::symlink("/dev/full", folder.path().join(name)).unwrap();
            let outcome = family.sample(folder.path(), &["run", "-n", "2", "--out", name]);
            assert_eq!(outcome.code, Some(1), "{}: {name}: {}", family.name, outcome.stderr);
            let stderr = &outcome.stderr;
            let is_named =
                stderr.starts_with("error: ") && stderr.contains("cannot write") && stderr.contains(name);
            assert!(is_named && !stderr.contains(".tmp"), "{}: {stderr}", family.name);
        }
        // A run whose metrics cannot be written.
        let short = family.arguments("full", &["--quiet"]);
        fs::create_dir(folder.path().join("full")).unwrap();
        fs::write(folder.path().join("full/.lock"), "").unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("full/metrics.jsonl")).unwrap();
        let outcome = family.run(folder.path(), [&short[..], &["--resume"]].concat());
        assert_eq!(outcome.code, Some(1), "{}: {}", family.name, outcome.stderr);
        assert!(outcome.stderr.starts_with("error: cannot write full/metrics.jsonl"), "{}", outcome.stderr);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn folders_have_any_name_that_the_system_allows() {
    use std::os::unix::ffi::OsStrExt;
    let name = OsStr::from_bytes(b"r\xffn");
    for family in all() {
        let folder = tempdir().unwrap();
        let short = family.arguments("run", &["--quiet"]);
        let arguments = short.iter().map(|text| if *text == "run" { name } else { OsStr::new(text) });
        family.run(folder.path(), arguments).succeeds();
        let printed = family.run(folder.path(), [OsStr::new("eval"), name]).succeeds();
        assert!(serde_json::from_str::<Value>(&printed.stdout).unwrap()["metrics"].is_object());
        family.run(folder.path(), [OsStr::new("sample"), name]).succeeds();
        assert!(folder.path().join(name).join("samples.png").is_file());
    }
}

#[test]
fn only_a_run_can_be_resumed() {
    for family in all() {
        let folder = tempdir().unwrap();
        let resume = || family.run(folder.path(), family.arguments("run", &["--quiet", "--resume"]));
        resume().refuses(&["run holds no run to resume", "leave out --resume"]);
        assert!(!folder.path().join("run").exists());
    }
}

#[test]
fn a_run_is_resumed_with_its_own_preset_only() {
    for family in all() {
        let folder = trained(family);
        let before = weights(folder.path(), "run");
        let resume = |further: &[&str]| {
            family.run(folder.path(), [&["train", "run", "--resume", "--quiet"], further].concat())
        };
        resume(&["--preset", "paper"]).refuses(&["--preset paper", "the preset tiny", "leave out --preset"]);
        resume(&[]).succeeds();
        assert!(weights(folder.path(), "run") == before);
    }
}

/// A constant rate, so that the longer run is the same as one that was long from the start.
#[test]
fn a_finished_run_can_be_trained_longer() {
    for family in all().filter(|family| family.data.is_some() && !["dbn", "dbm"].contains(&family.name)) {
        let folder = tempdir().unwrap();
        let further =
            |epochs: &'static str| set(&[epochs, "train.learning_rate=0.001", "train.average.decay=0"]);
        let (short, long) = (further("train.epochs=2"), further("train.epochs=4"));
        family.train(folder.path(), "run", &short);
        family.train(folder.path(), "run", &[&["--resume"], &long[..]].concat());
        family.train(folder.path(), "whole", &long);
        assert!(weights(folder.path(), "run") == weights(folder.path(), "whole"), "{}", family.name);
        let shorter = family
            .run(folder.path(), family.arguments("run", &[&["--resume", "--quiet"], &short[..]].concat()));
        shorter.refuses(&["train.epochs = 2", "which is 4"]);
    }
}

/// The error says what to lower, and the advice works.
#[test]
fn a_run_that_diverged_goes_on_with_a_smaller_rate() {
    for family in all() {
        let folder = tempdir().unwrap();
        let run = |further: &[&str]| {
            family.run(folder.path(), family.arguments("run", &[&["--quiet"], further].concat()))
        };
        let outcome = run(&set(&["train.learning_rate=1e30", "train.log_every_steps=5"]));
        assert_eq!(outcome.code, Some(1), "{}: {}", family.name, outcome.stderr);
        let error = outcome.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        assert!(error.contains("step") && error.contains("learning"), "{}: {error}", family.name);
        let smaller = set(&["train.learning_rate=0.001", "train.log_every_steps=5"]);
        run(&[&["--resume"], &smaller[..]].concat()).succeeds();
    }
}

#[test]
fn sizes_beyond_the_machine_are_refused_before_they_are_allocated() {
    for family in all() {
        let folder = tempdir().unwrap();
        let run = |settings: &[&str]| {
            let arguments = family.arguments("run", &[&["--quiet"], &set(settings)[..]].concat());
            family.run(folder.path(), arguments)
        };
        let size = match family.name {
            "dbn" | "dbm" | "autoencoder" | "vae" => "model.n_hidden=[1000000000]",
            _ => "model.n_hidden=1000000000",
        };
        // 784 times as many weights are 12 TiB with their gradients and moments.
        if FAMILIES.iter().any(|other| std::ptr::eq(*other, family)) {
            run(&[size, "data.name=digits"]).refuses(&["model.n_hidden", "1000000000", "GiB"]);
        }
        run(&["model.n_hidden=18446744073709551615"]).refuses(&["model.n_hidden"]);
        run(&["train.batch_size=18446744073709551615"]).refuses(&["train.batch_size"]);
    }
}

#[test]
fn a_batch_of_more_than_all_examples_is_reported() {
    for family in all().filter(|family| family.data.is_some()) {
        let folder = tempdir().unwrap();
        let huge = set(&["train.batch_size=100000000"]);
        let outcome = family.run(folder.path(), family.arguments("run", &huge)).succeeds();
        let warnings = warnings(folder.path());
        assert!(warnings[0].contains("train.batch_size = 100000000"), "{}: {warnings:?}", family.name);
        assert!(outcome.stderr.contains(&format!("warning: {}", warnings[0])), "{}", outcome.stderr);
    }
}

#[test]
fn a_run_that_only_got_worse_says_so() {
    // Finite, but far from anything useful.
    let cases = [
        (&super::MADE, "train.learning_rate=3000"),
        (&REALNVP, "train.learning_rate=30"),
        (&RBM, "train.learning_rate=300"),
    ];
    for (family, rate) in cases {
        let folder = tempdir().unwrap();
        let outcome = family.run(folder.path(), family.arguments("run", &set(&[rate]))).succeeds();
        let warnings = warnings(folder.path());
        let expected = "training made the model worse";
        assert!(warnings.iter().any(|text| text.contains(expected)), "{}: {warnings:?}", family.name);
        assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);

        family.train(folder.path(), "good", &[]);
        assert_eq!(json(folder.path(), "good/summary.json")["warnings"].as_array().unwrap().len(), 0);
    }
}

/// The summary names the validation that the weights are from, as it stands in the metrics.
#[test]
fn the_selected_validation_is_reported() {
    for family in all().filter(|family| family.data.is_some() && family.name != "dbn") {
        let folder = tempdir().unwrap();
        let outcome = family.run(folder.path(), family.arguments("run", &[])).succeeds();
        let selected = &json(folder.path(), "run/summary.json")["selected"];
        let metric = selected["metric"].as_str().unwrap_or_else(|| panic!("{}: {selected}", family.name));
        let lines = super::metrics(folder.path(), "run");
        let line = lines.iter().find(|line| line["step"] == selected["step"]).unwrap();
        assert_eq!(line[metric], selected["value"], "{}: {line}", family.name);
        assert_eq!(line["epoch"], selected["epoch"]);
        assert!(outcome.stderr.contains(&format!("selected: {metric} ")), "{}", outcome.stderr);
    }
}
