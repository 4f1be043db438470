//! Deep belief network: a stack of RBMs, of which only the top RBM stays undirected.
//!
//! ```text
//! p(v, h_1, …, h_L) = p(v | h_1) p(h_1 | h_2) ⋯ p(h_{L-2} | h_{L-1}) · p(h_{L-1}, h_L)
//! p(h_{k-1} | h_k)  = distribution of the visible units of layer k with input W_k·h_k       downwards, generative
//! q(h_k | h_{k-1})  = distribution of the hidden units of layer k with input h_{k-1}·R_k    upwards, recognition
//! p(h_{L-1}, h_L)   ∝ exp(-E_L(h_{L-1}, h_L))                                               the top RBM
//! ```
//!
//! with `h_0 = v`. After greedy training `R_k = W_k`; fine-tuning by [`UpDown`] unties them. The visible units of the top
//! RBM may hold a label next to `h_{L-1}` ([`Labeled`](crate::units::Labeled)).
//!
//! References: Hinton, Osindero & Teh, Neural Computation 18:1527 (2006), doi:10.1162/neco.2006.18.7.1527; Bengio et al.,
//! NIPS 2006, for other units and for means in the place of samples.
//!
//! Differences from the paper: any units between the layers, and any number of layers.
//!
//! Cost: a pass up or down is one product `[batch, visible] × [visible, hidden]` for each layer.

mod bound;
mod classify;
mod config;
mod network;
mod up_down;

pub use bound::mean_of_two;
pub use classify::{ClassifierCrossEntropy, errors_and_nll};
pub use config::DbnConfig;
pub use network::{Dbn, StackError};
pub use up_down::{UpDown, UpDownConfig};
