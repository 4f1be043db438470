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
mod known_density;
mod load;
pub mod manifest;
mod names;
pub mod npy;
mod pen;
pub mod plane;
pub mod png;
mod portable;
mod splits;
mod storage;

pub use adapter::{Example, ExampleBatcher};
pub use batches::{Batch, Batches, Epoch};
pub use binarization::Binarization;
pub use bits_per_dim::bits_per_dim;
pub use dataset::Dataset;
pub use error::DataError;
pub use known_density::KnownDensity;
pub use load::{BUILT_IN, load, load_file, names};
pub use names::UnknownName;
pub use splits::{Split, Splits};
