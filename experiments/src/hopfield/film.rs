//! Recall, seen along the way.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{Energy, math::to_host};
use gibbs_physics::memory::{ContinuousMemory, Dynamics, recall_in_parts};
use rayon::prelude::*;

use super::{HopfieldRun, config::Order, memory::Memory};

/// Change of a continuous state in its largest entry below which it counts as settled: a fraction of the 256 levels of grey.
const SETTLED: f32 = 1e-4;

/// How states are recalled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Which spins are updated together.
    pub(super) updates: Order,
    /// Temperature of the heat bath, 0 for none.
    pub(super) temperature: f64,
    /// Frames of a step.
    pub(super) parts: usize,
    /// Steps after which a recall is stopped.
    pub(super) max_steps: usize,
}

impl Settings {
    /// Those of a run: whole steps at temperature zero.
    pub(super) fn of(config: &HopfieldRun) -> Self {
        let (updates, max_steps) = (config.train.updates, config.train.evaluation.max_steps);
        Self { updates, temperature: 0.0, parts: 1, max_steps }
    }
}

/// The states of a recall.
pub(super) struct Film {
    /// The start first.
    pub(super) frames: Vec<Vec<f32>>,
    /// The energy of each.
    pub(super) energies: Vec<f64>,
    /// Frames of a step.
    pub(super) per_step: usize,
}

impl Film {
    /// The state at the end.
    pub(super) fn last(&self) -> &[f32] {
        &self.frames[self.frames.len() - 1]
    }

    /// The time of each frame, in steps.
    pub(super) fn times(&self) -> Vec<f64> {
        (0..self.frames.len()).map(|k| k as f64 / self.per_step as f64).collect()
    }

    /// Index of the frame at a time, or of the last one if recall ended before.
    pub(super) fn frame_at(&self, time: f64) -> usize {
        ((time * self.per_step as f64).round() as usize).min(self.frames.len() - 1)
    }
}

/// Recalls each of some states, over all threads; start `k` draws from the child `k` of `noise`.
///
/// # Errors
/// A temperature or updates that the memory does not have.
pub(super) fn recall(
    memory: &Memory,
    starts: &[Vec<f32>],
    settings: &Settings,
    noise: &Noise,
) -> Result<Vec<Film>> {
    let dynamics = memory.dynamics(settings.updates, settings.temperature)?;
    Ok(match (dynamics, memory.continuous()) {
        (None, Some(continuous)) => starts
            .iter()
            .map(|start| attend(continuous, start, settings.max_steps, memory.device()))
            .collect(),
        (dynamics, _) => {
            let dynamics = dynamics.as_deref();
            let film = |(k, start): (usize, &Vec<f32>)| {
                dynamics.map(|dynamics| of_spins(dynamics, start, settings, &mut noise.child(k.to_string())))
            };
            starts.par_iter().enumerate().filter_map(film).collect()
        }
    })
}

fn of_spins(dynamics: &dyn Dynamics, start: &[f32], settings: &Settings, noise: &mut Noise) -> Film {
    let spins = start.iter().map(|x| if *x > 0.0 { 1 } else { -1 }).collect();
    let per_step = if settings.updates == Order::Synchronous { 1 } else { settings.parts };
    let path = recall_in_parts(dynamics, spins, per_step, settings.max_steps, noise);
    let frames = path.states.iter().map(|state| state.iter().map(|s| f32::from(*s)).collect()).collect();
    Film { frames, energies: path.energies, per_step }
}

fn attend(memory: &ContinuousMemory, start: &[f32], max_steps: usize, device: &Device) -> Film {
    let mut state: Tensor<2> = Tensor::from_data(TensorData::new(start.to_vec(), [1, start.len()]), device);
    let mut film = Film { frames: vec![start.to_vec()], energies: Vec::new(), per_step: 1 };
    film.energies.extend(to_host(memory.energy(state.clone())));
    for _ in 0..max_steps {
        state = memory.step(state);
        let next: Vec<f32> = to_host(state.clone()).into_iter().map(|x| x as f32).collect();
        let moved = next.iter().zip(film.last()).any(|(a, b)| (a - b).abs() > SETTLED);
        if !moved {
            break;
        }
        film.energies.extend(to_host(memory.energy(state.clone())));
        film.frames.push(next);
    }
    film
}
