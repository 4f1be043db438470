//! Fourier features of the variables as further inputs of a network. Without them a network learns sharp edges slowly.
//!
//! ```text
//! φ(x) = (x, sin x·B, cos x·B),    dφ(x)·ε = (ε, ε·B ∘ cos x·B, -ε·B ∘ sin x·B)
//! ```
//!
//! References: Tancik et al., "Fourier features let networks learn high frequency functions in low dimensional domains",
//! NeurIPS 2020, arXiv:2006.10739, equation 5, with normal frequencies.
//!
//! Differences from the paper: the variables are inputs too, and the frequencies are learned.

use burn::{
    module::{Module, Param},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::Noise;

/// Fourier features.
#[derive(Module, Debug)]
pub struct FourierFeatures {
    /// `B [D, F]`, radians per unit of length.
    pub frequencies: Param<Tensor<2>>,
}

impl FourierFeatures {
    /// `count` features of `n_variables` variables. Their frequencies are normal with standard deviation `scale`.
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

/// The inputs of the first layer of a network: the variables, and their Fourier features if there are any.
pub(super) struct Inputs {
    /// `φ(x)`, `[n, D + 2F]`.
    pub(super) values: Tensor<2>,
    phases: Option<Phases>,
}

struct Phases {
    /// `B`.
    frequencies: Tensor<2>,
    sine: Tensor<2>,
    cosine: Tensor<2>,
}

impl Inputs {
    /// The inputs at points `[n, D]` with features of `frequencies [D, F]`.
    pub(super) fn new(x: Tensor<2>, frequencies: Option<&Tensor<2>>) -> Self {
        let Some(frequencies) = frequencies else { return Self { values: x, phases: None } };
        let phase = x.clone().matmul(frequencies.clone());
        let (sine, cosine) = (phase.clone().sin(), phase.cos());
        let values = Tensor::cat(vec![x, sine.clone(), cosine.clone()], 1);
        Self { values, phases: Some(Phases { frequencies: frequencies.clone(), sine, cosine }) }
    }

    /// Their derivative along `direction [n, D]`: `[n, D + 2F]`.
    pub(super) fn along(&self, direction: Tensor<2>) -> Tensor<2> {
        let Some(Phases { frequencies, sine, cosine }) = &self.phases else { return direction };
        let phase = direction.clone().matmul(frequencies.clone());
        let (up, down) = (phase.clone() * cosine.clone(), phase * sine.clone());
        Tensor::cat(vec![direction, up, down.neg()], 1)
    }

    /// The derivatives along each variable of the inputs times weights `[D + 2F, h]`: `[n or 1, D, h]`.
    pub(super) fn along_axes(&self, weight: &Tensor<2>) -> Tensor<3> {
        let Some(Phases { frequencies, sine, cosine }) = &self.phases else {
            return weight.clone().unsqueeze();
        };
        let ([n, count], [d, _], [_, width]) = (sine.dims(), frequencies.dims(), weight.dims());
        let of_features = |phase: &Tensor<2>| {
            let slopes = phase.clone().reshape([n, 1, count]) * frequencies.clone().unsqueeze::<3>();
            slopes.reshape([n * d, count])
        };
        let slopes = Tensor::cat(vec![of_features(cosine), of_features(sine).neg()], 1);
        let moved = slopes.matmul(weight.clone().narrow(0, d, 2 * count)).reshape([n, d, width]);
        moved + weight.clone().narrow(0, 0, d).unsqueeze::<3>()
    }
}
