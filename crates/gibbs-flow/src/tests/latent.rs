//! Chains in latent space sample the Hamiltonian, for any flow.

use gibbs_core::{
    Bijection, Energy,
    hmc::{Hmc, HmcState},
    math::to_host,
    symmetry::SymmetryGroup,
};
use gibbs_testkit::{check_gradient, check_mean};

use super::*;

/// `-ln p` of two correlated normal variables, up to a constant: the precision of `x₁ = u₁, x₂ = u₁ + u₂`.
fn gaussian(x: Tensor<2>) -> Tensor<1> {
    let [first, second] = [0, 1].map(|d| x.clone().narrow(1, d, 1));
    (first.clone().powi_scalar(2) + (second - first).powi_scalar(2)).squeeze_dim(1) * 0.5
}

/// How far parameters are from those of the identity: splines bend strongly before long.
const STD: f64 = 0.1;

fn flow(map: Univariate) -> Flow {
    let config = RealNvpConfig::new(2, 4, vec![8].into()).with_activation(Activation::Tanh);
    wide_flow(&config.flow_with(map), STD, 3)
}

/// Columns in proportion, opposite ones, and one with the coefficient √3/2 to the first; scale and place do not matter.
#[test]
fn correlations_are_those_of_the_columns() {
    let rows = [[1.0, 3.0, -1.0, 2.0], [0.0, 1.0, 0.0, -1.0], [-1.0, -1.0, 1.0, -1.0]].concat();
    let found = to_host(correlations(wide(rows, [3, 4])));
    let r = 0.75f64.sqrt();
    let expected = [1.0, 1.0, -1.0, r, 1.0, 1.0, -1.0, r, -1.0, -1.0, 1.0, -r, r, r, -r, 1.0];
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
}

#[test]
fn exact_draws_stay_exact_in_the_latent_space_of_any_flow() {
    for map in [Univariate::affine(), Univariate::spline()] {
        let flow = flow(map);
        let energy = Latent::new(flow.clone().train().no_grad(), gaussian);
        let mut noise = Noise::new(0, "chains");
        let u = noise.normal([20_000, 2], (&Device::flex(), DType::F64));
        let [first, second] = [0, 1].map(|d| u.clone().narrow(1, d, 1));
        let x = Tensor::cat(vec![first.clone(), first + second], 1);
        // Long steps: a good part of the trajectories is rejected, and without the rejections the distribution would be wrong.
        let hmc = Hmc::new(0.8, 3).with_jitter(0.2);
        let mut state = HmcState::new(&energy, flow.forward(x, None).0);
        let mut accepted = 0.0;
        for _ in 0..6 {
            let (next, transition) = hmc.step(&energy, state, &mut noise);
            accepted = to_host(transition.accepted.mean())[0];
            state = next;
        }
        assert!((0.2..0.95).contains(&accepted), "{accepted}");
        let x = to_host(flow.inverse(state.x().clone(), None).0);
        let moment = |expected: f64, f: fn(&[f64]) -> f64| {
            check_mean(&x.chunks(2).map(f).collect::<Vec<_>>(), expected);
        };
        moment(0.0, |x| x[0]);
        moment(0.0, |x| x[1]);
        moment(1.0, |x| x[0] * x[0]);
        moment(1.0, |x| x[0] * x[1]);
        moment(2.0, |x| x[1] * x[1]);
    }
}

/// Chains in one half of a normal distribution, with a flow that is wrong: even averages are those of the whole.
#[test]
fn chains_of_one_half_have_the_even_averages_of_the_whole() {
    let flow = flow(Univariate::affine());
    let noise = &mut Noise::new(7, "chains");
    let u = noise.normal([4000, 2], (&Device::flex(), DType::F64));
    let [first, second] = [0, 1].map(|d| u.clone().narrow(1, d, 1));
    let x = Tensor::cat(vec![first.clone(), first + second], 1);
    let above = gibbs_core::math::row_sums(x.clone()).sign().unsqueeze_dim::<2>(1);
    for sign in [1.0, -1.0] {
        let start = x.clone() * above.clone() * sign;
        let half = HalfSpace { energy: gaussian, sign };
        let hmc = LatentHmc { measurements: 3, burn_in: 20, leapfrog: 3 };
        let (mut ends, trivial) = (Vec::new(), SymmetryGroup::trivial(2));
        let series = hmc.run(
            Some(&flow),
            &half,
            &trivial,
            start,
            |x| {
                ends = to_host(x.clone());
                Vec::new()
            },
            noise,
        );
        let accepted: Vec<f64> = series.values[0].iter().flatten().copied().collect();
        assert!((0.3..0.95).contains(&(accepted.iter().sum::<f64>() / accepted.len() as f64)));
        assert!(ends.chunks(2).all(|x| sign * (x[0] + x[1]) >= 0.0));
        check_mean(&ends.chunks(2).map(|x| x[0] * x[1]).collect::<Vec<_>>(), 1.0);
        check_mean(&ends.chunks(2).map(|x| x[1] * x[1]).collect::<Vec<_>>(), 2.0);
    }
}

/// A flow with its own density as the Hamiltonian has the latent energy of the base: `|z|²/2` up to a constant.
#[test]
fn the_latent_energy_of_a_flows_own_distribution_is_that_of_the_base() {
    let flow = flow(Univariate::spline());
    let own = |x: Tensor<2>| gibbs_core::LogProb::log_prob(&flow, x).neg();
    let z = Noise::new(0, "z").normal([50, 2], (&Device::flex(), DType::F64));
    let expected = gibbs_core::math::row_sums(z.clone().powi_scalar(2)) * 0.5 + std::f64::consts::TAU.ln();
    let found = to_host(Latent::new(flow.clone(), own).energy(z));
    for (found, expected) in found.into_iter().zip(to_host(expected)) {
        assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
    }
}

#[test]
fn slopes_of_the_latent_energy_are_those_of_finite_differences() {
    for map in [Univariate::affine(), Univariate::spline()] {
        let flow = flow(map);
        let z = to_host(Noise::new(0, "z").normal([6, 2], (&Device::flex(), DType::F64)));
        let at = |values: &[f64]| wide(values.to_vec(), [6, 2]);
        let slope =
            HmcState::new(&Latent::new(flow.clone().train().no_grad(), gaussian), at(&z)).slope().clone();
        let plain = Latent::new(flow, gaussian);
        check_gradient(&to_host(slope), &z, 1e-6, |z| to_host(plain.energy(at(z)).sum())[0]);
    }
}
