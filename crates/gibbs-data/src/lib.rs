#![doc = include_str!("../README.md")]

mod adapter;
mod array;
pub mod bars;
mod batches;
mod binarization;
mod bits_per_dim;
pub mod check;
mod content;
pub mod curves;
mod dataset;
pub mod digits;
#[cfg(feature = "download")]
pub mod download;
mod draws;
mod error;
mod files;
mod formats;
pub mod idx;
mod kind;
mod known_density;
mod load;
pub mod manifest;
#[cfg(test)]
mod mutations;
mod names;
pub mod npy;
mod npz;
mod pen;
pub mod plane;
pub mod png;
mod portable;
mod shift;
pub mod spelling;
mod splits;
mod storage;
mod table;

pub use adapter::{Example, ExampleBatcher};
pub use array::Array;
pub use batches::{Batch, Batches, Epoch};
pub use binarization::Binarization;
pub use bits_per_dim::bits_per_dim;
pub use content::Column;
pub use dataset::Dataset;
pub use error::DataError;
pub use files::{ReadConfig, SplitOrder, read_context_file};
pub use kind::Kind;
pub use known_density::KnownDensity;
pub use load::{BUILT_IN, example_shape, load, load_as, load_file, names};
pub use names::UnknownName;
pub use shift::{Shift, shift};
pub use splits::{Division, Split, Splits};
