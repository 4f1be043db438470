//! Pseudo-likelihood: each spin given all others.
//!
//! ```text
//! ln p(s_i | rest) = -ln(1 + exp(-2 s_i f_i)),   f_i = h_i + Σ_j J_ij s_j
//! loss_i = ⟨ln(1 + exp(-2 s_i f_i))⟩ + λ Σ_j J_ij²
//! ```
//!
//! Each spin is a logistic regression on the others. The loss is convex, and a Newton step costs `n³`. `J_ij` is the mean of the
//! regressions of `i` and `j`. The estimate converges to the truth as the number of samples grows.
//!
//! References: Besag, The Statistician 24:179 (1975), doi:10.2307/2987782; Ravikumar, Wainwright & Lafferty, Ann. Stat.
//! 38:1287 (2010), doi:10.1214/09-AOS691; Aurell & Ekeberg, Phys. Rev. Lett. 108:090201 (2012),
//! doi:10.1103/PhysRevLett.108.090201.
//!
//! Differences from the papers: the penalty is quadratic, not absolute.

use gibbs_backend::parallel::*;
use nalgebra::{DMatrix, DVector};

use super::{IterativeEstimator, Samples};
use crate::{Hamiltonian, Pairwise, PhysicsError, error::non_negative};

/// Share of the predicted decrease that a step must achieve (Boyd & Vandenberghe, "Convex Optimization" (2004), section 9.5:
/// any below 1/2).
const DECREASE: f64 = 0.25;

/// Predicted decrease, in nats, below which differences of the loss are rounding. Then the code takes whole steps.
const ROUNDING: f64 = 1e-12;

/// Newton steps after which a loss counts as one without minimum. About ten steps reach a minimum; on separable data every step
/// moves `f` by about 1 forever.
const MAX_STEPS: usize = 60;

/// Most halvings of a step; a shorter step is zero in f64.
const HALVINGS: usize = 50;

/// Logistic regressions of all spins, a Newton step of all at a time.
#[derive(Clone, Debug)]
pub struct PseudoLikelihood {
    samples: Samples,
    penalty: f64,
    /// `J_i·` for each spin `i`, with `h_i` in the place of `J_ii`.
    rows: Vec<DVector<f64>>,
    steps: usize,
}

impl PseudoLikelihood {
    /// Starts at zero. `penalty` is `λ`, nats per sample; 0 for none.
    ///
    /// # Errors
    /// If a spin never flips, or `penalty` is negative or not finite.
    pub fn new(samples: Samples, penalty: f64) -> Result<Self, PhysicsError> {
        let penalty = non_negative("penalty", penalty)?;
        samples.moments().check_flips()?;
        let n = samples.n_spins();
        Ok(Self { samples, penalty, rows: vec![DVector::zeros(n); n], steps: 0 })
    }

    /// Loss of spin `i` at `row`, without its derivatives.
    fn loss(&self, i: usize, row: &DVector<f64>) -> f64 {
        let loss = self.samples.iter().map(|(spins, weight)| {
            let (spin, field) = (f64::from(spins[i]), field(row, spins, i));
            weight * softplus(-2.0 * spin * field)
        });
        loss.sum::<f64>() + self.penalty * (row.norm_squared() - row[i] * row[i])
    }

