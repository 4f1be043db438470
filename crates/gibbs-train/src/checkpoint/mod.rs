//! Checkpoints: one file with everything that a resumed run needs.
//!
//! A [`State`] holds named tensors (bit by bit), byte blobs and JSON values. It stores Burn modules with their parameter
//! identities, optimizers, and serializable values such as noise streams. The file is replaced atomically and has a checksum:
//! it is either the last complete checkpoint, or an error reports that it is damaged.
//!
//! ```
//! use gibbs_train::checkpoint::State;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("state.safetensors");
//! let mut state = State::new();
//! state.put("step", &17_u64)?;
//! state.put_bytes("best", vec![1, 2, 3]);
//! state.save(&path)?;
//!
//! let state = State::load(&path)?;
//! assert_eq!(state.get::<u64>("step")?, 17);
//! assert_eq!(state.bytes("best")?, [1, 2, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod file;
mod modules;
mod placed;
mod state;

pub use error::StateError;
pub(crate) use modules::is_finite;
pub use placed::placed;
pub use state::State;

#[cfg(test)]
mod tests;
