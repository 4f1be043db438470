//! What the playgrounds of the families share: the parts between the numbers of a page and tensors.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_data::digits;
use gibbs_serve::playground::{Dice, PlayError};

/// Examples of the built-in digits to begin with.
const EXAMPLES: usize = 24;

/// The noise of a call.
pub fn noise(dice: Dice) -> Noise {
    Noise::new(dice.seed, format!("play/{}", dice.call))
}

/// Built-in digits to begin with, where images have their shape.
pub fn examples(shape: Option<(usize, usize)>) -> Vec<Vec<f32>> {
    match shape {
        Some((rows, columns)) if (rows, columns) == (28, 28) => {
            let (bytes, _) = digits::generate(EXAMPLES, 0);
            let image = |bytes: &[u8]| bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
            bytes.chunks(rows * columns).map(image).collect()
        }
        _ => Vec::new(),
    }
}

/// `n` copies of a row `[n, width]`.
pub fn copies(row: &[f32], n: usize, device: &Device) -> Tensor<2> {
    Tensor::<2>::from_data(TensorData::new(row.to_vec(), [1, row.len()]), device).repeat(&[n, 1])
}

/// Rows of equal width as a tensor `[n, width]`.
pub fn rows(rows: &[Vec<f32>], device: &Device) -> Tensor<2> {
    let width = rows.first().map_or(0, Vec::len);
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), width]), device)
}

/// Values row by row as rows.
pub fn split(values: &[f32], width: usize) -> Vec<Vec<f32>> {
    values.chunks(width).map(<[f32]>::to_vec).collect()
}

/// Zeros and ones with the probabilities of a gray image.
pub fn binarized(image: &[f32], noise: &mut Noise) -> Vec<f32> {
    let draws = noise.uniform_vec(image.len());
    image.iter().zip(draws).map(|(x, u)| f32::from(u8::from(u < *x))).collect()
}

/// The names of `n` classes: their numbers.
pub fn classes(n: usize) -> Vec<String> {
    (0..n).map(|class| class.to_string()).collect()
}

/// An error for the person at the page.
pub fn error(error: impl std::fmt::Display) -> PlayError {
    error.to_string().into()
}
