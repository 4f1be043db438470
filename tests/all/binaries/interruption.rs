//! Runs that are interrupted, or killed, and resumed: they end as if nothing had happened, bit by bit.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::{
    AUTOENCODER, DBN, FAMILIES, Family, MADE, RBM,
    command::{Outcome, command},
    family::{CANONICAL, CNF, REALNVP, SNF, SPINS},
    json, metrics, set, weights,
};

/// A line of metrics for each step.
const EACH_STEP: &str = "train.log_every_steps=1";
/// A checkpoint after every step: the run spends most of its time writing them.
const BUSY: &str = "train.checkpoint_every_steps=1";
/// Steps enough to meet the run before its end.
const LONG: [&str; 2] = [EACH_STEP, "train.epochs=15"];
const CHECKPOINT: &str = "checkpoint/state.safetensors";

/// Two runs of the same settings in a folder of their own: `whole`, which nothing interrupts, and `run`.
struct Runs<'a> {
    family: &'a Family,
    folder: TempDir,
    settings: Vec<&'a str>,
}

impl<'a> Runs<'a> {
    /// After the uninterrupted run.
    fn new(family: &'a Family, settings: &[&'a str]) -> Self {
        let runs = Self { family, folder: tempdir().unwrap(), settings: settings.to_vec() };
        family.train(runs.folder.path(), "whole", &set(settings));
        runs
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Starts the run, or goes on with it, with further settings.
    fn start(&self, further: &[&str]) -> Child {
        let settings = set(&[&self.settings, further].concat());
        let resume: &[&str] = if self.path().join(".lock").exists() { &["--resume"] } else { &[] };
        let arguments = self.family.arguments("run", &[&["--quiet"], resume, &settings[..]].concat());
        command(self.family.name, self.folder.path(), arguments).spawn().unwrap()
    }

    fn resume(&self) -> Outcome {
        Outcome::from(self.start(&[]).wait_with_output().unwrap())
    }

    /// Lines of metrics of the run, or of the run of that name inside it.
    fn lines(&self, within: &str) -> usize {
        fs::read(self.path().join(within).join("metrics.jsonl"))
            .map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count())
    }

    /// Kills the run, with a checkpoint after each step, as soon as it has logged `lines` more lines; it must not
    /// have got as far as `end` by then.
    fn kill_between(&self, within: &str, lines: usize, end: usize) {
        let mut child = self.start(&[BUSY]);
        let running = wait_until(&mut child, || self.lines(within) > lines);
        kill(child);
        let done = self.lines(within);
        assert!(running && done < end, "{done} lines, not {lines} to {end}: {:?}", self.settings);
    }

    /// Goes on to the end, which must be that of the uninterrupted run.
    #[track_caller]
    fn end_alike(&self) {
        self.resume().succeeds();
        let folder = self.folder.path();
        let parts = ["", "/baseline"]
            .into_iter()
            .filter(|run| folder.join(format!("whole{run}/config.json")).is_file());
        for part in parts {
            let [run, whole] = ["run", "whole"].map(|run| format!("{run}{part}"));
            assert!(weights(folder, &run) == weights(folder, &whole), "the weights of {run} differ");
            assert_eq!(records(folder, &run), records(folder, &whole));
        }
        let metrics = |run: &str| json(folder, &format!("{run}/summary.json"))["metrics"].clone();
        assert_eq!(metrics("run"), metrics("whole"));
    }
}

/// Sends a signal.
fn send(signal: &str, child: &Child) {
    let kill = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
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

/// The records without their times.
fn records(folder: &Path, run: &str) -> Vec<Value> {
    let mut lines = metrics(folder, run);
    lines.iter_mut().for_each(|line| line["seconds"] = Value::Null);
    lines
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_after_the_step_with_a_checkpoint_and_code_130() {
    for (family, signal) in FAMILIES.into_iter().zip(["-INT", "-TERM"].into_iter().cycle()) {
        let runs = Runs::new(family, &[EACH_STEP, "train.epochs=5"]);
        let mut child = runs.start(&[BUSY]);
        assert!(wait_until(&mut child, || runs.lines("") > 3));
        send(signal, &child);
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!(outcome.code, Some(130), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
        assert!(!outcome.stderr.contains("error:"), "{}", outcome.stderr);
        assert!(runs.path().join(CHECKPOINT).is_file());
        let done = runs.lines("");
        assert!((4..metrics(runs.folder.path(), "whole").len()).contains(&done), "{done}");

        runs.end_alike();
        assert_eq!(json(runs.folder.path(), "run/run.json")["resumed"], 1);
    }
}

/// While a run is measured, which may take long, everything is saved: the program ends at once and says how to go on.
#[test]
#[cfg(unix)]
fn a_signal_after_training_ends_at_once_and_says_how_to_go_on() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let endless =
            ["train.evaluation.chains=10000", "train.evaluation.temperatures=100000", "model.n_hidden=32"];
        let flags = [&["train", "run", "--preset", "tiny", "--data", "digits"], &set(&endless)[..]].concat();
        let mut child = command("rbm", folder.path(), flags).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with("drawing")));
        send(signal, &child);
        let rest: Vec<String> = lines.collect();
        assert!(
            rest.iter().any(|line| line.contains("the weights are saved; `train run --resume`")),
            "{rest:?}"
        );
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(folder.path().join("run/model.safetensors").is_file());
    }
}

