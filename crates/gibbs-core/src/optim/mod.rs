//! Optimizers.
//!
//! [`Adam`] runs in one fused pass. [`ConjugateGradient`] and [`Lbfgs`] minimize the loss of a fixed batch with a [`LineSearch`]
//! in each step; they need no learning rate.

mod adam;
mod conjugate_gradient;
mod directions;
mod lbfgs;
mod line_search;
mod minimize;
#[cfg(test)]
mod tests;

pub use adam::{Adam, AdamConfig, AdamState};
pub use conjugate_gradient::ConjugateGradient;
pub use lbfgs::Lbfgs;
pub use line_search::LineSearch;
pub use minimize::Minimized;
