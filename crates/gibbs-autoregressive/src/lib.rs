#![doc = include_str!("../README.md")]

mod autoregressive;
mod conditional;
mod error;
pub mod made;
pub mod nade;
mod order;
pub mod pixel_cnn;
pub mod sampling;
mod spins;
pub mod transformer;
mod wiring;

pub use autoregressive::Autoregressive;
pub use conditional::Conditional;
pub use error::{ConfigError, ValueError};
pub use made::{Made, MadeConfig};
pub use nade::{Nade, NadeConfig};
pub use order::{Order, OrderConfig};
pub use pixel_cnn::{PixelCnn, PixelCnnConfig};
pub use spins::Spins;
pub use transformer::{Transformer, TransformerConfig};
pub use wiring::{Degrees, Wiring};

#[cfg(test)]
mod tests;
