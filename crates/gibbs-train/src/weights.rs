//! `model.safetensors`: the weights of a module by field path.
//!
//! A name is a field path (`layers.0.weight`). Names of enum variants are not part of it. Floats are stored as f32; loading
//! converts them to the precision of the module. Equal weights give equal bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::TensorData;
use safetensors::{SafeTensors, tensor::TensorView};
use thiserror::Error;

use crate::atomic::{self, WriteError};
use crate::checkpoint::is_finite;
use crate::params::{self, ParamsError, Precision, Source};
use crate::tensors::{self, Piece, memory_dtype};

/// The error of weights that cannot be written, read or used.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file cannot be read.
    #[error("cannot read the weights {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason of the operating system.
        source: io::Error,
    },

    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),

    /// The bytes are not in the safetensors format, or their end is missing.
    #[error("not a safetensors file, or a damaged one: {0}")]
    Format(String),

    /// An element type that the format or Burn does not have.
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

    /// The tensors do not fit the module.
    #[error("the weights do not fit the model: {0}")]
    Params(#[from] ParamsError),

    /// An error of the content of a file.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<WeightsError>,
    },
}

/// Returns the weights of a module as the bytes of a safetensors file. Waits for the device.
///
/// # Errors
/// [`WeightsError::Dtype`] for quantized parameters.
pub fn to_bytes<M: Module>(module: &M) -> Result<Vec<u8>, WeightsError> {
    let single = |data: TensorData| if data.dtype().is_float() { data.convert::<f32>() } else { data };
    let tensors = params::collect(module).into_iter().map(|entry| (entry.path, single(entry.data)));
    serialize(&tensors.collect())
}

/// The bytes of a safetensors file with these tensors.
///
/// # Errors
/// [`WeightsError::Dtype`] for quantized tensors.
pub fn serialize(tensors: &BTreeMap<String, TensorData>) -> Result<Vec<u8>, WeightsError> {
    let pieces = tensors
        .iter()
        .map(|(name, data)| match Piece::of_tensor(data) {
            Some(piece) => Ok((name, piece)),
            None => Err(WeightsError::Dtype { name: name.clone(), dtype: format!("{:?}", data.dtype()) }),
        })
        .collect::<Result<Vec<_>, WeightsError>>()?;
    safetensors::serialize(pieces, None).map_err(|error| WeightsError::Format(error.to_string()))
}

/// Loads weights into a module. The module keeps its parameter identities, precision, devices and gradient settings.
///
/// # Errors
/// [`WeightsError::Format`], [`WeightsError::Dtype`], [`WeightsError::NotFinite`]; [`WeightsError::Params`] if a
/// tensor is missing, has another shape, or is not a parameter of the module.
pub fn from_bytes<M: Module>(module: M, bytes: &[u8]) -> Result<M, WeightsError> {
    from_part(module, bytes, |_| true)
}

/// Loads only the tensors whose names `is_wanted` accepts, as [`from_bytes`] does.
///
/// # Errors
/// The errors of [`from_bytes`].
pub fn from_part<M: Module>(
    module: M,
    bytes: &[u8],
    is_wanted: impl Fn(&str) -> bool,
) -> Result<M, WeightsError> {
    let mut tensors = tensors_of(bytes)?;
    tensors.retain(|name, _| is_wanted(name));
    let sources = tensors.into_iter().map(|(name, data)| match is_finite(&data) {
        true => Ok((name, Source { id: None, data })),
        false => Err(WeightsError::NotFinite(name)),
    });
    Ok(params::apply(module, sources.collect::<Result<_, WeightsError>>()?, Precision::Module)?)
}

/// The tensors in the bytes of a safetensors file, by name.
///
/// # Errors
/// [`WeightsError::Format`], [`WeightsError::Dtype`].
pub fn tensors_of(bytes: &[u8]) -> Result<BTreeMap<String, TensorData>, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format(error.to_string()))?;
    let tensor = |(name, view): (&str, TensorView<'_>)| {
        let unusable =
            || WeightsError::Dtype { name: name.to_string(), dtype: format!("{:?}", view.dtype()) };
        let dtype = memory_dtype(view.dtype()).ok_or_else(unusable)?;
        let data = tensors::read(&view, dtype)
            .map_err(|error| WeightsError::Format(format!("tensor `{name}`: {error}")))?;
        Ok((name.to_string(), data))
    };
    file.iter().map(tensor).collect()
}

/// Whether the bytes of a safetensors file hold a tensor whose name begins with `prefix`. Use it for optional parts of a
/// model.
///
/// # Errors
/// [`WeightsError::Format`].
pub fn contains(bytes: &[u8], prefix: &str) -> Result<bool, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format(error.to_string()))?;
    Ok(file.names().iter().any(|name| name.starts_with(prefix)))
}

/// Writes the weights of a module to a file, atomically.
///
/// # Errors
/// The errors of [`to_bytes`], and [`WeightsError::Write`].
pub fn save<M: Module>(module: &M, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    Ok(atomic::write(path, &to_bytes(module)?)?)
}

