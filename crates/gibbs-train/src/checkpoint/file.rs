//! A state as a safetensors file. Tensors and blobs are tensors of the file; values and the checksum are in its header.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::tensor::DType;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{State, StateError};
use crate::atomic;
use crate::tensors::{self, Piece};

const KEY: &str = "gibbs.state";
const VERSION: u32 = 1;
const TENSOR: &str = "tensor:";
const BLOB: &str = "bytes:";

/// The entry of the header: the index as text, and the checksum of that text and of all tensors.
#[derive(Serialize, Deserialize)]
struct Sealed {
    sha256: String,
    index: String,
}

#[derive(Serialize, Deserialize)]
struct Index {
    version: u32,
    tensors: BTreeMap<String, (DType, Vec<usize>)>,
    values: BTreeMap<String, Value>,
}

impl State {
    /// Returns the state as the bytes of a safetensors file. Equal states give equal bytes.
    ///
    /// # Errors
    /// [`StateError::Value`] for a tensor with an element type that the format does not have (quantized).
    pub fn to_bytes(&self) -> Result<Vec<u8>, StateError> {
        let tensors = self.tensors.iter().map(|(name, data)| {
            let piece = Piece::of_tensor(data).ok_or_else(|| StateError::Value {
                name: name.clone(),
                message: format!("tensors of type {:?} cannot be stored", data.dtype()),
            })?;
            Ok((format!("{TENSOR}{name}"), piece))
        });
        let blobs =
            self.blobs.iter().map(|(name, bytes)| Ok((format!("{BLOB}{name}"), Piece::of_bytes(bytes))));
        let pieces: BTreeMap<String, Piece<'_>> = tensors.chain(blobs).collect::<Result<_, StateError>>()?;

        let index = Index {
            version: VERSION,
            tensors: self
                .tensors
                .iter()
                .map(|(name, data)| (name.clone(), (data.dtype(), data.shape().to_vec())))
                .collect(),
            values: self.values.clone(),
        };
        let damaged = |error: &dyn std::fmt::Display| StateError::Damaged(error.to_string());
        let index = serde_json::to_string(&index).map_err(|error| damaged(&error))?;
        let sha256 = checksum(&index, pieces.iter().map(|(name, piece)| (name.as_str(), piece.bytes)));
        let sealed = serde_json::to_string(&Sealed { sha256, index }).map_err(|error| damaged(&error))?;
        safetensors::serialize(pieces, Some(HashMap::from([(KEY.to_string(), sealed)])))
            .map_err(|error| damaged(&error))
    }

    /// Reads a state from the bytes of [`State::to_bytes`].
    ///
    /// # Errors
    /// [`StateError::Damaged`] for bytes of another content. A single changed bit is found, unless it leaves the meaning of the header as it
    /// is, as of white space.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let damaged = |message: String| StateError::Damaged(message);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
        let sealed = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let sealed = sealed.ok_or_else(|| damaged("not a checkpoint of this program".to_string()))?;
        let sealed: Sealed = serde_json::from_str(sealed).map_err(|error| damaged(error.to_string()))?;

        let mut views: Vec<_> = file.iter().collect();
        views.sort_by_key(|(name, _)| *name);
        let found = checksum(&sealed.index, views.iter().map(|(name, view)| (*name, view.data())));
        if found != sealed.sha256 {
            return Err(damaged("the checksum does not match".to_string()));
        }
        let version = serde_json::from_str::<Value>(&sealed.index)
            .ok()
            .and_then(|index| index.get("version").and_then(Value::as_u64));
        if version != Some(VERSION.into()) {
            return Err(damaged(format!("written by another version of this program (format {version:?})")));
        }
        let index: Index = serde_json::from_str(&sealed.index).map_err(|error| damaged(error.to_string()))?;

        let mut state = Self { values: index.values, ..Self::default() };
        for (name, view) in views {
            if let Some(name) = name.strip_prefix(BLOB) {
                state.put_bytes(name, view.data());
            } else if let Some(name) = name.strip_prefix(TENSOR) {
                let entry = index.tensors.get(name).filter(|(_, shape)| shape == view.shape());
                let dtype = entry.ok_or_else(|| damaged(format!("tensor `{name}` has another shape")))?.0;
                let data = tensors::read(&view, dtype);
                state.put_data(name, data.map_err(|error| damaged(format!("tensor `{name}`: {error}")))?);
            }
        }
        Ok(state)
    }

    /// Writes the state to a file, atomically.
    ///
    /// # Errors
    /// The errors of [`State::to_bytes`], and [`StateError::Write`]. The old file then stays unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), StateError> {
        Ok(atomic::write(path, &self.to_bytes()?)?)
    }

    /// Reads a state from a file.
    ///
    /// # Errors
    /// [`StateError::Read`], or [`StateError::DamagedFile`] if the content is not what [`State::save`] wrote.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StateError> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|source| StateError::Read { path: path.to_path_buf(), source })?;
        Self::from_bytes(&bytes).map_err(|error| match error {
            StateError::Damaged(reason) => StateError::DamagedFile { path: path.to_path_buf(), reason },
            other => other,
        })
    }
}

/// The checksum of the index and of all pieces, in the order of their names.
fn checksum<'a>(index: &'a str, pieces: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in [("", index.as_bytes())].into_iter().chain(pieces) {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
