//! `metrics.jsonl`: one JSON object for each line. A line reaches the file as soon as its step is done.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::atomic::WriteError;

/// A growing file of JSON lines.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl MetricsFile {
    /// Opens the file and keeps its first `keep` bytes. For a new run, `keep` is 0. For a resumed run, it is the
    /// [`durable_length`](Self::durable_length) in the checkpoint, so that no step appears twice. If the file is shorter than
    /// `keep`, its complete lines are kept.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn open(path: impl AsRef<Path>, keep: u64) -> Result<Self, WriteError> {
        let path = path.as_ref().to_path_buf();
        Self::cut(&path, keep)
            .map(|(file, length)| Self { path: path.clone(), file, length })
            .map_err(|source| WriteError { path, source })
    }

    fn cut(path: &Path, keep: u64) -> io::Result<(File, u64)> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut length = keep.min(file.metadata()?.len());
        if length < keep {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            length = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last as u64 + 1);
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok((file, length))
    }

    /// Appends one line.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn append<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), WriteError> {
        let written = serde_json::to_string(record).map_err(io::Error::from).and_then(|mut line| {
            line.push('\n');
            self.file.write_all(line.as_bytes())?;
            Ok(line.len() as u64)
        });
        self.length += written.map_err(|source| WriteError { path: self.path.clone(), source })?;
        Ok(())
    }

    /// Number of bytes written so far. Waits until they are on disk. A checkpoint saves this number.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn durable_length(&self) -> Result<u64, WriteError> {
        self.file.sync_data().map_err(|source| WriteError { path: self.path.clone(), source })?;
        Ok(self.length)
    }

    /// Number of bytes written so far.
    pub fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_after_the_recorded_length_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut file = MetricsFile::open(&path, 0).unwrap();
        file.append(&json!({"step": 1})).unwrap();
        let recorded = file.durable_length().unwrap();
        file.append(&json!({"step": 2})).unwrap();
        drop(file);

        let mut file = MetricsFile::open(&path, recorded).unwrap();
        file.append(&json!({"step": 2, "again": true})).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"step\":1}\n{\"step\":2,\"again\":true}\n");
        assert_eq!(file.length(), text.len() as u64);
    }

    #[test]
    fn a_file_that_lost_its_end_keeps_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"step\":1}\n{\"st").unwrap();
        let file = MetricsFile::open(&path, 1000).unwrap();
        assert_eq!(file.length(), 11);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"step\":1}\n");
    }
}
