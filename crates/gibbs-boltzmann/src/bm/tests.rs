//! The general machine against enumeration.

use burn::{module::Param, prelude::*, tensor::FloatDType};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch,
    math::{log_sum_exp, mean_and_variance, to_host},
    params::{self, optimizer_step},
};
use gibbs_testkit::{check_gradient, check_mean, check_normalized, check_stationary};

use super::*;
use crate::{
    exact,
    fixtures::tensor,
    rbm::Rbm,
    units::{EnumerableUnits, Spin},
};

/// A machine of 3 visible units with parameters of order one, in f64, and its configuration.
fn machine(n_hidden: usize, seed: u64) -> (BmConfig, BoltzmannMachine) {
    let config = BmConfig::new(3, n_hidden).with_weight_std(0.7);
    let noise = &mut Noise::new(seed, "machine");
    let mut machine = config.init(&Device::flex(), noise).unwrap();
    machine.field = Param::from_tensor(noise.normal([3 + n_hidden], &Device::flex()) * 0.5);
    (config, params::cast(machine, FloatDType::F64))
}

fn spins(n: usize) -> Tensor<2> {
    Spin::new(n, &Device::flex()).states(0, 1 << n).cast(FloatDType::F64)
}

/// `E(s)` by its definition.
fn energy(machine: &BoltzmannMachine, s: &[f64]) -> f64 {
    let (j, f) = (to_host(machine.couplings.val()), to_host(machine.field.val()));
    let n = s.len();
    let pairs = (0..n).flat_map(|a| (0..a).map(move |b| (a, b)));
    let coupled: f64 = pairs.map(|(a, b)| j[a * n + b] * s[a] * s[b]).sum();
    -coupled - s.iter().zip(&f).map(|(s, f)| s * f).sum::<f64>()
}

/// `log p*(v)` of each visible state, by sums over all states.
fn log_weights_of(machine: &BoltzmannMachine) -> Vec<f64> {
    let n = machine.n_units();
    let states = to_host(spins(n));
    let mut of_v = vec![Vec::new(); 1 << machine.n_visible()];
    for (number, s) in states.chunks(n).enumerate() {
        of_v[number % (1 << machine.n_visible())].push(-energy(machine, s));
    }
    of_v.iter().map(|weights| log_sum_exp(weights)).collect()
}

#[test]
fn sums_over_states_are_exact() {
    for n_hidden in [0, 1, 3] {
        let (_, machine) = machine(n_hidden, 1);
        let want = log_weights_of(&machine);
        let have = to_host(machine.exact_log_weights(spins(3)));
        assert!(want.iter().zip(&have).all(|(a, b)| (a - b).abs() < 1e-10), "{want:?} {have:?}");
        assert!((machine.exact_log_z().value - log_sum_exp(&want)).abs() < 1e-10);
        let probs = machine.visible_distribution();
        check_normalized(&probs.iter().map(|p| p.ln()).collect::<Vec<_>>(), 1e-12);
    }
}

#[test]
fn exact_learning_follows_the_gradient_of_the_likelihood() {
    for n_hidden in [0, 2] {
        let (config, machine) = machine(n_hidden, 2);
        let n = machine.n_units();
        let v = spins(3).narrow(0, 1, 3);
        let learning = LearningConfig::new().with_method(Learning::Exact).init(&config, &Device::flex());
        let batch = Batch {
            weights: Some(Tensor::<1>::from_data([1.0, 2.0, 1.0], &Device::flex()).cast(FloatDType::F64)),
            ..Batch::new(v.clone())
        };
        let gradients = learning.unwrap().gradients(&machine, batch, &mut Noise::new(0, "none"));
        let couplings = to_host(gradients.get::<2>(machine.couplings.id).unwrap());
        let field = to_host(gradients.get::<1>(machine.field.id).unwrap());
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
        let mut have: Vec<f64> = pairs.iter().map(|(a, b)| couplings[a * n + b]).collect();
        assert!(pairs.iter().all(|(a, b)| couplings[a * n + b] == couplings[b * n + a]));
        assert!((0..n).all(|a| couplings[a * n + a] == 0.0));
        have.extend(field);
        check_gradient(&have, &vec![0.0; have.len()], 1e-7, |x| {
            let (mut j, mut f) = (to_host(machine.couplings.val()), to_host(machine.field.val()));
            for ((a, b), x) in pairs.iter().zip(x) {
                j[a * n + b] += x;
                j[b * n + a] += x;
            }
            f.iter_mut().zip(&x[pairs.len()..]).for_each(|(f, x)| *f += x);
            let moved = BoltzmannMachine::new(
                Param::from_tensor(tensor(j, [n, n])),
                Param::from_tensor(tensor(f, [1, n]).squeeze_dim(0)),
                3,
            );
            let log_z = moved.exact_log_z().value;
            let weights = to_host(moved.exact_log_weights(v.clone()));
            -(weights[0] + 2.0 * weights[1] + weights[2]) / 4.0 + log_z
        });
    }
}

