//! Boltzmann machines on every device, against the same model in f64 on `flex`.

use burn::{
    module::Module,
    optim::{GradientsParams, SgdConfig},
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    Chains, ContrastiveConfig,
    ais::{AisSchedule, AnnealedImportance},
    exact,
    units::{UnitFamily, UnitKind, Units},
};
use gibbs_core::{math::to_host, params};
use gibbs_train::weights;

use super::devices;
use crate::support::{
    assert_close,
    boltzmann::{AnyRbm, pairs, rbm_of},
};

const BINARY: (UnitKind, UnitKind) = (UnitKind::Binary, UnitKind::Binary);
const SIZES: [usize; 2] = [48, 40];
const BATCH: usize = 50;

fn in_double(rbm: AnyRbm) -> AnyRbm {
    params::cast(rbm, FloatDType::F64)
}

fn doubles(x: &Tensor<2>) -> Tensor<2> {
    Tensor::from_data(x.to_data().convert::<f64>(), (&Device::flex(), DType::F64))
}

/// The same values on another device, in single precision.
fn on(device: &Device, x: &Tensor<2>) -> Tensor<2> {
    Tensor::from_data(x.to_data().convert::<f32>(), (device, DType::F32))
}

/// Visible states of the model's kind, in f64.
fn examples(rbm: &AnyRbm) -> Tensor<2> {
    let mut noise = Noise::new(0, "examples");
    let input = noise.normal([BATCH, SIZES[0]], (&Device::flex(), DType::F64));
    Units::sample(&rbm.visible, input, &mut noise)
}

#[test]
fn products() {
    let factor = |stream, shape: [usize; 2]| Noise::new(0, stream).normal(shape, &Device::flex());
    let (a, b) = (factor("a", [100, 784]), factor("b", [784, 500]));
    let expected = to_host(doubles(&a).matmul(doubles(&b)));
    for (name, device) in devices() {
        let found = to_host(on(&device, &a).matmul(on(&device, &b)));
        assert_close(&found, &expected, 2e-4, name);
    }
}

#[test]
fn free_energies() {
    for (name, device) in devices() {
        for kinds in pairs() {
            let reference = in_double(rbm_of(kinds, SIZES, 1, &Device::flex()));
            let x = examples(&reference);
            let expected = to_host(reference.free_energy(x.clone()));
            let found = to_host(rbm_of(kinds, SIZES, 1, &device).free_energy(on(&device, &x)));
            let scale = expected.iter().fold(1.0, |scale: f64, energy| scale.max(energy.abs()));
            assert_close(&found, &expected, 2e-6 * scale, &format!("{}-{} on {name}", kinds.0, kinds.1));
        }
    }
}

#[test]
fn gradients_by_autodiff() {
    for (name, device) in devices() {
        for kinds in pairs() {
            let gradient = |rbm: AnyRbm, x: Tensor<2>| {
                let rbm = rbm.train();
                let half = |start| Tensor::from_inner(x.clone().narrow(0, start, BATCH / 2));
                let mut gradients = rbm.free_energy_difference(half(0), half(BATCH / 2)).backward();
                let gradients = GradientsParams::from_module(&mut gradients, &rbm);
                to_host(gradients.get::<2>(rbm.weight.id).unwrap())
            };
            let reference = in_double(rbm_of(kinds, SIZES, 1, &Device::flex()));
            let x = examples(&reference);
            let expected = gradient(reference, x.clone());
            let found = gradient(rbm_of(kinds, SIZES, 1, &device), on(&device, &x));
            let scale = expected.iter().fold(1.0, |scale: f64, g| scale.max(g.abs()));
            assert_close(&found, &expected, 1e-5 * scale, &format!("{}-{} on {name}", kinds.0, kinds.1));
        }
    }
}

