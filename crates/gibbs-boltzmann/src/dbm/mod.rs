//! Deep Boltzmann machine: layers of units, each coupled to the layers above and below it, all couplings undirected.
//!
//! ```text
//! E(v, h_1, …, h_L) = E_v(v) - Σ_k b_k·h_k - Σ_k h_{k-1}·W_k·h_k,    h_0 = v
//! p(h_k | h_{k-1}, h_{k+1}) = σ(b_k + h_{k-1}·W_k + W_{k+1}·h_{k+1})
//! ```
//!
//! Units of even layers are coupled to units of odd layers alone. So the machine *is* an RBM between the even and the odd
//! layers ([`Dbm::bipartite`]), with the same `Z`: Gibbs chains, parallel tempering, annealed importance sampling and enumeration of
//! an RBM serve it unchanged.
//!
//! A label of softmax units may be coupled to the highest layer.
//!
//! References: Salakhutdinov & Hinton, "Deep Boltzmann machines", AISTATS 2009; Montavon & Müller, "Deep Boltzmann machines and the
//! centering trick" (2012), doi:10.1007/978-3-642-35289-8_33.
//!
//! Differences from the paper: the chains may be tempered, and the gradients centered. The biases of two pre-trained RBMs that meet in
//! a layer are averaged. The parts of `p(h | v)` that mean field neglects are measured by annealing ([`Dbm::log_weights`]).
//!
//! Cost: a sweep is two products with all weights.

mod classify;
mod config;
mod inference;
mod machine;
mod objective;
mod posterior;
mod pretraining;
#[cfg(test)]
mod tests;

pub use config::DbmConfig;
pub use inference::MeanField;
pub use machine::{Coupling, Dbm, Label};
pub use objective::DeepContrastive;
pub use posterior::PosteriorProtocol;
pub use pretraining::{DoubledLayer, copies, reconstruction_error};
