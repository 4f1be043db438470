//! Hamiltonian Monte Carlo: Markov chains in continuous space that use the gradient of the energy.
//!
//! ```text
//! H(x, p) = E(x) + p·p / 2,   new p ~ N(0, 1) in each step
//! p <- p - ε/2 ∇E(x),   x <- x + ε p,   p <- p - ε/2 ∇E(x)       leapfrog, L times
//! (x', p') is accepted with probability min(1, exp(H(x, p) - H(x', p')))
//! ε <- ε (1 + r u),   u uniform in [-1, 1) for each chain and step      jitter r
//! ```
//!
//! The leapfrog conserves volume. With the sign of the momenta flipped it is its own inverse. Therefore a step satisfies
//! detailed balance with `exp(-E)`. The jitter prevents trajectories that return to their start, as in a harmonic energy with
//! the period `ε L`.
//!
//! The only input is a differentiable [`Energy`]. An energy with a [`Slope`] in closed form also serves
//! ([`HmcState::of_slope`], [`Hmc::step_with`]): then a step is itself differentiable in `x`, with the decisions held fixed.
//! In the latent space of a flow, the energy is `E(x(z)) - ln |det ∂x/∂z|` as a
//! function of `z`. Set the parameters of the flow to `no_grad()`: the sampler does not use their gradients.
//!
//! References: Duane, Kennedy, Pendleton & Roweth, Phys. Lett. B 195:216 (1987), doi:10.1016/0370-2693(87)91197-X; Neal,
//! "MCMC using Hamiltonian dynamics", Handbook of Markov Chain Monte Carlo, 2011, arXiv:1206.1901, section 4.2 for the
//! jitter.
//!
//! ```
//! use burn::prelude::*;
//! use gibbs_backend::Noise;
//! use gibbs_core::{Estimate, hmc::{Hmc, HmcState}, math::to_host};
//!
//! // 2000 chains with the energy x⁴. The virial theorem ⟨x ∂E/∂x⟩ = 1 gives ⟨E⟩ = 1/4.
//! let quartic = |x: Tensor<2>| x.powi_scalar(4).squeeze_dim::<1>(1);
//! let hmc = Hmc::new(0.3, 4).with_jitter(0.2);
//! let mut noise = Noise::new(1, "chains");
//! let mut state = HmcState::new(&quartic, Tensor::zeros([2000, 1], &Device::flex()));
//! for _ in 0..20 {
//!     state = hmc.step(&quartic, state, &mut noise).0;
//! }
//! let energy = Estimate::mean(&to_host(state.energy().clone()));
//! assert!((energy.value - 0.25).abs() < 4.0 * energy.std_err);
//! ```
//!
//! Cost: `L` gradients of the energy per step. One tensor operation serves all chains.

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::{Energy, Slope};

mod adaptation;
#[cfg(test)]
mod tests;

pub use adaptation::DualAveraging;

/// The transition kernel: size, number and jitter of the leapfrog steps of a trajectory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hmc {
    step_size: f64,
    steps: usize,
    jitter: f64,
}

/// The state of `n` chains: positions, energies, and gradients of the energy.
#[derive(Clone, Debug)]
pub struct HmcState {
    x: Tensor<2>,
    energy: Tensor<1>,
    slope: Tensor<2>,
}

/// The result of a step, with one value for each chain, on the device.
#[derive(Clone, Debug)]
pub struct Transition {
    /// 1 if the end of the trajectory was accepted, else 0: `[n]`.
    pub accepted: Tensor<1>,
    /// `ΔH = H(x', p') - H(x, p)`, the error of the leapfrog: `[n]`. In equilibrium, `⟨exp(-ΔH)⟩ = 1`.
    pub energy_error: Tensor<1>,
}

impl Transition {
    /// The mean over chains of the probability of acceptance, `min(1, exp(-ΔH))`: `[1]`. A trajectory with the energy NaN
    /// counts as rejected.
    pub fn acceptance(&self) -> Tensor<1> {
        let probability = self.energy_error.clone().neg().clamp_max(0.0).exp();
        let lost = self.energy_error.clone().is_nan();
        probability.mask_fill(lost, 0.0).mean()
    }
}

impl HmcState {
    /// Chains at `x [n, width]`, on a device without autodiff.
    ///
    /// # Panics
    /// If the energy does not depend on `x`.
    pub fn new(energy: &(impl Energy + ?Sized), x: Tensor<2>) -> Self {
        let at = x.clone().autodiff().require_grad();
        let energy = energy.energy(at.clone());
        let gradients = energy.clone().sum().backward();
        let Some(slope) = at.grad(&gradients) else { panic!("an energy that depends on x") };
        Self { x, energy: energy.without_autodiff(), slope }
    }

    /// Chains at `x [n, width]`, on any device. Their energy and its gradient in closed form are differentiable in `x`.
    pub fn of_slope(energy: &(impl Slope + ?Sized), x: Tensor<2>) -> Self {
        Self { energy: energy.energy(x.clone()), slope: energy.slope(x.clone()), x }
    }

