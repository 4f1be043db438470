//! `gibbs`: the command over all families and all runs.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use html5ever::{ParseOpts, parse_document, tendril::TendrilSink};
use markup5ever_rcdom::RcDom;
use serde_json::Value;
use tempfile::tempdir;

use super::{
    bytes,
    command::{Outcome, command},
    weights,
};

fn run(name: &str, folder: &Path, arguments: &str) -> Outcome {
    command(name, folder, arguments.split_whitespace()).output().unwrap().into()
}

fn gibbs(folder: &Path, arguments: &str) -> Outcome {
    run("gibbs", folder, arguments)
}

fn object(outcome: Outcome) -> Value {
    serde_json::from_str(&outcome.succeeds().stdout).unwrap()
}

/// Checks that a page is HTML5 without parse errors, and that it loads nothing.
#[track_caller]
fn check_page(html: &str) {
    let document = parse_document(RcDom::default(), ParseOpts::default()).one(html);
    assert!(document.errors.borrow().is_empty(), "{:?}", document.errors.borrow());
    for attribute in ["src=\"", "href=\"", "url("] {
        for rest in html.split(attribute).skip(1) {
            assert!(rest.starts_with("data:"), "{attribute}{}", &rest[..rest.len().min(80)]);
        }
    }
    for tag in ["<script", "<link", "<iframe", "@import"] {
        assert!(!html.contains(tag), "{tag}");
    }
}

#[test]
fn every_family_is_listed_and_explained() {
    let folder = tempdir().unwrap();
    let listed = object(gibbs(folder.path(), "list --json"));
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|f| f["family"].as_str().unwrap()).collect();
    for family in super::FAMILIES {
        assert!(names.contains(&family.name), "{} is not in {names:?}", family.name);
    }
    for name in names {
        let guide = gibbs(folder.path(), &format!("list {name}")).succeeds().stdout;
        assert!(guide.starts_with("# ") && guide.contains("## "), "{name}: {guide}");
        assert!(gibbs(folder.path(), "list").succeeds().stdout.contains(name));
    }
    gibbs(folder.path(), "list rmb").refuses(&["no family rmb", "did you mean rbm?"]);
    gibbs(folder.path(), "rmb train").refuses(&["no command rmb", "did you mean rbm?"]);
    gibbs(folder.path(), "rbm trian").refuses(&["no command trian", "did you mean train?"]);
    gibbs(folder.path(), "train runs/a")
        .refuses(&["train is a part of other commands, such as gibbs ", " train:"]);
}

#[test]
fn one_program_does_what_the_families_do_and_shows_their_runs() {
    let folder = tempdir().unwrap();
    let here = folder.path();
    let settings = "--data bars-and-stripes --preset tiny --set train.epochs=2 --quiet";
    gibbs(here, &format!("rbm train runs/a {settings}")).succeeds();
    run("rbm", here, &format!("train runs/b {settings}")).succeeds();
    assert_eq!(weights(here, "runs/a"), weights(here, "runs/b"));
    gibbs(here, &format!("rbm train runs/deep/c {settings} --set model.n_hidden=7 --seed 3")).succeeds();
    fs::create_dir(here.join("runs/broken")).unwrap();
    fs::write(here.join("runs/broken/config.json"), "{").unwrap();

    let runs = object(gibbs(here, "runs --json"));
    let row = |k: usize, key: &str| runs[k][key].clone();
    assert_eq!(runs.as_array().unwrap().len(), 4);
    assert_eq!(
        (row(0, "family"), row(0, "data"), row(0, "seed"), row(0, "state")),
        ("rbm".into(), "bars-and-stripes-4x4".into(), 0.into(), "done".into())
    );
    assert_eq!(row(0, "metric")["name"], "log_prob");
    assert_eq!((row(2, "state"), row(3, "seed")), ("damaged".into(), 3.into()));
    let table = gibbs(here, "runs").succeeds().stdout;
    assert!(table.contains("runs/deep/c") && table.contains("log_prob"), "{table}");
    gibbs(here, "runs nowhere").refuses(&["nowhere is no folder"]);

    let comparison = object(gibbs(here, "compare runs/a runs/deep/c --out pictures --json"));
    assert_eq!(comparison["settings"]["seed"], serde_json::json!([0, 3]));
    assert_eq!(comparison["settings"]["model.n_hidden"][1], 7);
    assert!(comparison["metrics"]["log_prob"][1]["verdict"].is_string());
    assert!(bytes(here, "pictures/compare.png").starts_with(b"\x89PNG"));
    assert!(bytes(here, "pictures/compare.svg").starts_with(b"<svg"));
    gibbs(here, "compare runs/a nowhere").refuses(&["nowhere holds no run"]);

    let page = String::from_utf8(bytes(here, "runs/deep/c/report.html")).unwrap();
    check_page(&page);
    for part in [
        "rbm on bars-and-stripes",
        "log prob",
        "Exact: computed",
        "model.n_hidden",
        "data:image/png;base64,",
        "Finished",
    ] {
        assert!(page.contains(part), "{part} is not in the page");
    }
    fs::remove_file(here.join("runs/a/report.html")).unwrap();
    gibbs(here, "report runs/a").succeeds();
    check_page(&String::from_utf8(bytes(here, "runs/a/report.html")).unwrap());
}

