//! The integration tests, in one binary.
//!
//! ```text
//! golden      values from outside: enumerated RBMs, pinned streams of noise
//! properties  what every model must do, over a list of constructors
//! learning    that training learns, by hand with the library
//! binaries    the executables as a user meets them, from end to end
//! devices     the same numbers on every backend that is compiled in
//! estimates   what is not marked as unreliable lies within its errors
//! robustness  misuse of the libraries
//! mutations   readers of run folders on damaged files
//! architecture  who may import whom
//! dependencies  what a project pulls in that takes one model crate
//! ```

mod architecture;
mod binaries;
mod dependencies;
mod devices;
mod estimates;
mod golden;
mod learning;
mod mutations;
mod properties;
mod robustness;
mod support;
