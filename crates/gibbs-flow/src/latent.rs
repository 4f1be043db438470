//! The latent space of a flow beside a Hamiltonian: where a trained flow makes the law nearly normal, and chains move freely.
//!
//! ```text
//! z ~ exp(-E_z(z)),   E_z(z) = E(x(z)) - ln |det ∂x/∂z|     exactly when     x(z) ~ exp(-E(x))
//! ```
//!
//! A chain with this energy samples the Hamiltonian without bias, however well the flow has been trained: training decides
//! how fast it does so. With a perfect flow `E_z` is `|z|²/2` and a constant.
//!
//! References: Hoffman et al., "NeuTra-lizing bad geometry in Hamiltonian Monte Carlo using neural transport", 2019,
//! arXiv:1903.03704; Li & Wang, "Neural network renormalization group", Phys. Rev. Lett. 121:260601 (2018),
//! doi:10.1103/PhysRevLett.121.260601.

use burn::prelude::*;
use gibbs_core::{Bijection, Energy};

/// The energy `E_z` of the latent variables of a flow.
#[derive(Clone, Debug)]
pub struct Latent<B, E> {
    flow: B,
    energy: E,
}

impl<B: Bijection, E: Energy> Latent<B, E> {
    /// That of `energy` seen through `flow`, which has no context. For [`gibbs_core::hmc`] the flow has to be on a device with
    /// autodiff; with `no_grad()` the gradients of its parameters, which are not used, are not computed.
    pub fn new(flow: B, energy: E) -> Self {
        Self { flow, energy }
    }
}

impl<B: Bijection, E: Energy> Energy for Latent<B, E> {
    fn energy(&self, z: Tensor<2>) -> Tensor<1> {
        let (x, ladj) = self.flow.inverse(z, None);
        self.energy.energy(x) - ladj
    }
}
