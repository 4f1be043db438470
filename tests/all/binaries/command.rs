//! Running an executable and looking at what comes out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Path of an executable of the package `experiments`, built with the same profile as this test.
///
/// # Panics
/// If it is not there.
fn executable(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    // This test is <target>/<profile>/deps/all-<hash>.
    let folder = this.parent().and_then(Path::parent).unwrap();
    let path = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build --release -p experiments` first (a test of the whole workspace builds it)",
        path.display()
    );
    path
}

/// A command in `folder` that sees none of the variables which could change its meaning.
pub(crate) fn command<A: AsRef<OsStr>>(
    name: &str,
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new(executable(name));
    command
        .current_dir(folder)
        .args(arguments)
        .env_remove("GIBBS_BACKEND")
        .env_remove("GIBBS_DATA_DIR")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Outcome {
    /// The same, if the exit code is 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Checks for bad input: exit code 2, nothing on stdout, one line on stderr that starts with `error:` and holds
    /// all of `expected`.
    #[track_caller]
    pub(crate) fn refuses(self, expected: &[&str]) {
        let stderr = self.stderr.trim_end_matches('\n');
        assert_eq!(self.code, Some(2), "{stderr}");
        assert_eq!(self.stdout, "", "{stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("backtrace"), "{stderr}");
        for part in expected {
            assert!(stderr.contains(part), "`{part}` is not in: {stderr}");
        }
    }
}
