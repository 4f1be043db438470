//! Activation functions.

use std::fmt;

use burn::tensor::Tensor;
use gibbs_backend::{Function, Init};
use serde::{Deserialize, Serialize};

/// The function applied to each hidden unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(0, x)`.
    #[default]
    Relu,
    /// `tanh(x)`.
    Tanh,
    /// `1/(1 + exp(-x))`.
    Sigmoid,
    /// `x·sigmoid(x)`, smooth and close to relu.
    Silu,
    /// `ln(1 + exp(x))`, smooth, positive and monotone.
    Softplus,
}

impl Activation {
    /// Applies the function to each element.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => gibbs_backend::relu(x),
            Self::Tanh => gibbs_backend::tanh(x),
            Self::Sigmoid => gibbs_backend::sigmoid(x),
            Self::Silu => gibbs_backend::silu(x),
            Self::Softplus => gibbs_backend::softplus(x),
        }
    }

    /// The same function as an argument of [`gibbs_backend::affine`].
    pub fn function(self) -> Function {
        match self {
            Self::Relu => Function::Relu,
            Self::Tanh => Function::Tanh,
            Self::Sigmoid => Function::Sigmoid,
            Self::Silu => Function::Silu,
            Self::Softplus => Function::Softplus,
        }
    }

    /// The distribution of initial weights: He et al. 2015 for functions that are linear on one side, Glorot & Bengio 2010 for
    /// functions that saturate on both sides.
    pub fn weight_init(self) -> Init {
        match self {
            Self::Relu | Self::Silu | Self::Softplus => Init::HeUniform,
            Self::Tanh | Self::Sigmoid => Init::GlorotUniform,
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Silu => "silu",
            Self::Softplus => "softplus",
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::prelude::*;

    use super::*;
    use crate::math::to_host;

    #[test]
    fn names_match_functions() {
        let x = [-2.0_f64, -0.3, 0.0, 1.7];
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let cases = [
            (Activation::Relu, "relu", x.map(|x| x.max(0.0))),
            (Activation::Tanh, "tanh", x.map(f64::tanh)),
            (Activation::Sigmoid, "sigmoid", x.map(sigmoid)),
            (Activation::Silu, "silu", x.map(|x| x * sigmoid(x))),
            (Activation::Softplus, "softplus", x.map(|x| x.exp().ln_1p())),
        ];
        for (activation, name, truth) in cases {
            let y = to_host(activation.apply(Tensor::<1>::from_data(x, &Device::flex())));
            for (truth, y) in truth.iter().zip(y) {
                assert!((y - truth).abs() < 1e-6, "{name}: {y} instead of {truth}");
            }
            assert_eq!(activation.to_string(), name);
            assert_eq!(serde_json::to_string(&activation).unwrap(), format!("\"{name}\""));
        }
    }
}
