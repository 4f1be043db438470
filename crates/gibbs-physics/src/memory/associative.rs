//! Six associative memories behind one configuration.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_backend::parallel::*;
use gibbs_core::{ConfigError, Energy, math::to_host};
use serde::{Deserialize, Serialize};

use super::{
    ContinuousMemory, DenseMemory, Dynamics, Interaction, SpinDynamics, Updates, orthonormal_basis,
    pseudo_inverse, random_patterns, recall_in_parts, storkey,
};
use crate::{
    Pairwise, PhysicsError,
    error::{non_negative, positive},
    hopfield,
    named::named,
};

/// Change of a continuous state in its largest entry below which it counts as a fixed point: a fraction of the 256 grey levels.
const FIXED: f32 = 1e-4;
/// Largest rounding error of a coupling, which is at most 1, in single precision.
const ROUNDING: f64 = 1e-4;

named! {
    /// Which associative memory.
    MemoryKind {
        /// Couplings by Hebb's rule
        Hebb = "hebb",
        /// Couplings that project on the patterns
        PseudoInverse = "pseudo_inverse",
        /// Couplings by Storkey's rule
        Storkey = "storkey",
        /// Energy of a power of the overlaps
        DensePolynomial = "dense_polynomial",
        /// Energy exponential in the overlaps
        DenseExponential = "dense_exponential",
        /// Continuous states
        Continuous = "continuous",
    }
}

/// An associative memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryConfig {
    /// Which memory.
    pub kind: MemoryKind,
    /// Entries of a pattern.
    pub n_visible: usize,
    /// Patterns stored.
    pub n_patterns: usize,
    /// The power of `dense_polynomial`, at least 2.
    pub degree: u32,
    /// Inverse temperature of the attention of `continuous`.
    pub beta: f64,
}

impl MemoryConfig {
    /// `n_patterns` patterns of `n_visible` entries, degree 3, `β = 1/√n_visible`.
    pub fn new(kind: MemoryKind, n_visible: usize, n_patterns: usize) -> Self {
        Self { kind, n_visible, n_patterns, degree: 3, beta: (n_visible as f64).sqrt().recip() }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let Self { kind, n_visible, n_patterns, degree, beta } = *self;
        ConfigError::at_least("n_visible", n_visible, 1)?;
        ConfigError::at_least("n_patterns", n_patterns, 1)?;
        if kind == MemoryKind::PseudoInverse {
            let reason = format!(
                "the pseudo-inverse rule stores fewer patterns than there are pixels, {n_visible}; take fewer, or a \
                 dense memory"
            );
            ConfigError::require(n_patterns < n_visible, "n_patterns", n_patterns, reason)?;
        }
        let is_finite = (n_visible as f64).powf(f64::from(degree)).is_finite();
        let reason = format!("must be at least 2, and {n_visible}^degree a finite number");
        ConfigError::require(degree >= 2 && is_finite, "degree", degree, reason)?;
        if kind == MemoryKind::Continuous {
            positive("beta", beta)?;
        }
        Ok(())
    }

    /// Stores patterns, `[n_patterns, n_visible]` row by row: ±1, or real numbers for continuous states.
    ///
    /// # Errors
    /// Patterns that the rule cannot store.
    pub fn store(&self, patterns: &[f32], device: &Device) -> Result<MemoryWeights, PhysicsError> {
        let n = self.n_visible;
        let param = |values: Vec<f32>| {
            let shape = [values.len() / n, n];
            Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
        };
        let couplings = match self.kind {
            MemoryKind::Hebb => Some(hopfield(&spins(patterns, n)?)?),
            MemoryKind::PseudoInverse => Some(pseudo_inverse(&spins(patterns, n)?)?),
            MemoryKind::Storkey => Some(storkey(&spins(patterns, n)?)?),
            _ => None,
        };
        let weight = couplings.map(|couplings| param(couplings.matrix().iter().map(|j| *j as f32).collect()));
        Ok(MemoryWeights { patterns: param(patterns.to_vec()), weight })
    }

    /// Weights of zeros, to be loaded.
    pub fn blank(&self, device: &Device) -> MemoryWeights {
        let zeros = |rows: usize| Param::from_tensor(Tensor::zeros([rows, self.n_visible], device));
        let has_couplings =
            matches!(self.kind, MemoryKind::Hebb | MemoryKind::PseudoInverse | MemoryKind::Storkey);
        MemoryWeights {
            patterns: zeros(self.n_patterns),
            weight: has_couplings.then(|| zeros(self.n_visible)),
        }
    }

