//! A lock that allows one writer for each folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::RunFolderError;

/// Name of the file that is locked.
pub(super) const FILE: &str = ".lock";

/// A lock of the operating system on a folder. It ends with the process, also after `kill -9`.
///
/// The file [`FILE`] stays in the folder. Its existence means nothing; only the lock on it counts.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Attempts to take a lock, and the time between them: whoever looks whether a folder is in use holds its lock for a moment.
const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Whether the file system of a folder has locks. A file is made there and removed.
///
/// # Errors
/// A folder that cannot be written.
pub fn has_locks(folder: impl AsRef<Path>) -> io::Result<bool> {
    let file = tempfile::tempfile_in(folder)?;
    Ok(file.try_lock().is_ok())
}

/// Whether another process holds the lock of a folder.
pub(super) fn is_held(folder: &Path) -> bool {
    let file = File::open(folder.join(FILE));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self, RunFolderError> {
        let path = folder.join(FILE);
        let failed = |source| RunFolderError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let mut taken = file.try_lock();
        for _ in 1..ATTEMPTS {
            if !matches!(taken, Err(TryLockError::WouldBlock)) {
                break;
            }
            thread::sleep(PAUSE);
            taken = file.try_lock();
        }
        match taken {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(RunFolderError::Locked(folder.to_path_buf())),
            // Some network file systems have no locks. Runs there go on without one.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Self { _file: file })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
