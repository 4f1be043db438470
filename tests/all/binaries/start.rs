//! `train --from`: runs that start from the weights of another one.

use tempfile::tempdir;

use super::{
    MADE, RBM,
    family::{Family, all},
    json, set, weights,
};

/// Stacks are left out: a `dbn` takes the layers of another one instead, and a `dbm` is not pre-trained then.
#[test]
fn a_run_starts_from_the_weights_of_another_and_goes_on_from_there() {
    for family in all().filter(|family| !["dbn", "dbm"].contains(&family.name)) {
        let folder = tempdir().unwrap();
        let path = folder.path();
        family.train(path, "first", &["--seed", "3"]);
        let start = ["--from", "first", "--seed", "4"];
        let still = set(&["train.learning_rate=0", "train.average.decay=0"]);
        family.train(path, "still", &[&start[..], &still].concat());
        assert!(weights(path, "still") == weights(path, "first"), "{}: the weights differ", family.name);
        family.train(path, "further", &start);
        assert!(weights(path, "further") != weights(path, "first"), "{}: no step was made", family.name);
        assert_eq!(json(path, "further/config.json")["from"], "first");

        // The start is part of the run: it resumes without the folder that it started from.
        std::fs::remove_dir_all(path.join("first")).unwrap();
        family.run(path, ["train", "further", "--resume", "--quiet"]).succeeds();
        family.run(path, ["eval", "further"]).succeeds();
    }
}

/// Model and data are those of the earlier run, unless others are given.
#[test]
fn the_model_and_the_data_of_the_first_run_stay() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    RBM.train(path, "first", &set(&["model.n_hidden=7"]));
    let flags = ["train", "second", "--from", "first", "--preset", "tiny", "--quiet"];
    RBM.run(path, flags).succeeds();
    let config = json(path, "second/config.json");
    assert_eq!(
        (&config["model"]["n_hidden"], &config["data"]["name"]),
        (&7.into(), &"bars-and-stripes".into())
    );
}

#[test]
fn runs_that_do_not_fit_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    RBM.train(path, "first", &[]);
    let refused = |family: &Family, from: &str, settings: &[&str], expected: &[&str]| {
        let flags = [&["--quiet", "--from", from], &set(settings)[..]].concat();
        family.run(path, family.arguments("run", &flags)).refuses(expected);
        assert!(!path.join("run").exists(), "a refused run left a folder");
    };
    refused(&RBM, "absent", &[], &["--from absent", "holds no run"]);
    refused(&MADE, "first", &[], &["--from first", "`rbm`", "`made`"]);
    refused(&RBM, "first", &["model.n_hidden=13"], &["from = first", "weight", "[16, 16]", "[16, 13]"]);
    std::fs::write(path.join("first/model.safetensors"), "damaged").unwrap();
    refused(&RBM, "first", &[], &["from = first", "safetensors"]);
    std::fs::remove_file(path.join("first/model.safetensors")).unwrap();
    refused(&RBM, "first", &[], &["from = ", "first/model.safetensors"]);
}