/// Kills the run again and again, each time when it has got further than the last time: at once after a checkpoint or a
/// line of metrics, or some hundred microseconds later, so that the moments fall into all parts of a step.
#[test]
fn killed_at_any_moment_it_resumes_to_the_same_end() {
    let runs = Runs::new(&RBM, &LONG);
    let written = || fs::metadata(runs.path().join(CHECKPOINT)).and_then(|file| file.modified()).ok();
    let mut kills = 0;
    for moment in 0..12 {
        let before = (runs.lines(""), written());
        let mut child = runs.start(&[BUSY]);
        let further = || match moment % 2 {
            0 => runs.lines("") > before.0 + 1,
            _ => written() != before.1,
        };
        if wait_until(&mut child, further) {
            sleep(Duration::from_micros(170 * moment));
            kills += 1;
        }
        kill(child);
    }
    assert!(kills >= 6, "the run was over after {kills} kills");
    runs.end_alike();
}

/// Kills the run when the file into which a checkpoint is being written shows up, until that file has stayed behind
/// twice.
#[test]
fn killed_while_a_checkpoint_is_written_it_resumes_to_the_same_end() {
    let runs = Runs::new(&RBM, &LONG);
    let being_written = || {
        let entries = fs::read_dir(runs.path().join("checkpoint")).into_iter().flatten();
        entries.flatten().any(|entry| entry.file_name() != "state.safetensors")
    };
    let mut caught = 0;
    for attempt in 0.. {
        assert!(attempt < 200, "no checkpoint can be caught half-written");
        let before = runs.lines("");
        let mut child = runs.start(&[BUSY]);
        let running = wait_until(&mut child, || runs.lines("") > before && being_written());
        kill(child);
        caught += usize::from(being_written());
        if caught == 2 {
            break;
        }
        if !running {
            fs::remove_dir_all(runs.path()).unwrap();
        }
    }
    runs.resume().succeeds();
    assert!(!being_written(), "leftovers of killed runs");
    runs.end_alike();
}

#[test]
fn killed_before_its_first_checkpoint_it_starts_again() {
    let runs = Runs::new(&RBM, &LONG);
    for file in ["", "config.json", "metrics.jsonl"] {
        let mut child = runs.start(&[]);
        wait_until(&mut child, || runs.path().join(file).exists());
        kill(child);
    }
    runs.end_alike();
}

/// Whatever a step or a validation depends on is in the checkpoint: replicas, moments, velocities, averages, best weights.
#[test]
fn every_part_of_the_state_survives() {
    let variants: [&[&str]; 3] = [
        &[
            "train.contrastive.chains=tempered",
            "train.contrastive.temperatures=3",
            "train.optimizer.kind=adam",
        ],
        &[
            "train.contrastive.chains=persistent",
            "train.optimizer.momentum=0.5",
            "train.contrastive.sparsity=0.1",
        ],
        &["train.contrastive.chains=data", "train.average.decay=0", "model.visible=spin"],
    ];
    for variant in variants {
        let validated = ["train.validate_every_epochs=1", "train.patience=4"];
        let runs = Runs::new(&RBM, &[variant, &validated, &LONG].concat());
        for after in [20, 45] {
            runs.kill_between("", after, 450);
        }
        runs.end_alike();
    }
}

/// 300 steps an epoch, so that a stage lasts long enough to be met.
const MANY_STEPS: [&str; 2] = [EACH_STEP, "train.batch_size=10"];

/// A run may be killed in every stage, and resumed in the next one.
#[test]
fn every_stage_of_a_deep_belief_network_survives() {
    let variants: [&[&str]; 2] =
        [&[], &["train.upward=means", "train.up_down.average.decay=0", "train.up_down.top.chains=data"]];
    for variant in variants {
        let runs = Runs::new(&DBN, &[variant, &MANY_STEPS].concat());
        for stage in 0..3 {
            runs.kill_between("", 300 * stage + 20, 300 * (stage + 1));
        }
        runs.end_alike();
    }
}

