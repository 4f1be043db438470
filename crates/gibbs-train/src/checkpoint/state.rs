//! The container: named tensors, blobs and values.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData, kind::Basic};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::StateError;

/// Named tensors (bit by bit), byte blobs and JSON values.
///
/// Names are free; `/` separates the parts of what was put in with [`State::absorb`]. Putting something under a name
/// that is taken replaces it.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(super) tensors: BTreeMap<String, TensorData>,
    pub(super) blobs: BTreeMap<String, Vec<u8>>,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) not_finite: Option<String>,
}

impl State {
    /// An empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a serializable value in: counters, noise streams, schedules, ...
    ///
    /// Finite floats come back exactly; JSON has no others, so a NaN or an infinity comes back as an error.
    ///
    /// # Errors
    /// [`StateError::Value`] if it does not serialize.
    pub fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), StateError> {
        let value = serde_json::to_value(value)
            .map_err(|error| StateError::Value { name: name.to_string(), message: error.to_string() })?;
        self.values.insert(name.to_string(), value);
        Ok(())
    }

    /// Takes a value out.
    ///
    /// # Errors
    /// [`StateError::Missing`], or [`StateError::Value`] if it is of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, StateError> {
        let value = self.values.get(name).ok_or_else(|| missing("value", name, self.values.keys()))?;
        serde::Deserialize::deserialize(value).map_err(|error: serde_json::Error| StateError::Value {
            name: name.to_string(),
            message: error.to_string(),
        })
    }

    /// Puts a blob in.
    pub fn put_bytes(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.blobs.insert(name.to_string(), bytes.into());
    }

    /// A blob.
    ///
    /// # Errors
    /// [`StateError::Missing`].
    pub fn bytes(&self, name: &str) -> Result<&[u8], StateError> {
        self.blobs.get(name).map(Vec::as_slice).ok_or_else(|| missing("bytes", name, self.blobs.keys()))
    }

    /// Puts the data of a tensor in.
    pub fn put_data(&mut self, name: &str, data: TensorData) {
        self.tensors.insert(name.to_string(), data);
    }

    /// The data of a tensor.
    ///
    /// # Errors
    /// [`StateError::Missing`].
    pub fn data(&self, name: &str) -> Result<&TensorData, StateError> {
        self.tensors.get(name).ok_or_else(|| missing("tensor", name, self.tensors.keys()))
    }

    /// Puts a tensor in (reads it from its device).
    pub fn put_tensor<const D: usize, K: Basic>(&mut self, name: &str, tensor: &Tensor<D, K>) {
        self.put_data(name, tensor.to_data());
    }

    /// A tensor on a device, of the element type that it was put in with.
    ///
    /// # Errors
    /// [`StateError::Missing`], or [`StateError::Value`] if it is of another rank.
    pub fn tensor<const D: usize, K: Basic>(
        &self,
        name: &str,
        device: &Device,
    ) -> Result<Tensor<D, K>, StateError> {
        let data = self.data(name)?;
        if data.rank() != D {
            let message = format!("a tensor of the shape {:?}, expected rank {D}", data.shape().to_vec());
            return Err(StateError::Value { name: name.to_string(), message });
        }
        Ok(Tensor::from_data(data.clone(), (device, data.dtype())))
    }

    /// Whether there is anything under this name, or under it as the first part of a name.
    pub fn contains(&self, name: &str) -> bool {
        let hit =
            |key: &String| key == name || key.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        self.values.keys().any(hit) || self.tensors.keys().any(hit) || self.blobs.keys().any(hit)
    }

    /// Moves another state in, with `name/` before its names.
    pub fn absorb(&mut self, name: &str, other: Self) {
        let under = |key: String| format!("{name}/{key}");
        self.tensors.extend(other.tensors.into_iter().map(|(key, value)| (under(key), value)));
        self.blobs.extend(other.blobs.into_iter().map(|(key, value)| (under(key), value)));
        self.values.extend(other.values.into_iter().map(|(key, value)| (under(key), value)));
        if let Some(tensor) = other.not_finite {
            self.not_finite.get_or_insert(under(tensor));
        }
    }

    /// Moves a state out that [`State::absorb`] put in. Empty where there is none.
    pub fn release(&mut self, name: &str) -> Self {
        let prefix = format!("{name}/");
        Self {
            tensors: split(&mut self.tensors, &prefix),
            blobs: split(&mut self.blobs, &prefix),
            values: split(&mut self.values, &prefix),
            not_finite: None,
        }
    }

    /// The first parameter that was put in with a NaN or an infinity in it, if any; for refusing to replace a good
    /// checkpoint by a bad one.
    pub fn not_finite(&self) -> Option<&str> {
        self.not_finite.as_deref()
    }
}

fn missing<'a>(kind: &'static str, name: &str, available: impl Iterator<Item = &'a String>) -> StateError {
    StateError::Missing { kind, name: name.to_string(), available: available.cloned().collect() }
}

fn split<T>(map: &mut BTreeMap<String, T>, prefix: &str) -> BTreeMap<String, T> {
    let (inside, outside) =
        std::mem::take(map).into_iter().partition::<BTreeMap<_, _>, _>(|(key, _)| key.starts_with(prefix));
    *map = outside;
    inside.into_iter().map(|(key, value)| (key[prefix.len()..].to_string(), value)).collect()
}
