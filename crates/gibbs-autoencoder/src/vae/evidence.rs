//! What a VAE knows of the likelihood `p(x)`: bounds from many codes, and bounds from both sides by annealing.
//!
//! ```text
//! L_k(x)                              k codes of q(z | x): a lower bound of ln p(x) in expectation
//! forward annealing, q(z | x) to p(z | x)    Σ w / n has the mean p(x): a closer lower bound
//! reverse annealing, p(z | x) to q(z | x)    Σ 1/w / n has the mean 1/p(x): an upper bound, from an exact draw of p(z | x)
//! ```
//!
//! Annealing moves `u` with `z = g_x(u)`, in which `q(z | x)` is standard normal. With a single interval of temperatures it is the bound
//! `L_k`. An exact draw of `p(z | x)` is known for draws of the model itself: there `z` came first.
//!
//! References: Burda, Grosse & Salakhutdinov, ICLR 2016, arXiv:1509.00519, section 5, for 5000 codes and for active units (appendix C);
//! Wu, Burda, Salakhutdinov & Grosse, "On the quantitative analysis of decoder-based generative models", ICLR 2017, arXiv:1611.04273, for
//! annealing from both sides.
//!
//! Differences from the papers: annealing begins at `q(z | x)` instead of the prior.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError, Energy, Estimate, Kind,
    annealing::AnnealedHmc,
    hmc::Hmc,
    math::{log_mean_exp_estimate, log_normal, repeat_rows, to_host},
};
use serde::{Deserialize, Serialize};

use super::{Posterior, Vae};

/// Step size in units of the posterior's standard deviations, before it is adapted, and its relative spread (Neal 2011, section 3.2).
const FIRST_STEP: f64 = 0.3;
const JITTER: f64 = 0.2;

/// Variance over examples of the center of the posterior, above which a latent variable is active (Burda et al., appendix C).
const ACTIVE: f64 = 0.01;

/// Bounds of the likelihood of one example, nats.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// `L_k`, the importance-weighted bound.
    pub importance_weighted: Estimate,
    /// `L_1`, the mean over the codes.
    pub elbo: f64,
    /// `KL(q(z | x) ‖ p(z))`, the mean over the codes.
    pub rate: f64,
    /// `-E_q[ln p(x | z)]`, the mean over the codes.
    pub distortion: f64,
}

impl Vae {
    /// The bounds of each example `x [n, D]` from `samples` codes of its posterior.
    ///
    /// # Panics
    /// If there are no samples, or the shapes do not fit.
    pub fn evidence(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        samples: usize,
        noise: &mut Noise,
    ) -> Vec<Evidence> {
        assert!(samples > 0, "at least one code for each example");
        let codes = self.draw_codes(x, context, samples, noise);
        let (likelihood, ratio) = (to_host(codes.log_likelihood), to_host(codes.log_ratio));
        let of_example = |(likelihood, ratio): (&[f64], &[f64])| {
            let weights: Vec<f64> = likelihood.iter().zip(ratio).map(|(l, r)| l + r).collect();
            let mean = |values: &[f64]| values.iter().sum::<f64>() / samples as f64;
            Evidence {
                importance_weighted: log_mean_exp_estimate(&weights).with_kind(Kind::LowerBound),
                elbo: mean(&weights),
                rate: -mean(ratio),
                distortion: -mean(likelihood),
            }
        };
        likelihood.chunks(samples).zip(ratio.chunks(samples)).map(of_example).collect()
    }

    /// Which latent variables are active, from the means of their posteriors over examples `[n, latent]`: those whose variance is above
    /// 0.01.
    pub fn active_units(means: Tensor<2>) -> Vec<bool> {
        to_host(means.var(0)).into_iter().map(|variance| variance > ACTIVE).collect()
    }
}

/// How the likelihood of single examples is bounded from both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PosteriorAnnealing {
    /// Annealed chains for each example, at least 2.
    pub chains: usize,
    /// Intervals between inverse temperatures, at least 1.
    pub temperatures: usize,
    /// Leapfrog steps of Hamiltonian Monte Carlo at each temperature, at least 1.
    pub leapfrog: usize,
}

