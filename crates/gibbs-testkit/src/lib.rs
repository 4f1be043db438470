#![doc = include_str!("../README.md")]

mod autoregressive;
mod bijection;
mod gradient;
mod law;
mod stationary;
mod stirred;

pub use autoregressive::check_autoregressive;
pub use bijection::check_bijection;
pub use gradient::{check_gradient, finite_differences};
pub use law::{SIGMAS, check_follows, check_mean, check_normalized, draw_states};
pub use stationary::check_stationary;
pub use stirred::stirred;
