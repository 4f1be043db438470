//! Monte Carlo layers.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    Slope,
    hmc::{Hmc, HmcState},
    math::{row_sums, row_zeros},
};

/// Relative spread of the leapfrog steps, so that no trajectory returns to its start (Neal 2011, section 3.2: 20 %).
const JITTER: f64 = 0.2;

/// A Monte Carlo layer: some steps of a Markov chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// Proposals `y + σ η` with `η ~ N(0, 1)`, accepted with probability `min(1, exp(u(y) - u(y')))` (Metropolis et al., J. Chem. Phys.
    /// 21:1087, 1953, doi:10.1063/1.1699114).
    Metropolis {
        /// `σ`, positive and finite.
        step_size: f64,
        /// Steps of the chain.
        steps: usize,
    },
    /// Hamiltonian Monte Carlo, see [`gibbs_core::hmc`].
    Hmc {
        /// `ε`, positive and finite.
        step_size: f64,
        /// Leapfrog steps of a trajectory, at least 1.
        leapfrog: usize,
        /// Trajectories.
        steps: usize,
    },
    /// Steps of the overdamped Langevin equation by Euler and Maruyama, all accepted: the weight of the path corrects their error.
    Langevin {
        /// `ε`, positive and finite.
        step_size: f64,
        /// Steps.
        steps: usize,
    },
}

impl Kernel {
    /// Moves `x [n, width]` by the chain of `energy`. Returns the new points and `ΔS [n]`: the log-probability of the way back less
    /// that of the way taken. Both are differentiable in `x`; decisions to accept are held fixed.
    ///
    /// Each Metropolis step draws the proposals, then one uniform number for each row; each Langevin step `η`; HMC as
    /// [`Hmc::step`].
    ///
    /// # Panics
    /// If `step_size` is not positive and finite, or a trajectory has no leapfrog steps, in HMC.
    pub fn run(
        &self,
        energy: &(impl Slope + ?Sized),
        x: Tensor<2>,
        noise: &mut Noise,
    ) -> (Tensor<2>, Tensor<1>) {
        match *self {
            Self::Metropolis { step_size, steps } => metropolis(energy, (step_size, steps), x, noise),
            Self::Hmc { step_size, leapfrog, steps } => {
                let hmc = Hmc::new(step_size, leapfrog).with_jitter(JITTER);
                let at = |x: Tensor<2>| HmcState::of_slope(energy, x);
                let start = at(x);
                let end = (0..steps).fold(start.clone(), |state, _| hmc.step_with(&at, state, noise).0);
                (end.x().clone(), end.energy().clone() - start.energy().clone())
            }
            Self::Langevin { step_size, steps } => langevin(energy, (step_size, steps), x, noise),
        }
    }
}

fn metropolis(
    energy: &(impl Slope + ?Sized),
    (step_size, steps): (f64, usize),
    x: Tensor<2>,
    noise: &mut Noise,
) -> (Tensor<2>, Tensor<1>) {
    let ([n, width], device, dtype) = (x.dims(), x.device(), x.dtype());
    let start = energy.energy(x.clone());
    let (x, end) = (0..steps).fold((x, start.clone()), |(x, at), _| {
        let proposal = x.clone() + noise.normal([n, width], (&device, dtype)) * step_size;
        let uniform = noise.uniform([n], (&device, dtype));
        let there = energy.energy(proposal.clone());
        // A comparison with NaN is false.
        let accepts = uniform.lower((at.clone() - there.clone()).exp());
        let rows = accepts.clone().unsqueeze_dim::<2>(1).expand([n, width]);
        (x.mask_where(rows, proposal), at.mask_where(accepts, there))
    });
    (x, end - start)
}

fn langevin(
    energy: &(impl Slope + ?Sized),
    (step_size, steps): (f64, usize),
    x: Tensor<2>,
    noise: &mut Noise,
) -> (Tensor<2>, Tensor<1>) {
    let (dims, device, dtype) = (x.dims(), x.device(), x.dtype());
    let spread = (2.0 * step_size).sqrt();
    let start = (x.clone(), energy.slope(x.clone()), row_zeros(&x));
    let (x, _, entropy) = (0..steps).fold(start, |(x, slope, entropy), _| {
        let forth = noise.normal(dims, (&device, dtype));
        let next = x.clone() - slope * step_size + forth.clone() * spread;
        let slope = energy.slope(next.clone());
        let back = (x - next.clone() + slope.clone() * step_size) * spread.recip();
        (next, slope, entropy + row_sums(forth.clone() * forth - back.clone() * back) * 0.5)
    });
    (x, entropy)
}
