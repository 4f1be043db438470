//! Maximum likelihood with the exact gradient.

use nalgebra::{DMatrix, DVector};

use super::{IterativeEstimator, Moments, centered::Centered};
use crate::{Hamiltonian, Pairwise, PhysicsError, exact};

/// A step is accepted if the slope along it has not changed sign, or only to at most this share of its first size. Then the step
/// does not go far beyond the maximum along the line.
const TURNED: f64 = 0.5;

/// Most halvings of a step; a shorter step is zero in f64.
const HALVINGS: usize = 50;

/// Maximizes the concave log-likelihood with enumerated moments by the quasi-Newton method of Broyden, Fletcher, Goldfarb and
/// Shanno.
///
/// The first Hessian is the Fisher information of free spins. The line search uses slopes only, which stay accurate near the
/// maximum, unlike values of the likelihood. If the maximum is at infinity, the method does not stop by itself.
///
/// Reference: Ackley, Hinton & Sejnowski, Cogn. Sci. 9:147 (1985), doi:10.1207/s15516709cog0901_7, for the gradient; Nocedal &
/// Wright, "Numerical Optimization" (2006), equation 6.17, for the update.
///
/// Cost: `2^n` and `n⁴` a step.
#[derive(Clone, Debug)]
pub struct MaximumLikelihood {
    centered: Centered,
    scale: Vec<f64>,
    parameters: DVector<f64>,
    gradient: DVector<f64>,
    /// Approximation to the inverse of minus the Hessian.
    inverse: DMatrix<f64>,
}

impl MaximumLikelihood {
    /// Starts at free spins with the means of the data.
    ///
    /// # Errors
    /// If a spin never flips, or there are too many spins to enumerate.
    pub fn new(moments: Moments) -> Result<Self, PhysicsError> {
        let centered = Centered::new(moments)?;
        let scale = centered.scale();
        let parameters = DVector::from_vec(centered.start());
        let inverse =
            DMatrix::from_diagonal(&DVector::from_iterator(scale.len(), scale.iter().map(|x| 1.0 / x)));
        let gradient = gradient(&centered, &parameters)?;
        Ok(Self { centered, scale, parameters, gradient, inverse })
    }

    /// Starts at given couplings, such as the estimate of another method.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    ///
    /// # Panics
    /// If `couplings` are of another number of spins.
    pub fn from_couplings(moments: Moments, couplings: &Pairwise) -> Result<Self, PhysicsError> {
        let n = moments.n_spins();
        assert_eq!(n, couplings.n_spins(), "couplings of as many spins");
        let mut learner = Self::new(moments)?;
        learner.parameters = DVector::from_vec(learner.centered.parameters(couplings));
        learner.gradient = gradient(&learner.centered, &learner.parameters)?;
        Ok(learner)
    }

    /// The largest entry of the gradient, each over the standard deviation of its feature for free spins.
    fn size(&self) -> f64 {
        self.gradient.iter().zip(&self.scale).map(|(g, scale)| g.abs() / scale.sqrt()).fold(0.0, f64::max)
    }
}

fn gradient(centered: &Centered, parameters: &DVector<f64>) -> Result<DVector<f64>, PhysicsError> {
    let model = exact::enumerate(&centered.couplings(parameters.as_slice())?, 1.0)?;
    Ok(DVector::from_vec(centered.gradient(&model.means, &model.correlations)))
}

impl IterativeEstimator for MaximumLikelihood {
    fn step(&mut self) -> Result<f64, PhysicsError> {
        let direction = &self.inverse * &self.gradient;
        let slope = self.gradient.dot(&direction);
        let mut length = 1.0;
        for _ in 0..HALVINGS {
            let parameters = &self.parameters + &direction * length;
            let gradient = gradient(&self.centered, &parameters)?;
            if gradient.dot(&direction) >= -TURNED * slope {
                let moved = &parameters - &self.parameters;
                let bent = &self.gradient - &gradient;
                let curvature = moved.dot(&bent);
                // Positive in exact arithmetic; rounding can make it negative at the maximum.
                if curvature > 0.0 {
                    let turned = &self.inverse * &bent;
                    let weight = (1.0 + bent.dot(&turned) / curvature) / curvature;
                    self.inverse.ger(weight, &moved, &moved, 1.0);
                    self.inverse.ger(-1.0 / curvature, &moved, &turned, 1.0);
                    self.inverse.ger(-1.0 / curvature, &turned, &moved, 1.0);
                }
                (self.parameters, self.gradient) = (parameters, gradient);
                break;
            }
            length *= 0.5;
        }
        Ok(self.size())
    }

    fn couplings(&self) -> Result<Pairwise, PhysicsError> {
        self.centered.couplings(self.parameters.as_slice())
    }
}
