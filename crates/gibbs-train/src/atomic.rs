//! Atomic writes: a file holds either its old content or its new content, never a part of it.
//!
//! The new content goes into a temporary file in the same folder. Once it is on disk, the temporary file takes the name of
//! the target in one step. A killed process leaves the old file and perhaps a temporary file, which [`clean_stale`] removes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

const TEMPORARY: &str = ".tmp";

/// The error of a file that cannot be written, with the path of the file.
#[derive(Debug, Error)]
#[error("cannot write {}: {source}", .path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// The reason of the operating system.
    pub source: io::Error,
}

/// Replaces the file at `path` by `bytes`. The write is atomic and durable.
///
/// # Errors
/// [`WriteError`] with the reason of the operating system. The old file then stays unchanged.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("summary.json");
/// gibbs_train::atomic::write(&path, b"{}")?;
/// assert_eq!(std::fs::read(&path)?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), WriteError> {
    write_with(path, |file| file.write_all(bytes))
}

/// Replaces the file at `path` by indented JSON with a final newline. The write is atomic and durable.
///
/// # Errors
/// The errors of [`write()`], and an error if `value` does not serialize.
pub fn write_json<T: Serialize + ?Sized>(path: impl AsRef<Path>, value: &T) -> Result<(), WriteError> {
    let path = path.as_ref();
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| WriteError { path: path.to_path_buf(), source: error.into() })?;
    text.push('\n');
    write(path, text.as_bytes())
}

/// Replaces the file at `path` by the bytes that `fill` writes. The write is atomic and durable.
///
/// # Errors
/// The errors of [`write()`], and the error of `fill`.
pub fn write_with(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), WriteError> {
    let path = path.as_ref();
    replace(path, fill).map_err(|source| WriteError { path: path.to_path_buf(), source })
}

fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // A device or a pipe takes the bytes itself. To put a file in its place would destroy it.
    if path.metadata().is_ok_and(|target| !target.is_file() && !target.is_dir()) {
        return fill(&mut File::options().write(true).open(path)?);
    }
    let folder = parent(path);
    let prefix = prefix(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(TEMPORARY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = temporary_in(folder, &builder)?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// A new temporary file in a folder. Errors do not have its name.
fn temporary_in(folder: &Path, builder: &tempfile::Builder<'_, '_>) -> io::Result<tempfile::NamedTempFile> {
    if !folder.is_dir() {
        return Err(io::Error::other(format!("there is no folder {}", folder.display())));
    }
    builder.tempfile_in(folder).map_err(|error| error.kind().into())
}

/// Removes the temporary files that killed processes left when they wrote the file at `path`. Returns their number.
///
/// Call it only for a folder that no other process writes to.
///
/// # Errors
/// [`WriteError`] with the path of the first temporary file that cannot be removed.
pub fn clean_stale(path: impl AsRef<Path>) -> Result<usize, WriteError> {
    let path = path.as_ref();
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| WriteError { path, source }
    };
    let prefix = prefix(path).map_err(failed(path))?;
    let entries = match fs::read_dir(parent(path)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(path)(error)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(failed(path))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) && name.ends_with(TEMPORARY) {
            fs::remove_file(entry.path()).map_err(failed(&entry.path()))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn prefix(path: &Path) -> io::Result<String> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    Ok(format!(".{}.", name.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_leftover() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write(&path, b"old").unwrap();
        let error = write_with(&path, |file| {
            file.write_all(b"ne")?;
            Err(io::Error::other("disk full"))
        })
        .unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write {}: disk full", path.display()));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_the_folder_and_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent/x.png");
        let error = write(&path, b"").unwrap_err().to_string();
        let parent = folder.path().join("absent");
        assert_eq!(
            error,
            format!("cannot write {}: there is no folder {}", path.display(), parent.display())
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_device_is_written_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let error = write(&path, b"x").unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
        assert!(path.metadata().unwrap().file_type().is_char_device());
    }

    #[test]
    fn only_own_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".state.abc.tmp", ".state.x", "state.tmp", ".other.abc.tmp", ".state.tmp"] {
            fs::write(folder.path().join(name), b"half").unwrap();
        }
        assert_eq!(clean_stale(folder.path().join("state")).unwrap(), 2);
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".other.abc.tmp", ".state.x", "state.tmp"]);
        assert_eq!(clean_stale(folder.path().join("absent/state")).unwrap(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_readable_for_others_as_the_umask_allows() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(&ours, b"").unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
