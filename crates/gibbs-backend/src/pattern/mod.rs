//! Sparsity patterns: which elements of a matrix are there.

#[cfg(feature = "flex")]
pub(crate) mod strips;

use std::any::Any;
use std::fmt;
use std::ops::Range;
#[cfg(feature = "flex")]
use std::sync::OnceLock;
use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, TensorData};

/// Which elements of a matrix `[rows, columns]` are there: the `M` of [`masked_affine`](crate::masked_affine).
///
/// Immutable, and a clone shares its bits. What depends on the pattern alone is worked out when first needed and kept: on
/// `flex` which blocks are full and which are empty, elsewhere the zeros and ones as a tensor for each device and type.
///
/// ```
/// use gibbs_backend::Pattern;
///
/// let triangle = Pattern::from_fn(4, 4, |row, column| row < column);
/// assert!(triangle.contains(0, 3) && !triangle.contains(3, 0));
/// assert_eq!((triangle.dims(), triangle.count()), ([4, 4], 6));
/// ```
#[derive(Clone)]
pub struct Pattern(Arc<Inner>);

struct Inner {
    rows: usize,
    columns: usize,
    /// [`WORD`] columns to a word, each row beginning with a new one.
    words: Vec<u32>,
    #[cfg(feature = "flex")]
    strips: [OnceLock<Vec<strips::Strip>>; 2],
    /// The zeros and ones, a device, its type and a tensor on it for each backend and type in use.
    tensors: Mutex<Vec<Box<dyn Any + Send>>>,
}

/// Columns to a word of bits.
pub(crate) const WORD: usize = u32::BITS as usize;

impl Pattern {
    /// The pattern of the elements with `there(row, column)`.
    pub fn from_fn(rows: usize, columns: usize, there: impl Fn(usize, usize) -> bool) -> Self {
        let word = |row: usize, first: usize| {
            let bits = first..(first + WORD).min(columns);
            bits.fold(0, |word, column| word | u32::from(there(row, column)) << (column - first))
        };
        let words = (0..rows).flat_map(|row| (0..columns).step_by(WORD).map(move |first| (row, first)));
        Self(Arc::new(Inner {
            rows,
            columns,
            words: words.map(|(row, first)| word(row, first)).collect(),
            #[cfg(feature = "flex")]
            strips: Default::default(),
            tensors: Mutex::default(),
        }))
    }

    /// Numbers of rows and columns.
    #[inline]
    pub fn dims(&self) -> [usize; 2] {
        [self.0.rows, self.0.columns]
    }

    /// Whether this element is there.
    ///
    /// # Panics
    ///
    /// If there is no such row or column.
    pub fn contains(&self, row: usize, column: usize) -> bool {
        let [rows, columns] = self.dims();
        assert!(row < rows && column < columns, "element ({row}, {column}) of a pattern [{rows}, {columns}]");
        self.words(row, 0..columns)[column / WORD] >> (column % WORD) & 1 == 1
    }

    /// Number of elements that are there.
    pub fn count(&self) -> usize {
        self.0.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The words of part of a row that begins with a word.
    #[inline(always)]
    pub(crate) fn words(&self, row: usize, columns: Range<usize>) -> &[u32] {
        let start = row * self.0.columns.div_ceil(WORD);
        &self.0.words[start + columns.start / WORD..start + columns.end.div_ceil(WORD)]
    }

    /// Zeros and ones, made once for each device and type.
    pub(crate) fn tensor<B: Backend>(&self, device: &B::Device, dtype: DType) -> FloatTensor<B> {
        let mut tensors = self.0.tensors.lock().unwrap_or_else(PoisonError::into_inner);
        let made = tensors.iter().filter_map(|entry| entry.downcast_ref::<(B::Device, FloatTensor<B>)>());
        let mut fitting = made.filter(|(of, tensor)| of == device && tensor.dtype() == dtype);
        if let Some((_, tensor)) = fitting.next() {
            return tensor.clone();
        }
        let [rows, columns] = self.dims();
        let bits = (0..rows * columns).map(|i| f32::from(self.contains(i / columns, i % columns)));
        let data = TensorData::new(bits.collect::<Vec<_>>(), [rows, columns]).convert_dtype(dtype);
        let tensor = B::float_from_data(data, device);
        tensors.push(Box::new((device.clone(), tensor.clone())));
        tensor
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern [{}, {}] of {} elements", self.0.rows, self.0.columns, self.count())
    }
}

#[cfg(test)]
mod tests;
