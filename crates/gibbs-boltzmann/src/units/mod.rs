//! One layer of an RBM, given its input from the other side.
//!
//! A layer of units `x` with parameters `θ` has the energy `E(x; θ)`. An input (or field) `I`, one
//! number for each column, adds `-I·x`:
//!
//! ```text
//! p(x | I) = exp(-E(x) + I·x) / exp(Γ(I)),    Γ(I) = log ∫ exp(-E(x) + I·x) dx
//! ```
//!
//! `Γ` is the cumulant generating function: its first derivative is the mean. [`Units`] is energy, `Γ`, mean and draws.
//! Further traits add one capability each: [`UnitFamily`] relates a layer to others of its kind, [`UnitStatistics`] gives
//! gradients by direct formulas, [`EnumerableUnits`] lists the states.
//!
//! Reference: Tubiana, Cocco & Monasson, eLife 8:e39397 (2019), for RBMs built from general layers.

mod any;
mod biased;
mod binary;
mod gaussian;
mod joined;
mod labeled;
mod softmax;
mod spin;
#[cfg(test)]
mod tests;
mod traits;

pub use any::{AnyUnits, UnitKind};
pub use binary::Binary;
pub use gaussian::Gaussian;
pub use joined::Joined;
pub use labeled::Labeled;
pub use softmax::Softmax;
pub use spin::Spin;
pub(crate) use traits::batch_mean;
pub use traits::{EnumerableUnits, UnitFamily, UnitMoments, UnitStatistics, Units};
