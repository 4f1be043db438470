//! How draws are made: by the probability-flow equation or by a Markov chain.

use gibbs_flow::{Diffusion, continuous::VelocityField, diffusion::DiffusionSampler};

use crate::prelude::*;

/// How draws are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Sampler {
    /// The probability-flow equation by its solver
    Ode,
    /// A Markov chain of ancestral steps
    Ancestral,
    /// The same chain without noise
    Ddim,
    /// Ancestral steps with corrections by Langevin dynamics
    Langevin,
}

/// Further flags of `sample`.
#[derive(Args, Clone, Copy, Debug)]
pub struct SamplerFlags {
    /// Strength of the class: 1 draws from the learned distribution, larger values make clearer examples
    #[arg(long, value_name = "W", default_value_t = 1.0, allow_negative_numbers = true)]
    pub guidance: f64,
    /// How draws are made
    #[arg(long, value_enum, default_value = "ode")]
    pub sampler: Sampler,
    /// Steps of a Markov chain
    #[arg(long, value_name = "N", default_value_t = 250)]
    pub steps: usize,
    /// Corrections after each step of the sampler langevin
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub corrections: usize,
}

impl SamplerFlags {
    /// Draws of the learned distribution by one of the samplers.
    pub(super) fn plain(sampler: Sampler) -> Self {
        Self { guidance: 1.0, sampler, steps: 250, corrections: 2 }
    }

    /// The Markov chain, if it is one.
    fn chain(&self) -> Option<DiffusionSampler> {
        let chain = DiffusionSampler::new().with_steps(self.steps);
        match self.sampler {
            Sampler::Ode => None,
            Sampler::Ancestral => Some(chain),
            Sampler::Ddim => Some(chain.with_eta(0.0)),
            Sampler::Langevin => Some(chain.with_corrections(self.corrections)),
        }
    }

    /// `n` draws `[n, D]` for contexts `[n, C]`, from noise with the standard deviation `temperature`.
    pub(super) fn draw<V: VelocityField>(
        &self,
        model: &Diffusion<V>,
        (n, context): (usize, Option<&Tensor<2>>),
        temperature: f64,
        noise: &mut Noise,
    ) -> Result<Tensor<2>> {
        Ok(match self.chain() {
            None => model.sample_given(n, context, temperature, noise)?,
            Some(chain) => model.sample_by(&chain, n, context, temperature, noise),
        })
    }
}
