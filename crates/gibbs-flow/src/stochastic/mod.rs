//! Stochastic normalizing flows: chains of invertible layers and of Monte Carlo layers, with weights of whole paths.
//!
//! ```text
//! y_0 ~ N(0, 1),   y_{t+1} = F_t(y_t)   or   y_{t+1} ~ q_t(· | y_t),   x = y_T
//! ΔS_t = ln |det ∂y_{t+1}/∂y_t|         of an invertible layer
//! ΔS_t = ln q̃_t(y_t | y_{t+1}) - ln q_t(y_{t+1} | y_t)         of a stochastic one, with q̃_t its way back
//! ln w = -E(x) - ln N(y_0; 0, 1) + Σ_t ΔS_t,        E[w] = Z
//!
//! u_λ(y) = -(1 - λ) ln N(y; 0, 1) + λ E(y)               what a stochastic layer at λ samples
//! Metropolis, HMC    ΔS = u_λ(y') - u_λ(y)              they are in detailed balance with exp(-u_λ)
//! Langevin           y' = y - ε ∇u_λ(y) + √(2ε) η,   ΔS = (|η|² - |η̃|²)/2,   η̃ = (y - y' + ε ∇u_λ(y')) / √(2ε)
//! ```
//!
//! The weights are exact for any parameters: `E[w] = Z` over paths from the base, `E[1/w] = 1/Z` over paths that start at draws of
//! the target and go back. `E[ln w] ≤ ln Z` over the first, `≥` over the second. Without invertible layers this is annealed
//! importance sampling, without stochastic layers a normalizing flow. A flow alone cannot tear space; the stochastic layers
//! can, and invertible layers carry points over barriers that a Markov chain does not cross.
//!
//! **Training** ([`PathObjective`]) minimizes `E[-ln w]`, the Kullback-Leibler divergence of the paths up to a constant, with its
//! pathwise gradient. A path is a function of its noise and of the parameters. What is differentiated: the invertible layers and
//! their determinants; the displacements of stochastic layers with respect to where they start, through `∇u_λ` in Langevin and
//! leapfrog steps ([`Slope`](gibbs_core::Slope)); their `ΔS`. What is not: the decision to accept a proposal, which is held fixed. So
//! the gradient of a layer before a Metropolis or HMC layer lacks the derivative of the acceptance probabilities, in the paper
//! and here. The last stochastic layer at `λ = 1` leaves the gradient as it is: its `ΔS` cancels what it does to `E(x)`.
//!
//! References: Wu, Köhler & Noé, "Stochastic normalizing flows", NeurIPS 2020, arXiv:2002.06707; Neal, "Annealed importance
//! sampling", Stat. Comput. 11:125 (2001), doi:10.1023/A:1008923215028; Nilmeier, Crooks, Minh & Chodera, PNAS 108:E1009 (2011),
//! doi:10.1073/pnas.1106094108, for `ΔS` of mixed layers; Crooks, Phys. Rev. E 60:2721 (1999), doi:10.1103/PhysRevE.60.2721.
//!
//! Differences from the paper: training minimizes the divergence from the base to the target alone, without samples of the
//! target; the energy can be switched on slowly during training. The paper adds a likelihood of given samples.
//!
//! Cost: each stochastic layer costs an energy for a Metropolis step, one gradient for a Langevin step, and `L` gradients for an
//! HMC step.

mod config;
mod flow;
mod interpolated;
mod kernel;
mod objective;
#[cfg(test)]
mod tests;

pub use config::{KernelKind, StochasticConfig};
pub use flow::{Paths, StochasticFlow, StochasticLayer};
pub use interpolated::{Interpolated, Scaled};
pub use kernel::Kernel;
pub use objective::PathObjective;
