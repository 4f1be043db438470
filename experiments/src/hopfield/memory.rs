//! The six kinds of memory behind one face.

use anyhow::{Context, Result};
use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_core::math::to_host;
use gibbs_physics::{
    Pairwise, hopfield,
    memory::{ContinuousMemory, DenseMemory, Dynamics, Interaction, SpinDynamics, pseudo_inverse, storkey},
};
use gibbs_train::weights;

use super::{
    HopfieldRun,
    config::{HopfieldModel, MemoryKind, Order},
};
use crate::fault::Fault;

/// What `model.safetensors` holds.
#[derive(Module, Debug)]
pub(super) struct Weights {
    /// What is stored, `[patterns, pixels]`: ±1, or real numbers for continuous states.
    patterns: Param<Tensor<2>>,
    /// Couplings `[pixels, pixels]`, where the memory has them.
    weight: Option<Param<Tensor<2>>>,
}

impl Weights {
    /// Stores patterns, the rows of `patterns` with `width` values each.
    ///
    /// # Errors
    /// Patterns that the rule of the model cannot store.
    pub(super) fn store(
        model: &HopfieldModel,
        patterns: &[f32],
        width: usize,
        device: &Device,
    ) -> Result<Self> {
        let param = |values: Vec<f32>| {
            let shape = [values.len() / width, width];
            Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
        };
        let couplings = match model.kind {
            MemoryKind::Hebb => Some(hopfield(&spins(patterns, width)?)?),
            MemoryKind::PseudoInverse => Some(pseudo_inverse(&spins(patterns, width)?)?),
            MemoryKind::Storkey => Some(storkey(&spins(patterns, width)?)?),
            _ => None,
        };
        let weight =
            couplings.map(|couplings| param(couplings.matrix().into_iter().map(|j| j as f32).collect()));
        Ok(Self { patterns: param(patterns.to_vec()), weight })
    }

    /// Of the shapes that the configuration says, to be filled.
    fn empty(model: &HopfieldModel, device: &Device) -> Result<Self> {
        let given = |value: Option<usize>, path: &str| {
            value.ok_or_else(|| Fault::usage(format!("{path} is not set: give that of the weights")))
        };
        let n = given(model.n_visible, "model.n_visible")?;
        let p = given(model.n_patterns, "model.n_patterns")?;
        let zeros = |rows: usize| Param::from_tensor(Tensor::zeros([rows, n], device));
        Ok(Self { patterns: zeros(p), weight: model.kind.is_pairwise().then(|| zeros(n)) })
    }
}

/// Rows of ±1.
fn spins(values: &[f32], width: usize) -> Result<Vec<Vec<i8>>> {
    if let Some(at) = values.iter().position(|x| x.abs() != 1.0) {
        return Err(Fault::usage(format!(
            "patterns: entry {} of pattern {} is {}; patterns are made of -1 and +1",
            at % width,
            at / width,
            values[at]
        )));
    }
    Ok(values.chunks(width).map(|row| row.iter().map(|x| *x as i8).collect()).collect())
}

/// What is done with a state.
enum Law {
    Pairwise(Pairwise),
    Dense(DenseMemory),
    Continuous(Box<ContinuousMemory>),
}

/// Patterns and what recalls them.
pub(super) struct Memory {
    kind: MemoryKind,
    patterns: Vec<Vec<f32>>,
    law: Law,
    device: Device,
}

impl Memory {
    /// From the bytes of a `model.safetensors`.
    ///
    /// # Errors
    /// Weights that do not fit the configuration.
    pub(super) fn load(config: &HopfieldRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let weights = weights::from_bytes(Weights::empty(&config.model, device)?, bytes)?;
        Self::new(&config.model, &weights, device)
    }

