//! The list of functions, and the parameter of a Bernoulli distribution.

// A new function needs a variant here, its public line in `elementwise`, its portable form in `portable`, and its kernel
// (value and derivative for one number) in `kernel::functions` and in `flex::with_map`.
/// The element-wise functions by name, for [`affine`](crate::affine) and [`prefix_networks`](crate::prefix_networks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// [`relu`](crate::relu)
    Relu,
    /// [`sigmoid`](crate::sigmoid)
    Sigmoid,
    /// [`tanh`](crate::tanh)
    Tanh,
    /// [`softplus`](crate::softplus)
    Softplus,
    /// [`log_sigmoid`](crate::log_sigmoid)
    LogSigmoid,
    /// [`exp`](crate::exp)
    Exp,
    /// [`silu`](crate::silu)
    Silu,
}

impl Function {
    /// Whether the derivative is computed from the result; otherwise from the argument.
    pub(crate) fn derivative_from_result(self) -> bool {
        matches!(self, Self::Relu | Self::Sigmoid | Self::Tanh | Self::Exp)
    }
}

/// The parameter of a Bernoulli distribution: the probability of 1 or its logit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BernoulliParam {
    Probs,
    Logits,
}
