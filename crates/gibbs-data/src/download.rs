//! Download of named sets that have a public address (feature `download`).
//!
//! A file is written as `NAME.part`, its checksum is verified, and then it is renamed. A file with its final name is therefore
//! complete. An interrupted transfer continues with a `Range` request, in the same call or in a later one. If the server does
//! not support this, or if the checksum is wrong, the transfer starts again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use crate::manifest::{self, Form, Manifest, hex};
use crate::{DataError, names};

/// The progress of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// Number of the file, from 0.
    pub index: usize,
    /// Number of files.
    pub files: usize,
    /// Bytes that have arrived, including those of an earlier try.
    pub received: u64,
    /// Size of the file, if known.
    pub total: Option<u64>,
}

/// Downloads the named set into `data_dir/NAME/` and returns the paths of its files. Files with the right checksum are not
/// downloaded again. `progress` is called after each piece that arrives.
///
/// # Errors
///
/// [`DataError::Unknown`] if `name` is not the name of a set, [`DataError::NoAddress`] if it has no public address,
/// [`DataError::Download`] if a transfer fails at all addresses, [`DataError::Checksum`] if the file differs from the
/// published one, [`DataError::Io`] if it cannot be written.
pub fn download(
    name: &str,
    data_dir: &Path,
    mut progress: impl FnMut(&Progress),
) -> Result<Vec<PathBuf>, DataError> {
    match manifest::find(name) {
        Some(manifest) => download_files(&manifest, data_dir, &mut progress),
        None if names().iter().any(|known| known == name) => Err(DataError::NoAddress {
            set: name.to_owned(),
            help: "it is built in and needs no files".to_owned(),
        }),
        None => {
            let known: Vec<String> = manifest::all().into_iter().map(|manifest| manifest.name).collect();
            Err(DataError::Unknown { spec: name.to_owned(), known })
        }
    }
}

fn download_files(
    manifest: &Manifest,
    data_dir: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<PathBuf>, DataError> {
    let folder = data_dir.join(&manifest.name);
    fs::create_dir_all(&folder).map_err(DataError::io("create", &folder))?;
    let files = manifest.files.len();
    let mut paths = Vec::with_capacity(files);
    for (index, file) in manifest.files.iter().enumerate() {
        let there = file.forms.iter().map(|form| (form, folder.join(&form.name)));
        let valid = there.filter(|(_, path)| path.is_file()).find_map(|(form, path)| match sha256(&path) {
            Ok(found) if found == form.sha256 => Some(path),
            _ => None,
        });
        if let Some(path) = valid {
            paths.push(path);
            continue;
        }
        let Some(form) = file.forms.iter().find(|form| !form.urls.is_empty()) else {
            return Err(DataError::NoAddress { set: manifest.name.clone(), help: manifest.help.clone() });
        };
        let path = folder.join(&form.name);
        fetch(form, &path, &mut |received, total| {
            progress(&Progress { file: &form.name, index, files, received, total });
        })?;
        paths.push(path);
    }
    Ok(paths)
}

/// Downloads one file from the first of its addresses that works. `progress` receives the number of bytes that have arrived
/// and the size of the file, if known.
///
/// # Errors
///
/// [`DataError::NoAddress`], [`DataError::Download`], [`DataError::Checksum`], [`DataError::Io`], as [`download`].
pub fn fetch(form: &Form, path: &Path, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), DataError> {
    /// Tries at one address. Each continues where the one before was interrupted.
    const TRIES: usize = 3;
    let agent = agent();
    let mut last = DataError::NoAddress { set: form.name.clone(), help: "it has no address".to_owned() };
    for url in &form.urls {
        for _ in 0..TRIES {
            match (Transfer { agent: &agent, url, form, path }).run(progress) {
                Ok(()) => return Ok(()),
                Err(Failure::Again(error)) => last = error,
                Err(Failure::Address(error)) => {
                    last = error;
                    break;
                }
                Err(Failure::Here(error)) => return Err(error),
            }
        }
    }
    Err(last)
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)));
    // The tests have a server on this computer. They ignore proxies.
    let config = if cfg!(test) { config.proxy(None) } else { config };
    config.build().new_agent()
}

