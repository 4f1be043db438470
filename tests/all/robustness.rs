//! Misuse of the libraries, and numbers at the edge.

use burn::{module::Param, prelude::*};
use gibbs_autoregressive::{Autoregressive, OutputDistribution};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    Clamp, ContrastiveConfig, GibbsChain, Rbm, RbmConfig,
    ais::{AisSchedule, AnnealedImportance},
    exact,
    units::{UnitFamily, UnitKind, Units},
};
use gibbs_core::math::to_host;
use gibbs_data::{Binarization, DataError, Dataset, Splits};
use gibbs_train::weights;
use safetensors::tensor::{Dtype, TensorView};

use crate::support::{
    assert_close,
    boltzmann::{AnyRbm, pairs, rbm_of},
    density::{context, examples, made, mades, nade, nades, pixel_cnn, pixel_cnns},
};

const BINARY: (UnitKind, UnitKind) = (UnitKind::Binary, UnitKind::Binary);

fn small() -> AnyRbm {
    rbm_of(BINARY, [6, 4], 0, &Device::flex())
}

fn zeros(shape: [usize; 2]) -> Tensor<2> {
    Tensor::zeros(shape, &Device::flex())
}

/// Whether `work` panics, as it is documented to.
fn panics(work: impl FnOnce()) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err()
}

/// The message with which `work` panics.
fn message_of(work: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).expect_err("a panic");
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn states_of_another_width_are_a_panic_for_every_pair_of_units() {
    for kinds in pairs() {
        let rbm = rbm_of(kinds, [6, 4], 0, &Device::flex());
        let mut noise = Noise::new(0, "noise");
        for width in [5, 7] {
            let x = || zeros([3, width]);
            let what = format!("{}-{}, width {width}", kinds.0, kinds.1);
            assert!(panics(|| drop(to_host(rbm.free_energy(x())))), "free_energy, {what}");
            assert!(panics(|| drop(to_host(rbm.hidden_input(x())))), "hidden_input, {what}");
            assert!(panics(|| drop(to_host(rbm.visible_input(x())))), "visible_input, {what}");
            assert!(panics(|| drop(to_host(rbm.gibbs_step(x(), &mut noise)))), "gibbs_step, {what}");
        }
    }
}

#[test]
#[should_panic]
fn a_batch_of_another_width_is_a_panic() {
    let rbm = small();
    let mut objective = ContrastiveConfig::new().init(&rbm, rbm.visible.neutral()).unwrap();
    let output = objective.gradients(&rbm, zeros([3, 5]), &mut Noise::new(0, "chains"));
    to_host(output.0.get::<2>(rbm.weight.id).unwrap());
}

#[test]
#[should_panic]
fn known_pixels_of_another_width_are_a_panic() {
    let rbm = small();
    let chain = GibbsChain::clamped(&rbm, Clamp { known: zeros([2, 5]), values: zeros([2, 5]) });
    to_host(chain.init(2, &mut Noise::new(0, "chains")));
}

#[test]
fn a_nan_stays_a_nan_and_in_its_row() {
    let rbm = small();
    let x = Tensor::from_data(
        [[0.0, 1.0, 0.0, f32::NAN, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]],
        &Device::flex(),
    );
    let found = to_host(rbm.reconstruction_error(x.clone()));
    assert!(found[0].is_nan() && found[1].is_finite(), "{found:?}");
    assert!(panics(|| drop(rbm.free_energy(x))));
}

#[test]
fn an_rbm_with_a_nan_has_no_plausible_partition_function() {
    let mut rbm = small();
    let damaged = rbm.weight.val().slice_fill([2..3, 1..2], f32::NAN);
    rbm.weight = Param::from_tensor(damaged);
    assert!(exact::log_z(&rbm).unwrap().value.is_nan());
    let ais = AnnealedImportance::new(&rbm, rbm.visible.neutral(), AisSchedule::linear(3));
    let estimate = ais.forward(10, &mut Noise::new(0, "annealing"));
    assert!(estimate.value.is_nan(), "{estimate}");
}

/// With `a`, `b`, `w` of the only units: `Z = 1 + e^a + e^b + e^(a + b + w)`.
#[test]
fn an_rbm_of_two_units_is_the_sum_of_four_terms() {
    let device = Device::flex();
    for (a, b, w) in
        [(0.3f32, -0.7f32, 1.1f32), (-20.0, 3.0, 30.0), (4000.0, -9000.0, 6000.0), (-1e4, -1e4, 1e3)]
    {
        let mut rbm = RbmConfig::new(1, 1).init(&device, &mut Noise::new(0, "init")).unwrap();
        rbm.weight = Param::from_tensor(Tensor::from_data([[w]], &device));
        let bias = |value: f32| gibbs_boltzmann::units::Binary {
            bias: Param::from_tensor(Tensor::from_data([value], &device)),
        };
        let rbm = Rbm { weight: rbm.weight, visible: bias(a), hidden: bias(b) };
        let (a, b, w) = (f64::from(a), f64::from(b), f64::from(w));
        let expected = gibbs_core::math::log_sum_exp(&[0.0, a, b, a + b + w]);
        let scale = 1.0 + expected.abs();
        assert_close(&[exact::log_z(&rbm).unwrap().value / scale], &[expected / scale], 1e-14, "log Z");
        let free_energy = to_host(rbm.free_energy(Tensor::from_data([[0.0], [1.0]], &device)));
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        let expected = [-softplus(b), -a - softplus(b + w)];
        for (found, expected) in free_energy.into_iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} {expected}");
        }
    }
}