#[test]
fn shells_get_completions_and_man_pages() {
    let folder = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = gibbs(folder.path(), &format!("completions {shell}")).succeeds().stdout;
        assert!(script.contains("compare") && script.contains("resume"), "{shell}");
    }
    gibbs(folder.path(), "completions --man man").succeeds();
    let page = String::from_utf8(bytes(folder.path(), "man/gibbs-rbm-train.1")).unwrap();
    assert!(page.contains("\\-\\-preset"), "{page}");
    for name in ["list", "runs", "compare", "report", "sweep", "board", "data", "bench", "completions"] {
        let help = gibbs(folder.path(), &format!("{name} --help")).succeeds().stdout;
        assert_eq!(help.matches("\n  gibbs ").count(), 2, "two examples: {help}");
    }
}

const PLAN: &str = r#"
title = "Seeds"
[[run]]
name = "bars"
family = "rbm"
data = "bars-and-stripes"
preset = "tiny"
set.train.checkpoint_every_steps = 1
set.train.epochs = 40
grid.model.n_hidden = [6, 8]
seeds = [0, 1]
"#;
const NAMES: [&str; 4] =
    ["bars-n_hidden=6-s0", "bars-n_hidden=6-s1", "bars-n_hidden=8-s0", "bars-n_hidden=8-s1"];

#[test]
fn a_log_says_what_happens_where_it_is_asked_for() {
    let folder = tempdir().unwrap();
    let train = "train run --preset tiny --quiet --data bars-and-stripes --log rbm.log";
    let outcome = run("rbm", folder.path(), train).succeeds();
    assert_eq!(outcome.stderr, "");
    let log = fs::read_to_string(folder.path().join("rbm.log")).unwrap();
    for expected in
        ["rbm train run", "data read", "bars-and-stripes", "validated", "checkpoint written", "measured"]
    {
        assert!(log.contains(expected), "`{expected}` is not in: {log}");
    }
    gibbs(folder.path(), "rbm eval run --log eval.log").succeeds();
    assert!(fs::read_to_string(folder.path().join("eval.log")).unwrap().contains("measured"));
    gibbs(folder.path(), "runs . --log runs.log").succeeds();
    assert!(folder.path().join("runs.log").is_file());
    gibbs(folder.path(), "runs . --log nowhere/runs.log").refuses(&["--log", "nowhere/runs.log"]);

    let with = |level: &str| -> Outcome {
        let mut eval = command("rbm", folder.path(), ["eval", "run"]);
        eval.env("RUST_LOG", level).output().unwrap().into()
    };
    assert!(with("debug").succeeds().stderr.contains("measured"));
    assert!(!with("error").succeeds().stderr.contains("measured"));
    with("experiments=loud").refuses(&["RUST_LOG", "experiments=loud"]);
}

fn sweep(folder: &Path) -> Child {
    command("gibbs", folder, ["sweep", "plan.toml", "--dir", "runs", "--jobs", "2"]).spawn().unwrap()
}

/// Kills the processes of the runs in a folder, as a machine that goes down does.
fn kill_runs(folder: &Path) {
    let folder = folder.canonicalize().unwrap();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let is_here = fs::read_link(entry.path().join("cwd")).is_ok_and(|here| here == folder);
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if is_here && String::from_utf8_lossy(&command).contains("train\0runs/bars") {
            let kill = format!("kill -9 {}", entry.file_name().to_str().unwrap());
            Command::new("sh").args(["-c", &kill]).status().unwrap();
        }
    }
}

