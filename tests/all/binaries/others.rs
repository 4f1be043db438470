//! The executables that run no model: `bench` and `data`.

use serde_json::Value;
use tempfile::tempdir;

use super::command::{Outcome, command};

fn run(name: &str, arguments: &[&str]) -> Outcome {
    let folder = tempdir().unwrap();
    command(name, folder.path(), arguments).output().unwrap().into()
}

#[test]
fn a_case_of_the_benchmark_is_one_json_object() {
    let outcome = run("bench", &["rbm-ais-784x500-c1"]).succeeds();
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    let line: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(line["case"], "rbm-ais-784x500-c100");
    assert!(line["backend"].is_string());
    let [milliseconds, samples] = ["ms_per_step", "samples_per_s"].map(|key| line[key].as_f64().unwrap());
    assert!(milliseconds > 0.0, "{line}");
    assert!((samples * milliseconds / 1e3 / 100.0 - 1.0).abs() < 1e-6, "100 chains a step: {line}");
}

#[test]
fn devices_are_listed_and_chosen_by_their_number() {
    let listed = run("bench", &["--list-devices"]).succeeds().stdout;
    assert!(listed.starts_with("flex:0  "), "{listed}");
    run("bench", &["rbm-ais-784x500-c1", "--backend", "flex:0"]).succeeds();
    run("bench", &["--backend", "flex:7"]).refuses(&["flex:7", "choose one of flex:0"]);
}

#[test]
fn an_unknown_case_of_the_benchmark_names_the_cases() {
    run("bench", &["rbm-cd1", "nothing"]).refuses(&["nothing", "rbm-cd25-784x500-b100"]);
}

#[test]
fn the_named_sets_are_listed_with_what_is_missing() {
    let outcome = run("data", &["list"]).succeeds();
    for set in ["mnist", "fashion-mnist", "binarized-mnist", "frey-faces"] {
        let line = outcome.stdout.lines().find(|line| line.split_whitespace().next() == Some(set));
        assert!(line.is_some_and(|line| line.contains("missing in datasets/")), "{}", outcome.stdout);
    }
}

#[test]
fn a_set_without_a_public_address_says_how_to_get_it() {
    run("data", &["get", "frey-faces"]).refuses(&["frey-faces", "cannot be downloaded"]);
    run("data", &["get", "mnits"]).refuses(&["mnits", "mnist"]);
}