/// Each sweep starts from the same states, so that a tie in one is not carried into the next.
#[test]
fn chains_take_the_same_steps_up_to_ties() {
    const SWEEPS: usize = 20;
    for (name, device) in devices() {
        for kinds in pairs() {
            let reference = in_double(rbm_of(kinds, SIZES, 1, &Device::flex()));
            let rbm = rbm_of(kinds, SIZES, 1, &device);
            let mut x = examples(&reference);
            let (mut noise, mut same) = (Noise::new(0, "chains"), Noise::new(0, "chains"));
            let mut moved = Vec::new();
            for _ in 0..SWEEPS {
                let found = to_host(rbm.gibbs_step(on(&device, &x), &mut same));
                x = reference.gibbs_step(x, &mut noise);
                moved.extend(
                    to_host(x.clone()).iter().zip(found).map(|(expected, found)| (expected - found).abs()),
                );
            }
            assert_eq!(noise, same);
            let differing = moved.iter().filter(|moved| moved.is_nan() || **moved > 1e-3).count();
            // A bit flips in about one of 10^7 draws, and then the other layer answers to it: a few values of a row.
            let what = format!("{}-{} on {name}", kinds.0, kinds.1);
            assert!(differing <= SIZES[0], "{what}: {differing} of {} values differ", moved.len());
        }
    }
}

/// Weights after 20 steps of PCD on each device agree with those in f64.
#[test]
fn the_first_steps_of_training_agree() {
    let train = |mut rbm: AnyRbm, x: Tensor<2>, chains| {
        let config = ContrastiveConfig::new().with_chains(chains).with_n_chains(BATCH).with_centered(true);
        let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
        let (mut optimizer, mut noise) = (SgdConfig::new().init(), Noise::new(0, "chains"));
        for _ in 0..20 {
            let output = objective.gradients(&rbm, x.clone(), &mut noise);
            rbm = optimizer.step(0.1, rbm.clone().train(), output.0).valid();
        }
        to_host(rbm.weight.val())
    };
    for (name, device) in devices() {
        for chains in [Chains::Data, Chains::Persistent, Chains::Tempered] {
            let reference = in_double(rbm_of(BINARY, SIZES, 1, &Device::flex()));
            let (start, x) = (to_host(reference.weight.val()), examples(&reference));
            let expected = train(reference, x.clone(), chains);
            let found = train(rbm_of(BINARY, SIZES, 1, &device), on(&device, &x), chains);
            assert_close(&found, &expected, 1e-4, &format!("{chains:?} on {name}"));
            let moved = start.iter().zip(&expected).any(|(before, after)| (before - after).abs() > 1e-2);
            assert!(moved, "{chains:?}: nothing was learned");
        }
    }
}

#[test]
fn annealed_importance_sampling_finds_the_exact_value() {
    let exact = exact::log_z(&rbm_of(BINARY, [24, 10], 1, &Device::flex())).unwrap().value;
    for (name, device) in devices() {
        let rbm = rbm_of(BINARY, [24, 10], 1, &device);
        assert_close(&[exact::log_z(&rbm).unwrap().value], &[exact], 1e-4, &format!("exact on {name}"));
        let ais = AnnealedImportance::new(&rbm, rbm.visible.neutral(), AisSchedule::linear(200));
        let estimate = ais.forward(100, &mut Noise::new(0, "annealing"));
        assert!(estimate.std_err < 0.1, "{estimate} on {name}");
        assert_close(&[estimate.value], &[exact], 5.0 * estimate.std_err, name);
    }
}

#[test]
fn weights_go_from_device_to_device() {
    let devices = devices();
    for (name, device) in &devices {
        let rbm = rbm_of(BINARY, SIZES, 1, device);
        let bytes = weights::to_bytes(&rbm).unwrap();
        for (other_name, other) in &devices {
            let loaded = weights::from_bytes(rbm_of(BINARY, SIZES, 2, other), &bytes).unwrap();
            assert_eq!(loaded.weight.val().device(), rbm_of(BINARY, SIZES, 2, other).weight.val().device());
            let values = |rbm: &AnyRbm| to_host(rbm.weight.val());
            assert!(values(&loaded) == values(&rbm), "from {name} to {other_name}");
        }
    }
}
