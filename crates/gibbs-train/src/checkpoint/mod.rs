//! Everything a run needs to go on as if it had never stopped, in one file.
//!
//! A [`State`] holds named tensors bit by bit, byte blobs and JSON values; helpers put Burn modules (with their
//! parameter identities), optimizers and serializable things such as noise streams into it and take them out again.
//! The file is replaced atomically and carries a checksum, so it is either the last good one or reported as damaged.
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
