//! Every executable explains itself. That this test exists also makes a test of the workspace build the executables,
//! which the end-to-end tests of the package `gibbs-tests` run.

use std::process::{Command, Output};

const EXECUTABLES: [(&str, &str); 17] = [
    ("rbm", env!("CARGO_BIN_EXE_rbm")),
    ("dbn", env!("CARGO_BIN_EXE_dbn")),
    ("dbm", env!("CARGO_BIN_EXE_dbm")),
    ("bm", env!("CARGO_BIN_EXE_bm")),
    ("autoencoder", env!("CARGO_BIN_EXE_autoencoder")),
    ("made", env!("CARGO_BIN_EXE_made")),
    ("vae", env!("CARGO_BIN_EXE_vae")),
    ("van", env!("CARGO_BIN_EXE_van")),
    ("ising", env!("CARGO_BIN_EXE_ising")),
    ("hopfield", env!("CARGO_BIN_EXE_hopfield")),
    ("realnvp", env!("CARGO_BIN_EXE_realnvp")),
    ("cnf", env!("CARGO_BIN_EXE_cnf")),
    ("diffusion", env!("CARGO_BIN_EXE_diffusion")),
    ("snf", env!("CARGO_BIN_EXE_snf")),
    ("canonical", env!("CARGO_BIN_EXE_canonical")),
    ("bench", env!("CARGO_BIN_EXE_bench")),
    ("data", env!("CARGO_BIN_EXE_data")),
];

/// So many of them, the first ones, are families of models with the commands of every family.
const FAMILIES: usize = 15;

fn run(executable: &str, argument: &str) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(executable).arg(argument).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn help_goes_to_stdout_with_exit_code_0() {
    for (name, executable) in EXECUTABLES {
        let (code, stdout, stderr) = run(executable, "--help");
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{name}");
        assert!(stdout.contains(&format!("Usage: {name} ")), "{stdout}");
    }
    for (_, executable) in &EXECUTABLES[..FAMILIES] {
        let (_, stdout, _) = run(executable, "--help");
        for command in ["train", "eval", "sample", "--backend", "--data-dir"] {
            assert!(stdout.contains(command), "{stdout}");
        }
    }
}

#[test]
fn a_wrong_flag_is_an_error_with_the_usage_and_exit_code_2() {
    for (name, executable) in EXECUTABLES {
        let (code, stdout, stderr) = run(executable, "--bogus");
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{name}");
        assert!(stderr.starts_with("error: ") && stderr.contains("--bogus"), "{stderr}");
        assert!(stderr.contains(&format!("Usage: {name} ")), "{stderr}");
    }
}
