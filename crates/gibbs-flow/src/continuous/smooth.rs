//! Functions of hidden units with their derivatives, in differentiable tensor operations.

use burn::prelude::*;
use gibbs_backend::sigmoid;
use gibbs_core::{ConfigError, nn::Activation};

/// Checks that a velocity field can have hidden units of this kind. Its divergence and the gradient of the divergence need two
/// continuous derivatives.
pub(super) fn check_smooth(activation: Activation) -> Result<(), ConfigError> {
    match activation {
        Activation::Relu => Err(ConfigError::new(
            "activation",
            activation,
            "is not smooth, and the flow needs its derivatives; take tanh, softplus, silu or sigmoid",
        )),
        Activation::Tanh | Activation::Sigmoid | Activation::Silu | Activation::Softplus => Ok(()),
    }
}

/// Whether the first derivative is a function of the value, so that the argument is not needed.
pub(super) fn slope_from_value(activation: Activation) -> bool {
    matches!(activation, Activation::Tanh | Activation::Sigmoid)
}

/// `f'(a)`, from the argument `a` and the value `f(a)`.
///
/// # Panics
/// For functions that are not smooth, which no configuration has.
pub(super) fn slope<const D: usize>(
    activation: Activation,
    argument: &Tensor<D>,
    value: &Tensor<D>,
) -> Tensor<D> {
    match activation {
        Activation::Tanh => value.clone().powi_scalar(2).neg() + 1.0,
        Activation::Sigmoid => value.clone() * (value.clone().neg() + 1.0),
        Activation::Softplus => sigmoid(argument.clone()),
        Activation::Silu => {
            let s = sigmoid(argument.clone());
            s.clone() * (argument.clone() * (s.neg() + 1.0) + 1.0)
        }
        Activation::Relu => unreachable!("a function that is not smooth"),
    }
}

/// `(f'(a), f''(a))`.
///
/// # Panics
/// As [`slope`].
pub(super) fn slopes(activation: Activation, argument: &Tensor<2>, value: &Tensor<2>) -> [Tensor<2>; 2] {
    let first = slope(activation, argument, value);
    let second = match activation {
        Activation::Tanh => value.clone() * first.clone() * -2.0,
        Activation::Sigmoid => first.clone() * (value.clone() * -2.0 + 1.0),
        Activation::Softplus => first.clone() * (first.clone().neg() + 1.0),
        Activation::Silu => {
            let s = sigmoid(argument.clone());
            let steep = argument.clone() * (s.clone() * -2.0 + 1.0) + 2.0;
            s.clone() * (s.neg() + 1.0) * steep
        }
        Activation::Relu => unreachable!("a function that is not smooth"),
    };
    [first, second]
}
