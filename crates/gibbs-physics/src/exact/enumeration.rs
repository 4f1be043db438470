//! Sums over all states.
//!
//! The spins are split into low and high ones. For each state of the high spins the energies of all states of the low
//! ones make a block,
//!
//! ```text
//! H(low, high) = H_low(low) + H_high(high) + Σ_{i low} g_i s_i,   g_i = -Σ_{j high} J_ij s_j
//! ```
//!
//! `H_low` is computed once. The sum over `i` is computed by doubling: flipping spin `k` up adds `2 g_k` to the known values.
//! This costs a few additions for each state, like a Gray code, but no energy is the end of a long chain of differences, so rounding
//! errors do not accumulate. The block is summed by folding it in half, which also gives `Σ w s_i` of each low spin. Correlations
//! follow from these sums and the summed weights of the low states.
//!
//! Weights are taken relative to the lowest energy met so far, in f64. The states are divided among the threads in a way
//! that does not depend on their number, so neither does the result.

use gibbs_backend::parallel::*;

use super::{Magnetization, Thermodynamics};
use crate::{
    Hamiltonian,
    error::{PhysicsError, inverse_temperature},
    pairwise::Pairwise,
};

/// Most spins that are enumerated.
pub const MAX_SPINS: usize = 32;

/// Low spins: a block and its sums stay in the cache next to the processor.
const LOW: usize = 10;

/// Parts that the states are divided into for the threads.
const PARTS: usize = 256;

/// Exact values of a system at one temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Enumeration {
    /// Of the whole system.
    pub thermodynamics: Thermodynamics,
    /// The lowest energy.
    pub ground_energy: f64,
    /// Moments of the magnetization per spin.
    pub magnetization: Magnetization,
    /// `⟨s_i⟩`, `[n]`.
    pub means: Vec<f64>,
    /// `⟨s_i s_j⟩`, `[n, n]` row-major, not connected: the diagonal is 1.
    pub correlations: Vec<f64>,
}

/// Sums over all `2^n` states of `hamiltonian` at `β`.
///
/// Cost: `2^n` exponentials and a dozen additions each, over all threads.
///
/// # Errors
/// If there are more than [`MAX_SPINS`] spins, or `beta` is negative or not finite.
///
/// ```
/// use gibbs_physics::{Axis, Lattice, exact::enumerate, ising};
///
/// let ring = ising(&Lattice::hypercubic(&[Axis::periodic(10)])?, 1.0, 0.0)?;
/// let exact = enumerate(&ring, 0.5)?;
/// let t = 0.5f64.tanh();
/// assert!((exact.correlations[3] - (t.powi(3) + t.powi(7)) / (1.0 + t.powi(10))).abs() < 1e-14);
/// # Ok::<(), gibbs_physics::PhysicsError>(())
/// ```
pub fn enumerate(hamiltonian: &Pairwise, beta: f64) -> Result<Enumeration, PhysicsError> {
    let beta = inverse_temperature(beta)?;
    let n = hamiltonian.n_spins();
    if n > MAX_SPINS {
        return Err(PhysicsError::Unsupported(format!(
            "{n} spins have too many states to enumerate; at most {MAX_SPINS} spins"
        )));
    }
    let blocks = Blocks::new(hamiltonian, beta);
    let n_blocks = 1usize << (n - blocks.low);
    let parts: Vec<Sums> = (0..n_blocks.min(PARTS))
        .into_par_iter()
        .map(|part| {
            let n_parts = n_blocks.min(PARTS);
            let mut sums = Sums::new(n, blocks.low);
            let mut energies = vec![0.0; 1 << blocks.low];
            for block in part * n_blocks / n_parts..(part + 1) * n_blocks / n_parts {
                blocks.add(block, &mut energies, &mut sums);
            }
            sums
        })
        .collect();
    let mut parts = parts.into_iter();
    let first = parts.next().unwrap_or_else(|| Sums::new(n, blocks.low));
    Ok(parts.fold(first, |sums, part| sums.merge(part, beta)).finish(beta, blocks.low))
}

/// `s_i` in the state whose bits are `state`.
fn spin(state: usize, i: usize) -> f64 {
    if state >> i & 1 == 1 { 1.0 } else { -1.0 }
}

/// The system, split.
struct Blocks {
    low: usize,
    beta: f64,
    matrix: Vec<f64>,
    field: Vec<f64>,
    /// `H_low` of each state of the low spins.
    low_energies: Vec<f64>,
}

impl Blocks {
    fn new(hamiltonian: &Pairwise, beta: f64) -> Self {
        let low = hamiltonian.n_spins().min(LOW);
        let (matrix, field) = (hamiltonian.matrix(), hamiltonian.field().to_vec());
        let mut blocks = Self { low, beta, matrix, field, low_energies: Vec::new() };
        blocks.low_energies = (0..1 << low).map(|state| blocks.energy_within(state, 0..low)).collect();
        blocks
    }

    /// `-Σ_j J_ij s_j` over the spins `range` of `state`.
    fn pull(&self, i: usize, state: usize, range: std::ops::Range<usize>) -> f64 {
        let row = &self.matrix[i * self.field.len()..];
        -range.map(|j| row[j] * spin(state, j)).sum::<f64>()
    }

    /// Energy of the spins `range` among themselves and in their field.
    fn energy_within(&self, state: usize, range: std::ops::Range<usize>) -> f64 {
        let start = range.start;
        range.map(|i| spin(state, i) * (self.pull(i, state, start..i) - self.field[i])).sum()
    }