#[test]
fn chains_of_a_saturated_rbm_stay_states() {
    let mut rbm = small();
    rbm.weight = Param::from_tensor(rbm.weight.val() * 1e30);
    let mut noise = Noise::new(0, "chains");
    let chain = GibbsChain::new(&rbm);
    let v = chain.init(50, &mut noise);
    let v = to_host(chain.run(v, 5, &mut noise));
    assert!(v.iter().all(|&x| x == 0.0 || x == 1.0));
}

/// Weights that other programs wrote in f64 or f16 are read into an RBM of f32.
#[test]
fn weights_in_other_precisions_are_read() {
    let rbm = small();
    let halves = [0x3C00u16, 0xC000, 0x3800, 0x0000]; // 1, -2, 0.5, 0
    let tensors: [(&str, Vec<usize>, Dtype, Vec<u8>); 3] = [
        ("weight", vec![6, 4], Dtype::F64, (0..24).flat_map(|k| f64::from(k).to_le_bytes()).collect()),
        ("visible.bias", vec![6], Dtype::F32, (0..6).flat_map(|k| (k as f32).to_le_bytes()).collect()),
        ("hidden.bias", vec![4], Dtype::F16, halves.iter().flat_map(|half| half.to_le_bytes()).collect()),
    ];
    let views = tensors
        .iter()
        .map(|(name, shape, dtype, bytes)| (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    let loaded = weights::from_bytes(rbm, &safetensors::serialize(views, None).unwrap()).unwrap();
    assert_eq!(to_host(loaded.weight.val()), (0..24).map(f64::from).collect::<Vec<_>>());
    assert_eq!(to_host(loaded.hidden.parameters()[0].val()), [1.0, -2.0, 0.5, 0.0]);
    assert_eq!(loaded.weight.val().dtype(), burn::tensor::DType::F32);
}

#[test]
fn a_split_is_checked_through_every_view_of_it() {
    let values: Vec<f32> = (0..60).map(|k| if k == 59 { 3.0 } else { 0.5 }).collect();
    let splits = Splits::by_tenths(&Dataset::from_f32("sixty", values, &[2], None).unwrap()).unwrap();
    assert!(splits.train.require_unit_interval().is_ok());
    let error = splits.test.require_unit_interval().unwrap_err();
    assert!(matches!(error, DataError::OutsideUnit { row: 2 | 29, value, .. } if value == 3.0), "{error}");
    let error = splits.binarized(Binarization::Stochastic, 0).unwrap_err();
    assert!(matches!(error, DataError::OutsideUnit { .. }), "{error}");
}

/// Every masked autoencoder, NADE and PixelCNN.
fn densities() -> Vec<(&'static str, Box<dyn Autoregressive>)> {
    let device = Device::flex();
    let mades = mades()
        .into_iter()
        .map(|(name, config)| (name, Box::new(made(&config, 0, &device)) as Box<dyn Autoregressive>));
    let nades = nades()
        .into_iter()
        .map(|(name, config)| (name, Box::new(nade(&config, 0, &device)) as Box<dyn Autoregressive>));
    let pixel_cnns = pixel_cnns()
        .into_iter()
        .map(|(name, config)| (name, Box::new(pixel_cnn(&config, 0, &device)) as Box<dyn Autoregressive>));
    mades.chain(nades).chain(pixel_cnns).collect()
}

#[test]
fn examples_and_contexts_of_another_width_are_a_panic() {
    for (name, model) in densities() {
        let model = &*model;
        let noise = || Noise::new(0, "noise");
        let (x, own) = (examples(model, 3, &mut noise()), context(model, 3));
        let wrong = || Some(zeros([3, model.n_context() + 1]));
        let narrow = x.clone().narrow(1, 0, model.n_visible() - 1);
        let message = message_of(|| drop(to_host(model.log_prob_given(narrow, own.as_ref()))));
        let expected = format!("{} has {} variables", model.name(), model.n_visible());
        assert!(message.starts_with(&expected), "{name}: {message}");
        assert!(
            panics(|| drop(to_host(model.log_prob_given(x.clone(), wrong().as_ref())))),
            "{name}: context"
        );
        assert!(
            panics(|| drop(to_host(model.sample_given(3, wrong().as_ref(), &mut noise())))),
            "{name}: context of draws"
        );
        if model.n_context() > 0 {
            assert!(panics(|| drop(to_host(model.log_prob_given(x, None)))), "{name}: no context");
        }
    }
}

#[test]
fn a_variable_that_is_no_number_stays_in_its_example() {
    for (name, model) in densities() {
        for variable in 0..model.n_visible() {
            if let OutputDistribution::Categorical { .. } = model.output().of(variable) {
                continue;
            }
            let x = examples(&*model, 2, &mut Noise::new(0, "examples"));
            let x = x.slice_fill([0..1, variable..variable + 1], f32::NAN);
            let found = to_host(model.log_prob_in(0, x, context(&*model, 2).as_ref()));
            assert!(found[0].is_nan() && found[1].is_finite(), "{name}, variable {variable}: {found:?}");
        }
    }
}

/// A likelihood of values that a model does not have would be a plausible number.
#[test]
fn values_that_a_model_does_not_have_are_refused_by_name() {
    for (name, model) in densities() {
        let bad: &[f32] = match model.output().of(1) {
            OutputDistribution::GaussianMixture { .. } => &[f32::INFINITY, f32::NAN],
            _ => &[7.0, -1.0, 255.0, 0.5, f32::NAN],
        };
        for value in bad {
            let x = examples(&*model, 3, &mut Noise::new(0, "examples"));
            let x = x.slice_fill([2..3, 1..2], *value);
            let message = message_of(|| drop(model.log_prob_given(x, context(&*model, 3).as_ref())));
            let place = format!("variable 1 of example 2 is {value}");
            assert!(message.starts_with(model.name()) && message.ends_with(&place), "{name}: {message}");
        }
    }
}
