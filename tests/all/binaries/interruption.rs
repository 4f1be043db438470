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
    json, metrics, rbm, train, weights,
};

/// A checkpoint after every step: the run spends most of its time writing them.
const BUSY: [&str; 4] = ["--set", "train.checkpoint_every_steps=1", "--set", "train.log_every_steps=1"];
const CHECKPOINT: &str = "run/checkpoint/state.safetensors";

fn start(folder: &Path, further: &[&str]) -> Child {
    let arguments = ["train", "run", "--quiet"].into_iter().chain(SHORT).chain(further.iter().copied());
    command("rbm", folder, arguments).spawn().unwrap()
}

fn resume(folder: &Path, further: &[&str]) -> Outcome {
    let arguments = ["train", "run", "--quiet", "--resume"].into_iter().chain(SHORT);
    rbm(folder, arguments.chain(further.iter().copied()))
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
    fs::read(folder.join("run/metrics.jsonl")).map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count())
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
    let long = ["--set", "train.epochs=10"];
    let further = [&BUSY[..], &long].concat();
    reference(folder.path(), &further);
    let mut child = start(folder.path(), &further);
    assert!(wait_until(&mut child, || lines(folder.path()) > 3));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    assert_eq!(outcome.code, Some(130), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    assert!(!outcome.stderr.contains("error:"), "{}", outcome.stderr);
    assert!(folder.path().join(CHECKPOINT).is_file());
    let done = lines(folder.path());
    assert!((4..300).contains(&done), "{done}");

    resume(folder.path(), &further).succeeds();
    assert_same_end(folder.path());
    assert_eq!(json(folder.path(), "run/run.json")["resumed"], 1);
}

/// Kills the run again and again, each time when it has got further than the last time, at once after a checkpoint or a
/// line of metrics, or some hundred microseconds later, so that the moments fall into all parts of a step.
#[test]
fn killed_at_any_moment_it_resumes_to_the_same_end() {
    let folder = tempdir().unwrap();
    reference(folder.path(), &BUSY);
    let mut kills = 0;
    let mut child = start(folder.path(), &BUSY);
    for moment in 0..12 {
        let delay = Duration::from_micros(170 * moment);
        let before = (lines(folder.path()), fs::metadata(folder.path().join(CHECKPOINT)).and_then(|m| m.modified()).ok());
        let running = wait_until(&mut child, || {
            let modified = fs::metadata(folder.path().join(CHECKPOINT)).and_then(|m| m.modified()).ok();
            if moment % 2 == 0 { lines(folder.path()) > before.0 + 1 } else { modified != before.1 }
        });
        if running {
            sleep(delay);
            kills += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        child = command(
            "rbm",
            folder.path(),
            ["train", "run", "--quiet", "--resume"].into_iter().chain(SHORT).chain(BUSY),
        )
        .spawn()
        .unwrap();
    }
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(kills >= 6, "the run was over after {kills} kills");
    assert_same_end(folder.path());
}

/// Kills the run as soon as the file into which a checkpoint is being written shows up.
#[test]
fn killed_while_a_checkpoint_is_written_it_resumes_to_the_same_end() {
    let folder = tempdir().unwrap();
    reference(folder.path(), &BUSY);
    let being_written = || {
        let entries = fs::read_dir(folder.path().join("run/checkpoint")).into_iter().flatten();
        entries.flatten().any(|entry| entry.file_name() != "state.safetensors")
    };
    let mut caught = 0;
    for _ in 0..6 {
        let arguments = ["train", "run", "--quiet", "--resume"].into_iter().chain(SHORT).chain(BUSY);
        let mut child = command("rbm", folder.path(), arguments).spawn().unwrap();
        let already = lines(folder.path());
        if wait_until(&mut child, || lines(folder.path()) > already && being_written()) {
            child.kill().unwrap();
        }
        child.wait().unwrap();
        caught += usize::from(being_written());
    }
    assert!(caught > 0, "no checkpoint was caught half-written");
    resume(folder.path(), &BUSY).succeeds();
    assert!(!being_written(), "leftovers of killed runs");
    assert_same_end(folder.path());
}

#[test]
fn killed_before_its_first_checkpoint_it_starts_anew() {
    let folder = tempdir().unwrap();
    reference(folder.path(), &[]);
    for file in ["run", "run/config.json", "run/metrics.jsonl"] {
        let mut child = start(folder.path(), &["--resume"]);
        wait_until(&mut child, || folder.path().join(file).exists());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    resume(folder.path(), &[]).succeeds();
    assert_same_end(folder.path());
}

/// Whatever a step or a validation depends on is in the checkpoint: replicas, moments, velocities, averages, best weights.
#[test]
fn every_part_of_the_state_survives() {
    let variants: [&[&str]; 3] = [
        &["train.contrastive.chains=tempered", "train.contrastive.temperatures=3", "train.optimizer=adam"],
        &["train.momentum=0.5", "train.contrastive.sparsity=0.1", "train.validate_every_epochs=1"],
        &["train.contrastive.chains=data", "train.average.decay=0", "model.visible=spin", "train.patience=1"],
    ];
    for variant in variants {
        let folder = tempdir().unwrap();
        let settings: Vec<&str> = variant.iter().flat_map(|setting| ["--set", setting]).chain(BUSY).collect();
        reference(folder.path(), &settings);
        for after in [20, 45] {
            let mut child = start(folder.path(), &[&settings[..], &["--resume"]].concat());
            assert!(wait_until(&mut child, || lines(folder.path()) > after), "{variant:?}");
            child.kill().unwrap();
            child.wait().unwrap();
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
    let further = [&BUSY[..], &["--set", "train.epochs=20"]].concat();
    let mut child = start(folder.path(), &further);
    assert!(wait_until(&mut child, || folder.path().join(CHECKPOINT).exists()));
    resume(folder.path(), &further).refuses(&["run is in use by another process"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
