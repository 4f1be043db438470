//! What the packages pull in: read from `cargo tree` of the workspace, and of a project of one model crate in `tests/foreign`.

use std::{env, process::Command};

/// What `cargo tree` prints, without indents.
fn cargo_tree(arguments: &[&str]) -> String {
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["tree", "--locked", "--prefix", "none"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the packages that the foreign project is built from, with some features of its own.
fn packages(features: &[&str]) -> Vec<String> {
    let features = features.join(",");
    let of_project =
        ["--manifest-path", "foreign/Cargo.toml", "--no-default-features", "--features", &features];
    let tree = cargo_tree(&[&of_project[..], &["--edges", "normal"]].concat());
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect()
}

#[test]
fn a_model_crate_alone_brings_no_backend_no_threads_and_no_files() {
    let has = |packages: &[String], name: &str| packages.iter().any(|package| package == name);
    let alone = packages(&[]);
    assert!(has(&alone, "gibbs-flow") && has(&alone, "burn"), "{alone:?}");
    for heavy in
        ["burn-flex", "burn-ndarray", "burn-wgpu", "gemm", "rayon", "burn-dataset", "burn-store", "image"]
    {
        assert!(!has(&alone, heavy), "{heavy} comes with gibbs-flow");
    }
    let asked_for = packages(&["gibbs-backend/flex"]);
    assert!(["burn-flex", "gemm", "rayon"].iter().all(|name| has(&asked_for, name)), "{asked_for:?}");
}

/// Licences that a program under MIT or Apache-2.0 may be built with.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// Whether one alternative of an SPDX expression needs only licences of the list. `/` is an older form of `OR`.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace(['(', ')'], "").replace(" / ", " OR ").replace('/', " OR ");
    expression.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn licences_allow_the_programs_to_be_given_away() {
    let tree = cargo_tree(&["--workspace", "--edges", "normal,build", "--format", "{p}|{l}"]);
    let mut seen = 0;
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (package, licence) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        seen += 1;
        assert!(is_allowed(licence), "{package} has the licence {licence:?}");
    }
    assert!(seen > 100, "only {seen} packages");
    assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0") && is_allowed("GPL-3.0 OR MIT"));
    assert!(!is_allowed("GPL-3.0") && !is_allowed("MIT AND GPL-3.0") && !is_allowed(""));
}
