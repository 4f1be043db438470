//! Networks of one hidden layer on the prefixes of a sequence of variables.

mod autodiff;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod portable;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::Function;
use extension::PrefixOps;
use portable::Layers;

/// The outputs of `D` networks with one hidden layer each and shared weights. Network `t` depends on the variables before the
/// `t`-th:
///
/// ```text
/// h_t = f(start + Σ_{u<t} x_u·W_u),    y_t = b_t + h_t·V_t        for t = 1 … D
/// ```
///
/// A variable is `E` neighboring columns of `x` (one column for a bit, or a one-hot code). Its network has `P` outputs, such as
/// the logits of its conditional distribution. The shapes determine `E` and `P`:
///
/// | operand | shape | |
/// |---|---|---|
/// | `start` | `[n, H]` | bias of the hidden units, plus a context of the example |
/// | `x` | `[n, D·E]` | one variable after the other |
/// | `w` | `[D·E, H]` | `W_t` is a block of `E` rows |
/// | `v` | `[H, D·P]` | `V_t` is a block of `P` columns |
/// | `b` | `[D·P]` | |
/// | result | `[n, D·P]` | `y_t` is a block of `P` columns and depends only on `x_u` with `u < t` |
///
/// Each network updates the argument of `f` of the one before. The cost is therefore `O(n·D·H·(E + P))` instead of quadratic in
/// `D` (Larochelle & Murray, "The Neural Autoregressive Distribution Estimator", AISTATS 2011, algorithm 1;
/// Uria, Côté, Gregor, Murray & Larochelle, JMLR 17(205), 2016). Differentiable with respect to all five tensors.
///
/// On `flex`, in f32 and f64, forward and backward are one pass each over the variables, with SIMD and threads. They store about
/// `√D` hidden layers of a few examples or units at a time, and evaluate `f` only after variables that are not zero. The
/// results do not depend on the number of threads. On other backends about `√D` hidden layers of all examples are computed at
/// a time. An infinity or NaN in `w` that is multiplied only by zeros of `x` may or may not appear in the result.
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
        "prefix_networks: the shapes of start {:?}, x {:?}, w {:?}, v {:?} and b {:?} do not fit",
        start.dims(),
        x.dims(),
        w.dims(),
        v.dims(),
        b.dims()
    );
    let divides = |width: usize| n_variables > 0 && width >= n_variables && width.is_multiple_of(n_variables);
    assert!(
        divides(inputs) && divides(outputs),
        "prefix_networks: n_variables = {n_variables} does not divide the {inputs} columns of x and the {outputs} of b"
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
