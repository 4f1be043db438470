#![doc = include_str!("../README.md")]

mod autoregressive;
mod bijection;
mod distribution;
mod gradient;
mod mutation;
mod perturbed;
mod stationary;

pub use autoregressive::check_autoregressive;
pub use bijection::check_bijection;
pub use distribution::{SIGMAS, check_follows, check_mean, check_normalized, draw_states};
pub use gradient::{check_gradient, finite_differences};
pub use mutation::mutations;
pub use perturbed::perturbed;
pub use stationary::check_stationary;