    /// With these weights.
    ///
    /// # Errors
    /// Weights that are none of the kind of model.
    pub(super) fn new(model: &HopfieldModel, weights: &Weights, device: &Device) -> Result<Self> {
        let values = to_host(weights.patterns.val());
        let width = weights.patterns.dims()[1];
        let patterns: Vec<f32> = values.iter().map(|x| *x as f32).collect();
        let law = match (&weights.weight, model.kind) {
            (Some(weight), _) => {
                spins(&patterns, width)?;
                let couplings = Pairwise::from_matrix(&to_host(weight.val()), vec![0.0; width]);
                Law::Pairwise(couplings.context("weight")?)
            }
            (None, MemoryKind::Continuous) => {
                let beta = model
                    .beta
                    .ok_or_else(|| Fault::usage("model.beta is not set: give that of the memory"))?;
                Law::Continuous(Box::new(ContinuousMemory::new(weights.patterns.val(), beta)?))
            }
            (None, kind) => {
                let interaction = match kind {
                    MemoryKind::DenseExponential => Interaction::Exponential,
                    _ => Interaction::Power(model.degree),
                };
                Law::Dense(DenseMemory::new(&spins(&patterns, width)?, interaction)?)
            }
        };
        let patterns = patterns.chunks(width).map(<[f32]>::to_vec).collect();
        Ok(Self { kind: model.kind, patterns, law, device: device.clone() })
    }

    /// Values of a pattern.
    pub(super) fn n_spins(&self) -> usize {
        self.patterns[0].len()
    }

    /// What is stored, row by row.
    pub(super) fn patterns(&self) -> &[Vec<f32>] {
        &self.patterns
    }

    /// Where states are computed.
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// Whether states are ±1.
    pub(super) fn is_of_spins(&self) -> bool {
        !matches!(self.law, Law::Continuous(_))
    }

    /// The memory of continuous states, if it is one.
    pub(super) fn continuous(&self) -> Option<&ContinuousMemory> {
        match &self.law {
            Law::Continuous(memory) => Some(memory),
            _ => None,
        }
    }

    /// The dynamics of spins at a temperature; `None` for continuous states.
    ///
    /// # Errors
    /// A temperature that is none, or that the memory does not have; updates that it does not have.
    pub(super) fn dynamics(
        &self,
        updates: Order,
        temperature: f64,
    ) -> Result<Option<Box<dyn Dynamics + Sync + '_>>> {
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(Fault::usage(format!(
                "--temperature {temperature}: must be a finite number, at least 0"
            )));
        }
        let beta = (temperature > 0.0).then(|| temperature.recip());
        match &self.law {
            Law::Pairwise(couplings) => {
                let dynamics = SpinDynamics::new(couplings, updates.into());
                Ok(Some(match beta {
                    Some(beta) => Box::new(dynamics.at(beta)?),
                    None => Box::new(dynamics),
                }))
            }
            Law::Dense(_) if updates == Order::Synchronous => Err(Fault::usage(format!(
                "updates = synchronous: a {} memory is updated one spin after the other; take asynchronous",
                self.kind
            ))),
            Law::Dense(memory) => Ok(Some(match beta {
                Some(beta) => Box::new(memory.clone().at(beta)?),
                None => Box::new(memory.clone()),
            })),
            Law::Continuous(_) if beta.is_some() => Err(Fault::usage(format!(
                "--temperature {temperature}: continuous states move without noise; set model.beta, or take another kind"
            ))),
            Law::Continuous(_) => Ok(None),
        }
    }

    /// The pattern that a state resembles most, and `x·y / |x||y|` with it, the overlap for ±1. The state may be the negative of
    /// a pattern.
    pub(super) fn nearest(&self, state: &[f32]) -> (usize, f64) {
        let overlaps = self.patterns.iter().map(|pattern| overlap(pattern, state)).enumerate();
        overlaps.fold((0, 0.0), |best, found| if found.1.abs() > best.1.abs() { found } else { best })
    }
}

/// `x·y / |x||y|`: the overlap of two configurations of ±1. 0 with a state of zeros.
pub(super) fn overlap(x: &[f32], y: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let norm = (dot(x, x) * dot(y, y)).sqrt();
    if norm > 0.0 { dot(x, y) / norm } else { 0.0 }
}