/// Loads the weights in a file into a module, as [`from_bytes`] does.
///
/// # Errors
/// [`WeightsError::Read`], or [`WeightsError::File`] with an error of [`from_bytes`].
pub fn load<M: Module>(module: M, path: impl AsRef<Path>) -> Result<M, WeightsError> {
    let path = path.as_ref();
    let bytes =
        std::fs::read(path).map_err(|source| WeightsError::Read { path: path.to_path_buf(), source })?;
    from_bytes(module, &bytes)
        .map_err(|source| WeightsError::File { path: path.to_path_buf(), source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::{Param, ParamId};
    use burn::tensor::{DType, Device, Int, Tensor};
    use gibbs_backend::Noise;
    use safetensors::Dtype;

    #[derive(Module, Debug)]
    struct Side {
        bias: Param<Tensor<1>>,
    }

    #[derive(Module, Debug)]
    struct Pair {
        weight: Param<Tensor<2>>,
        visible: Side,
        layers: Vec<Side>,
        order: Param<Tensor<1, Int>>,
    }

    fn pair(seed: u64, dtype: DType) -> Pair {
        let device = Device::flex();
        let mut noise = Noise::new(seed, "init");
        let mut side = |n| Side { bias: Param::from_tensor(noise.normal([n], (&device, dtype))) };
        Pair {
            visible: side(3),
            layers: vec![side(1), side(2)],
            weight: Param::from_tensor(Noise::new(seed, "weight").normal([3, 2], (&device, dtype))),
            order: Param::initialized(ParamId::new(), Tensor::from_data([seed as i64, 1], &device)),
        }
    }

    #[test]
    fn names_are_field_paths_and_values_f32() {
        let bytes = to_bytes(&pair(0, DType::F64)).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut found: Vec<_> =
            file.iter().map(|(name, view)| (name, view.dtype(), view.shape().to_vec())).collect();
        found.sort_by_key(|(name, ..)| name.to_string());
        assert_eq!(
            found,
            [
                ("layers.0.bias", Dtype::F32, vec![1]),
                ("layers.1.bias", Dtype::F32, vec![2]),
                ("order", Dtype::I32, vec![2]),
                ("visible.bias", Dtype::F32, vec![3]),
                ("weight", Dtype::F32, vec![3, 2]),
            ]
        );
    }

    #[test]
    fn weights_come_back_and_equal_weights_give_equal_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let model = pair(0, DType::F32);
        save(&model, &path).unwrap();
        let fresh = pair(1, DType::F32);
        let id = fresh.weight.id;
        let loaded = load(fresh, &path).unwrap();
        assert_eq!(loaded.weight.val().into_data(), model.weight.val().into_data());
        assert_eq!(loaded.weight.id, id);
        assert_eq!(to_bytes(&loaded).unwrap(), std::fs::read(&path).unwrap());
    }

    #[test]
    fn weights_take_the_precision_of_the_module() {
        let loaded = from_bytes(pair(1, DType::F64), &to_bytes(&pair(0, DType::F32)).unwrap()).unwrap();
        assert_eq!(loaded.weight.val().dtype(), DType::F64);
        assert_eq!(loaded.visible.bias.val().dtype(), DType::F64);
    }

    fn refusal(names: &[(&str, Vec<usize>, f32)]) -> String {
        let device = Device::flex();
        let model = Side { bias: Param::from_tensor(Tensor::zeros([2], &device)) };
        let stored = names.iter().map(|(name, shape, value)| {
            let data = TensorData::full::<f32, _>(shape.clone(), *value);
            (name.to_string(), data)
        });
        let bytes = serialize(&stored.collect()).unwrap();
        from_bytes(model, &bytes).unwrap_err().to_string()
    }

    #[test]
    fn weights_of_another_model_are_refused() {
        assert_eq!(
            refusal(&[("bias", vec![3], 0.0)]),
            "the weights do not fit the model: tensor `bias` has the shape [3] where the model has [2]"
        );
        assert_eq!(
            refusal(&[("b", vec![2], 0.0)]),
            "the weights do not fit the model: missing tensors: bias; there are: b"
        );
        assert_eq!(
            refusal(&[("bias", vec![2], 0.0), ("gain", vec![2], 0.0)]),
            "the weights do not fit the model: tensors that the model does not have: gain"
        );
        assert_eq!(refusal(&[("bias", vec![2], f32::NAN)]), "tensor `bias` holds NaN or infinite values");
    }

    #[test]
    fn integers_in_the_place_of_floats_are_refused() {
        let device = Device::flex();
        let data = TensorData::new(vec![1_i64, 2], [2]);
        let bytes = serialize(&BTreeMap::from([("bias".to_string(), data)])).unwrap();
        let model = Side { bias: Param::from_tensor(Tensor::zeros([2], &device)) };
        let error = from_bytes(model, &bytes).unwrap_err().to_string();
        assert_eq!(
            error,
            "the weights do not fit the model: tensor `bias` holds I64 values where the model has float"
        );
    }

    #[test]
    fn the_parts_of_a_file_can_be_asked_for() {
        let bytes = to_bytes(&pair(0, DType::F32)).unwrap();
        assert!(contains(&bytes, "layers.1.").unwrap() && !contains(&bytes, "layers.2.").unwrap());
        assert!(contains(b"no such file", "layers").is_err());
    }

    #[test]
    fn damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let bytes = to_bytes(&pair(0, DType::F32)).unwrap();
        for damaged in [&bytes[..bytes.len() - 1], &bytes[..20], b"", b"not a safetensors file"] {
            std::fs::write(&path, damaged).unwrap();
            let error = load(pair(0, DType::F32), &path).unwrap_err().to_string();
            let expected = format!("{}: not a safetensors file, or a damaged one: ", path.display());
            assert!(error.starts_with(&expected), "{error}");
        }
        let absent = load(pair(0, DType::F32), folder.path().join("absent")).unwrap_err().to_string();
        assert!(absent.starts_with("cannot read the weights"), "{absent}");
    }
}
