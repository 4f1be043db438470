//! One writer per folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::RunFolderError;

/// A lock on a folder, held by the operating system for this process: `kill -9` releases it.
///
/// The file `.lock` stays behind; what counts is who holds it.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self, RunFolderError> {
        let path = folder.join(".lock");
        let failed = |source| RunFolderError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(RunFolderError::Locked(folder.to_path_buf())),
            // Some network file systems have no locks; a run there is not worth refusing.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Self { _file: file })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