    /// Adds all states with the given state of the high spins. `energies` is room for a block.
    fn add(&self, block: usize, energies: &mut [f64], sums: &mut Sums) {
        let (n, low) = (self.field.len(), self.low);
        let state = block << low;
        let pulls: [f64; LOW] =
            std::array::from_fn(|i| if i < low { self.pull(i, state, low..n) } else { 0.0 });
        energies[0] = self.energy_within(state, low..n) - pulls.iter().sum::<f64>();
        for (k, pull) in pulls[..low].iter().enumerate() {
            let (known, new) = energies[..2 << k].split_at_mut(1 << k);
            for (new, known) in new.iter_mut().zip(known) {
                *new = *known + 2.0 * pull;
            }
        }
        let mut lowest = f64::INFINITY;
        for (energy, low_energy) in energies.iter_mut().zip(&self.low_energies) {
            *energy += low_energy;
            lowest = lowest.min(*energy);
        }
        sums.lower_to(lowest, self.beta);

        let up = block.count_ones() as usize;
        for (low_state, energy) in energies.iter_mut().enumerate() {
            let above = *energy - sums.reference;
            let weight = (-self.beta * above).exp();
            sums.first += weight * above;
            sums.second += weight * above * above;
            sums.low_weights[low_state] += weight;
            sums.up[up + low_state.count_ones() as usize] += weight;
            *energy = weight;
        }
        let mut means = [0.0; LOW];
        for k in (0..low).rev() {
            let (down, up) = energies[..2 << k].split_at_mut(1 << k);
            for (down, up) in down.iter_mut().zip(up) {
                means[k] += *up - *down;
                *down += *up;
            }
        }
        sums.weight += energies[0];
        for i in low..n {
            let s = spin(state, i);
            sums.high[i * n + i] += s * energies[0];
            for (sum, mean) in sums.high[i * n..].iter_mut().zip(&means[..low]) {
                *sum += s * mean;
            }
            for j in low..i {
                sums.high[i * n + j] += s * spin(state, j) * energies[0];
            }
        }
    }
}

/// Sums of weights `exp(-β (H - reference))` over states.
struct Sums {
    /// The lowest energy so far.
    reference: f64,
    weight: f64,
    /// `Σ w (H - reference)` and `Σ w (H - reference)²`.
    first: f64,
    second: f64,
    /// `Σ w` for each number of spins up.
    up: Vec<f64>,
    /// `Σ w` for each state of the low spins.
    low_weights: Vec<f64>,
    /// `Σ w s_i s_j` for high `i` and any `j < i`, and `Σ w s_i` on the diagonal.
    high: Vec<f64>,
}

impl Sums {
    fn new(n: usize, low: usize) -> Self {
        Self {
            reference: f64::INFINITY,
            weight: 0.0,
            first: 0.0,
            second: 0.0,
            up: vec![0.0; n + 1],
            low_weights: vec![0.0; 1 << low],
            high: vec![0.0; n * n],
        }
    }

    fn lists(&mut self) -> [&mut Vec<f64>; 3] {
        [&mut self.up, &mut self.low_weights, &mut self.high]
    }

    /// Takes `energy` as reference if it is lower.
    fn lower_to(&mut self, energy: f64, beta: f64) {
        if energy >= self.reference {
            return;
        }
        if self.reference.is_finite() {
            let drop = self.reference - energy;
            let scale = (-beta * drop).exp();
            self.second = scale * (self.second + drop * (2.0 * self.first + drop * self.weight));
            self.first = scale * (self.first + drop * self.weight);
            self.weight *= scale;
            self.lists().into_iter().flatten().for_each(|x| *x *= scale);
        }
        self.reference = energy;
    }

    fn merge(mut self, mut other: Self, beta: f64) -> Self {
        self.lower_to(other.reference, beta);
        other.lower_to(self.reference, beta);
        self.weight += other.weight;
        self.first += other.first;
        self.second += other.second;
        for (mine, theirs) in self.lists().into_iter().zip(other.lists()) {
            mine.iter_mut().zip(theirs).for_each(|(x, y)| *x += *y);
        }
        self
    }

    fn finish(self, beta: f64, low: usize) -> Enumeration {
        let n = self.up.len() - 1;
        let (mut means, mut correlations) = (vec![0.0; n], vec![1.0; n * n]);
        for i in 0..n {
            for j in 0..=i {
                let sum = if i < low {
                    let sign = |state| if i == j { spin(state, i) } else { spin(state, i) * spin(state, j) };
                    self.low_weights.iter().enumerate().map(|(state, w)| w * sign(state)).sum()
                } else {
                    self.high[i * n + j]
                };
                let value = sum / self.weight;
                if i == j {
                    means[i] = value;
                } else {
                    correlations[i * n + j] = value;
                    correlations[j * n + i] = value;
                }
            }
        }
        let above = self.first / self.weight;
        let variance = self.second / self.weight - above * above;
        Enumeration {
            thermodynamics: Thermodynamics {
                beta,
                log_z: self.weight.ln() - beta * self.reference,
                energy: self.reference + above,
                heat_capacity: beta * beta * variance,
            },
            ground_energy: self.reference,
            magnetization: Magnetization::from_weights(&self.up),
            means,
            correlations,
        }
    }
}