#[test]
fn three_processes_make_a_sweep_in_spite_of_kills() {
    let (folder, whole) = (tempdir().unwrap(), tempdir().unwrap());
    let here = folder.path();
    fs::write(here.join("plan.toml"), PLAN).unwrap();
    let mut processes = [sweep(here), sweep(here), sweep(here)];
    let begun = Instant::now();
    while !NAMES.iter().any(|name| here.join("runs").join(name).join("metrics.jsonl").is_file()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no run has begun");
        sleep(Duration::from_millis(5));
    }
    for process in &mut processes {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    kill_runs(here);
    // Stale locks of killed processes stop nobody.
    let ends = [sweep(here), sweep(here), sweep(here)]
        .map(|process| Outcome::from(process.wait_with_output().unwrap()));
    for end in ends {
        assert!(end.succeeds().stderr.contains("0 failed"));
    }
    for name in NAMES {
        let seed = name.rsplit_once("-s").unwrap().1;
        let hidden = &name[14..15];
        let arguments = format!(
            "rbm train runs/{name} --data bars-and-stripes --preset tiny --set train.epochs=40 --set model.n_hidden={hidden} \
             --seed {seed} --quiet"
        );
        gibbs(whole.path(), &arguments).succeeds();
        let run = format!("runs/{name}");
        assert_eq!(weights(here, &run), weights(whole.path(), &run), "{name}");
    }

    // Once more: nothing is left to do, and the table of results has the spread over seeds.
    let again = gibbs(here, "sweep plan.toml --dir runs").succeeds().stderr;
    assert!(again.contains("0 runs made, 4 were there, 0 failed"), "{again}");
    let board = object(gibbs(here, "board plan.toml --dir runs --json"));
    assert_eq!(board[0]["rows"][0]["runs_done"], 2);
    let page = String::from_utf8(bytes(here, "RESULTS.md")).unwrap();
    assert!(page.contains("2 seeds") && page.contains("gibbs rbm train"), "{page}");
    let wrong = gibbs(here, "sweep plan.toml --shard 5/4");
    assert!(wrong.code == Some(2) && wrong.stderr.contains("1 <= I <= N"), "{wrong:?}");
    fs::write(here.join("plan.toml"), PLAN.replace("= 40", "= 41")).unwrap();
    let other = gibbs(here, "sweep plan.toml --dir runs");
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("the plan says"), "{}", other.stderr);
}

/// A signal reaches the sweep alone, which passes it on: the runs write their checkpoints.
#[test]
fn an_interrupted_sweep_leaves_checkpoints() {
    let folder = tempdir().unwrap();
    let here = folder.path();
    let endless = PLAN.replace("= 40", "= 1000000").replace("set.train.checkpoint_every_steps = 1", "");
    fs::write(here.join("plan.toml"), endless).unwrap();
    let sweep = sweep(here);
    let begun = Instant::now();
    let logged = |name: &str| here.join("runs").join(name).join("metrics.jsonl");
    while !NAMES[..2].iter().all(|name| fs::metadata(logged(name)).is_ok_and(|file| file.len() > 0)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no run has begun");
        sleep(Duration::from_millis(5));
    }
    Command::new("sh").args(["-c", &format!("kill -TERM {}", sweep.id())]).status().unwrap();
    let end = Outcome::from(sweep.wait_with_output().unwrap());
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    for name in &NAMES[..2] {
        assert!(here.join("runs").join(name).join("checkpoint/state.safetensors").is_file(), "{name}");
    }
}

#[test]
fn a_run_that_fails_is_named_with_its_reason() {
    let folder = tempdir().unwrap();
    let plan = PLAN
        .replace("set.train.epochs = 40", "set.train.epoch = 40")
        .replace("grid.model.n_hidden = [6, 8]", "");
    fs::write(folder.path().join("plan.toml"), plan.replace("[0, 1]", "[0]")).unwrap();
    let outcome = gibbs(folder.path(), "sweep plan.toml");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("failed bars-s0: error: ") && outcome.stderr.contains("train.epoch"),
        "{}",
        outcome.stderr
    );
}

/// The short table of results in the README is that of `experiments/results.json`.
#[test]
fn the_readme_has_the_results() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let results: Value = serde_json::from_slice(&bytes(&root, "experiments/results.json")).unwrap();
    let readme = String::from_utf8(bytes(&root, "README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- results -->").unwrap();
    let table = rest.split_once("<!-- end of results -->").unwrap().0.trim();
    let rows = results.as_array().unwrap().iter().flat_map(|section| section["rows"].as_array().unwrap());
    let short: Vec<&Value> = rows.filter(|row| row["short"].is_object()).collect();
    assert_eq!(table.lines().count(), short.len() + 2, "{table}");
    for (line, row) in table.lines().skip(2).zip(short) {
        let text = |value: &Value| value.as_str().unwrap().to_string();
        for part in [&row["short"]["model"], &row["value"], &row["short"]["published"]].map(text) {
            assert!(
                line.contains(&part),
                "`{part}` is not in `{line}`: run `gibbs board --readme README.md`"
            );
        }
    }
}
