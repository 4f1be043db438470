//! Whole paths and their weights.

use gibbs_core::{Bijection, ConfigError, Sample, hmc::Hmc, hmc::HmcState, math::log_mean_exp_estimate};
use gibbs_testkit::{SIGMAS, check_mean};

use super::*;
use crate::{Angles, base};

fn log_weights(flow: &StochasticFlow, n: usize, noise: &mut Noise) -> Vec<f64> {
    to_host(flow.paths_from(normal(n, noise), &Wells, noise).log_weights())
}

#[test]
fn weights_average_to_the_partition_function() {
    let exact = log_z();
    let mut noise = Noise::new(0, "paths");
    for flow in kernels().into_iter().flat_map(|kernel| [mixed(kernel), annealed(kernel, 5)]) {
        let weights = log_weights(&flow, 20_000, &mut noise);
        check_mean(&weights.iter().map(|log_weight| (log_weight - exact).exp()).collect::<Vec<_>>(), 1.0);
    }
}

/// Crooks: over paths from the target the inverse weights average to `1/Z`. Jarzynski's bounds lie on both sides of `ln Z`, and
/// neither is tight here.
#[test]
fn paths_forth_and_back_bracket_the_partition_function() {
    let exact = log_z();
    let mut noise = Noise::new(1, "bracket");
    for flow in kernels().into_iter().flat_map(|kernel| [mixed(kernel), annealed(kernel, 3)]) {
        let n = 20_000;
        let forth = log_weights(&flow, n, &mut noise);
        let start = draws(n, &mut noise);
        let back = to_host(flow.paths_back(start, &Wells, &mut noise).log_weights());
        check_mean(&back.iter().map(|log_weight| (exact - log_weight).exp()).collect::<Vec<_>>(), 1.0);
        let [lower, upper] = [forth, back].map(|weights| gibbs_core::Estimate::mean(&weights));
        assert!(lower.value + SIGMAS * lower.std_err < exact, "{} < {exact}", lower.value);
        assert!(upper.value - SIGMAS * upper.std_err > exact, "{} > {exact}", upper.value);
    }
}

#[test]
fn errors_cover_the_truth_as_often_as_they_say() {
    let (exact, runs, n) = (log_z(), 400, 400);
    let mut noise = Noise::new(2, "coverage");
    for kernel in kernels() {
        let flow = annealed(kernel, 6);
        let mut within = [0; 2];
        for _ in 0..runs {
            let estimate = log_mean_exp_estimate(&log_weights(&flow, n, &mut noise));
            let errors = (estimate.value - exact).abs() / estimate.std_err;
            (0..2).for_each(|k| within[k] += usize::from(errors < (k + 1) as f64));
        }
        for (within, expected) in within.into_iter().zip([0.6827f64, 0.9545]) {
            let found = within as f64 / f64::from(runs);
            let error = (expected * (1.0 - expected) / f64::from(runs)).sqrt();
            assert!((found - expected).abs() < SIGMAS * error, "{found}, not {expected}: {kernel:?}");
        }
    }
}

/// Annealed importance sampling with Metropolis steps, written out.
#[test]
fn without_invertible_layers_it_is_annealed_importance_sampling() {
    let (n, steps, sigma, sweeps) = (50, 4, 0.7, 3);
    let flow = annealed(Kernel::Metropolis { step_size: sigma, steps: sweeps }, steps);
    let z = normal(n, &mut Noise::new(3, "z"));
    let paths = flow.paths_from(z.clone(), &Wells, &mut Noise::new(4, "walk"));

    let noise = &mut Noise::new(4, "walk");
    let options = (&Device::flex(), DType::F64);
    let u = |lambda: f64, x: Tensor<2>| {
        base::log_prob(None, x.clone()) * (lambda - 1.0) + Wells.energy(x) * lambda
    };
    let (mut x, mut log_q) = (z.clone(), base::log_prob(None, z.clone()) * 0.0);
    let mut neal = vec![0.0; n];
    for k in 1..=steps {
        let [before, lambda] = [k - 1, k].map(|k| k as f64 / steps as f64);
        let difference = to_host(u(before, x.clone()) - u(lambda, x.clone()));
        neal.iter_mut().zip(difference).for_each(|(sum, term)| *sum += term);
        let start = u(lambda, x.clone());
        let mut at = start.clone();
        for _ in 0..sweeps {
            let proposal = x.clone() + noise.normal([n, 2], options) * sigma;
            let uniform = noise.uniform([n], options);
            let there = u(lambda, proposal.clone());
            let accepts = uniform.lower((at.clone() - there.clone()).exp());
            x = x.mask_where(accepts.clone().unsqueeze_dim::<2>(1).expand([n, 2]), proposal);
            at = at.mask_where(accepts, there);
        }
        log_q = log_q + (at - start);
    }
    assert_eq!(to_host(paths.end.clone()), to_host(x.clone()));
    let log_q = base::log_prob(None, z) - log_q;
    assert_eq!(to_host(paths.log_q.clone()), to_host(log_q.clone()));
    assert_eq!(to_host(paths.log_weights()), to_host(Wells.energy(x).neg() - log_q));
    for (found, expected) in to_host(paths.log_weights()).into_iter().zip(neal) {
        assert!((found - expected).abs() < 1e-11 * expected.abs().max(1.0), "{found}, not {expected}");
    }
}