    /// The memory with the given weights.
    ///
    /// # Errors
    /// Weights that do not fit the kind.
    pub fn memory(
        &self,
        weights: &MemoryWeights,
        device: &Device,
    ) -> Result<AssociativeMemory, PhysicsError> {
        let [_, n] = weights.patterns.dims();
        let patterns: Vec<f32> = to_host(weights.patterns.val()).iter().map(|x| *x as f32).collect();
        let model = match (&weights.weight, self.kind) {
            (Some(weight), _) => {
                spins(&patterns, n)?;
                Model::Pairwise(Pairwise::from_matrix(&to_host(weight.val()), vec![0.0; n])?)
            }
            (None, MemoryKind::Continuous) => {
                Model::Continuous(Box::new(ContinuousMemory::new(weights.patterns.val(), self.beta)?))
            }
            (None, kind) => {
                let interaction = match kind {
                    MemoryKind::DenseExponential => Interaction::Exponential,
                    _ => Interaction::Power(self.degree),
                };
                Model::Dense(DenseMemory::new(&spins(&patterns, n)?, interaction)?)
            }
        };
        let patterns = patterns.chunks(n).map(<[f32]>::to_vec).collect();
        Ok(AssociativeMemory { kind: self.kind, patterns, model, device: device.clone() })
    }
}

/// What defines a memory.
#[derive(Module, Debug)]
pub struct MemoryWeights {
    /// The patterns `[patterns, n]`: ±1, or real numbers for continuous states.
    pub patterns: Param<Tensor<2>>,
    /// Couplings `[n, n]`, for the kinds that have couplings.
    pub weight: Option<Param<Tensor<2>>>,
}

/// Rows of ±1.
fn spins(values: &[f32], n: usize) -> Result<Vec<Vec<i8>>, PhysicsError> {
    // Other values become 0, which every rule refuses.
    let spin = |x: &f32| if x.abs() == 1.0 { *x as i8 } else { 0 };
    let rows: Vec<Vec<i8>> = values.chunks(n).map(|row| row.iter().map(spin).collect()).collect();
    super::pattern_size(&rows).map(|_| rows)
}

/// How states are recalled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecallConfig {
    /// Which spins are updated together.
    pub updates: Updates,
    /// Temperature of the heat bath in units of the energy; 0 for none.
    pub temperature: f64,
    /// States that are kept of each asynchronous step.
    pub parts: usize,
    /// Steps after which a recall is stopped.
    pub max_steps: usize,
}

/// The states of a recall along the way.
#[derive(Clone, Debug, PartialEq)]
pub struct RecallPath {
    /// The start first, `[states][n]`.
    pub states: Vec<Vec<f32>>,
    /// The energy of each state.
    pub energies: Vec<f64>,
    /// States of a step.
    pub per_step: usize,
}

impl RecallPath {
    /// The state at the end.
    pub fn last(&self) -> &[f32] {
        &self.states[self.states.len() - 1]
    }

    /// The time of each state, in steps.
    pub fn times(&self) -> Vec<f64> {
        (0..self.states.len()).map(|k| k as f64 / self.per_step as f64).collect()
    }

    /// Index of the state at a time, or of the last state if the recall ended before.
    pub fn at(&self, time: f64) -> usize {
        ((time * self.per_step as f64).round() as usize).min(self.states.len() - 1)
    }
}

enum Model {
    Pairwise(Pairwise),
    Dense(DenseMemory),
    Continuous(Box<ContinuousMemory>),
}

/// Stored patterns and the dynamics that recalls them.
pub struct AssociativeMemory {
    kind: MemoryKind,
    patterns: Vec<Vec<f32>>,
    model: Model,
    device: Device,
}

impl AssociativeMemory {
    /// Entries of a pattern.
    pub fn n_visible(&self) -> usize {
        self.patterns[0].len()
    }

    /// The stored patterns.
    pub fn patterns(&self) -> &[Vec<f32>] {
        &self.patterns
    }

    /// Vectors `ξ_k [factors][n]` with `J_ij = (1/n) Σ_k ξ_ki ξ_kj` for `i ≠ j`: the patterns for Hebb's rule, orthogonal vectors of
    /// length `√n` for the pseudo-inverse rule.
    ///
    /// # Errors
    /// Another kind, or couplings that are not those of the rule for the patterns.
    pub fn factors(&self) -> Result<Vec<Vec<f32>>, PhysicsError> {
        let (n, kind) = (self.n_visible(), self.kind);
        let factors = match kind {
            MemoryKind::Hebb => self.patterns.clone(),
            MemoryKind::PseudoInverse => {
                let basis = orthonormal_basis(&spins(&self.patterns.concat(), n)?)?;
                let of_length = |q: Vec<f64>| q.iter().map(|x| (x * (n as f64).sqrt()) as f32).collect();
                basis.into_iter().map(of_length).collect()
            }
            _ => {
                let reason = "its energy is no sum of squares of as many overlaps as there are patterns; take hebb or pseudo_inverse";
                return Err(ConfigError::new("kind", kind, reason).into());
            }
        };
        let coupling = |k: usize| {
            let (i, j) = (k / n, k % n);
            let sum: f64 = factors.iter().map(|xi| f64::from(xi[i] * xi[j])).sum();
            if i == j { 0.0 } else { sum / n as f64 }
        };
        let is_of_rule = |(k, value): (usize, &f64)| (coupling(k) - value).abs() < ROUNDING;
        match &self.model {
            Model::Pairwise(couplings) if couplings.matrix().iter().enumerate().all(is_of_rule) => {
                Ok(factors)
            }
            _ => {
                Err(PhysicsError::Invalid(format!("the couplings are not those of {kind} for the patterns")))
            }
        }
    }