/// The consequence of a failed try.
enum Failure {
    /// Try again at the same address.
    Again(DataError),
    /// Try the next address.
    Address(DataError),
    /// Stop: the error is on this computer.
    Here(DataError),
}

/// One try to get a file.
struct Transfer<'a> {
    agent: &'a Agent,
    url: &'a str,
    form: &'a Form,
    path: &'a Path,
}

impl Transfer<'_> {
    fn run(&self, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), Failure> {
        let part = PathBuf::from(format!("{}.part", self.path.display()));
        let here = |action| {
            let part = part.clone();
            move |error| Failure::Here(DataError::io(action, &part)(error))
        };
        let mut held = fs::metadata(&part).map_or(0, |metadata| metadata.len());
        let is_whole = |held| self.form.bytes == Some(held);
        if self.form.bytes.is_some_and(|bytes| held > bytes) {
            held = 0;
        }
        let resumed = held > 0;
        if !is_whole(held) {
            let mut request = self.agent.get(self.url);
            if resumed {
                request = request.header("Range", format!("bytes={held}-"));
            }
            let mut response = request.call().map_err(|error| Failure::Again(self.failed(error)))?;
            held = self.accepted(&response, held, &part)?;
            let total = self.form.bytes.or_else(|| Some(held + content_length(&response)?));
            let mut file = OpenOptions::new()
                .create(true)
                .append(held > 0)
                .write(true)
                .truncate(held == 0)
                .open(&part)
                .map_err(here("write"))?;
            let mut body = response.body_mut().as_reader();
            let mut buffer = vec![0; 1 << 16];
            loop {
                let n = match body.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        let size = total.map_or(String::new(), |total| format!(" of {total}"));
                        let reason = format!("{error} after {held}{size} bytes; run it again to continue");
                        return Err(Failure::Again(self.failed(reason)));
                    }
                };
                file.write_all(&buffer[..n]).map_err(here("write"))?;
                held += n as u64;
                if held > self.form.bytes.unwrap_or(LARGEST) {
                    fs::remove_file(&part).map_err(here("remove"))?;
                    return Err(Failure::Address(
                        self.failed("the server sends more bytes than the file has"),
                    ));
                }
                progress(held, total);
            }
            file.sync_all().map_err(here("write"))?;
        }
        let found = sha256(&part).map_err(here("read"))?;
        if found != self.form.sha256 {
            fs::remove_file(&part).map_err(here("remove"))?;
            let (path, expected) = (self.path.to_path_buf(), self.form.sha256.clone());
            let error = DataError::Checksum { path, expected, found };
            // The parts may come from different files. Then a new try helps.
            return Err(if resumed { Failure::Again(error) } else { Failure::Address(error) });
        }
        fs::rename(&part, self.path).map_err(here("rename"))
    }

    /// The number of bytes before those of the response: `held` or 0.
    fn accepted<T>(&self, response: &Response<T>, held: u64, part: &Path) -> Result<u64, Failure> {
        let status = response.status();
        let again = |reason: &str| {
            // The bytes on disk do not fit. The next try starts from 0.
            match fs::remove_file(part) {
                Ok(()) => Failure::Again(self.failed(reason)),
                Err(error) => Failure::Here(DataError::io("remove", part)(error)),
            }
        };
        match status {
            StatusCode::OK => Ok(0),
            StatusCode::PARTIAL_CONTENT
                if header(response, "content-range").is_some_and(|range| {
                    range.strip_prefix("bytes ").is_some_and(|range| range.starts_with(&format!("{held}-")))
                }) =>
            {
                Ok(held)
            }
            StatusCode::PARTIAL_CONTENT => Err(again("the server sends another range")),
            StatusCode::RANGE_NOT_SATISFIABLE => Err(again("the server has no such range")),
            _ => Err(Failure::Address(self.failed(format!(
                "the server answers {status}; get the file by hand, see datasets/README.md"
            )))),
        }
    }

    fn failed(&self, reason: impl ToString) -> DataError {
        DataError::Download { url: self.url.to_owned(), reason: reason.to_string() }
    }
}

/// Largest number of bytes of a file of unknown size.
const LARGEST: u64 = 1 << 32;

fn header<'a, T>(response: &'a Response<T>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn content_length<T>(response: &Response<T>) -> Option<u64> {
    header(response, "content-length")?.parse().ok()
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests;
