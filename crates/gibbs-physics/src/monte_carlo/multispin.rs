//! The heat bath of 64 replicas at once, in the bits of words.
//!
//! Bit `r` of word `i` is spin `i` of replica `r`, set if it is up. For each spin, the neighbors that pull it up (those
//! up with `J_ij > 0`, those down with `J_ij < 0`) are counted in all replicas together: after all neighbors, class `k`
//! has the bits of the replicas with `k` of them. The new spin is up if a random fraction is below a threshold,
//!
//! ```text
//! u < p_k = 1 / (1 + exp(-2β (|J| (2k - d) + h_i))),   u = 0.u_1 u_2 u_3 … in base 2,   k of d neighbors pull up
//! ```
//!
//! and the fractions are compared digit by digit, the highest first: a random word brings the next digit of all 64 `u`,
//! and the comparison ends as soon as each differs from its threshold, after about eight digits. **Each replica has digits
//! of its own**, so the replicas are independent, and thresholds are exact to 64 digits (f64 gives 53).
//!
//! Reference: Jacobs & Rebbi, J. Comput. Phys. 41:203 (1981), doi:10.1016/0021-9991(81)90089-9, for spins in bits.
//!
//! Cost: about eight words of noise and a hundred operations on words for 64 spins with four neighbors.

use gibbs_backend::Noise;

use super::{
    chain::{Chain, Observation},
    words::Words,
};
use crate::{Hamiltonian, Pairwise, PhysicsError, error::inverse_temperature};

/// Replicas in a state.
pub const REPLICAS: usize = 64;

/// Most neighbors of a spin.
pub const MAX_NEIGHBORS: usize = 8;

/// Digits of the thresholds.
const DIGITS: usize = 64;

/// For each digit, and each class, all ones or all zeros. The highest digit is the first.
type Thresholds = [[u64; MAX_NEIGHBORS + 1]; DIGITS];

/// The neighbor and a word that is all ones if it pulls the other way.
type Neighbor = (usize, u64);

/// A spin: the end of its neighbors in the list, their number, and the index of its thresholds.
#[derive(Clone, Copy, Debug)]
struct Site {
    end: usize,
    neighbors: usize,
    thresholds: usize,
}

/// Independent replicas of a system whose couplings are all `±J`, in any field. The state has a word for each spin; a step is a
/// heat-bath sweep of all replicas in the order of the spins.
#[derive(Clone, Debug)]
pub struct HeatBath64<'a> {
    hamiltonian: &'a Pairwise,
    beta: f64,
    /// `|J|`.
    strength: f64,
    neighbors: Vec<Neighbor>,
    sites: Vec<Site>,
    thresholds: Vec<Thresholds>,
}

impl<'a> HeatBath64<'a> {
    /// Sweeps at `beta`.
    ///
    /// # Errors
    /// If couplings have different magnitudes, a spin has more than [`MAX_NEIGHBORS`] neighbors, or `beta` is negative or
    /// not finite.
    pub fn new(hamiltonian: &'a Pairwise, beta: f64) -> Result<Self, PhysicsError> {
        let beta = inverse_temperature(beta)?;
        let strength = hamiltonian.bonds().next().map_or(0.0, |bond| bond.2.abs());
        if let Some((i, j, value)) = hamiltonian.bonds().find(|bond| bond.2.abs() != strength) {
            return Err(PhysicsError::Unsupported(format!(
                "coupling ({i}, {j}) is {value} but another is ±{strength}; in bits all must be of one strength, use Sweep"
            )));
        }
        let (neighbors, sites, thresholds) = (Vec::new(), Vec::new(), Vec::new());
        let mut chain = Self { hamiltonian, beta, strength, neighbors, sites, thresholds };
        let mut kinds: Vec<(usize, f64)> = Vec::new();
        for i in 0..hamiltonian.n_spins() {
            let list = hamiltonian.neighbors(i);
            if list.len() > MAX_NEIGHBORS {
                return Err(PhysicsError::Unsupported(format!(
                    "spin {i} has {neighbors} neighbors; in bits at most {MAX_NEIGHBORS} can be counted, use Sweep",
                    neighbors = list.len()
                )));
            }
            let kind = (list.len(), hamiltonian.field()[i]);
            let known = kinds.iter().position(|other| *other == kind).unwrap_or_else(|| {
                kinds.push(kind);
                chain.thresholds.push(self::thresholds(beta, strength, kind.0, kind.1));
                kinds.len() - 1
            });
            chain.neighbors.extend(list.iter().map(|(j, value)| (*j, if *value < 0.0 { !0 } else { 0 })));
            chain.sites.push(Site { end: chain.neighbors.len(), neighbors: list.len(), thresholds: known });
        }
        Ok(chain)
    }

    /// The state of the given replicas, spins ±1 each; if there are fewer than 64, the last one is repeated.
    ///
    /// # Panics
    /// If there are none, more than 64, or one is of another system.
    pub fn pack(&self, replicas: &[Vec<i8>]) -> Vec<u64> {
        assert!((1..=REPLICAS).contains(&replicas.len()), "between 1 and {REPLICAS} replicas");
        assert!(replicas.iter().all(|spins| spins.len() == self.sites.len()), "one value for each spin");
        let replica = |r: usize| &replicas[r.min(replicas.len() - 1)];
        let word = |i: usize| (0..REPLICAS).fold(0, |word, r| word | u64::from(replica(r)[i] > 0) << r);
        (0..self.sites.len()).map(word).collect()
    }

