//! Energies and magnetizations along chains.

use super::{Observation, TimeAverage};

/// Series of observations at one inverse temperature, and their averages.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurements {
    beta: f64,
    /// `H` for each chain and time.
    energies: Vec<Vec<f64>>,
    /// `m` for each chain and time.
    magnetizations: Vec<Vec<f64>>,
}

impl Measurements {
    /// Observations of stationary chains at `beta`, each in the order of time.
    pub fn new(beta: f64, chains: impl IntoIterator<Item = Vec<Observation>>) -> Self {
        let (energies, magnetizations) = chains
            .into_iter()
            .map(|chain| chain.iter().map(|one| (one.energy, one.magnetization)).unzip())
            .unzip();
        Self { beta, energies, magnetizations }
    }

    /// `β`.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// `H` for each chain and time, in units of the couplings.
    pub fn energies(&self) -> &[Vec<f64>] {
        &self.energies
    }

    /// `m = (1/n) Σ_i s_i` for each chain and time.
    pub fn magnetizations(&self) -> &[Vec<f64>] {
        &self.magnetizations
    }

    /// `⟨H⟩` of the whole system, in units of the couplings.
    pub fn energy(&self) -> TimeAverage {
        TimeAverage::mean(&self.energies)
    }

    /// `C = β² (⟨H²⟩ - ⟨H⟩²)` of the whole system, in units of `k_B`. Its bias is minus `C` over the number of independent
    /// samples.
    pub fn heat_capacity(&self) -> TimeAverage {
        let mean = self.energy().estimate.value;
        let squares = map(&self.energies, |energy| (self.beta * (energy - mean)).powi(2));
        TimeAverage::mean(&squares)
    }

    /// `⟨m⟩`. Without a field it is zero by symmetry; chains of clusters then go up and down so regularly that its error may
    /// be NaN.
    pub fn magnetization(&self) -> TimeAverage {
        TimeAverage::mean(&self.magnetizations)
    }

    /// `⟨|m|⟩`.
    pub fn abs_magnetization(&self) -> TimeAverage {
        TimeAverage::mean(&map(&self.magnetizations, f64::abs))
    }

    /// `⟨m²⟩`.
    pub fn squared_magnetization(&self) -> TimeAverage {
        TimeAverage::mean(&map(&self.magnetizations, |m| m * m))
    }

    /// Binder's cumulant `1 - ⟨m⁴⟩ / 3⟨m²⟩²`: 0 for a Gaussian `m`, 2/3 in an ordered phase.
    ///
    /// Reference: Binder, Zeitschrift für Physik B 43:119 (1981), doi:10.1007/BF01293604.
    pub fn binder(&self) -> TimeAverage {
        let mean =
            |power: i32| TimeAverage::mean(&map(&self.magnetizations, |m| m.powi(power))).estimate.value;
        let (second, fourth) = (mean(2), mean(4));
        let ratio = fourth / (3.0 * second * second);
        let linear = map(&self.magnetizations, |m| ratio * (2.0 * m.powi(2) / second - m.powi(4) / fourth));
        TimeAverage::function(1.0 - ratio, &linear)
    }
}

fn map(chains: &[Vec<f64>], f: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    chains.iter().map(|chain| chain.iter().map(|x| f(*x)).collect()).collect()
}
