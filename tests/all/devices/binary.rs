//! The executable on every device.

use serde_json::Value;
use tempfile::tempdir;

use super::devices;
use crate::binaries::family::{Family, MADE, RBM};

/// A short run and the metrics that `eval` prints on the same device.
fn metrics(family: &Family, backend: &str) -> Value {
    let folder = tempdir().unwrap();
    let settings =
        ["train.epochs=1", "train.batch_size=150", "model.n_hidden=10"].map(|setting| ["--set", setting]);
    let flags = ["--data", "bars-and-stripes", "--preset", "tiny", "--quiet", "--backend", backend];
    family
        .run(folder.path(), ["train", "run"].iter().chain(&flags).chain(settings.as_flattened()))
        .succeeds();
    let info = std::fs::read(folder.path().join("run/run.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&info).unwrap()["backend"], backend);
    let printed = family.run(folder.path(), ["eval", "run", "--backend", backend]).succeeds();
    serde_json::from_str(&printed.stdout).unwrap()
}

/// After 20 steps.
#[test]
fn a_short_run_ends_alike() {
    for family in [&RBM, &MADE] {
        let expected = metrics(family, "flex");
        for (name, _) in devices() {
            let found = metrics(family, name);
            for (metric, _) in family.metrics.iter().filter(|metric| metric.0 != "free_energy_gap") {
                let value = |printed: &Value| printed["metrics"][metric]["value"].as_f64().unwrap();
                let (found, expected) = (value(&found), value(&expected));
                let what = format!("{metric} of {}", family.name);
                assert!((found - expected).abs() < 1e-3, "{what} is {found} on {name}, {expected} on flex");
            }
        }
    }
}
