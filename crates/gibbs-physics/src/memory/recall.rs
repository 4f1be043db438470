//! Recall: runs of a dynamics of spins.

use gibbs_backend::Noise;

/// A rule by which a configuration of spins ±1 becomes the next.
pub trait Dynamics {
    /// The configurations `[parts][n]` after each of `parts` equal parts of the step from `state [n]`. The last one is the result of
    /// the whole step; it is the only one if all spins are updated at once.
    ///
    /// # Panics
    /// If `state` has not one value for each spin, or `parts` is 0.
    fn step_in_parts(&self, state: Vec<i8>, parts: usize, noise: &mut Noise) -> Vec<Vec<i8>>;

    /// The configuration `[n]` after `state [n]`.
    ///
    /// # Panics
    /// If `state` has not one value for each spin.
    fn step(&self, state: Vec<i8>, noise: &mut Noise) -> Vec<i8> {
        self.step_in_parts(state, 1, noise).remove(0)
    }

    /// The energy of a configuration `[n]`.
    ///
    /// # Panics
    /// If `state` has not one value for each spin.
    fn energy(&self, state: &[i8]) -> f64;

    /// Whether a configuration that one step does not change never changes, and one that returns after two steps alternates
    /// forever: true at temperature zero.
    fn is_deterministic(&self) -> bool;
}

/// How a recall ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last step changed nothing.
    FixedPoint,
    /// The last two configurations alternate.
    TwoCycle,
    /// Neither, within the largest number of steps.
    StepLimit,
}

/// The configurations of a recall.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// `[steps · parts + 1][n]`, the start first, without the step that showed the fixed point or the cycle.
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

/// Runs `dynamics` from `start [n]` to a fixed point or a cycle, for at most `max_steps` steps. Dynamics that are not
/// [deterministic](Dynamics::is_deterministic) run for all steps.
///
/// # Panics
/// If `start` has not one value for each spin.
pub fn recall(dynamics: &impl Dynamics, start: Vec<i8>, max_steps: usize, noise: &mut Noise) -> Trajectory {
    recall_in_parts(dynamics, start, 1, max_steps, noise)
}

/// The same recall with a configuration after each of `parts` equal parts of a step.
///
/// # Panics
/// If `start` has not one value for each spin, or `parts` is 0.
pub fn recall_in_parts(
    dynamics: &(impl Dynamics + ?Sized),
    start: Vec<i8>,
    parts: usize,
    max_steps: usize,
    noise: &mut Noise,
) -> Trajectory {
    let mut energies = vec![dynamics.energy(&start)];
    let (mut before, mut last) = (None, start.clone());
    let mut states = vec![start];
    let mut end = End::StepLimit;
    for _ in 0..max_steps {
        let configurations = dynamics.step_in_parts(last.clone(), parts, noise);
        let next = configurations[configurations.len() - 1].clone();
        if dynamics.is_deterministic() {
            if next == last {
                end = End::FixedPoint;
                break;
            }
            if before.as_ref() == Some(&next) {
                end = End::TwoCycle;
                break;
            }
        }
        energies.extend(configurations.iter().map(|state| dynamics.energy(state)));
        states.extend(configurations);
        before = Some(std::mem::replace(&mut last, next));
    }
    Trajectory { states, energies, end }
}

/// Applies `update` to `parts` equal pieces of an order, one after the other. A shorter order has one piece for each entry.
pub(super) fn in_parts<T>(order: &[usize], parts: usize, update: impl FnMut(&[usize]) -> T) -> Vec<T> {
    assert!(parts > 0, "a step has at least one part");
    order.chunks(order.len().div_ceil(parts)).map(update).collect()
}
