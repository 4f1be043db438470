//! Tensors in the safetensors format, as checkpoints and weights store them.

use std::borrow::Cow;

use burn::tensor::{BoolStore, DType, TensorData};
use safetensors::{Dtype, View, tensor::TensorView};

/// Element types in memory and in a file. Where several share one type in the file, the first is read back.
const TYPES: [(DType, Dtype); 16] = [
    (DType::F64, Dtype::F64),
    (DType::F32, Dtype::F32),
    (DType::Flex32, Dtype::F32),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
    (DType::I64, Dtype::I64),
    (DType::I32, Dtype::I32),
    (DType::I16, Dtype::I16),
    (DType::I8, Dtype::I8),
    (DType::U64, Dtype::U64),
    (DType::U32, Dtype::U32),
    (DType::Bool(BoolStore::U32), Dtype::U32),
    (DType::U16, Dtype::U16),
    (DType::U8, Dtype::U8),
    (DType::Bool(BoolStore::U8), Dtype::U8),
    (DType::Bool(BoolStore::Native), Dtype::BOOL),
];

/// The type in memory for a type in a file; `None` if Burn has none.
pub(crate) fn memory_dtype(dtype: Dtype) -> Option<DType> {
    TYPES.iter().find(|(_, stored)| *stored == dtype).map(|(memory, _)| *memory)
}

/// The data of a tensor in a file, with the element type `dtype`.
///
/// # Errors
/// A message if the bytes do not fit the shape and the type.
pub(crate) fn read(view: &TensorView<'_>, dtype: DType) -> Result<TensorData, String> {
    TensorData::try_from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), dtype)
        .map_err(|error| error.to_string())
}

/// A tensor to be written. It borrows its bytes.
pub(crate) struct Piece<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    /// The piece of a tensor. `None` for an element type that the format does not have (quantized).
    pub(crate) fn of_tensor(data: &'a TensorData) -> Option<Self> {
        let (_, dtype) = TYPES.iter().find(|(memory, _)| *memory == data.dtype())?;
        Some(Self { dtype: *dtype, shape: data.shape().to_vec(), bytes: data.as_bytes() })
    }

    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { dtype: Dtype::U8, shape: vec![bytes.len()], bytes }
    }
}

impl View for Piece<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