    /// Whether states are ±1.
    pub fn is_of_spins(&self) -> bool {
        self.kind != MemoryKind::Continuous
    }

    /// Recalls from each start, over all threads. Start `k` uses the child `k` of `noise`.
    ///
    /// # Errors
    /// A temperature or updates that the memory does not have.
    pub fn recall(
        &self,
        starts: &[Vec<f32>],
        config: &RecallConfig,
        noise: &Noise,
    ) -> Result<Vec<RecallPath>, PhysicsError> {
        let RecallConfig { updates, temperature, .. } = *config;
        let beta = non_negative("temperature", temperature).map(|t| (t > 0.0).then(|| t.recip()))?;
        let dynamics: Box<dyn Dynamics + Sync + '_> = match &self.model {
            Model::Continuous(_) if beta.is_some() => {
                let reason = "continuous states move without noise; set model.beta, or take another kind";
                return Err(ConfigError::new("temperature", temperature, reason).into());
            }
            Model::Continuous(memory) => {
                let path = |start: &Vec<f32>| attend(memory, start, config.max_steps, &self.device);
                return Ok(starts.iter().map(path).collect());
            }
            Model::Dense(_) if updates == Updates::Synchronous => {
                let kind = self.kind;
                let reason =
                    format!("a {kind} memory is updated one spin after the other; take asynchronous");
                return Err(ConfigError::new("updates", updates, reason).into());
            }
            Model::Dense(memory) => match beta {
                Some(beta) => Box::new(memory.clone().at(beta)?),
                None => Box::new(memory.clone()),
            },
            Model::Pairwise(couplings) => {
                let dynamics = SpinDynamics::new(couplings, updates);
                Box::new(if let Some(beta) = beta { dynamics.at(beta)? } else { dynamics })
            }
        };
        let per_step = if updates == Updates::Synchronous { 1 } else { config.parts };
        let path = |(k, start): (usize, &Vec<f32>)| {
            let spins = start.iter().map(|x| if *x > 0.0 { 1 } else { -1 }).collect();
            let noise = &mut noise.child(k.to_string());
            let path = recall_in_parts(&*dynamics, spins, per_step, config.max_steps, noise);
            RecallPath { states: to_floats(path.states), energies: path.energies, per_step }
        };
        Ok(starts.par_iter().enumerate().map(path).collect())
    }

    /// The pattern that a state resembles most, and their [`similarity`]. The state may be the negative of the pattern.
    pub fn nearest(&self, state: &[f32]) -> (usize, f64) {
        let all = self.patterns.iter().map(|pattern| similarity(pattern, state)).enumerate();
        all.fold((0, 0.0), |best, found| if found.1.abs() > best.1.abs() { found } else { best })
    }
}

/// Recall of a continuous state.
fn attend(memory: &ContinuousMemory, start: &[f32], max_steps: usize, device: &Device) -> RecallPath {
    let mut state: Tensor<2> = Tensor::from_data(TensorData::new(start.to_vec(), [1, start.len()]), device);
    let energies = to_host(memory.energy(state.clone()));
    let mut path = RecallPath { states: vec![start.to_vec()], energies, per_step: 1 };
    for _ in 0..max_steps {
        state = memory.step(state);
        let next: Vec<f32> = to_host(state.clone()).into_iter().map(|x| x as f32).collect();
        if next.iter().zip(path.last()).all(|(a, b)| (a - b).abs() <= FIXED) {
            break;
        }
        path.energies.extend(to_host(memory.energy(state.clone())));
        path.states.push(next);
    }
    path
}

/// `x·y / |x||y|`: the overlap of two configurations of ±1. 0 for a state of zeros.
pub fn similarity(x: &[f32], y: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let norm = (dot(x, x) * dot(y, y)).sqrt();
    if norm > 0.0 { dot(x, y) / norm } else { 0.0 }
}

/// The state with a part of its entries negated: `part · n` of them, rounded.
pub fn flipped(state: &[f32], part: f64, noise: &mut Noise) -> Vec<f32> {
    let mut state = state.to_vec();
    let count = (part * state.len() as f64).round() as usize;
    noise.permutation(state.len())[..count].iter().for_each(|&i| state[i] = -state[i]);
    state
}

/// `count` states of `n` independent entries, ±1 with probability 1/2 each.
pub fn random_states(n: usize, count: usize, noise: &mut Noise) -> Vec<Vec<f32>> {
    to_floats(random_patterns(n, count, noise))
}

fn to_floats(states: Vec<Vec<i8>>) -> Vec<Vec<f32>> {
    states.into_iter().map(|state| state.into_iter().map(f32::from).collect()).collect()
}