    /// This state, with that of `other` for the chains that are `chosen [n]`.
    #[must_use]
    pub fn mask_where(self, chosen: Tensor<1, Bool>, other: Self) -> Self {
        let rows = chosen.clone().unsqueeze_dim::<2>(1).expand(self.x.dims());
        Self {
            x: self.x.mask_where(rows.clone(), other.x),
            energy: self.energy.mask_where(chosen, other.energy),
            slope: self.slope.mask_where(rows, other.slope),
        }
    }

    /// `x [n, width]`.
    pub fn x(&self) -> &Tensor<2> {
        &self.x
    }

    /// `E(x) [n]`.
    pub fn energy(&self) -> &Tensor<1> {
        &self.energy
    }

    /// `∇E(x) [n, width]`.
    pub fn slope(&self) -> &Tensor<2> {
        &self.slope
    }
}

impl Hmc {
    /// Trajectories of `steps` leapfrog steps of size `step_size`, in units of `x` (unit mass), without jitter.
    ///
    /// # Panics
    /// If `steps` is 0, or if `step_size` is not positive and finite.
    pub fn new(step_size: f64, steps: usize) -> Self {
        assert!(steps > 0, "a trajectory of at least one step");
        Self { step_size: 1.0, steps, jitter: 0.0 }.with_step_size(step_size)
    }

    /// Returns the kernel with another step size.
    ///
    /// # Panics
    /// If `step_size` is not positive and finite.
    pub fn with_step_size(self, step_size: f64) -> Self {
        assert!(step_size.is_finite() && step_size > 0.0, "a step size of {step_size}");
        Self { step_size, ..self }
    }

    /// Returns the kernel with random step sizes between `(1 - jitter) ε` and `(1 + jitter) ε`.
    ///
    /// # Panics
    /// If `jitter` is not in `[0, 1)`.
    pub fn with_jitter(self, jitter: f64) -> Self {
        assert!((0.0..1.0).contains(&jitter), "a jitter of {jitter}");
        Self { jitter, ..self }
    }

    /// `ε`.
    pub fn step_size(&self) -> f64 {
        self.step_size
    }

    /// `L`.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Does one step of every chain. Returns the next state and the transition. Draws momenta, then step sizes if there is
    /// jitter, then one uniform number for each chain. A trajectory with an infinite or NaN energy is rejected.
    pub fn step(
        &self,
        energy: &(impl Energy + ?Sized),
        state: HmcState,
        noise: &mut Noise,
    ) -> (HmcState, Transition) {
        self.step_with(&|x| HmcState::new(energy, x), state, noise)
    }

    /// As [`step`](Self::step), with the states that `at` makes of positions `[n, width]`.
    pub fn step_with(
        &self,
        at: &impl Fn(Tensor<2>) -> HmcState,
        state: HmcState,
        noise: &mut Noise,
    ) -> (HmcState, Transition) {
        let [n, width] = state.x.dims();
        let options = (&state.x.device(), state.x.dtype());
        let momentum = noise.normal([n, width], options);
        let mut sizes = Tensor::<2>::full([n, 1], self.step_size, options);
        if self.jitter > 0.0 {
            let spread = noise.uniform([n, 1], options) * 2.0 - 1.0;
            sizes = sizes.clone() + sizes * spread * self.jitter;
        }
        let uniform = noise.uniform([n], options);
        let before = state.energy.clone() + kinetic(momentum.clone());
        let (end, momentum) = self.leapfrog_with(at, state.clone(), momentum, sizes);
        let energy_error = end.energy.clone() + kinetic(momentum) - before;
        // A comparison with NaN is false.
        let accepts = uniform.lower(energy_error.clone().neg().exp());
        let next = state.mask_where(accepts.clone(), end);
        (next, Transition { accepted: accepts.float().cast(energy_error.dtype()), energy_error })
    }

    /// Computes the trajectories from `state` and `momentum [n, width]` with the step sizes `sizes [n, 1]`. Returns the states and
    /// momenta at their ends.
    ///
    /// Negative step sizes go backwards in time.
    pub fn leapfrog(
        &self,
        energy: &(impl Energy + ?Sized),
        state: HmcState,
        momentum: Tensor<2>,
        sizes: Tensor<2>,
    ) -> (HmcState, Tensor<2>) {
        self.leapfrog_with(&|x| HmcState::new(energy, x), state, momentum, sizes)
    }

    fn leapfrog_with(
        &self,
        at: &impl Fn(Tensor<2>) -> HmcState,
        state: HmcState,
        momentum: Tensor<2>,
        sizes: Tensor<2>,
    ) -> (HmcState, Tensor<2>) {
        let half = sizes.clone() * 0.5;
        (0..self.steps).fold((state, momentum), |(state, momentum), _| {
            let momentum = momentum - half.clone() * state.slope;
            let state = at(state.x + sizes.clone() * momentum.clone());
            let momentum = momentum - half.clone() * state.slope.clone();
            (state, momentum)
        })
    }
}

/// `p·p / 2` of each row.
fn kinetic(momentum: Tensor<2>) -> Tensor<1> {
    (momentum.clone() * momentum).sum_dim(1).squeeze_dim(1) * 0.5
}
