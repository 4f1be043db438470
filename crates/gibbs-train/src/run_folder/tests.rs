use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::*;

fn machine() -> Machine {
    Machine {
        version: "0.1.0".into(),
        backend: "flex".into(),
        command: vec!["rbm".into(), "train".into()],
        ..Machine::here()
    }
}

fn fill(path: &Path) {
    let mut folder = RunFolder::start(path, Existing::Refuse, &["samples.png"]).unwrap();
    folder.write_config(&json!({"seed": 1})).unwrap();
    folder.begin(machine()).unwrap();
    let mut state = State::new();
    state.put("step", &1).unwrap();
    folder.write_checkpoint(&state).unwrap();
    folder.write_model(b"weights").unwrap();
    folder.write_summary(&json!({"n": 1})).unwrap();
    MetricsFile::open(folder.files().metrics(), 0).unwrap().append(&json!({"step": 1})).unwrap();
    atomic::write(folder.files().named("samples.png"), b"png").unwrap();
    folder.end().unwrap();
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_fills_the_folder_with_what_is_promised() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("runs/rbm");
    fill(&path);
    assert_eq!(
        names(&path),
        [
            "checkpoint",
            "config.json",
            "metrics.jsonl",
            "model.safetensors",
            "run.json",
            "samples.png",
            "summary.json"
        ]
    );
    let info: Value = serde_json::from_str(&fs::read_to_string(path.join("run.json")).unwrap()).unwrap();
    let keys: Vec<_> = info.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "version",
            "commit",
            "compiler",
            "features",
            "backend",
            "device",
            "processor",
            "threads",
            "command",
            "preset",
            "changes",
            "source",
            "start",
            "end",
            "wall_seconds",
            "peak_memory_bytes",
            "resumed"
        ]
    );
    assert!(info["end"].is_string() && info["wall_seconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(info["resumed"], 0);
}

#[test]
fn a_run_is_not_written_over() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("run");
    fill(&path);
    let before = fs::read(path.join("config.json")).unwrap();
    let error = RunFolder::start(&path, Existing::Refuse, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} already holds a run: --resume continues it, --overwrite replaces it, or name another folder",
            path.display()
        )
    );
    assert_eq!(fs::read(path.join("config.json")).unwrap(), before);

    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("model.safetensors"), b"made elsewhere").unwrap();
    assert!(matches!(
        RunFolder::start(elsewhere.path(), Existing::Refuse, &[]),
        Err(RunFolderError::Exists(_))
    ));
}

#[test]
fn overwriting_leaves_foreign_files_alone() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("run");
    fill(&path);
    for foreign in ["notes.txt", "other.png", "checkpoint/mine", ".config.json.old", "state.safetensors"] {
        fs::write(path.join(foreign), b"keep").unwrap();
    }
    let folder = RunFolder::start(&path, Existing::Overwrite, &["samples.png"]).unwrap();
    assert!(!folder.has_checkpoint());
    assert!(!RunFolder::holds_run(&path));
    assert_eq!(
        names(&path),
        [".config.json.old", "checkpoint", "notes.txt", "other.png", "state.safetensors"]
    );
    assert_eq!(names(&path.join("checkpoint")), ["mine"]);
}

#[test]
fn resuming_keeps_everything_and_cleans_up_leftovers() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("run");
    fill(&path);
    let before = names(&path);
    fs::write(path.join("checkpoint/.state.safetensors.a1b2c3.tmp"), b"half a checkpoint").unwrap();
    fs::write(path.join(".model.safetensors.a1b2c3.tmp"), b"half a model").unwrap();
    let mut folder = RunFolder::start(&path, Existing::Resume, &[]).unwrap();
    assert_eq!(names(&path), before);
    assert_eq!(names(&path.join("checkpoint")), ["state.safetensors"]);
    assert_eq!(folder.read_checkpoint().unwrap().unwrap().get::<u32>("step").unwrap(), 1);
    folder.begin(machine()).unwrap();
    let info = folder.end().unwrap().unwrap();
    assert_eq!(info.resumed, 1);
}

#[test]
fn resuming_nothing_starts_from_the_beginning() {
    let parent = tempfile::tempdir().unwrap();
    let folder = RunFolder::start(parent.path().join("run"), Existing::Resume, &[]).unwrap();
    assert!(folder.read_checkpoint().unwrap().is_none());
}

#[test]
fn a_folder_with_foreign_files_only_is_free() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("notes.txt"), b"keep").unwrap();
    RunFolder::start(parent.path(), Existing::Refuse, &[]).unwrap();
    assert_eq!(names(parent.path()), ["checkpoint", "notes.txt"]);
}

#[test]
fn a_file_in_the_place_of_the_folder_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("run");
    fs::write(&path, b"").unwrap();
    for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
        let error = RunFolder::start(&path, existing, &[]).unwrap_err();
        assert_eq!(error.to_string(), format!("{} is not a folder", path.display()));
    }
}

#[test]
fn a_damaged_run_json_is_named() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("run.json"), b"{").unwrap();
    let mut folder = RunFolder::start(parent.path(), Existing::Resume, &[]).unwrap();
    let error = folder.begin(machine()).unwrap_err().to_string();
    assert!(
        error.contains("run.json is damaged (EOF while parsing an object at line 1 column 1)"),
        "{error}"
    );
}

#[test]
fn reading_needs_a_config_and_no_lock() {
    let parent = tempfile::tempdir().unwrap();
    let error = RunFolder::read(parent.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{} holds no run: there is no config.json in it", parent.path().display()));
    let writer = RunFolder::start(parent.path(), Existing::Refuse, &[]).unwrap();
    writer.write_config(&json!({})).unwrap();
    let files = RunFolder::read(parent.path()).unwrap();
    assert_eq!(files, writer.files());
}

#[test]
fn one_writer_at_a_time() {
    let parent = tempfile::tempdir().unwrap();
    let first = RunFolder::start(parent.path(), Existing::Refuse, &[]).unwrap();
    for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
        let error = RunFolder::start(parent.path(), existing, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{} is in use by another process: wait for it, or name another folder",
                parent.path().display()
            )
        );
    }
    drop(first);
    RunFolder::start(parent.path(), Existing::Refuse, &[]).unwrap();
}

const HOLD: &str = "GIBBS_TRAIN_TEST_HOLD_FOLDER";

/// Not an independent test: if the variable is set, this is the second process of the next test.
#[test]
fn hold_a_folder() {
    let Some(path) = std::env::var_os(HOLD) else { return };
    let _folder = RunFolder::start(path, Existing::Refuse, &[]).unwrap();
    writeln!(std::io::stdout(), "held").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn a_killed_process_does_not_hold_the_folder() {
    let parent = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "run_folder::tests::hold_a_folder", "--nocapture", "--test-threads=1"])
        .env(HOLD, parent.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("held")), "the child ended early");
    assert!(matches!(RunFolder::start(parent.path(), Existing::Refuse, &[]), Err(RunFolderError::Locked(_))));
    child.kill().unwrap();
    child.wait().unwrap();
    RunFolder::start(parent.path(), Existing::Refuse, &[]).unwrap();
}
