//! Checks of examples that a model receives. Their panics name the model and what it expects.

use burn::prelude::*;

use crate::math::to_host;

/// Checks the width of the examples `x [batch, width]` of a model.
///
/// # Panics
/// If `x` has another width.
#[track_caller]
pub fn require_width(model: &str, x: &Tensor<2>, width: usize) {
    let shape = x.dims();
    assert!(shape[1] == width, "{model} has {width} variables, but the examples {shape:?} have {}", shape[1]);
}

/// Checks the context `[batch, n_context]` of a model for `batch` examples.
///
/// # Panics
/// If the shape is another one, if the model needs a context and there is none, or if it has none and there is one.
#[track_caller]
pub fn require_context(model: &str, batch: usize, context: Option<&Tensor<2>>, n_context: usize) {
    match context {
        None => {
            assert!(n_context == 0, "{model} needs a context [{batch}, {n_context}], but none was passed")
        }
        Some(_) if n_context == 0 => panic!("{model} has no context, but one was passed"),
        Some(context) => {
            let (shape, expected) = (context.dims(), [batch, n_context]);
            assert!(shape == expected, "{model} needs a context {expected:?}, but it is {shape:?}");
        }
    }
}

/// Checks the values of the examples `x [batch, width]` of a model: `is_valid` is true for the values that it has, and false
/// for NaN; `expected` names them. Waits for the device: one number is read from it.
///
/// # Panics
/// If a value is invalid.
///
/// ```should_panic
/// use burn::prelude::*;
/// use gibbs_core::check::require_values;
///
/// let x = Tensor::<2>::from_data([[0.0, 7.0]], &Device::flex());
/// // Bits has values that are 0 or 1, but variable 1 of example 0 is 7
/// require_values("Bits", &x, |x| x.clone().equal_elem(0.0).bool_or(x.equal_elem(1.0)), "0 or 1");
/// ```
#[track_caller]
pub fn require_values(
    model: &str,
    x: &Tensor<2>,
    is_valid: impl Fn(Tensor<2>) -> Tensor<2, Bool>,
    expected: &str,
) {
    let valid = is_valid(x.clone().detach());
    if valid.clone().all().into_scalar::<bool>() {
        return;
    }
    let width = x.dims()[1];
    let first = valid.into_data().iter::<bool>().position(|valid| !valid).unwrap_or(0);
    let (value, example, variable) = (to_host(x.clone())[first], first / width, first % width);
    panic!("{model} has values that are {expected}, but variable {variable} of example {example} is {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Tensor<2> {
        Tensor::from_data([[0.0, 1.0, 1.0], [1.0, f64::NAN, 0.0]], &Device::flex())
    }

    fn bits(x: Tensor<2>) -> Tensor<2, Bool> {
        x.clone().equal_elem(0.0).bool_or(x.equal_elem(1.0))
    }

    #[test]
    fn valid_examples_pass() {
        require_width("Bits", &x(), 3);
        require_values("Bits", &x().narrow(0, 0, 1), bits, "0 or 1");
        require_context("Bits", 2, Some(&x()), 3);
        require_context("Bits", 2, None, 0);
    }

    #[test]
    #[should_panic(expected = "Bits has 4 variables, but the examples [2, 3] have 3")]
    fn another_width_is_named() {
        require_width("Bits", &x(), 4);
    }

    #[test]
    #[should_panic(expected = "Bits has values that are 0 or 1, but variable 1 of example 1 is NaN")]
    fn an_invalid_value_is_named() {
        require_values("Bits", &x(), bits, "0 or 1");
    }

    #[test]
    #[should_panic(expected = "Bits needs a context [2, 4], but it is [2, 3]")]
    fn another_context_is_named() {
        require_context("Bits", 2, Some(&x()), 4);
    }
}