    /// Gradient and Hessian of the loss of spin `i` at `row`.
    fn derivatives(&self, i: usize, row: &DVector<f64>) -> (DVector<f64>, DMatrix<f64>) {
        let n = row.len();
        let (mut gradient, mut hessian) = (DVector::zeros(n), DMatrix::zeros(n, n));
        let mut inputs = vec![0.0; n];
        for (spins, weight) in self.samples.iter() {
            for (input, spin) in inputs.iter_mut().zip(spins) {
                *input = f64::from(*spin);
            }
            let spin = std::mem::replace(&mut inputs[i], 1.0);
            let mean = row.iter().zip(&inputs).map(|(x, s)| x * s).sum::<f64>().tanh();
            let (pull, curvature) = (weight * (mean - spin), weight * (1.0 - mean) * (1.0 + mean));
            for j in 0..n {
                gradient[j] += pull * inputs[j];
                let signed = curvature * inputs[j];
                // Columns are contiguous; the lower triangle is enough for the factor.
                for (sum, input) in
                    hessian.as_mut_slice()[j * n + j..(j + 1) * n].iter_mut().zip(&inputs[j..])
                {
                    *sum += signed * input;
                }
            }
        }
        for j in (0..n).filter(|j| *j != i) {
            gradient[j] += 2.0 * self.penalty * row[j];
            hessian[(j, j)] += 2.0 * self.penalty;
        }
        (gradient, hessian)
    }

    /// The row of spin `i` after a Newton step, and `√(gradient · step)` before it.
    fn newton(&self, i: usize) -> Result<(DVector<f64>, f64), PhysicsError> {
        let row = &self.rows[i];
        let (gradient, hessian) = self.derivatives(i, row);
        let factor = hessian.cholesky().ok_or_else(|| no_maximum(i))?;
        let direction = factor.solve(&gradient);
        let decrement = gradient.dot(&direction);
        if decrement < ROUNDING {
            return Ok((row - direction, decrement.max(0.0).sqrt()));
        }
        let (loss, mut length) = (self.loss(i, row), 1.0);
        for _ in 0..HALVINGS {
            let next = row - &direction * length;
            if self.loss(i, &next) <= loss - DECREASE * length * decrement {
                return Ok((next, decrement.sqrt()));
            }
            length *= 0.5;
        }
        Err(no_maximum(i))
    }
}

fn no_maximum(i: usize) -> PhysicsError {
    PhysicsError::NoSolution(format!(
        "the pseudo-likelihood of spin {i} has no single finite maximum, as some spins determine another in these \
         samples; take more, or give a penalty"
    ))
}

fn field(row: &DVector<f64>, spins: &[i8], i: usize) -> f64 {
    let sum: f64 = row.iter().zip(spins).map(|(x, s)| x * f64::from(*s)).sum();
    sum + row[i] * f64::from(1 - spins[i])
}

/// `ln(1 + e^x)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

impl IterativeEstimator for PseudoLikelihood {
    fn step(&mut self) -> Result<f64, PhysicsError> {
        // If several spins fail, the error is that of the first spin, whatever the order of the threads.
        let steps: Vec<_> = (0..self.rows.len()).into_par_iter().map(|i| self.newton(i)).collect();
        let steps = steps.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.steps += 1;
        let late = self.steps >= MAX_STEPS;
        if let Some(i) = steps.iter().position(|(_, decrement)| late && *decrement > ROUNDING.sqrt()) {
            return Err(no_maximum(i));
        }
        let worst = steps.iter().map(|step| step.1).fold(0.0, f64::max);
        self.rows = steps.into_iter().map(|step| step.0).collect();
        Ok(worst)
    }

    fn couplings(&self) -> Result<Pairwise, PhysicsError> {
        let n = self.rows.len();
        let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        let bonds = pairs.map(|(i, j)| (i, j, 0.5 * (self.rows[i][j] + self.rows[j][i])));
        Pairwise::from_bonds(bonds, self.rows.iter().enumerate().map(|(i, row)| row[i]).collect())
    }
}

/// `Σ_i ln p(s_i | rest)` of one configuration at `β = 1`, nats.
///
/// # Panics
/// If `spins` has not one value for each spin.
pub fn pseudo_log_likelihood(couplings: &Pairwise, spins: &[i8]) -> f64 {
    assert_eq!(spins.len(), couplings.n_spins(), "one value for each spin");
    let cost = |i: usize| -2.0 * f64::from(spins[i]) * couplings.local_field(spins, i);
    -(0..spins.len()).map(|i| softplus(cost(i))).sum::<f64>()
}
