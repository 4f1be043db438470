//! The distribution of the latent variables: standard normal, or a mixture.

use burn::{prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::math::{LN_SQRT_TAU, row_sums};

use crate::Mixture;

/// `ln p(z)`, `[n, D]` to `[n]`, nats; standard normal without a mixture.
pub(crate) fn log_prob(mixture: Option<&Mixture>, z: Tensor<2>) -> Tensor<1> {
    match mixture {
        Some(mixture) => mixture.log_prob(z),
        None => {
            let width = z.dims()[1] as f64;
            row_sums(z.powi_scalar(2)) * -0.5 - width * LN_SQRT_TAU
        }
    }
}

/// `[n, D]` independent draws, narrower or wider by the factor `temperature`.
pub(crate) fn sample(
    mixture: Option<&Mixture>,
    shape: [usize; 2],
    temperature: f64,
    options: (&Device, DType),
    noise: &mut Noise,
) -> Tensor<2> {
    match mixture {
        Some(mixture) => mixture.sample(shape[0], temperature, noise),
        None => noise.normal(shape, options) * temperature,
    }
}
