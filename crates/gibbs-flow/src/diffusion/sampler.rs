//! Markov chains from noise to data.
//!
//! ```text
//! step t → s     c = 1 - e^{λ_t - λ_s}
//!                x_s = α_s·x̂ + σ_s·(√(1 - η²c)·ε̂ + η·√c·z),    z ~ N(0, 1)
//! correction     x ← x - δ·ε̂/σ + √(2δ)·z,    δ = (r·σ)²          Langevin dynamics at one time
//! ```
//!
//! `η = 1` is ancestral sampling: `x_s` is drawn from `q(x_s | x_t, x = x̂)`. `η = 0` is DDIM, a deterministic map. Corrections after each
//! step make predictor-corrector sampling. The times have equal distances of the log-SNR `λ`.
//!
//! References: Ho et al. 2020, arXiv:2006.11239, algorithm 2 (ancestral); Song, Meng & Ermon, "Denoising diffusion implicit models",
//! ICLR 2021, arXiv:2010.02502, equation 12 (DDIM); Song et al. 2021, arXiv:2011.13456, algorithms 3 and 5 (corrections).
//!
//! Differences from the papers: the step `δ` of a correction is a fixed part of the variance of the noise. In Song et al. it also
//! depends on the norm of the score in the batch, so that examples are not independent.
//!
//! Cost: `steps·(1 + corrections)` passes of the network.

use burn::{config::Config, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::ConfigError;

use super::denoiser::Denoiser;

/// A Markov chain from noise to data.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct DiffusionSampler {
    /// Number of steps, at least 1.
    #[config(default = 250)]
    pub steps: usize,
    /// `η`, the noise of a step, in \[0, 1\]: 1 for ancestral sampling, 0 for DDIM.
    #[config(default = 1.0)]
    pub eta: f64,
    /// Steps of Langevin dynamics after each step.
    #[config(default = 0)]
    pub corrections: usize,
    /// `r`, the size of a correction, above 0 and below 1 (about 0.16 in Song et al.). The variance of a correction's stationary
    /// distribution is too large by a part of at most `r²/2`.
    #[config(default = 0.16)]
    pub correction_size: f64,
}

impl DiffusionSampler {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("steps", self.steps, 1)?;
        ConfigError::require((0.0..=1.0).contains(&self.eta), "eta", self.eta, "must lie in [0, 1]")?;
        let size = self.correction_size;
        let holds = size > 0.0 && size < 1.0;
        ConfigError::require(holds, "correction_size", size, "must be above 0 and below 1")
    }

    /// Moves noise `x [n, D]` to data.
    pub fn run(&self, denoiser: &impl Denoiser, x: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        self.states(denoiser, x, noise, &[]).1
    }

    /// Moves noise `x [n, D]` to data, and keeps the points after these numbers of steps, in increasing order.
    pub fn states(
        &self,
        denoiser: &impl Denoiser,
        x: Tensor<2>,
        noise: &mut Noise,
        kept: &[usize],
    ) -> (Vec<Tensor<2>>, Tensor<2>) {
        let mut states: Vec<Tensor<2>> = kept.iter().filter(|step| **step == 0).map(|_| x.clone()).collect();
        let time = |step: usize| denoiser.schedule().time_at(step as f64 / self.steps as f64);
        let mut x = x;
        for step in 0..self.steps {
            let next = time(step + 1);
            x = self.step(denoiser, x, [time(step), next], noise);
            if self.corrections > 0 {
                x = langevin(denoiser, x, next, self.corrections, self.correction_size, noise);
            }
            states.extend(kept.iter().filter(|kept| **kept == step + 1).map(|_| x.clone()));
        }
        (states, x)
    }

    /// One step between two times.
    fn step(
        &self,
        denoiser: &impl Denoiser,
        x: Tensor<2>,
        [from, to]: [f64; 2],
        noise: &mut Noise,
    ) -> Tensor<2> {
        let schedule = denoiser.schedule();
        let at = schedule.at(to);
        let c = -(schedule.log_snr(from) - at.log_snr()).exp_m1();
        let denoised = denoiser.denoise(&[from], &x);
        let kept = at.sigma * (1.0 - self.eta * self.eta * c).sqrt();
        let moved = denoised.data * at.alpha + denoised.noise * kept;
        if self.eta == 0.0 {
            return moved;
        }
        moved + noise.normal(x.dims(), (&x.device(), x.dtype())) * (at.sigma * self.eta * c.sqrt())
    }
}

/// `steps` steps of Langevin dynamics at time `t`, with the size `r`. They keep the distribution of `x_t`, but for an error of the
/// order of `r²`.
pub fn langevin(
    denoiser: &impl Denoiser,
    x: Tensor<2>,
    t: f64,
    steps: usize,
    size: f64,
    noise: &mut Noise,
) -> Tensor<2> {
    let sigma = denoiser.schedule().at(t).sigma;
    (0..steps).fold(x, |x, _| {
        let score = denoiser.denoise(&[t], &x).noise;
        let z = noise.normal(x.dims(), (&x.device(), x.dtype()));
        x - score * (size * size * sigma) + z * (std::f64::consts::SQRT_2 * size * sigma)
    })
}
