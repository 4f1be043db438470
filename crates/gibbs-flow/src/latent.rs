//! Flows and Hamiltonians: Hamiltonian Monte Carlo in the latent space of a flow, a flow as a proposal, and the start of a flow.
//!
//! ```text
//! z ~ exp(-E_z(z)),   E_z(z) = E(x(z)) - ln |det ∂x/∂z|     is equivalent to     x(z) ~ exp(-E(x))
//! ```
//!
//! A chain with the energy `E_z` samples the Hamiltonian without bias, for any flow. A better flow makes it faster. For a perfect flow
//! `E_z` is `|z|²/2` plus a constant.
//!
//! References: Hoffman et al., "NeuTra-lizing bad geometry in Hamiltonian Monte Carlo using neural transport", 2019,
//! arXiv:1903.03704; Li & Wang, "Neural network renormalization group", Phys. Rev. Lett. 121:260601 (2018),
//! doi:10.1103/PhysRevLett.121.260601.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, Energy, LogProb, Sample,
    hmc::{DualAveraging, Hmc, HmcState},
    math::{row_sums, to_host},
    symmetry::SymmetryGroup,
    variational::Draws,
};

use crate::bijections::Flow;

/// Acceptance at which trajectories of fixed length are most efficient (Hoffman & Gelman 2014, section 4.2; Neal 2011, section 5.4.4.3).
const ACCEPTANCE: f64 = 0.65;

/// Relative spread of the step sizes, so that no trajectory returns to its start (Neal 2011, section 3.2: 20 %).
const JITTER: f64 = 0.2;

/// Relative error of a field that went through its latents and back.
const ROUNDING: f64 = 1e-2;

/// First step size. Burn-in finds a better one.
const FIRST_STEP: f64 = 0.1;

/// Number of fields to which normalizations are fitted. Their standard deviations have an error of `1/√(2·512)`, 3 %.
const FIELDS: usize = 512;

/// Trajectories of these fields from a constant field, and leapfrog steps of each: enough for all but the longest wavelengths.
const TRAJECTORIES: usize = 60;
const LEAPFROGS: usize = 10;

/// The energy `E_z` of the latent variables of a flow.
#[derive(Clone, Debug)]
pub struct Latent<B, E> {
    flow: B,
    energy: E,
}

impl<B: Bijection, E: Energy> Latent<B, E> {
    /// The latent energy of `energy` under `flow`, which has no context. [`gibbs_core::hmc`] needs a flow on a device with
    /// autodiff. Use `no_grad()` to skip the gradients of its parameters.
    pub fn new(flow: B, energy: E) -> Self {
        Self { flow, energy }
    }
}

impl<B: Bijection, E: Energy> Energy for Latent<B, E> {
    fn energy(&self, z: Tensor<2>) -> Tensor<1> {
        let (x, ladj) = self.flow.inverse(z, None);
        self.energy.energy(x) - ladj
    }
}

/// One half of an even energy: `E(x)` where `s Σ_i x_i ≥ 0`, else infinite. Chains of it give the averages of even observables.
///
/// A flow that was trained as one half of a mixture over the change of all signs has good latents of that half only: chains that leave it
/// would not find back.
#[derive(Clone, Debug)]
pub struct HalfSpace<E> {
    /// `E`.
    pub energy: E,
    /// `s`: 1 or -1; 0 is the whole space.
    pub sign: f64,
}

impl<E: Energy> Energy for HalfSpace<E> {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let outside = (row_sums(x.clone()) * self.sign).lower_elem(0.0);
        self.energy.energy(x).mask_fill(outside, f64::INFINITY)
    }
}

/// Measurements along Markov chains.
#[derive(Clone, Debug, PartialEq)]
pub struct HmcSeries {
    /// For each observable the series of each chain. The last observable is the acceptance.
    pub values: Vec<Vec<Vec<f64>>>,
    /// Step size of the measurements, if the chain has one.
    pub step_size: Option<f64>,
}

/// Hamiltonian Monte Carlo with a step size that is found in burn-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentHmc {
    /// Measurements of each chain, one for each trajectory.
    pub measurements: usize,
    /// Trajectories before the first measurement.
    pub burn_in: usize,
    /// Leapfrog steps of a trajectory.
    pub leapfrog: usize,
}

