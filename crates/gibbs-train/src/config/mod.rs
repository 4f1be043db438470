//! Strict configurations: a preset, then a JSON file that overrides it, then `path.to.key=value` settings.
//!
//! A configuration is any `C: Serialize + DeserializeOwned`. Each value of a user needs a path that the configuration has,
//! and a type that fits there. Otherwise a [`SettingError`] names the path, the value, what is expected, and the names that
//! exist at that level. Nothing is ignored: a key that serde would skip silently is an error.
//!
//! - An integer is accepted for a float. A number for a string, or a string for a number, is refused.
//! - `null` is accepted where the type is an `Option`.
//! - A file overrides the preset key by key. A setting replaces the whole value at its path.
//! - An override may change the variant of a tagged enum (`{"kind": "linear", "from": 0.1, "to": 0.01}` over a constant).
//! - The serialized result (`config.json` of a run) is a valid file for the same configuration.
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
pub use gibbs_data::spelling::nearest;
pub use path::nearest_paths;
pub use resolve::{Resolved, Resolver, read_strict};
pub use value::{Change, changes};

#[cfg(test)]
mod tests;
