//! Networks of one hidden layer on the prefixes of a sequence of variables.

mod autodiff;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod portable;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::Function;
use extension::{Layers, PrefixOps};

/// The outputs of `D` networks with one hidden layer each and tied weights, where network `t` sees the variables before
/// the `t`-th:
///
/// ```text
/// h_t = f(start + Σ_{u<t} x_u·W_u),    y_t = b_t + h_t·V_t        for t = 1 … D
/// ```
///
/// A variable is `E` neighboring columns of `x` (one for a bit, or a one-hot code) and its network has `P` outputs, such
/// as the logits of its conditional distribution. `E` and `P` follow from the shapes:
///
/// | operand | shape | |
/// |---|---|---|
/// | `start` | `[n, H]` | bias of the hidden units, and any context of the example |
/// | `x` | `[n, D·E]` | variable after variable |
/// | `w` | `[D·E, H]` | `W_t` is `E` rows of it |
/// | `v` | `[H, D·P]` | `V_t` is `P` columns of it |
/// | `b` | `[D·P]` | |
/// | result | `[n, D·P]` | `y_t` is `P` columns of it and depends on no `x_u` with `u ≥ t` |
///
/// The argument of `f` is carried from one network to the next, which makes the cost `O(n·D·H·(E + P))` instead of
/// quadratic in `D` (Larochelle & Murray, "The Neural Autoregressive Distribution Estimator", AISTATS 2011, algorithm 1;
/// Uria, Côté, Gregor, Murray & Larochelle, JMLR 17(205), 2016). Differentiable with respect to all five tensors.
///
/// On `flex`, in f32 and f64, forward and backward are a pass each over the variables, vectorized and spread over the
/// threads; the hidden layers of a few examples or units are kept at a time, some `√D` of each. `f` is computed anew only
/// behind variables that are not zero. The results do not depend on the number of threads. On other devices some `√D`
/// hidden layers of all examples are computed at a time. Where `x` is zero, an infinity or NaN in `w` may or may not
/// show.
///
/// # Panics
///
/// If the shapes do not fit, `n_variables` is zero or does not divide the widths of `x` and `b`, or the types differ.
pub fn prefix_networks(
    start: Tensor<2>,
    x: Tensor<2>,
    w: Tensor<2>,
    v: Tensor<2>,
    b: Tensor<1>,
    n_variables: usize,
    function: Function,
) -> Tensor<2> {
    let ([n, hidden], [inputs], [outputs]) = (start.dims(), [x.dims()[1]], b.dims());
    assert!(
        x.dims() == [n, inputs] && w.dims() == [inputs, hidden] && v.dims() == [hidden, outputs],
        "prefix_networks: start {:?}, x {:?}, w {:?}, v {:?} and b {:?} do not fit together",
        start.dims(),
        x.dims(),
        w.dims(),
        v.dims(),
        b.dims()
    );
    let divides = |width: usize| n_variables > 0 && width >= n_variables && width.is_multiple_of(n_variables);
    assert!(
        divides(inputs) && divides(outputs),
        "prefix_networks: {inputs} inputs and {outputs} outputs cannot be shared among {n_variables} variables"
    );
    let types = [start.dtype(), x.dtype(), w.dtype(), v.dtype(), b.dtype()];
    assert!(types.iter().all(|dtype| *dtype == types[0]), "prefix_networks: types {types:?}");
    Tensor::from_dispatch(<Dispatch as PrefixOps>::prefix_networks(
        start.into_dispatch(),
        x.into_dispatch(),
        w.into_dispatch(),
        v.into_dispatch(),
        b.into_dispatch(),
        Layers { n_variables, function },
    ))
}

#[cfg(test)]
mod tests;
