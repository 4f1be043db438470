//! Distance between learned and true couplings.

use crate::{Hamiltonian, Pairwise};

/// A distance between learned and true values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// `√(Σ (x - x*)² / number)`.
    pub rms: f64,
    /// `√(Σ (x - x*)² / Σ x*²)`: 1 for a guess of zero; NaN or infinite where the truth is zero.
    pub relative: f64,
}

impl Deviation {
    fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Self {
        let (mut squares, mut truth, mut number) = (0.0, 0.0, 0);
        for (x, true_x) in pairs {
            squares += (x - true_x).powi(2);
            truth += true_x * true_x;
            number += 1;
        }
        Self { rms: (squares / number as f64).sqrt(), relative: (squares / truth).sqrt() }
    }
}

/// Deviation of the couplings of all pairs `i < j`.
///
/// # Panics
/// If the systems have different numbers of spins.
pub fn coupling_error(learned: &Pairwise, truth: &Pairwise) -> Deviation {
    let n = truth.n_spins();
    assert_eq!(learned.n_spins(), n, "systems of as many spins");
    let (learned, truth) = (learned.matrix(), truth.matrix());
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| i * n + j));
    Deviation::of(pairs.map(|at| (learned[at], truth[at])))
}

/// Deviation of the fields.
///
/// # Panics
/// If the systems have different numbers of spins.
pub fn field_error(learned: &Pairwise, truth: &Pairwise) -> Deviation {
    assert_eq!(learned.n_spins(), truth.n_spins(), "systems of as many spins");
    Deviation::of(learned.field().iter().copied().zip(truth.field().iter().copied()))
}
