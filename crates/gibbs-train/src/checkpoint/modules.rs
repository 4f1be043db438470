//! Burn modules and optimizers in a state.

use std::collections::BTreeMap;

use burn::module::{Module, ParamId};
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, DType, TensorData};

use super::{State, StateError};
use crate::params::{self, Precision, Source};

impl State {
    /// Stores the parameters of a module as tensors `name.path`, with their identities. An optimizer finds its parameters by
    /// these identities. [`State::not_finite`] names a parameter that holds a NaN or an infinity.
    ///
    /// # Errors
    /// None at present.
    pub fn put_module<M: Module>(&mut self, name: &str, module: &M) -> Result<(), StateError> {
        let mut ids = BTreeMap::new();
        for entry in params::collect(module) {
            if self.not_finite.is_none() && !is_finite(&entry.data) {
                self.not_finite = Some(tensor_name(name, &entry.path));
            }
            self.put_data(&tensor_name(name, &entry.path), entry.data);
            ids.insert(entry.path, entry.id.val());
        }
        self.put(name, &ids)
    }

    /// Loads the parameters of [`State::put_module`] into a module of the same structure. Values (bit by bit) and identities
    /// come from the state; devices and gradient settings come from `module`.
    ///
    /// # Errors
    /// [`StateError::Missing`], or [`StateError::Params`] if the module has other parameters or shapes.
    pub fn module<M: Module>(&self, name: &str, module: M) -> Result<M, StateError> {
        let ids: BTreeMap<String, u64> = self.get(name)?;
        let sources = ids
            .into_iter()
            .map(|(path, id)| {
                let data = self.data(&tensor_name(name, &path))?.clone();
                Ok((path, Source { id: Some(ParamId::from(id)), data }))
            })
            .collect::<Result<_, StateError>>()?;
        params::apply(module, sources, Precision::Source)
            .map_err(|source| StateError::Params { name: name.to_string(), source })
    }

    /// Stores the state of an optimizer: moments and step counts.
    ///
    /// # Errors
    /// [`StateError::Value`] if Burn cannot serialize it.
    pub fn put_optimizer(&mut self, name: &str, optimizer: &ModuleOptimizer) -> Result<(), StateError> {
        let bytes = optimizer
            .into_bytes()
            .map_err(|error| StateError::Value { name: name.to_string(), message: error.to_string() })?;
        self.put_bytes(name, bytes.to_vec());
        Ok(())
    }

    /// Loads the state of [`State::put_optimizer`] into an optimizer made from the same configuration. Load the module with
    /// [`State::module`] too, because the optimizer finds its parameters by their identities.
    ///
    /// Make the optimizer with [`placed`](super::placed). Otherwise Burn first puts its state on the default device. In a
    /// program with several backends, this device may not work.
    ///
    /// # Errors
    /// [`StateError::Missing`], or [`StateError::Value`] if Burn cannot read it.
    pub fn optimizer(&self, name: &str, optimizer: ModuleOptimizer) -> Result<ModuleOptimizer, StateError> {
        optimizer
            .from_bytes(Bytes::from_bytes_vec(self.bytes(name)?.to_vec()))
            .map_err(|error| StateError::Value { name: name.to_string(), message: error.to_string() })
    }
}

fn tensor_name(module: &str, path: &str) -> String {
    if path.is_empty() { module.to_string() } else { format!("{module}.{path}") }
}

/// Whether a tensor holds no NaN and no infinity. Always `true` for types other than f32 and f64.
pub(crate) fn is_finite(data: &TensorData) -> bool {
    match data.dtype() {
        DType::F32 | DType::Flex32 => {
            data.as_slice::<f32>().is_ok_and(|values| values.iter().all(|x| x.is_finite()))
        }
        DType::F64 => data.as_slice::<f64>().is_ok_and(|values| values.iter().all(|x| x.is_finite())),
        _ => true,
    }
}
