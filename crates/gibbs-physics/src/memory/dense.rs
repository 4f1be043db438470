//! Dense associative memory.

use gibbs_backend::Noise;
use gibbs_core::ConfigError;

use super::{Dynamics, pattern_size, recall::in_parts};
use crate::{PhysicsError, error::inverse_temperature, monte_carlo::Rule};

/// How the energy grows with the overlap `x = Σ_i ξ_i s_i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// `F(x) = x^k`, for which Krotov and Hopfield derive the capacity. `k = 2` is Hebb's rule. For
    /// even `k` a pattern and its negative are stored alike.
    Power(u32),
    /// `F(x) = x^k` for `x > 0` and 0 otherwise, which they use to classify images.
    RectifiedPower(u32),
    /// `F(x) = exp x` (Demircigil and others).
    Exponential,
}

/// A type that holds the overlaps `-n ≤ x ≤ n`. Products of short ones are added in pairs by any processor.
trait Overlap: Copy + Default + Into<i32> {
    fn plus(self, change: i8) -> Self;
}

impl Overlap for i16 {
    fn plus(self, change: i8) -> Self {
        self + Self::from(change)
    }
}

impl Overlap for i32 {
    fn plus(self, change: i8) -> Self {
        self + Self::from(change)
    }
}

/// Spins whose energy is a function `F` of their overlaps with `p` patterns, steeper than a square:
///
/// ```text
/// E(s) = - (1 / k n^{k-1}) Σ_μ F(Σ_i ξ^μ_i s_i)    powers
/// E(s) = - ln Σ_μ exp(Σ_i ξ^μ_i s_i)               exponential
/// s_i <- the value with the lower energy, the others kept, one after the other in random order; stays if both are equal
/// ```
///
/// At an inverse temperature `β` a spin flips with the probability `1 / (1 + exp(β ΔE))` instead, where `ΔE` is the change of the
/// energy. This is the heat bath, whose stationary distribution is `exp(-β E)`.
///
/// Patterns that can be stored grow as `n^{k-1}` for powers and exponentially in `n` for the exponential.
///
/// References: Krotov & Hopfield, "Dense associative memory for pattern recognition", NeurIPS 2016, arXiv:1606.01164;
/// Demircigil, Heusel, Löwe, Upgang & Vermet, "On a model of associative memory with huge storage
/// capacity", J. Stat. Phys. 168:288 (2017), doi:10.1007/s10955-017-1806-y, arXiv:1702.01929.
///
/// Differences from the papers: their energy is `-Σ_μ F(x_μ)`. The factor makes the energy of powers extensive and, for
/// `k = 2`, equal to Hebb's up to the constant `p/2`. The logarithm keeps the exponential finite. Both are increasing functions
/// of the energy of the papers, so the dynamics is the same.
///
/// Cost: `n p` evaluations of `F` a step.
#[derive(Clone, Debug)]
pub struct DenseMemory {
    interaction: Interaction,
    n_spins: usize,
    /// `ξ^μ_i` as `[n, p]`: an update of spin `i` reads one row.
    patterns: Vec<i8>,
    /// `None` at temperature zero.
    beta: Option<f64>,
}

impl DenseMemory {
    /// Stores `patterns`.
    ///
    /// # Errors
    /// If there are no patterns, they differ in size or are empty, an entry is not ±1, or the power is 0 or so high
    /// that `n^k` is no f64.
    pub fn new(patterns: &[Vec<i8>], interaction: Interaction) -> Result<Self, PhysicsError> {
        let n_spins = pattern_size(patterns)?;
        if let Interaction::Power(degree) | Interaction::RectifiedPower(degree) = interaction
            && (degree == 0 || !(n_spins as f64).powf(f64::from(degree)).is_finite())
        {
            let reason = "must be at least 1, and n^degree a finite number";
            return Err(ConfigError::new("degree", degree, reason).into());
        }
        let by_spin = (0..n_spins).flat_map(|i| patterns.iter().map(move |xi| xi[i])).collect();
        Ok(Self { interaction, n_spins, patterns: by_spin, beta: None })
    }

    /// The memory with its dynamics at the inverse temperature `beta`.
    ///
    /// # Errors
    /// If `beta` is negative, infinite or not a number.
    pub fn at(self, beta: f64) -> Result<Self, PhysicsError> {
        Ok(Self { beta: Some(inverse_temperature(beta)?), ..self })
    }

    /// `E(s') - E(s)` where `s'` is `state` with spin `i` flipped.
    ///
    /// # Panics
    /// If there is no spin `i`, or `state` has not one value for each spin.
    pub fn flip_cost(&self, state: &[i8], i: usize) -> f64 {
        self.cost(&self.overlaps::<i32>(state), state[i], i)
    }

