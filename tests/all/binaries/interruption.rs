//! Runs that are interrupted, or killed, and resumed: they end as if nothing had happened, bit by bit.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use super::{
    SHORT,
    command::{Outcome, command},
    json, metrics, train, weights,
};

/// A line of metrics for each step, and steps enough to meet the run before its end.
const LONG: [&str; 4] = ["--set", "train.log_every_steps=1", "--set", "train.epochs=15"];
const STEPS: usize = 450;
/// A checkpoint after every step: the run spends most of its time writing them.
const BUSY: [&str; 2] = ["--set", "train.checkpoint_every_steps=1"];
const CHECKPOINT: &str = "run/checkpoint/state.safetensors";

/// Starts the run, or goes on with it.
fn start(folder: &Path, further: &[&str]) -> Child {
    let arguments = ["train", "run", "--quiet", "--resume"].into_iter().chain(SHORT);
    command("rbm", folder, arguments.chain(further.iter().copied())).spawn().unwrap()
}

fn resume(folder: &Path, further: &[&str]) -> Outcome {
    Outcome::from(start(folder, further).wait_with_output().unwrap())
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits until `ready` holds or the process has ended, and says whether it still runs.
fn wait_until(child: &mut Child, ready: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !ready() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the run does not get there");
        sleep(Duration::from_micros(200));
    }
    child.try_wait().unwrap().is_none()
}

fn lines(folder: &Path) -> usize {
    fs::read(folder.join("run/metrics.jsonl"))
        .map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count())
}

/// The records without their times.
fn figures(folder: &Path, run: &str) -> Vec<Value> {
    let mut lines = metrics(folder, run);
    lines.iter_mut().for_each(|line| line["seconds"] = Value::Null);
    lines
}

/// An uninterrupted run in `whole`, and the checks that `run` ended like it.
fn reference(folder: &Path, further: &[&str]) {
    train(folder, "whole", further);
}

#[track_caller]
fn assert_same_end(folder: &Path) {
    assert!(weights(folder, "run") == weights(folder, "whole"), "the weights differ");
    assert_eq!(figures(folder, "run"), figures(folder, "whole"));
    let metrics = |run: &str| json(folder, &format!("{run}/summary.json"))["metrics"].clone();
    assert_eq!(metrics("run"), metrics("whole"));
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_after_the_step_with_a_checkpoint_and_code_130() {
    let folder = tempdir().unwrap();
    reference(folder.path(), &LONG);
    let mut child = start(folder.path(), &[LONG.as_slice(), &BUSY].concat());
    assert!(wait_until(&mut child, || lines(folder.path()) > 3));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    assert_eq!(outcome.code, Some(130), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    assert!(!outcome.stderr.contains("error:"), "{}", outcome.stderr);
    assert!(folder.path().join(CHECKPOINT).is_file());
    let done = lines(folder.path());
    assert!((4..STEPS).contains(&done), "{done}");

    resume(folder.path(), &LONG).succeeds();
    assert_same_end(folder.path());
    assert_eq!(json(folder.path(), "run/run.json")["resumed"], 1);
}

/// Kills the run again and again, each time when it has got further than the last time: at once after a checkpoint or a
/// line of metrics, or some hundred microseconds later, so that the moments fall into all parts of a step.
#[test]
fn killed_at_any_moment_it_resumes_to_the_same_end() {
    let folder = tempdir().unwrap();
    reference(folder.path(), &LONG);
    let written = || fs::metadata(folder.path().join(CHECKPOINT)).and_then(|file| file.modified()).ok();
    let mut kills = 0;
    for moment in 0..12 {
        let before = (lines(folder.path()), written());
        let mut child = start(folder.path(), &[LONG.as_slice(), &BUSY].concat());
        let further = || match moment % 2 {
            0 => lines(folder.path()) > before.0 + 1,
            _ => written() != before.1,
        };
        if wait_until(&mut child, further) {
            sleep(Duration::from_micros(170 * moment));
            kills += 1;
        }
        kill(child);
    }
    assert!(kills >= 6, "the run was over after {kills} kills");
    resume(folder.path(), &LONG).succeeds();
    assert_same_end(folder.path());
}

/// Kills the run when the file into which a checkpoint is being written shows up, until that file has stayed behind
/// twice.
#[test]
fn killed_while_a_checkpoint_is_written_it_resumes_to_the_same_end() {
    let folder = tempdir().unwrap();
    reference(folder.path(), &LONG);
    let being_written = || {
        let entries = fs::read_dir(folder.path().join("run/checkpoint")).into_iter().flatten();
        entries.flatten().any(|entry| entry.file_name() != "state.safetensors")
    };
    let mut caught = 0;
    for attempt in 0.. {
        assert!(attempt < 200, "no checkpoint can be caught half-written");
        let before = lines(folder.path());
        let mut child = start(folder.path(), &[LONG.as_slice(), &BUSY].concat());
        let running = wait_until(&mut child, || lines(folder.path()) > before && being_written());
        kill(child);
        caught += usize::from(being_written());
        if caught == 2 {
            break;
        }
        if !running {
            fs::remove_dir_all(folder.path().join("run")).unwrap();
        }
    }
    resume(folder.path(), &LONG).succeeds();
    assert!(!being_written(), "leftovers of killed runs");
    assert_same_end(folder.path());
}

#[test]
fn killed_before_its_first_checkpoint_it_starts_anew() {
    let folder = tempdir().unwrap();
    reference(folder.path(), &LONG);
    for file in ["run", "run/config.json", "run/metrics.jsonl"] {
        let mut child = start(folder.path(), &LONG);
        wait_until(&mut child, || folder.path().join(file).exists());
        kill(child);
    }
    resume(folder.path(), &LONG).succeeds();
    assert_same_end(folder.path());
}

/// Whatever a step or a validation depends on is in the checkpoint: replicas, moments, velocities, averages, best weights.
#[test]
fn every_part_of_the_state_survives() {
    let variants: [&[&str]; 3] = [
        &["train.contrastive.chains=tempered", "train.contrastive.temperatures=3", "train.optimizer=adam"],
        &["train.contrastive.chains=persistent", "train.momentum=0.5", "train.contrastive.sparsity=0.1"],
        &["train.contrastive.chains=data", "train.average.decay=0", "model.visible=spin"],
    ];
    for variant in variants {
        let folder = tempdir().unwrap();
        let validated = ["train.validate_every_epochs=1", "train.patience=4"];
        let settings: Vec<&str> =
            variant.iter().chain(&validated).flat_map(|setting| ["--set", setting]).collect();
        let settings = [&settings[..], &LONG].concat();
        reference(folder.path(), &settings);
        for after in [20, 45] {
            let mut child = start(folder.path(), &[&settings[..], &BUSY].concat());
            assert!(wait_until(&mut child, || lines(folder.path()) > after), "{variant:?}");
            kill(child);
        }
        resume(folder.path(), &settings).succeeds();
        assert_same_end(folder.path());
    }
}

#[test]
fn a_finished_run_resumes_to_itself() {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", &[]);
    reference(folder.path(), &[]);
    resume(folder.path(), &[]).succeeds();
    assert_same_end(folder.path());
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = tempdir().unwrap();
    let endless = [&BUSY[..], &["--set", "train.epochs=100000"]].concat();
    let mut child = start(folder.path(), &endless);
    assert!(wait_until(&mut child, || folder.path().join(CHECKPOINT).exists()));
    resume(folder.path(), &endless).refuses(&["run is in use by another process"]);
    kill(child);
}
