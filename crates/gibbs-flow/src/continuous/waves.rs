//! Waves of the variables as further inputs of a network, which alone would learn sharp edges slowly.
//!
//! ```text
//! φ(x) = (x, sin x·B, cos x·B),    dφ(x)·ε = (ε, ε·B ∘ cos x·B, -ε·B ∘ sin x·B)
//! ```
//!
//! References: Tancik et al., "Fourier features let networks learn high frequency functions in low dimensional domains",
//! NeurIPS 2020, arXiv:2006.10739, equation 5, with normal frequencies.
//!
//! Differences from the paper: the variables stay beside their waves; the frequencies are learned.

use burn::{
    module::{Module, Param},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::Noise;

/// The waves.
#[derive(Module, Debug)]
pub struct Waves {
    /// `B [D, F]`, radians for each unit of length.
    pub frequencies: Param<Tensor<2>>,
}

impl Waves {
    /// `count` waves of `n_variables` variables, their frequencies normal with standard deviation `scale`.
    pub(super) fn new(
        n_variables: usize,
        count: usize,
        scale: f64,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let normal: Tensor<2> = noise.normal([n_variables, count], (device, DType::F32));
        Self { frequencies: Param::from_tensor(normal * scale) }
    }
}

/// What the first layer of a network reads: the variables, and their waves if there are any.
pub(super) struct Inputs {
    /// `φ(x)`, `[n, D + 2F]`.
    pub(super) values: Tensor<2>,
    waves: Option<Phases>,
}

struct Phases {
    /// `B`.
    frequencies: Tensor<2>,
    sine: Tensor<2>,
    cosine: Tensor<2>,
}

impl Inputs {
    /// Those of points `[n, D]` with waves of `frequencies [D, F]`.
    pub(super) fn new(x: Tensor<2>, frequencies: Option<&Tensor<2>>) -> Self {
        let Some(frequencies) = frequencies else { return Self { values: x, waves: None } };
        let phase = x.clone().matmul(frequencies.clone());
        let (sine, cosine) = (phase.clone().sin(), phase.cos());
        let values = Tensor::cat(vec![x, sine.clone(), cosine.clone()], 1);
        Self { values, waves: Some(Phases { frequencies: frequencies.clone(), sine, cosine }) }
    }

    /// How they change along `direction [n, D]`: `[n, D + 2F]`.
    pub(super) fn along(&self, direction: Tensor<2>) -> Tensor<2> {
        let Some(Phases { frequencies, sine, cosine }) = &self.waves else { return direction };
        let phase = direction.clone().matmul(frequencies.clone());
        let (up, down) = (phase.clone() * cosine.clone(), phase * sine.clone());
        Tensor::cat(vec![direction, up, down.neg()], 1)
    }

    /// How what a layer with weights `[D + 2F, h]` makes of them changes along each variable: `[n or 1, D, h]`.
    pub(super) fn along_axes(&self, weight: &Tensor<2>) -> Tensor<3> {
        let Some(Phases { frequencies, sine, cosine }) = &self.waves else {
            return weight.clone().unsqueeze();
        };
        let ([n, count], [d, _], [_, width]) = (sine.dims(), frequencies.dims(), weight.dims());
        let of_waves = |phase: &Tensor<2>| {
            let slopes = phase.clone().reshape([n, 1, count]) * frequencies.clone().unsqueeze::<3>();
            slopes.reshape([n * d, count])
        };
        let slopes = Tensor::cat(vec![of_waves(cosine), of_waves(sine).neg()], 1);
        let moved = slopes.matmul(weight.clone().narrow(0, d, 2 * count)).reshape([n, d, width]);
        moved + weight.clone().narrow(0, 0, d).unsqueeze::<3>()
    }
}
