//! Runs of a dynamics of spins.

use gibbs_backend::Noise;

/// A rule by which a configuration of spins ±1 becomes the next.
pub trait Dynamics {
    /// The configuration `[n]` after `state [n]`.
    ///
    /// # Panics
    /// If `state` has not one value for each spin.
    fn step(&self, state: Vec<i8>, noise: &mut Noise) -> Vec<i8>;

    /// The energy of a configuration `[n]`.
    ///
    /// # Panics
    /// If `state` has not one value for each spin.
    fn energy(&self, state: &[i8]) -> f64;

    /// Whether a configuration that a step leaves as it is stays so for ever, and one that comes back after two steps
    /// alternates for ever: true at temperature zero.
    fn settles(&self) -> bool;
}

/// How a recall ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last step changed nothing.
    FixedPoint,
    /// The last two configurations alternate.
    TwoCycle,
    /// Neither within the steps allowed.
    Unsettled,
}

/// The configurations of a recall.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// `[steps + 1][n]`, the start first. The repetition by which a fixed point or a cycle was recognized is left out.
    pub states: Vec<Vec<i8>>,
    /// The energy of each.
    pub energies: Vec<f64>,
    /// How it ended.
    pub end: End,
}

impl Trajectory {
    /// The last configuration `[n]`.
    pub fn last(&self) -> &[i8] {
        &self.states[self.states.len() - 1]
    }
}

/// Runs `dynamics` from `start [n]` until it settles, at most `max_steps` steps; one that never
/// [settles](Dynamics::settles) runs for all of them.
///
/// # Panics
/// If `start` has not one value for each spin.
pub fn recall(dynamics: &impl Dynamics, start: Vec<i8>, max_steps: usize, noise: &mut Noise) -> Trajectory {
    let mut energies = vec![dynamics.energy(&start)];
    let mut states = vec![start];
    let mut end = End::Unsettled;
    for _ in 0..max_steps {
        let last = &states[states.len() - 1];
        let next = dynamics.step(last.clone(), noise);
        if dynamics.settles() {
            if next == *last {
                end = End::FixedPoint;
                break;
            }
            if states.len() > 1 && next == states[states.len() - 2] {
                end = End::TwoCycle;
                break;
            }
        }
        energies.push(dynamics.energy(&next));
        states.push(next);
    }
    Trajectory { states, energies, end }
}
