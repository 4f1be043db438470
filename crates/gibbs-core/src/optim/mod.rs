//! Optimizers that Burn lacks, or that are worth a kernel of their own.
//!
//! [`ConjugateGradient`] and [`Lbfgs`] minimize the loss of a fixed batch by [`LineSearch`]es and need no learning rate.

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
