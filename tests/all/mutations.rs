//! Readers of run folders on damaged files: an error or a value, never a panic. The readers of data sets have theirs in
//! `gibbs-data`.

use std::fs;

use burn::prelude::*;
use gibbs_autoregressive::MadeConfig;
use gibbs_backend::Noise;
use gibbs_testkit::mutations;
use gibbs_train::{checkpoint::State, config::Resolver, weights};
use serde_json::{Value, json};

/// Calls `read` with mutations of a file, and gives the numbers of errors and of values.
fn outcomes<T, E: std::fmt::Display>(
    name: &str,
    file: &[u8],
    read: impl Fn(&[u8]) -> Result<T, E>,
) -> [usize; 2] {
    let (mut errors, mut values) = (0, 0);
    for bytes in mutations(name, file) {
        match read(&bytes) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                errors += 1;
            }
            Ok(_) => values += 1,
        }
    }
    [errors, values]
}

#[test]
fn weights_of_a_damaged_file() {
    let config = MadeConfig::new(3, 4.into());
    let model = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let file = weights::to_bytes(&model).unwrap();
    let found = outcomes("weights", &file, |bytes| weights::from_bytes(model.clone(), bytes));
    assert!(found.iter().all(|&count| count > 0), "{found:?}");
}

/// A change that is not found is one of the header that means the same, such as white space: what is read is what was written.
#[test]
fn checkpoints_find_every_change_of_their_content() {
    let mut state = State::new();
    state.put("steps", &[1u64, 2, 3]).unwrap();
    state.put_bytes("blob", [7u8; 40]);
    state.put_tensor("chains", &Tensor::<2>::ones([3, 4], &Device::flex()));
    let file = state.to_bytes().unwrap();
    let read = |bytes: &[u8]| {
        let state = State::from_bytes(bytes).map_err(|error| error.to_string())?;
        assert_eq!(state.to_bytes().unwrap(), file);
        Ok::<State, String>(state)
    };
    let [errors, values] = outcomes("checkpoint", &file, read);
    assert!(errors > values, "{errors} {values}");
}

#[test]
fn configurations_of_a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let preset = json!({
        "experiment": "made",
        "data": { "name": "digits", "shape": [28, 28], "offset": null },
        "train": { "learning_rate": { "kind": "linear", "from": 0.1, "to": 0.0 }, "epochs": 3 },
    });
    let file = serde_json::to_vec_pretty(&preset).unwrap();
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let file = Resolver::over(&preset).unwrap().file(&path).map_err(|error| error.to_string())?;
        file.resolve::<Value>().map_err(|error| error.to_string())
    };
    let found = outcomes("config", &file, read);
    assert!(found.iter().all(|&count| count > 0), "{found:?}");
}
