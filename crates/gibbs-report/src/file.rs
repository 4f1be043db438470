//! Atomic writing of files.

use crate::ReportError;
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to a temporary file in the folder of `path` and renames it to `path`.
///
/// The file always has the old content or the new content, also if the process is killed.
///
/// # Errors
/// [`ReportError::Write`] if the folder does not exist or is not writable.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), ReportError> {
    let path = path.as_ref();
    let failed = |source| ReportError::Write { path: path.to_path_buf(), source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A device or a pipe takes the bytes itself. To put a file in its place would destroy it.
    if path.metadata().is_ok_and(|target| !target.is_file() && !target.is_dir()) {
        let written =
            std::fs::File::options().write(true).open(path).and_then(|mut file| file.write_all(bytes));
        return written.map_err(failed);
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gibbs-report-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    if !folder.is_dir() {
        return Err(failed(std::io::Error::other(format!("there is no folder {}", folder.display()))));
    }
    // The message of the builder would have the temporary name.
    let mut file = builder.tempfile_in(folder).map_err(|error| failed(error.kind().into()))?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn files_can_be_read_by_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"one").unwrap();
        std::fs::File::create(folder.path().join("plain")).unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&folder.path().join("plain")));
    }

    #[test]
    fn an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("a.txt");
        let message = write_atomic(&path, b"one").unwrap_err().to_string();
        assert!(message.contains("missing/a.txt") && message.contains("no folder"), "{message}");
    }
}
