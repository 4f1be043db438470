//! A lock that allows one writer for each folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

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

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self, RunFolderError> {
        let path = folder.join(FILE);
        let failed = |source| RunFolderError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
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
