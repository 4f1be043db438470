//! Slow coordinates that are known: along them the energy is flat, or soft.
//!
//! | system | coordinate | why it is slow |
//! |---|---|---|
//! | harmonic chain | amplitude of the softest normal mode | exact |
//! | ring | angle | the energy does not depend on it |
//! | double wells | `x_1` | the barrier is along it, the other variable is independent |
//! | `φ⁴`, dual fields | mean of the field | the softest mode of a field with ferromagnetic couplings |

use super::{Potential, TargetDensity};

/// A known slow coordinate of a system.
#[derive(Clone, Debug, PartialEq)]
pub enum SlowCoordinate {
    /// `Σ_i a_i x_i`, with what it is.
    Linear {
        /// A few words.
        name: &'static str,
        /// `a [n]`.
        coefficients: Vec<f64>,
    },
    /// The angle of points of the plane.
    Angle,
}

impl SlowCoordinate {
    /// A few words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear { name, .. } => name,
            Self::Angle => "angle",
        }
    }

    /// The coordinate of each row of `x [rows, n]`. Angles are measured from the direction of `origin [n]`, in `[-π, π]`.
    ///
    /// # Panics
    /// If there are no variables.
    pub fn of(&self, x: &[f64], origin: &[f64]) -> Vec<f64> {
        let rows = x.chunks(origin.len());
        match self {
            Self::Linear { coefficients, .. } => {
                rows.map(|row| row.iter().zip(coefficients).map(|(x, a)| a * x).sum()).collect()
            }
            Self::Angle => rows
                .map(|row| {
                    let cross = origin[0] * row[1] - origin[1] * row[0];
                    cross.atan2(origin[0] * row[0] + origin[1] * row[1])
                })
                .collect(),
        }
    }
}

impl TargetDensity {
    /// The slow coordinate of the system.
    pub fn slow_coordinate(&self) -> SlowCoordinate {
        let n = self.n_variables();
        let linear = |name, coefficients| SlowCoordinate::Linear { name, coefficients };
        match &self.potential {
            Potential::HarmonicChain(chain) => linear("slowest normal mode", chain.modes()[..n].to_vec()),
            Potential::Ring(_) => SlowCoordinate::Angle,
            Potential::DoubleWell(_) => linear("first variable", vec![1.0, 0.0]),
            Potential::PhiFour(_) | Potential::DualIsing(_) => {
                linear("mean of the field", vec![1.0 / n as f64; n])
            }
        }
    }
}
