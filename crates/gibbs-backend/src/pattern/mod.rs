//! Sparsity patterns of matrices.

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

/// A binary matrix `[rows, columns]`: the mask `M` of [`masked_affine`](crate::masked_affine).
///
/// A pattern is immutable, and clones share its bits. Data that depend only on the pattern are computed at their first use and
/// stored: on `flex` the full and the empty blocks, on other backends a tensor of zeros and ones for each device and type.
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
    /// Bits of [`WORD`] columns each. Each row begins with a new word.
    words: Vec<u32>,
    #[cfg(feature = "flex")]
    strips: [OnceLock<Vec<strips::Strip>>; 2],
    /// A device and the tensor of zeros and ones on it, for each device and type in use.
    tensors: Mutex<Vec<Box<dyn Any + Send>>>,
}

/// Columns in a word of bits.
pub(crate) const WORD: usize = u32::BITS as usize;

impl Pattern {
    /// The pattern that contains the elements with `contains(row, column)`.
    pub fn from_fn(rows: usize, columns: usize, contains: impl Fn(usize, usize) -> bool) -> Self {
        let word = |row: usize, first: usize| {
            let bits = first..(first + WORD).min(columns);
            bits.fold(0, |word, column| word | u32::from(contains(row, column)) << (column - first))
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

    /// Whether the pattern contains this element.
    ///
    /// # Panics
    ///
    /// If the row or the column is outside the matrix.
    pub fn contains(&self, row: usize, column: usize) -> bool {
        let [rows, columns] = self.dims();
        assert!(
            row < rows && column < columns,
            "element ({row}, {column}) is outside the pattern [{rows}, {columns}]"
        );
        self.words(row, 0..columns)[column / WORD] >> (column % WORD) & 1 == 1
    }

    /// Number of elements in the pattern.
    pub fn count(&self) -> usize {
        self.0.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The words of a part of a row. The part begins with a word.
    #[inline(always)]
    pub(crate) fn words(&self, row: usize, columns: Range<usize>) -> &[u32] {
        let start = row * self.0.columns.div_ceil(WORD);
        &self.0.words[start + columns.start / WORD..start + columns.end.div_ceil(WORD)]
    }

    /// The pattern as a tensor of zeros and ones, computed once for each device and type.
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
