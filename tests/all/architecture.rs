//! Who may import whom: read from the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of a package.
fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// All Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The families of `experiments`: its folders that a binary is named after.
fn families() -> Vec<String> {
    let source = package("experiments/src");
    let folders = fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().path());
    let is_family = |path: &PathBuf| {
        path.is_dir() && source.join("bin").join(path.file_name().unwrap()).with_extension("rs").is_file()
    };
    folders.filter(is_family).map(|path| path.file_name().unwrap().to_str().unwrap().to_string()).collect()
}

/// The source without its comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules of the crate that a source names: `crate::name`, also in `use crate::{name, …}`.
fn imports(code: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                _ if depth == 0 && start && !c.is_whitespace() => {
                    names.push(name(&group[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names
}

#[test]
fn imports_are_found_in_groups_and_alone() {
    let code = "use crate::{\n    cli::{self, Part},\n    rbm::{Inner, Other},\n    source,\n};\nlet x = crate::van::f();";
    assert_eq!(imports(code), ["cli", "rbm", "source", "van"]);
}

#[test]
fn no_family_imports_another_and_shared_code_imports_none() {
    let (source, families) = (package("experiments/src"), families());
    assert!(families.iter().any(|family| family == "rbm"), "{families:?}");
    for file in rust_files(&source) {
        let place = file.strip_prefix(&source).unwrap();
        let first = place.iter().next().unwrap().to_str().unwrap();
        if first == "bin" || first == "lib.rs" {
            continue;
        }
        for import in imports(&code(&file)) {
            let is_foreign = families.contains(&import) && import != first;
            assert!(!is_foreign, "{} imports the family {import}", place.display());
        }
    }
}

#[test]
fn only_the_learner_steps_an_optimizer() {
    for file in rust_files(&package("experiments/src")) {
        if file.ends_with("bench.rs") {
            continue;
        }
        let code = code(&file);
        for word in ["optimizer_step(", "ModuleOptimizer", "GradientsParams", ".backward()"] {
            assert!(!code.contains(word), "{} uses {word}", file.display());
        }
    }
}

/// `println!` and `eprintln!` panic when the reader has closed the pipe.
#[test]
fn programs_write_through_one_module() {
    for file in rust_files(&package("experiments/src")) {
        let code = code(&file);
        for word in ["println!", "print!", "stdout()", "clippy::print_std"] {
            let is_home = file.ends_with("src/output.rs") && word == "stdout()";
            assert!(is_home || !code.contains(word), "{} uses {word}: see output.rs", file.display());
        }
    }
}

#[test]
fn model_crates_know_no_files_and_no_training_loop() {
    for name in ["boltzmann", "autoencoder", "autoregressive", "flow", "physics"] {
        let manifest = fs::read_to_string(package(&format!("crates/gibbs-{name}/Cargo.toml"))).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
        for foreign in ["gibbs-train", "gibbs-data", "gibbs-report", "clap", "anyhow"] {
            assert!(!dependencies.contains(foreign), "gibbs-{name} depends on {foreign}");
        }
    }
}
