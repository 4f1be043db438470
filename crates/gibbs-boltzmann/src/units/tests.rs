//! Identities that every kind of units must obey.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::math::{log_sum_exp, to_host};
use gibbs_testkit::{check_follows, check_gradient, check_mean, check_normalized};

use super::{AnyUnits, EnumerableUnits, Gaussian, UnitFamily, UnitMoments, UnitStatistics, Units};
use crate::fixtures::{VISIBLE, normal, rbm_f64, rbm_of, rows_of_states, tensor};

const INPUT: [f64; 6] = [0.7, -1.1, 0.2, 1.5, -0.4, 0.9];

fn layers_f64() -> Vec<AnyUnits> {
    VISIBLE.map(|kind| rbm_f64(kind, VISIBLE[0], 11).visible).to_vec()
}

fn layers() -> Vec<AnyUnits> {
    VISIBLE.map(|kind| rbm_of(kind, VISIBLE[0], 11).visible).to_vec()
}

fn input() -> Tensor<2> {
    tensor(INPUT.to_vec(), [1, 6])
}

/// `-E(x) + I·x` of rows on the host.
fn log_weights(units: &AnyUnits, rows: Tensor<2>, input: Tensor<2>) -> Vec<f64> {
    to_host(rows.clone().matmul(input.transpose()).squeeze_dim::<1>(1) - units.energy(rows))
}

#[test]
fn log_partition_sums_all_states() {
    for units in layers_f64() {
        let Some(n) = units.n_states() else { continue };
        let weights = log_weights(&units, units.states(0, n as usize), input());
        let gamma = to_host(units.log_partition(input()))[0];
        assert!((log_sum_exp(&weights) - gamma).abs() < 1e-12, "{units}");
    }
}

#[test]
fn gaussian_log_partition_is_the_integral() {
    let Some(AnyUnits::Gaussian(layer)) = layers_f64().pop() else { panic!("the last kind is Gaussian") };
    let (mean, log_var) = (to_host(layer.mean.val()), to_host(layer.log_var.val()));
    for i in 0..6 {
        let one = |value: f64| Param::from_tensor(tensor(vec![value], [1, 1]).squeeze_dim(0));
        let unit = Gaussian { mean: one(mean[i]), log_var: one(log_var[i]) };
        let step = 0.01;
        let grid: Vec<f64> = (-2000..=2000).map(|k| f64::from(k) * step).collect();
        let weights: Vec<f64> =
            grid.iter().map(|x| INPUT[i] * x - to_host(unit.energy(tensor(vec![*x], [1, 1])))[0]).collect();
        let integral = log_sum_exp(&weights) + step.ln();
        let gamma = to_host(unit.log_partition(tensor(vec![INPUT[i]], [1, 1])))[0];
        assert!((integral - gamma).abs() < 1e-10, "unit {i}: {integral} {gamma}");
    }
}

#[test]
fn the_mean_is_the_gradient_of_the_log_partition() {
    for units in layers_f64() {
        let mean = to_host(Units::mean(&units, input()));
        check_gradient(&mean, &INPUT, 1e-8, |x| to_host(units.log_partition(tensor(x.to_vec(), [1, 6])))[0]);
    }
}

#[test]
fn samples_follow_the_conditional_distribution() {
    let (mut noise, n) = (Noise::new(5, "units"), 20_000);
    for (units, exact) in layers().into_iter().zip(layers_f64()) {
        let rows = input().cast(burn::tensor::FloatDType::F32).expand([n, 6]);
        let draws = units.sample(rows, &mut noise);
        if exact.n_states().is_some() {
            let states = rows_of_states(&exact);
            let weights = log_weights(&exact, tensor(states.concat(), [states.len(), 6]), input());
            let total = log_sum_exp(&weights);
            let probs: Vec<f64> = weights.iter().map(|w| (w - total).exp()).collect();
            let draws = to_host(draws);
            let numbers: Vec<usize> =
                draws.chunks(6).map(|row| states.iter().position(|state| state == row).unwrap()).collect();
            check_follows(&numbers, &probs);
        } else {
            let mean = to_host(Units::mean(&exact, input()));
            let AnyUnits::Gaussian(layer) = &exact else { panic!("only Gaussian units are continuous") };
            let variance = to_host(layer.log_var.val().exp());
            let draws = to_host(draws);
            for i in 0..6 {
                let column: Vec<f64> = draws.chunks(6).map(|row| row[i]).collect();
                check_mean(&column, mean[i]);
                let squares: Vec<f64> = column.iter().map(|x| (x - mean[i]).powi(2)).collect();
                check_mean(&squares, variance[i]);
            }
        }
    }
}