#[test]
fn without_lateral_couplings_it_is_an_rbm_of_spins() {
    let noise = &mut Noise::new(3, "rbm");
    let rbm = Rbm {
        weight: Param::from_tensor(noise.normal([3, 2], &Device::flex())),
        visible: Spin::new(3, &Device::flex()),
        hidden: Spin::new(2, &Device::flex()),
    };
    let rbm = params::cast(gibbs_testkit::perturbed(rbm, 0.5, noise.clone()), FloatDType::F64);
    let machine = BoltzmannMachine::of_rbm(&rbm);
    let (have, want) = (machine.exact_log_weights(spins(3)), rbm.free_energy(spins(3)).neg());
    assert!(to_host((have - want).abs().max())[0] < 1e-10);
    assert!((machine.exact_log_z().value - exact::log_z(&rbm).unwrap().value).abs() < 1e-10);
    let config = BmConfig::new(3, 2).with_visible_couplings(false).with_hidden_couplings(false);
    let pairs = config.pairs(&Device::flex());
    assert_eq!(to_host(pairs), to_host(machine.couplings.val().abs().greater_elem(0.0).float()));
}

/// Without hidden units the likelihood is at its maximum where the moments are those of the data.
#[test]
fn without_hidden_units_it_solves_the_inverse_ising_problem() {
    let (config, truth) = machine(0, 4);
    let mut learned =
        params::cast(config.init(&Device::flex(), &mut Noise::new(9, "start")).unwrap(), FloatDType::F64);
    let mut learning =
        LearningConfig::new().with_method(Learning::Exact).init(&config, &Device::flex()).unwrap();
    let probs = Tensor::<1>::from_data(
        &truth.visible_distribution()[..],
        (&Device::flex(), burn::tensor::DType::F64),
    );
    let mut optimizer = burn::optim::SgdConfig::new().init();
    for _ in 0..3000 {
        let batch = Batch { weights: Some(probs.clone()), ..Batch::new(spins(3)) };
        let gradients = learning.gradients(&learned, batch, &mut Noise::new(0, "none"));
        learned = optimizer_step(&mut optimizer, 0.5, learned, gradients);
    }
    let off = (learned.couplings.val() - truth.couplings.val()).abs().max();
    assert!(
        to_host(off)[0] < 1e-4 && to_host((learned.field.val() - truth.field.val()).abs().max())[0] < 1e-4
    );
}

#[test]
fn free_and_clamped_sweeps_are_stationary() {
    let (_, machine) = machine(2, 5);
    let machine = params::cast(machine, FloatDType::F32);
    let states: Vec<Vec<f64>> = to_host(spins(5)).chunks(5).map(<[f64]>::to_vec).collect();
    let weights: Vec<f64> = states.iter().map(|s| -energy(&machine, s)).collect();
    let log_z = log_sum_exp(&weights);
    let probs: Vec<f64> = weights.iter().map(|w| (w - log_z).exp()).collect();
    let noise = &mut Noise::new(1, "chains");
    check_stationary(&probs, &states, &Device::flex(), 4000, noise, |s, noise| {
        machine.sweep(s, 0, 1.0, noise)
    });
    let given: Vec<usize> = (0..states.len()).filter(|&i| states[i][..3] == [1.0, -1.0, 1.0]).collect();
    let total: f64 = given.iter().map(|&i| probs[i]).sum();
    let probs: Vec<f64> = given.iter().map(|&i| probs[i] / total).collect();
    let states: Vec<Vec<f64>> = given.iter().map(|&i| states[i].clone()).collect();
    check_stationary(&probs, &states, &Device::flex(), 4000, noise, |s, noise| {
        machine.sweep(s, 3, 1.0, noise)
    });
}

#[test]
fn annealed_weights_are_unbiased() {
    let (_, machine) = machine(2, 6);
    let v = spins(3).narrow(0, 2, 2);
    let exact = to_host(machine.exact_log_weights(v.clone()));
    let log_z_exact = machine.exact_log_z().value;
    let anneal = Anneal { chains: 400, chains_of_example: 400, temperatures: 5 };
    let (mut sums, mut of_z) = ([Vec::new(), Vec::new()], Vec::new());
    for seed in 0..20 {
        let noise = &mut Noise::new(seed, "annealing");
        let estimates = log_weights(&machine, v.clone(), anneal, noise);
        for (i, estimate) in estimates.iter().enumerate() {
            sums[i].push((estimate.value - exact[i]).exp());
        }
        let means = Tensor::<1>::from_data([0.5, -0.5, 0.0, 0.0, 0.2], &Device::flex()).cast(FloatDType::F64);
        of_z.push((log_z(&machine, means, anneal, noise).value - log_z_exact).exp());
    }
    sums.iter().chain([&of_z]).for_each(|samples| check_mean(samples, 1.0));
}

