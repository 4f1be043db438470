//! The content of a checkpoint: named tensors, blobs and values.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData, kind::Basic};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::StateError;

/// Named tensors (bit by bit), byte blobs and JSON values.
///
/// Any text is a name. [`State::absorb`] joins the parts of a name with `/`. A new entry replaces an old entry of the same
/// kind and name.
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

    /// Stores a serializable value, such as a counter, a noise stream or a schedule.
    ///
    /// Finite floats are restored exactly. JSON has no NaN and no infinity: to read one back as a float is an error.
    ///
    /// # Errors
    /// [`StateError::Value`] if it does not serialize.
    pub fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), StateError> {
        let value = serde_json::to_value(value)
            .map_err(|error| StateError::Value { name: name.to_string(), message: error.to_string() })?;
        self.values.insert(name.to_string(), value);
        Ok(())
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`StateError::Missing`], or [`StateError::Value`] if the value has another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, StateError> {
        let value = self.values.get(name).ok_or_else(|| missing("value", name, self.values.keys()))?;
        serde::Deserialize::deserialize(value).map_err(|error: serde_json::Error| StateError::Value {
            name: name.to_string(),
            message: error.to_string(),
        })
    }

    /// Stores a blob.
    pub fn put_bytes(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.blobs.insert(name.to_string(), bytes.into());
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// [`StateError::Missing`].
    pub fn bytes(&self, name: &str) -> Result<&[u8], StateError> {
        self.blobs.get(name).map(Vec::as_slice).ok_or_else(|| missing("bytes", name, self.blobs.keys()))
    }

    /// Stores the data of a tensor.
    pub fn put_data(&mut self, name: &str, data: TensorData) {
        self.tensors.insert(name.to_string(), data);
    }

    /// Reads the data of a tensor.
    ///
    /// # Errors
    /// [`StateError::Missing`].
    pub fn data(&self, name: &str) -> Result<&TensorData, StateError> {
        self.tensors.get(name).ok_or_else(|| missing("tensor", name, self.tensors.keys()))
    }

    /// Stores a tensor. Waits for its device.
    pub fn put_tensor<const D: usize, K: Basic>(&mut self, name: &str, tensor: &Tensor<D, K>) {
        self.put_data(name, tensor.to_data());
    }

    /// Reads a tensor onto a device. The element type is the stored one.
    ///
    /// # Errors
    /// [`StateError::Missing`], or [`StateError::Value`] if the tensor has another rank.
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

    /// Whether an entry has this name, or a name that begins with `name/`.
    pub fn contains(&self, name: &str) -> bool {
        let hit =
            |key: &String| key == name || key.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        self.values.keys().any(hit) || self.tensors.keys().any(hit) || self.blobs.keys().any(hit)
    }

    /// Moves all entries of another state into this one. Their names get the prefix `name/`.
    pub fn absorb(&mut self, name: &str, other: Self) {
        let under = |key: String| format!("{name}/{key}");
        self.tensors.extend(other.tensors.into_iter().map(|(key, value)| (under(key), value)));
        self.blobs.extend(other.blobs.into_iter().map(|(key, value)| (under(key), value)));
        self.values.extend(other.values.into_iter().map(|(key, value)| (under(key), value)));
        if let Some(tensor) = other.not_finite {
            self.not_finite.get_or_insert(under(tensor));
        }
    }

    /// Takes out the state that [`State::absorb`] moved in. The result is empty if there is none.
    pub fn release(&mut self, name: &str) -> Self {
        let prefix = format!("{name}/");
        Self {
            tensors: split(&mut self.tensors, &prefix),
            blobs: split(&mut self.blobs, &prefix),
            values: split(&mut self.values, &prefix),
            not_finite: None,
        }
    }

    /// The name of the first stored parameter that holds a NaN or an infinity. It lets a caller keep a good checkpoint instead
    /// of this one.
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
