//! Diffusion models: a network learns to remove the noise of noisy data.
//!
//! ```text
//! x_t = α(t)·x + σ(t)·ε,    ε ~ N(0, 1),    noise at t = 0, data at t = 1,    λ(t) = ln(α²/σ²) the log-SNR
//! a network predicts        ε̂ = E[ε | x_t],   x̂ = E[x | x_t],   the score -ε̂/σ = ∇ln p_t(x_t),   or the velocity α'·x̂ + σ'·ε̂
//! dx/dt = α'·x̂ + σ'·ε̂       the probability-flow equation: the same p_t at each time, so its flow has the density of the data
//! ```
//!
//! One model has four uses: a [`ContinuousFlow`](crate::ContinuousFlow) with its density ([`Diffusion::flow`]), a variational lower
//! bound ([`Bound`]), a Markov chain from noise to data ([`DiffusionSampler`]: ancestral, DDIM, predictor-corrector), and a score.
//! [`DenoisingLoss`] trains it without a solver. All of them read [`DiffusionSchedule`] for `α` and `σ`.
//!
//! References: Ho, Jain & Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020, arXiv:2006.11239; Song et al.,
//! "Score-based generative modeling through stochastic differential equations", ICLR 2021, arXiv:2011.13456; Kingma, Salimans,
//! Poole & Ho, "Variational diffusion models", NeurIPS 2021, arXiv:2107.00630.
//!
//! Differences from the papers: time runs from noise to data, as in flow matching.

mod bound;
mod denoiser;
mod model;
mod number;
mod objective;
mod parametrization;
mod sampler;
mod schedule;
#[cfg(test)]
mod tests;

pub use bound::Bound;
pub use denoiser::{Denoised, Denoiser};
pub use model::{Diffusion, DiffusionConfig, ProbabilityFlow};
pub use objective::{Denoising, DenoisingLoss, Weighting};
pub use parametrization::{Coordinates, Parametrization, Prediction};
pub use sampler::{DiffusionSampler, langevin};
pub use schedule::{Coefficients, DiffusionSchedule, ScheduleKind};
