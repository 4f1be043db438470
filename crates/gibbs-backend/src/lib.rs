#![doc = include_str!("../README.md")]
#![cfg_attr(
    feature = "ndarray",
    allow(deprecated, reason = "Burn deprecates `ndarray`; this crate still offers it")
)]
#![cfg_attr(
    not(feature = "flex"),
    allow(unused_variables, reason = "without a backend the generated dispatch does not read its arguments")
)]

/// Implements a backend extension with its default methods, which are compositions of Burn's operations.
macro_rules! portable_on_other_backends {
    ($extension:ident) => {
        #[cfg(feature = "ndarray")]
        impl $extension for burn::backend::NdArray {}

        #[cfg(any(
            feature = "wgpu",
            feature = "vulkan",
            feature = "metal",
            feature = "cuda",
            feature = "rocm"
        ))]
        impl $extension for burn::backend::Cube {}
    };
}
pub(crate) use portable_on_other_backends;

mod adam;
mod affine;
mod backend;
mod combination;
mod convolution;
mod coupling;
mod elementwise;
#[cfg(feature = "flex")]
mod flex;
#[cfg_attr(not(feature = "flex"), allow(dead_code, reason = "without flex only the generator is used"))]
mod kernel;
mod layer;
mod memory;
mod network;
mod noise;
pub mod parallel;
mod pattern;
mod prefix;
mod products;
mod scaling;
mod spline;
mod tensors;

pub use adam::{AdamStep, adam_step};
pub use affine::{affine, masked_affine};
pub use backend::{BackendError, backends, compiled, default_backend, device, devices, has_double_precision};
pub use combination::combination;
pub use convolution::{Window, convolution};
pub use coupling::{Couple, coupled};
pub use elementwise::{Function, bce_with_logits, exp, log_sigmoid, relu, sigmoid, silu, softplus, tanh};
pub use memory::{CheckedAllocator, available_memory, keep_freed_memory};
pub use network::{network, network_with_trace};
pub use noise::{Init, Noise};
pub use pattern::Pattern;
pub use prefix::prefix_networks;
pub use products::{sparse_matmul, sparse_matmul_transposed};
pub use scaling::{Scaling, log_scale_sums, scaled};
pub use spline::{Spline, spline, spline_inverse};