/// Gradients of a scalar of the layer with respect to its parameters, by autodiff.
fn autodiff(units: &AnyUnits, f: impl Fn(&AnyUnits) -> Tensor<1>) -> Vec<Vec<f64>> {
    let units = units.clone().train();
    let gradients = f(&units).backward();
    units.parameters().iter().map(|p| to_host(p.val().grad(&gradients).unwrap())).collect()
}

fn assert_close(a: &[Vec<f64>], b: &[Vec<f64>]) {
    for (a, b) in a.concat().iter().zip(b.concat()) {
        assert!((a - b).abs() < 1e-10 * b.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn statistics_are_the_negative_energy_gradient() {
    for units in layers_f64() {
        let x = Units::mean(&units, normal([5, 6], 1));
        let lifted = |x: &Tensor<2>| Tensor::from_data(x.to_data(), (&Device::flex().autodiff(), x.dtype()));
        let want = autodiff(&units, |units| units.energy(lifted(&x)).mean().neg());
        let have: Vec<_> = units.statistics(x.clone(), None).into_iter().map(to_host).collect();
        assert_close(&have, &want);

        let input = normal([5, 6], 2);
        let want = autodiff(&units, |units| units.log_partition(lifted(&input)).mean());
        let mean = Units::mean(&units, input.clone());
        let have: Vec<_> = units.statistics_of_mean(mean, None).into_iter().map(to_host).collect();
        assert_close(&have, &want);
    }
}

#[test]
fn probabilities_of_all_states_sum_to_one() {
    for units in layers_f64() {
        let Some(n) = units.n_states() else { continue };
        let rows = input().expand([n as usize, 6]);
        check_normalized(&to_host(units.log_prob(units.states(0, n as usize), rows)), 1e-12);
    }
}

#[test]
fn interpolation_is_the_geometric_path() {
    for units in layers_f64() {
        let x = units.sample(normal([8, 6], 3), &mut Noise::new(3, "path"));
        let other = units.neutral();
        for t in [0.0, 0.3, 1.0] {
            let between = units.interpolate(&other, t);
            let wanted = units.energy(x.clone()) * (1.0 - t) + other.energy(x.clone()) * t;
            let off = to_host(between.energy(x.clone()) - wanted);
            let constant = if t == 0.3 { off[0] } else { 0.0 };
            assert!(off.iter().all(|o| (o - constant).abs() < 1e-12), "{units} at {t}: {off:?}");
        }
    }
}

#[test]
fn fitted_layers_have_the_means_of_the_data() {
    for units in layers_f64() {
        let x = units.sample(normal([40_000, 6], 4), &mut Noise::new(4, "fit"));
        let moments = UnitMoments::of(x);
        let zeros = Tensor::zeros_like(&input());
        let mean = to_host(Units::mean(&units.fitted(&moments), zeros));
        for (have, want) in mean.iter().zip(to_host(moments.mean)) {
            assert!((have - want).abs() < 1e-4, "{have} {want}");
        }
    }
}

#[test]
fn a_unit_that_never_fires_keeps_a_finite_bias() {
    for units in layers_f64().into_iter().filter(|units| units.n_states().is_some()) {
        let off = units.states(0, 1).expand([9, 6]);
        let fitted = units.fitted(&UnitMoments::of(off));
        assert!(fitted.parameters().iter().all(|p| to_host(p.val()).iter().all(|b| b.is_finite())));
    }
}
