//! How time and context enter a network.
//!
//! ```text
//! φ(t) = (t, cos πt, sin πt, cos 2πt, …, sin Kπt)
//! concatenated:  h_1 = f(x·W_1 + φ(t)·U + c·V + b)
//! gated:         h_l = f((h_{l-1}·W_l + b_l) ⊙ g_l + s_l),    (ln-gate, s_l) = (φ(t), c)·G_l,   g_l = 2·sigmoid(ln-gate)
//! ```
//!
//! References: Chen et al. 2018 (concatenated); Grathwohl et al., "FFJORD", ICLR 2019, arXiv:1810.01367, appendix B, where a
//! small hyper-network gates and shifts each layer ("concatsquash"); Tancik et al., NeurIPS 2020, arXiv:2006.10739, for the Fourier features.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    nn::{Mlp, MlpConfig},
};
use serde::{Deserialize, Serialize};

/// How time and context enter the network: concatenated to the inputs, or gating each hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInput {
    /// As further inputs.
    #[default]
    Concatenated,
    /// By a small network that gates and shifts each hidden layer.
    Gated,
}

/// `φ(t)`: `[m, 1]` to `[m, 1 + 2K]`.
pub(super) fn features(t: &Tensor<2>, frequencies: usize) -> Tensor<2> {
    let pairs = (1..=frequencies).flat_map(|k| {
        let angle = t.clone() * (std::f64::consts::PI * k as f64);
        [angle.clone().cos(), angle.sin()]
    });
    let all: Vec<Tensor<2>> = std::iter::once(t.clone()).chain(pairs).collect();
    if all.len() == 1 { t.clone() } else { Tensor::cat(all, 1) }
}

/// Number of features.
pub(super) fn n_features(frequencies: usize) -> usize {
    1 + 2 * frequencies
}

/// `φ(t)` with the context behind it. It has one row, or one for each point.
pub(super) fn with_context(features: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2> {
    let Some(context) = context else { return features };
    let (rows, width) = (context.dims()[0].max(features.dims()[0]), features.dims()[1]);
    let context = context.clone().expand([rows, context.dims()[1]]);
    Tensor::cat(vec![features.expand([rows, width]), context], 1)
}

/// The affine network that gates and shifts one layer. At the start it changes nothing.
#[derive(Module, Debug)]
pub struct Gate {
    /// `[1 + 2K + C, 2·width]`: gates, then shifts.
    pub network: Mlp,
}

impl Gate {
    pub(super) fn new(
        n_inputs: usize,
        width: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Self, ConfigError> {
        let config = MlpConfig::new(vec![n_inputs, 2 * width]).with_output_gain(0.0);
        Ok(Self { network: config.init(device, noise)? })
    }

    /// `(g, s)`, `[m, width]` each.
    pub(super) fn modulation(&self, inputs: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let both = self.network.forward(inputs);
        let width = both.dims()[1] / 2;
        let gate = gibbs_backend::sigmoid(both.clone().narrow(1, 0, width)) * 2.0;
        (gate, both.narrow(1, width, width))
    }
}