    /// `ξ^μ_i` for all `μ`.
    fn row(&self, i: usize) -> &[i8] {
        let p = self.patterns.len() / self.n_spins;
        &self.patterns[i * p..(i + 1) * p]
    }

    /// `x_μ = Σ_i ξ^μ_i s_i`, `[p]`.
    fn overlaps<X: Overlap>(&self, state: &[i8]) -> Vec<X> {
        assert_eq!(state.len(), self.n_spins, "one value for each spin");
        let mut x = vec![X::default(); self.row(0).len()];
        for (i, s) in state.iter().enumerate() {
            x.iter_mut().zip(self.row(i)).for_each(|(x, xi)| *x = x.plus(xi * s));
        }
        x
    }

    fn energy_of(&self, x: &[i32]) -> f64 {
        let values = x.iter().map(|x| f64::from(*x));
        match self.interaction {
            Interaction::Exponential => {
                let top = f64::from(x.iter().copied().max().unwrap_or(0));
                -top - values.map(|x| (x - top).exp()).sum::<f64>().ln()
            }
            power => self.scale() * values.map(|x| power.power(x)).sum::<f64>(),
        }
    }

    /// `-1 / (k n^{k-1})`.
    fn scale(&self) -> f64 {
        let (Interaction::Power(k) | Interaction::RectifiedPower(k)) = self.interaction else { return -1.0 };
        -1.0 / (f64::from(k) * (self.n_spins as f64).powf(f64::from(k) - 1.0))
    }

    /// [`flip_cost`](Self::flip_cost) of a spin `s` given the overlaps. Sums of powers are exact below 2^53; that of
    /// squares, `(x - 2 ξ s)² - x² = 4 - 4 ξ s x`, is a product of integers.
    fn cost<X: Overlap>(&self, x: &[X], s: i8, i: usize) -> f64 {
        let row = self.row(i);
        let pairs = x.iter().zip(row).map(|(x, xi)| {
            let x: i32 = (*x).into();
            (f64::from(x), f64::from(x - 2 * i32::from(xi * s)))
        });
        match self.interaction {
            Interaction::Power(2) => {
                let field: i32 = x.iter().zip(row).map(|(x, xi)| (*x).into() * i32::from(*xi)).sum();
                self.scale() * 4.0 * (row.len() as f64 - f64::from(field * i32::from(s)))
            }
            Interaction::Exponential => {
                let top = f64::from(x.iter().map(|x| (*x).into()).max().unwrap_or(0));
                let (old, new) = pairs.fold((0.0, 0.0), |(old, new), (x, turned)| {
                    (old + (x - top).exp(), new + (turned - top).exp())
                });
                f64::ln(old) - f64::ln(new)
            }
            power => {
                self.scale() * pairs.map(|(x, turned)| power.power(turned) - power.power(x)).sum::<f64>()
            }
        }
    }

    /// A step; see [`Dynamics::step_in_parts`].
    fn sweep<X: Overlap>(&self, mut state: Vec<i8>, parts: usize, noise: &mut Noise) -> Vec<Vec<i8>> {
        let mut x = self.overlaps::<X>(&state);
        in_parts(&noise.permutation(self.n_spins), parts, |order| {
            for &i in order {
                let cost = self.cost(&x, state[i], i);
                let flips = match self.beta {
                    None => cost < 0.0,
                    Some(beta) => noise.next_uniform() < Rule::HeatBath.flip_probability(beta, cost),
                };
                if flips {
                    x.iter_mut().zip(self.row(i)).for_each(|(x, xi)| *x = x.plus(-2 * xi * state[i]));
                    state[i] = -state[i];
                }
            }
            state.clone()
        })
    }
}

impl Interaction {
    /// `x^k` or its rectified form.
    fn power(self, x: f64) -> f64 {
        match self {
            Self::Power(k) => x.powi(k as i32),
            Self::RectifiedPower(k) => x.max(0.0).powi(k as i32),
            Self::Exponential => x.exp(),
        }
    }
}

impl Dynamics for DenseMemory {
    fn step_in_parts(&self, state: Vec<i8>, parts: usize, noise: &mut Noise) -> Vec<Vec<i8>> {
        match i16::try_from(self.n_spins) {
            Ok(_) => self.sweep::<i16>(state, parts, noise),
            Err(_) => self.sweep::<i32>(state, parts, noise),
        }
    }

    fn energy(&self, state: &[i8]) -> f64 {
        self.energy_of(&self.overlaps(state))
    }

    fn is_deterministic(&self) -> bool {
        self.beta.is_none()
    }
}
