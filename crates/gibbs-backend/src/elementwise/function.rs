//! The list of functions.

/// An element-wise function. To add one: a variant here, its public line in `elementwise`, its portable form in
/// `portable`, and its kernel (value and derivative for one number) in `kernel::functions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Sigmoid,
    Tanh,
    Softplus,
    LogSigmoid,
    Exp,
    Silu,
}

impl Function {
    /// Whether the derivative is computed from the result (then the argument need not be kept) or the argument.
    pub(crate) fn derivative_from_result(self) -> bool {
        matches!(self, Self::Sigmoid | Self::Tanh | Self::Exp)
    }
}