#[test]
fn the_classifier_and_its_baseline_survive() {
    let settings = [
        EACH_STEP,
        "data.name=digits",
        "data.limit=null",
        "train.batch_size=250",
        "model.n_hidden=[8]",
        "train.up_down.epochs=0",
        "train.classifier.epochs=1",
        "train.baseline=true",
        "train.bound_draws=0",
    ];
    let runs = Runs::new(&DBN, &settings);
    runs.kill_between("", 220, 400);
    runs.kill_between("baseline", 20, 200);
    runs.end_alike();
}

/// The stack, the network by each optimizer, and the baseline.
#[test]
fn every_stage_of_an_autoencoder_survives() {
    for optimizer in ["adam", "conjugate_gradient", "lbfgs"] {
        let optimizer = format!("train.optimizer.kind={optimizer}");
        let further = ["train.pretraining.batch_size=4", "train.baseline=true", &optimizer];
        let runs = Runs::new(&AUTOENCODER, &[&further[..], &MANY_STEPS].concat());
        for stage in 0..3 {
            runs.kill_between("", 300 * stage + 20, 300 * (stage + 1));
        }
        runs.kill_between("baseline", 20, 300);
        runs.end_alike();
    }
}

/// Also the mask that a step draws.
#[test]
fn every_kind_of_autoregressive_model_survives() {
    let variants: [&[&str]; 3] = [
        &["model.n_masks=3", "model.order=random", "train.masks=drawn", "model.dropout=0.1"],
        &["model.kind=nade", "train.average.decay=0"],
        &["model.kind=transformer", "model.d_model=16", "model.n_layers=1"],
    ];
    for variant in variants {
        let runs = Runs::new(&MADE, &[variant, &["train.validate_every_epochs=1"], &LONG].concat());
        runs.kill_between("", 20, 450);
        runs.end_alike();
    }
}

/// The draws of a step, the temperature and the average of the weights.
#[test]
fn a_run_on_a_hamiltonian_survives() {
    let settings = ["train.steps_per_epoch=30", "train.samples=500", "train.valid_samples=100"];
    let runs = Runs::new(&SPINS, &[&settings[..], &LONG].concat());
    runs.kill_between("", 20, 450);
    runs.end_alike();
}

/// The paths of a step, and the draws of phase space.
#[test]
fn flows_of_a_hamiltonian_survive() {
    for family in [&SNF, &CANONICAL] {
        let settings = ["train.steps_per_epoch=30", EACH_STEP, "train.epochs=5"];
        let runs = Runs::new(family, &settings);
        runs.kill_between("", 20, 400);
        runs.end_alike();
    }
}

/// Also the normalizations that were fitted to data, the whitening, and the clipped steps.
#[test]
fn a_flow_survives() {
    let settings =
        ["model.act_norm=true", "model.whitened=true", "train.batch_size=500", EACH_STEP, "train.epochs=5"];
    let runs = Runs::new(&REALNVP, &settings);
    runs.kill_between("", 20, 400);
    runs.end_alike();
}

/// Also the directions of estimated traces, and a whitening before units of single variables.
#[test]
fn a_continuous_flow_survives() {
    let variants: [&[&str]; 2] = [
        &["model.trace=gaussian", "train.kinetic=0.1"],
        &["model.kind=potential", "model.n_hidden=[8]", "model.separable=2", "model.whitened=true"],
    ];
    for variant in variants {
        let settings = ["train.batch_size=500", EACH_STEP, "train.epochs=3"];
        let runs = Runs::new(&CNF, &[variant, &settings].concat());
        runs.kill_between("", 20, 400);
        runs.end_alike();
    }
}

#[test]
fn a_finished_run_resumes_to_itself() {
    for family in FAMILIES {
        let runs = Runs::new(family, &[]);
        family.train(runs.folder.path(), "run", &[]);
        runs.end_alike();
    }
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let runs = Runs::new(&RBM, &["train.epochs=1"]);
    let endless = [BUSY, "train.epochs=100000"];
    let mut child = runs.start(&endless);
    assert!(wait_until(&mut child, || runs.path().join(CHECKPOINT).exists()));
    let outcome = Outcome::from(runs.start(&endless).wait_with_output().unwrap());
    outcome.refuses(&["run is in use by another process"]);
    kill(child);
}
