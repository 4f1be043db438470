#![doc = include_str!("../README.md")]

mod adapter;
pub mod bars;
mod batches;
mod binarization;
mod bits_per_dim;
pub mod curves;
mod dataset;
pub mod digits;
#[cfg(feature = "download")]
pub mod download;
mod draws;
mod error;
pub mod idx;
mod law;
mod load;
pub mod manifest;
pub mod npy;
mod pen;
pub mod plane;
pub mod png;
mod portable;
mod splits;
mod values;

pub use adapter::{Example, ExampleBatcher};
pub use batches::{Batch, Batches, Epoch};
pub use binarization::{Binarization, UnknownBinarization};
pub use bits_per_dim::bits_per_dim;
pub use dataset::Dataset;
pub use error::DataError;
pub use law::Law;
pub use load::{load, load_file, names};
pub use splits::{Split, Splits, UnknownSplit};