    /// The spins ±1 of replica `r`.
    ///
    /// # Panics
    /// If `r` is not below 64.
    pub fn unpack(&self, state: &[u64], r: usize) -> Vec<i8> {
        assert!(r < REPLICAS, "replica {r} of {REPLICAS}");
        state.iter().map(|word| if word >> r & 1 == 1 { 1 } else { -1 }).collect()
    }
}

impl Chain for HeatBath64<'_> {
    type State = Vec<u64>;

    fn init(&self, noise: &mut Noise) -> Vec<u64> {
        let mut state = vec![0; self.sites.len()];
        noise.fill_u64(&mut state);
        state
    }

    fn step(&self, state: Vec<u64>, noise: &mut Noise) -> Vec<u64> {
        self.run(state, 1, noise)
    }

    fn run(&self, mut state: Vec<u64>, n: usize, noise: &mut Noise) -> Vec<u64> {
        assert_eq!(state.len(), self.sites.len(), "one word for each spin");
        let mut words = Words::new(noise);
        for _ in 0..n {
            let mut begin = 0;
            for (i, site) in self.sites.iter().enumerate() {
                let neighbors = &self.neighbors[begin..site.end];
                let thresholds = &self.thresholds[site.thresholds];
                begin = site.end;
                state[i] = match site.neighbors {
                    0 => draw::<0>(&state, neighbors, thresholds, &mut words),
                    1 => draw::<1>(&state, neighbors, thresholds, &mut words),
                    2 => draw::<2>(&state, neighbors, thresholds, &mut words),
                    3 => draw::<3>(&state, neighbors, thresholds, &mut words),
                    4 => draw::<4>(&state, neighbors, thresholds, &mut words),
                    5 => draw::<5>(&state, neighbors, thresholds, &mut words),
                    6 => draw::<6>(&state, neighbors, thresholds, &mut words),
                    7 => draw::<7>(&state, neighbors, thresholds, &mut words),
                    _ => draw::<MAX_NEIGHBORS>(&state, neighbors, thresholds, &mut words),
                };
            }
        }
        state
    }

    fn betas(&self) -> Vec<f64> {
        vec![self.beta; REPLICAS]
    }

    fn observe(&self, state: &Vec<u64>) -> Vec<Observation> {
        let field = self.hamiltonian.field();
        let mut pairs = Tally::default();
        let mut ups = Tally::default();
        let mut begin = 0;
        for (i, site) in self.sites.iter().enumerate() {
            for (j, sign) in self.neighbors[begin..site.end].iter().filter(|(j, _)| *j > i) {
                pairs.add(state[i] ^ state[*j] ^ sign);
            }
            begin = site.end;
            ups.add(state[i]);
        }
        let n = state.len() as f64;
        let uniform = field.iter().all(|h| *h == field[0]);
        (0..REPLICAS)
            .map(|r| {
                let total = 2.0 * ups.count(r) as f64 - n;
                let single = if uniform {
                    field[0] * total
                } else {
                    let sign = |word: u64| if word >> r & 1 == 1 { 1.0 } else { -1.0 };
                    field.iter().zip(state).map(|(h, word)| h * sign(*word)).sum()
                };
                let unsatisfied = pairs.count(r) as f64;
                let energy = self.strength * (2.0 * unsatisfied - self.hamiltonian.n_bonds() as f64) - single;
                Observation { energy, magnetization: total / n }
            })
            .collect()
    }
}

/// A spin drawn again in all replicas, with `D` neighbors.
#[inline(always)]
fn draw<const D: usize>(
    state: &[u64],
    neighbors: &[Neighbor],
    thresholds: &Thresholds,
    words: &mut Words,
) -> u64 {
    let mut classes = [0; MAX_NEIGHBORS + 1];
    classes[0] = !0;
    for (known, (j, sign)) in neighbors[..D].iter().enumerate() {
        let pulls_up = state[*j] ^ sign;
        for k in (1..=known + 1).rev() {
            classes[k] = (classes[k] & !pulls_up) | (classes[k - 1] & pulls_up);
        }
        classes[0] &= !pulls_up;
    }
    let (mut up, mut open) = (0, !0);
    for digits in thresholds {
        let threshold = (0..=D).fold(0, |word, k| word | (classes[k] & digits[k]));
        let u = words.next();
        up |= open & threshold & !u;
        open &= !(threshold ^ u);
        if open == 0 {
            break;
        }
    }
    up
}

/// The digits of `p_k` for a spin with `d` neighbors in the field `h`.
fn thresholds(beta: f64, strength: f64, d: usize, h: f64) -> Thresholds {
    let fractions: [u64; MAX_NEIGHBORS + 1] = std::array::from_fn(|k| {
        let pull = strength * (2.0 * k as f64 - d as f64) + h;
        (2f64.powi(64) / (1.0 + (-2.0 * beta * pull).exp())) as u64
    });
    std::array::from_fn(|digit| fractions.map(|p| if p >> (DIGITS - 1 - digit) & 1 == 1 { !0 } else { 0 }))
}

/// Counts of set bits in each of 64 places, in base 2: word `b` has digit `b` of all counts.
#[derive(Default)]
struct Tally(Vec<u64>);

impl Tally {
    fn add(&mut self, word: u64) {
        let mut carry = word;
        for digit in &mut self.0 {
            (*digit, carry) = (*digit ^ carry, *digit & carry);
            if carry == 0 {
                return;
            }
        }
        if carry != 0 {
            self.0.push(carry);
        }
    }

    fn count(&self, place: usize) -> u64 {
        self.0.iter().enumerate().map(|(b, digit)| (digit >> place & 1) << b).sum()
    }
}