impl LatentHmc {
    /// Chains in the latent space of `flow`, or in that of the Hamiltonian without a flow, from `start [chains, N]` in the space of
    /// the Hamiltonian. `observables` of fields `[chains, N]` are `[chains]` each.
    ///
    /// A random symmetry of `group` is part of each step, in latent space as `z -> z(g·x(z))`. It leaves the distribution invariant. A move
    /// is left out where the latents do not give back the image to rounding: then neither would the way back. A [`HalfSpace`]
    /// needs a group without negations ([`SymmetryGroup::without_negations`]).
    pub fn run<E: Energy + Clone>(
        &self,
        flow: Option<&Flow>,
        energy: &E,
        group: &SymmetryGroup,
        start: Tensor<2>,
        mut observables: impl FnMut(&Tensor<2>) -> Vec<Tensor<1>>,
        noise: &mut Noise,
    ) -> HmcSeries {
        let latent = flow.map(|flow| Latent::new(flow.clone().train().no_grad(), energy.clone()));
        let target = |z: Tensor<2>| match &latent {
            Some(latent) => latent.energy(z),
            None => energy.energy(z),
        };
        let image = |z: Tensor<2>| flow.map_or_else(|| z.clone(), |flow| flow.inverse(z.clone(), None).0);
        let back = |x: Tensor<2>| flow.map_or_else(|| x.clone(), |flow| flow.forward(x.clone(), None).0);
        let n_chains = start.dims()[0];
        let mut hmc = Hmc::new(FIRST_STEP, self.leapfrog).with_jitter(JITTER);
        let mut adaptation = DualAveraging::new(FIRST_STEP, ACCEPTANCE);
        let mut state = HmcState::new(&target, back(start));
        let mut values: Vec<Vec<Vec<f64>>> = Vec::new();
        for trajectory in 0..self.burn_in + self.measurements {
            if group.order() > 1 {
                let moved = group.apply_random(image(state.x().clone()), noise);
                let next = HmcState::new(&target, back(moved.clone()));
                let is_exact =
                    agree(image(next.x().clone()), moved).bool_and(next.energy().clone().is_finite());
                state = state.mask_where(is_exact, next);
            }
            let (next, transition) = hmc.step(&target, state, noise);
            state = next;
            if trajectory < self.burn_in {
                adaptation.update(to_host(transition.acceptance())[0]);
                hmc = hmc.with_step_size(match trajectory + 1 == self.burn_in {
                    true => adaptation.step_size(),
                    false => adaptation.trial(),
                });
                continue;
            }
            let mut measured = observables(&image(state.x().clone()));
            measured.push(transition.accepted);
            values.resize(measured.len(), vec![Vec::with_capacity(self.measurements); n_chains]);
            for (chains, values) in values.iter_mut().zip(measured) {
                chains.iter_mut().zip(to_host(values)).for_each(|(chain, value)| chain.push(value));
            }
        }
        HmcSeries { values, step_size: Some(hmc.step_size()) }
    }
}

/// Whether fields `[n, N]` agree up to rounding: `[n]`.
fn agree(x: Tensor<2>, y: Tensor<2>) -> Tensor<1, Bool> {
    let size = y.clone().abs() + 1.0;
    ((x - y).abs().lower_equal(size * ROUNDING)).all_dim(1).squeeze_dim(1)
}

/// One chain of `n` independent proposals from `model`, `at_once` at a time: the Metropolis algorithm with a proposal that does not
/// depend on the state. The series are those of the energy times `scale`, of `observable`, and of the acceptance.
pub fn independent_proposals(
    model: &(impl LogProb + Sample),
    energy: &impl Energy,
    [n, at_once]: [usize; 2],
    scale: f64,
    observable: impl Fn(Tensor<2>) -> Tensor<1>,
    noise: &mut Noise,
) -> HmcSeries {
    let mut observed = Vec::with_capacity(n);
    let draws = Draws::from_model(model, energy, n, at_once, noise, |x| {
        observed.extend(to_host(observable(x.clone())));
    });
    let chain = draws.markov_chain(noise);
    let series = |values: &[f64]| vec![chain.held.iter().map(|&i| values[i]).collect()];
    let energies: Vec<f64> = draws.energy().iter().map(|energy| scale * energy).collect();
    let values = vec![series(&energies), series(&observed), vec![chain.accepted]];
    HmcSeries { values, step_size: None }
}

/// `|Σ_i x_i| / N`, `[n, N]` to `[n]`.
pub fn abs_mean(x: Tensor<2>) -> Tensor<1> {
    x.mean_dim(1).abs().squeeze_dim(1)
}

/// Pearson's correlation coefficients `[D, D]` of the columns of `x [n, D]`. A constant column has none: NaN.
pub fn correlations(x: Tensor<2>) -> Tensor<2> {
    let centered = x.clone() - x.mean_dim(0);
    let norms = centered.clone().square().sum_dim(0).sqrt();
    let unit = centered / norms;
    unit.clone().transpose().matmul(unit)
}

/// The flow with its normalizations fitted to fields of short chains of Hamiltonian Monte Carlo. The chains start from a constant field
/// and still depend on it, so the fields have the scales of the distribution but are no samples of it. If `group` has the change
/// of all signs, fields with a negative mean are negated, so that the flow begins as one half of the distribution.
pub fn fit_to_energy(
    flow: Flow,
    energy: &impl Energy,
    group: &SymmetryGroup,
    device: &Device,
    noise: &mut Noise,
) -> Flow {
    let mut sizes = DualAveraging::new(FIRST_STEP, ACCEPTANCE);
    let hmc = Hmc::new(sizes.trial(), LEAPFROGS).with_jitter(JITTER);
    let mut state = HmcState::new(energy, Tensor::ones([FIELDS, flow.n_variables()], device));
    for _ in 0..TRAJECTORIES {
        let (next, transition) = hmc.with_step_size(sizes.trial()).step(energy, state, noise);
        state = next;
        sizes.update(transition.acceptance().into_scalar::<f64>());
    }
    let x = state.x().clone();
    let negates = group.elements().iter().any(|g| g.negates());
    let x = if negates { x.clone() * x.mean_dim(1).sign() } else { x };
    flow.fitted(x, None)
}
