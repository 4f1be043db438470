//! Damaged weights, configurations and checkpoints.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use super::{FAMILIES, Family, RBM, bytes, command::Outcome, set, weights};

/// Replaces a file by what `change` makes of it.
fn change(folder: &Path, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    fs::write(folder.join(name), change(bytes(folder, name))).unwrap();
}

fn resume(family: &Family, folder: &Path, further: &[&str]) -> Outcome {
    family.run(folder, family.arguments("run", &[&["--resume", "--quiet"], further].concat()))
}

#[test]
fn damaged_weights_are_named() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let whole = weights(folder.path(), "run");
        let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
        let with_nan = [&whole[..whole.len() - 4], &f32::NAN.to_le_bytes()].concat();
        let tensor = family.resized.tensor;
        let other = tensor.replace("weight", "height").replace("coupling", "doubling");
        let renamed = String::from_utf8_lossy(&whole[8..header]).replace(tensor, &other);
        let renamed = [&whole[..8], renamed.as_bytes(), &whole[header..]].concat();
        let damaged: [(&[u8], &str); 6] = [
            (&whole[..whole.len() - 1], "safetensors"),
            (&whole[..20], "safetensors"),
            (b"", "safetensors"),
            (b"\xff\xff\xff\xff\xff\xff\xff\x7f a header of that length", "safetensors"),
            (&with_nan, "NaN"),
            (&renamed, &other),
        ];
        for (bytes, expected) in damaged {
            fs::write(folder.path().join("run/model.safetensors"), bytes).unwrap();
            for command in ["eval", "sample"] {
                family.run(folder.path(), [command, "run"]).refuses(&["run/model.safetensors", expected]);
            }
        }
        fs::remove_file(folder.path().join("run/model.safetensors")).unwrap();
        family.run(folder.path(), ["eval", "run"]).refuses(&["run/model.safetensors"]);
    }
}

#[test]
fn weights_that_do_not_fit_the_configuration_are_named() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let resized = &family.resized;
        family.train(folder.path(), "run", &[]);
        let flags = set(&[resized.setting]);
        family.train(folder.path(), "resized", &flags);
        fs::copy(folder.path().join("resized/config.json"), folder.path().join("run/config.json")).unwrap();
        let expected = [&["run/model.safetensors", resized.tensor], &resized.shapes[..]].concat();
        for command in ["eval", "sample"] {
            family.run(folder.path(), [command, "run"]).refuses(&expected);
        }
    }
}

#[test]
fn damaged_configurations_are_named() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let whole = bytes(folder.path(), "run/config.json");
        let edited = |from: &str, to: &str| {
            let text = String::from_utf8(whole.clone()).unwrap();
            assert!(text.contains(from));
            text.replace(from, to).into_bytes()
        };
        for (bytes, expected) in [
            (whole[..whole.len() / 2].to_vec(), "run/config.json"),
            (Vec::new(), "run/config.json"),
            (b"[]".to_vec(), "run/config.json"),
            (edited("\"n_hidden\"", "\"n_hiden\""), "n_hidden"),
            (edited("\"batch_size\": 100", "\"batch_size\": \"many\""), "many"),
        ] {
            fs::write(folder.path().join("run/config.json"), bytes).unwrap();
            family.run(folder.path(), ["eval", "run"]).refuses(&[expected]);
        }
    }
}

/// It is that of its data.
#[test]
fn a_configuration_does_not_need_the_width() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        change(folder.path(), "run/config.json", |text| {
            let text = String::from_utf8(text).unwrap();
            text.replace("\"n_visible\": 16,", "").into_bytes()
        });
        family.run(folder.path(), ["eval", "run"]).succeeds();
        family.sample(folder.path(), &["run"]).succeeds();
    }
}

/// A checkpoint that lacks a byte, or differs in a single bit anywhere, is noticed and left as it is.
#[test]
fn damaged_checkpoints_are_named() {
    const CHECKPOINT: &str = "run/checkpoint/state.safetensors";
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let whole = bytes(folder.path(), CHECKPOINT);
        let mut damaged = vec![whole[..whole.len() - 1].to_vec(), whole[..100].to_vec(), Vec::new()];
        for place in [9, whole.len() / 2, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            damaged.push(flipped);
        }
        for bytes in damaged {
            fs::write(folder.path().join(CHECKPOINT), &bytes).unwrap();
            resume(family, folder.path(), &[]).refuses(&[CHECKPOINT]);
            assert!(super::bytes(folder.path(), CHECKPOINT) == bytes);
        }
        fs::write(folder.path().join(CHECKPOINT), &whole).unwrap();
        resume(family, folder.path(), &[]).succeeds();
    }
}

#[test]
fn another_configuration_cannot_resume() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let before = weights(folder.path(), "run");
        for (setting, expected) in family.others {
            resume(family, folder.path(), &["--set", setting]).refuses(&[expected, "--resume"]);
            assert!(weights(folder.path(), "run") == before);
        }
    }
}

#[test]
fn a_damaged_run_json_is_named_with_the_way_out() {
    let folder = tempdir().unwrap();
    RBM.train(folder.path(), "run", &[]);
    fs::write(folder.path().join("run/run.json"), "{").unwrap();
    resume(&RBM, folder.path(), &[]).refuses(&["run/run.json", "remove it"]);
    fs::remove_file(folder.path().join("run/run.json")).unwrap();
    resume(&RBM, folder.path(), &[]).succeeds();
}
