//! One step of Adam on one tensor.

mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::AdamOps;

/// The coefficients of one [`adam_step`], including the bias corrections of the moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// `β₁`, the decay of the first moment.
    pub beta_1: f64,
    /// `β₂`, the decay of the second moment.
    pub beta_2: f64,
    /// `α·√(1 - β₂^t)/(1 - β₁^t)`.
    pub rate: f64,
    /// `ε·√(1 - β₂^t)`.
    pub epsilon: f64,
    /// The factor of the parameter: 1 without weight decay.
    pub keep: f64,
}

/// One step of Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1 in the form of the end of section 2): the next
/// parameter `θ` and moments `m`, `v`, all of one shape, from the gradient `g`.
///
/// ```text
/// m ← β₁·m + (1 - β₁)·g,    v ← β₂·v + (1 - β₂)·g²,    θ ← keep·θ - rate·m/(√v + epsilon)
/// ```
///
/// On `flex` this is one pass over the four tensors, in place if they have no other owner. The result does not depend on the
/// number of threads.
///
/// # Panics
///
/// If the shapes or types differ.
pub fn adam_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
    step: AdamStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    for (name, tensor) in
        [("gradient", &gradient), ("first moment", &moments[0]), ("second moment", &moments[1])]
    {
        let (have, want) = ((tensor.dims(), tensor.dtype()), (parameter.dims(), parameter.dtype()));
        assert_eq!(have, want, "adam_step: shape and type of the {name} and of the parameter");
    }
    let [first, second] = moments.map(Tensor::into_dispatch);
    let (parameter, first, second) =
        <Dispatch as AdamOps>::adam(parameter.into_dispatch(), gradient.into_dispatch(), first, second, step);
    (Tensor::from_dispatch(parameter), [first, second].map(Tensor::from_dispatch))
}

#[cfg(test)]
mod tests;