/// The walk of the library, with gradients by autodiff there and in closed form here.
#[test]
fn trajectories_are_those_of_hamiltonian_monte_carlo() {
    let kernel = Kernel::Hmc { step_size: 0.3, leapfrog: 3, steps: 4 };
    let x = normal(40, &mut Noise::new(5, "x"));
    let (found, _) = kernel.run(&Wells, x.clone(), &mut Noise::new(6, "walk"));
    let (hmc, noise) = (Hmc::new(0.3, 3).with_jitter(0.2), &mut Noise::new(6, "walk"));
    let end = (0..4).fold(HmcState::new(&Wells, x), |state, _| hmc.step(&Wells, state, noise).0);
    for (found, expected) in to_host(found).into_iter().zip(to_host(end.x().clone())) {
        assert!((found - expected).abs() < 1e-11, "{found}, not {expected}");
    }
}

#[test]
fn without_stochastic_layers_it_is_the_flow() {
    let (flow, n) = (flow(), 30);
    let alone = StochasticFlow::new(flow.clone(), Vec::new()).unwrap();
    let paths = alone.paths(n, &Wells, &mut Noise::new(7, "draws"));
    assert_eq!(to_host(paths.end.clone()), to_host(flow.sample(n, &mut Noise::new(7, "draws"))));
    let z = normal(n, &mut Noise::new(7, "draws"));
    let (x, ladj) = flow.inverse(z.clone(), None);
    assert_eq!(to_host(paths.log_q), to_host(base::log_prob(None, z) - ladj));
    assert_eq!(to_host(paths.energy), to_host(Wells.energy(x.clone())));
    let back = alone.paths_back(x.clone(), &Wells, &mut Noise::new(8, "unused"));
    let (z, ladj) = flow.forward(x, None);
    assert_eq!(to_host(back.end), to_host(z.clone()));
    assert_eq!(to_host(back.log_q), to_host(base::log_prob(None, z) + ladj));
}

#[test]
fn draws_in_parts_are_weights_of_paths() {
    let flow = mixed(kernels()[0]);
    let mut ends = 0;
    let draws = flow.draws(&Wells, [25, 10], &mut Noise::new(9, "draws"), |x| ends += x.dims()[0]);
    assert_eq!((ends, draws.len()), (25, 25));
    let first = flow.paths(10, &Wells, &mut Noise::new(9, "draws"));
    assert_eq!(draws.log_weights()[..10], to_host(first.log_weights()));
}

#[test]
fn layers_stand_at_equal_distances() {
    let config = StochasticConfig::new(3, KernelKind::Metropolis, 5, 0.2);
    let places = |depth: usize| config.layers(depth).iter().map(|layer| layer.after).collect::<Vec<_>>();
    assert_eq!((places(6), places(4), places(0)), (vec![2, 4, 6], vec![1, 3, 4], vec![0, 0, 0]));
    let lambdas: Vec<f64> = config.layers(6).iter().map(|layer| layer.lambda).collect();
    assert_eq!(lambdas, [1.0 / 3.0, 2.0 / 3.0, 1.0]);
    let flow = StochasticConfig::new(0, KernelKind::Hmc, 5, 0.2).init(flow()).unwrap();
    assert_eq!(flow.stochastic(), []);
}

#[test]
fn what_makes_no_stochastic_flow_is_refused() {
    let config = |step_size: f64, steps: usize| StochasticConfig::new(2, KernelKind::Hmc, steps, step_size);
    let message = |result: Result<(), ConfigError>| result.unwrap_err().to_string();
    assert_eq!(message(config(0.0, 1).validate()), "step_size = 0: must be finite and above 0");
    assert_eq!(message(config(f64::NAN, 1).validate()), "step_size = NaN: must be finite and above 0");
    assert!(message(config(0.1, 0).validate()).starts_with("steps = 0"));
    assert!(message(config(0.1, 1).with_leapfrog(0).validate()).starts_with("leapfrog = 0"));
    let kernel = kernels()[0];
    let with = |layers: &[(usize, f64)]| {
        let layer = |&(after, lambda)| StochasticLayer { kernel, lambda, after };
        message(StochasticFlow::new(flow(), layers.iter().map(layer).collect()).map(drop))
    };
    assert!(with(&[(5, 1.0)]).starts_with("after = 5: there are 4"));
    assert!(with(&[(2, 1.5)]).starts_with("lambda = 1.5"));
    assert!(with(&[(2, 0.5), (1, 1.0)]).contains("order"));
    let angles = Some(Angles::new(vec![0], 3.0));
    let periodic = StochasticFlow::new(flow().with_angles(angles), Vec::new());
    assert!(message(periodic.map(drop)).contains("normal base"));
}
