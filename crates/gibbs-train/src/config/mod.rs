//! Strict configurations: a preset, a JSON file laid over it, `path.to.key=value` settings laid over both.
//!
//! A configuration is any `C: Serialize + DeserializeOwned`. The preset says which paths exist; whatever a user
//! gives must land on one of them and deserialize there, else a [`SettingError`] names the path, the value, what was
//! expected and what exists at that level. Nothing is ignored: a key that the type would skip silently is an error.
//!
//! - An integer is accepted for a float; a number for a string, a string for a number and the like are refused.
//! - `null` is accepted where the type is an `Option`.
//! - Objects of a file are laid over the preset key by key; a setting replaces the value at its path as a whole.
//! - Tagged enums may change their variant (`{"kind": "linear", "from": 0.1, "to": 0.01}` over a constant).
//! - The result serialized (`config.json` of a run) reads back through the same way.
//!
//! ```
//! use gibbs_train::config::Resolver;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Train { epochs: usize, learning_rate: f64 }
//! #[derive(Serialize, Deserialize)]
//! struct Config { train: Train, seed: u64 }
//!
//! let preset = Config { train: Train { epochs: 20, learning_rate: 0.05 }, seed: 0 };
//! let resolved = Resolver::over(&preset)?.setting("train.epochs=5")?.resolve::<Config>()?;
//! assert_eq!(resolved.config.train.epochs, 5);
//! assert_eq!(resolved.changes[0].to_string(), "train.epochs = 5 (preset: 20)");
//!
//! let error = Resolver::over(&preset)?.setting("train.epoch=5")?.resolve::<Config>().err().unwrap();
//! assert_eq!(
//!     error.to_string(),
//!     "unknown setting `train.epoch` (= 5): did you mean `train.epochs`? `train` has: epochs, learning_rate",
//! );
//! # Ok::<(), gibbs_train::config::SettingError>(())
//! ```

mod diagnose;
mod error;
mod path;
mod resolve;
mod value;

pub use error::SettingError;
pub use resolve::{Resolved, Resolver, read_strict};
pub use value::{Change, changes};

#[cfg(test)]
mod tests;
