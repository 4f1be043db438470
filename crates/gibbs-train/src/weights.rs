//! `model.safetensors`: the weights of a module under the names of its fields.
//!
//! Names are field paths (`layers.0.weight`); variants of enums are no part of them. Floats are stored as f32 and take
//! the module's precision on loading. The same weights give the same bytes, always.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{BoolStore, DType, TensorData};
use safetensors::{Dtype, SafeTensors, View};
use thiserror::Error;

use crate::atomic::{self, WriteError};
use crate::checkpoint::is_finite;
use crate::params::{self, ParamsError, Precision, Source};

/// Weights that cannot be written, read or used.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file cannot be read.
    #[error("cannot read the weights {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),

    /// The bytes are not in the safetensors format, or cut off.
    #[error("not a safetensors file, or a damaged one: {0}")]
    Format(String),

    /// A type of values that the format or the module does not have.
    #[error("tensor `{name}` has values of type {dtype}, which cannot be used here")]
    Dtype {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: String,
    },

    /// A NaN or an infinity.
    #[error("tensor `{0}` holds NaN or infinite values")]
    NotFinite(String),

    /// The tensors are not the module's.
    #[error("the weights do not fit the model: {0}")]
    Params(#[from] ParamsError),

    /// Any of these, in a file.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<WeightsError>,
    },
}

/// The weights of a module as the bytes of a safetensors file (reads them from their device).
///
/// # Errors
/// [`WeightsError::Dtype`] for quantized parameters.
pub fn to_bytes<M: Module>(module: &M) -> Result<Vec<u8>, WeightsError> {
    let pieces = params::collect(module)
        .into_iter()
        .map(|entry| Ok((entry.path.clone(), Stored::new(entry.path, entry.data)?)))
        .collect::<Result<BTreeMap<_, _>, WeightsError>>()?;
    safetensors::serialize(pieces, None).map_err(|error| WeightsError::Format(error.to_string()))
}

/// Loads weights into a module, which keeps its parameter identities, precision, devices and gradient settings.
///
/// # Errors
/// [`WeightsError::Format`], [`WeightsError::Dtype`], [`WeightsError::NotFinite`]; [`WeightsError::Params`] if a
/// tensor is missing, has another shape, or is not a parameter of the module.
pub fn from_bytes<M: Module>(module: M, bytes: &[u8]) -> Result<M, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format(error.to_string()))?;
    let sources = file
        .iter()
        .map(|(name, view)| {
            let unusable =
                || WeightsError::Dtype { name: name.to_string(), dtype: format!("{:?}", view.dtype()) };
            let dtype = memory_dtype(view.dtype()).ok_or_else(unusable)?;
            let data = TensorData::try_from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), dtype)
                .map_err(|error| WeightsError::Format(format!("tensor `{name}`: {error}")))?;
            if !is_finite(&data) {
                return Err(WeightsError::NotFinite(name.to_string()));
            }
            Ok((name.to_string(), Source { id: None, data }))
        })
        .collect::<Result<_, WeightsError>>()?;
    Ok(params::apply(module, sources, Precision::Module)?)
}

/// Writes the weights of a module to a file, atomically.
///
/// # Errors
/// Those of [`to_bytes`]; [`WeightsError::Write`].
pub fn save<M: Module>(module: &M, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    Ok(atomic::write(path, &to_bytes(module)?)?)
}

/// Loads the weights in a file into a module; see [`from_bytes`].
///
/// # Errors
/// [`WeightsError::Read`]; [`WeightsError::File`] with those of [`from_bytes`].
pub fn load<M: Module>(module: M, path: impl AsRef<Path>) -> Result<M, WeightsError> {
    let path = path.as_ref();
    let bytes =
        std::fs::read(path).map_err(|source| WeightsError::Read { path: path.to_path_buf(), source })?;
    from_bytes(module, &bytes)
        .map_err(|source| WeightsError::File { path: path.to_path_buf(), source: Box::new(source) })
}

struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    data: TensorData,
}

impl Stored {
    fn new(name: String, data: TensorData) -> Result<Self, WeightsError> {
        let data = if data.dtype().is_float() { data.convert::<f32>() } else { data };
        let dtype = match data.dtype() {
            DType::F32 => Dtype::F32,
            DType::I64 => Dtype::I64,
            DType::I32 => Dtype::I32,
            DType::U8 | DType::Bool(BoolStore::U8) => Dtype::U8,
            DType::U32 | DType::Bool(BoolStore::U32) => Dtype::U32,
            DType::Bool(BoolStore::Native) => Dtype::BOOL,
            other => return Err(WeightsError::Dtype { name, dtype: format!("{other:?}") }),
        };
        Ok(Self { dtype, shape: data.shape().to_vec(), data })
    }
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.data.as_bytes())
    }

    fn data_len(&self) -> usize {
        self.data.as_bytes().len()
    }
}

fn memory_dtype(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::U8 => DType::U8,
        Dtype::U32 => DType::U32,
        Dtype::BOOL => DType::Bool(BoolStore::Native),
        _ => return None,
    })
}