/// The four words of three bits with an even number of ones: pairs are independent, so a machine of pairs knows nothing, while one
/// hidden unit suffices.
#[test]
fn parity_needs_a_hidden_unit() {
    let device = Device::flex();
    let data =
        Tensor::<2>::from_data([[-1., -1., -1.], [1., 1., -1.], [1., -1., 1.], [-1., 1., 1.]], &device);
    for (n_hidden, low, high) in
        [(0, -(8f64.ln()) - 1e-3, -(8f64.ln()) + 1e-9), (1, -(4f64.ln()) - 0.05, 0.0)]
    {
        let config = BmConfig::new(3, n_hidden).with_weight_std(0.3);
        let mut machine = config.init(&device, &mut Noise::new(3, "init")).unwrap();
        let mut learning = LearningConfig::new().with_method(Learning::Exact).init(&config, &device).unwrap();
        let mut optimizer = burn::optim::SgdConfig::new().init();
        for _ in 0..3000 {
            let gradients =
                learning.gradients(&machine, Batch::new(data.clone()), &mut Noise::new(0, "none"));
            machine = optimizer_step(&mut optimizer, 0.3, machine, gradients);
        }
        let log_prob = mean_and_variance(&to_host(machine.exact_log_weights(data.clone()))).0
            - machine.exact_log_z().value;
        assert!((low..=high).contains(&log_prob), "{n_hidden} hidden units: {log_prob}");
    }
}

/// 4-2-4 encoder (Ackley, Hinton & Sejnowski 1985): two groups of four units, of which one each is on, the same in both.
/// Two hidden units must name it by a code of two bits.
#[test]
fn chains_solve_the_encoder() {
    let device = Device::flex();
    let on = |k: usize| (0..8).map(move |i| if i % 4 == k { 1.0 } else { -1.0 });
    let values: Vec<f32> = (0..4).flat_map(on).collect();
    let data = Tensor::<2>::from_data(TensorData::new(values, [4, 8]), &device);
    let config = BmConfig::new(8, 2).with_visible_groups(2).with_weight_std(0.1);
    let solved = (0..10).filter(|&seed| {
        let noise = &mut Noise::new(seed, "encoder");
        let mut machine = config.init(&device, noise).unwrap();
        // Few chains make a noise, and the penalty keeps couplings small: two patterns with one code come apart again.
        let settings = LearningConfig::new().with_n_chains(4).with_l2(0.06);
        let mut learning = settings.init(&config, &device).unwrap();
        let mut optimizer = burn::optim::SgdConfig::new().init();
        for step in 0..6000 {
            let gradients = learning.gradients(&machine, Batch::new(data.clone()), noise);
            let rate = 0.3 * (1.0 - f64::from(step) / 6000.0);
            machine = optimizer_step(&mut optimizer, rate, machine, gradients);
        }
        // One side is given; the most probable state of the other must be the same.
        let probs = machine.visible_distribution();
        (0..4).all(|k| {
            let state = |left: usize, right: usize| (1 << left) | (1 << (4 + right));
            (0..4).all(|other| other == k || probs[state(k, k)] > 2.0 * probs[state(k, other)])
        })
    });
    let solved = solved.count();
    assert!(solved >= 9, "{solved} of 10 seeds");
}

#[test]
fn mean_field_learns_and_all_methods_take_steps() {
    let (config, start) = machine(2, 7);
    let start = params::cast(start, FloatDType::F32);
    let data = spins(3).narrow(0, 0, 2).cast(FloatDType::F32);
    for method in [Learning::Persistent, Learning::Annealed, Learning::MeanField] {
        let mut learning = LearningConfig::new()
            .with_method(method)
            .with_free_sweeps(20)
            .init(&config, &Device::flex())
            .unwrap();
        let (mut machine, noise) = (start.clone(), &mut Noise::new(8, "chains"));
        let log_prob = |machine: &BoltzmannMachine| {
            mean_and_variance(&to_host(machine.exact_log_weights(data.clone()))).0
                - machine.exact_log_z().value
        };
        let before = log_prob(&machine);
        let mut optimizer = burn::optim::SgdConfig::new().init();
        for _ in 0..200 {
            let gradients = learning.gradients(&machine, Batch::new(data.clone()), noise);
            machine = optimizer_step(&mut optimizer, 0.1, machine, gradients);
        }
        let after = log_prob(&machine);
        assert!(after > before + 0.3 && after < -(2f64.ln()) + 1e-6, "{method:?}: {before} {after}");
    }
}

#[test]
fn every_field_out_of_range_is_named() {
    let config = || BmConfig::new(4, 2);
    let cases = [
        (BmConfig::new(0, 2), "n_visible"),
        (config().with_visible_groups(3), "visible_groups"),
        (config().with_visible_groups(0), "visible_groups"),
        (config().with_weight_std(-1.0), "weight_std"),
    ];
    for (config, field) in cases {
        assert_eq!(config.validate().unwrap_err().field, field);
    }
    let large = BmConfig::new(20, 1);
    let exact = LearningConfig::new().with_method(Learning::Exact);
    assert_eq!(exact.init(&large, &Device::flex()).unwrap_err().field, "method");
    for (config, field) in [
        (LearningConfig::new().with_n_chains(0), "n_chains"),
        (LearningConfig::new().with_free_sweeps(0), "free_sweeps"),
        (LearningConfig::new().with_clamped_sweeps(0), "clamped_sweeps"),
        (LearningConfig::new().with_l2(-1.0), "l2"),
    ] {
        assert_eq!(config.validate().unwrap_err().field, field);
    }
}