impl PosteriorAnnealing {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("chains", self.chains, 2)?;
        ConfigError::at_least("temperatures", self.temperatures, 1)?;
        ConfigError::at_least("leapfrog", self.leapfrog, 1)
    }

    /// `ln p(x)` of each example `x [n, D]`, a lower bound in expectation that approaches it with the number of temperatures.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails, or the shapes do not fit.
    pub fn lower(
        &self,
        vae: &Vae,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Vec<Estimate> {
        let vae = &vae.clone().train().no_grad();
        let pass = self.pass(&CodeEnergy::new(vae, x.clone(), context, 1), noise);
        let target = CodeEnergy::new(vae, x, context, self.chains);
        let log_weights = pass.forward(&target, target.start(noise), noise).0;
        self.estimates(to_host(log_weights))
    }

    /// `ln p(x)` of draws `x [n, D]` of the model with their codes `z [n, latent]`, an upper bound in expectation that approaches it with
    /// the number of temperatures.
    ///
    /// # Panics
    /// As [`lower`](Self::lower).
    pub fn upper(
        &self,
        vae: &Vae,
        [x, z]: [Tensor<2>; 2],
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Vec<Estimate> {
        let vae = &vae.clone().train().no_grad();
        let pass = self.pass(&CodeEnergy::new(vae, x.clone(), context, 1), noise);
        let target = CodeEnergy::new(vae, x, context, self.chains);
        let start = target.posterior.inverse(repeat_rows(z, self.chains).autodiff()).0;
        let log_weights = to_host(pass.reverse(&target, start.without_autodiff(), noise));
        let inverse = self.estimates(log_weights.into_iter().map(|weight| -weight).collect());
        inverse.into_iter().map(|estimate| estimate.affine(-1.0, 0.0)).collect()
    }

    /// A pass with a step size that suits the examples of `pilot`.
    fn pass(&self, pilot: &CodeEnergy, noise: &mut Noise) -> AnnealedHmc {
        let hmc = Hmc::new(FIRST_STEP, self.leapfrog).with_jitter(JITTER);
        AnnealedHmc::new(self.temperatures, hmc).adapted(pilot, pilot.start(noise), noise)
    }

    /// `ln` of the mean of the weights of each example, a lower bound of the logarithm of their expectation.
    fn estimates(&self, log_weights: Vec<f64>) -> Vec<Estimate> {
        let of_example = |weights: &[f64]| {
            log_mean_exp_estimate(weights)
                .with_kind(Kind::LowerBound)
                .with_temperatures(self.temperatures + 1)
        };
        log_weights.chunks(self.chains).map(of_example).collect()
    }
}

/// `-ln p(x, z) - ln |det ∂z/∂u|` of `z = g_x(u)`, for `chains` rows of each example. The model has no gradients.
struct CodeEnergy<'a> {
    vae: &'a Vae,
    posterior: Posterior<'a>,
    x: Tensor<2>,
    context: Option<Tensor<2>>,
}

impl<'a> CodeEnergy<'a> {
    fn new(vae: &'a Vae, x: Tensor<2>, context: Option<&Tensor<2>>, chains: usize) -> Self {
        let (x, context) = (x.autodiff(), context.map(|context| context.clone().autodiff()));
        Self {
            vae,
            posterior: vae.encode(x.clone(), context.as_ref()).repeated(chains),
            x: repeat_rows(x, chains),
            context: context.map(|context| repeat_rows(context, chains)),
        }
    }

    /// Standard normal `u`.
    fn start(&self, noise: &mut Noise) -> Tensor<2> {
        self.posterior.draw(noise).without_autodiff()
    }
}

impl Energy for CodeEnergy<'_> {
    fn energy(&self, u: Tensor<2>) -> Tensor<1> {
        let codes = self.vae.codes_at(&self.posterior, u.clone(), self.x.clone(), self.context.as_ref());
        (codes.log_weights() + log_normal(u)).neg()
    }
}
