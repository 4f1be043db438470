//! Values in \[0, 1\] as one of several equal levels, and back.

use burn::prelude::*;

/// The one of `q` equal intervals of \[0, 1\] in which each value lies, `0 … q-1`.
pub fn to_levels<const D: usize>(x: Tensor<D>, q: usize) -> Tensor<D> {
    (x * q as f64).floor().clamp(0.0, (q - 1) as f64)
}

/// The value that stands for level `k` of `q`, from 0 to 1.
pub fn of_level(k: f64, q: usize) -> f64 {
    k / (q - 1) as f64
}
