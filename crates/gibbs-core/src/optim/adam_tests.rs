use burn::module::{Module, Param};
use burn::optim::{GradientsParams, ModuleOptimizer, decay::WeightDecayConfig};
use burn::tensor::{DType, TensorData};
use gibbs_backend::Noise;

use super::*;
use crate::math::to_host;

/// A matrix of odd shape and a vector.
#[derive(Module, Debug)]
struct Pair {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

/// Normal random numbers as f32 or f64.
fn normal<const D: usize>(shape: [usize; D], noise: &mut Noise, dtype: DType, device: &Device) -> Tensor<D> {
    let values: Vec<f64> = noise.normal_vec(shape.iter().product()).into_iter().map(f64::from).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

fn pair(dtype: DType) -> Pair {
    let (noise, device) = (&mut Noise::new(1, "pair"), &Device::flex().autodiff());
    let weight = Param::from_tensor(normal([13, 7], noise, dtype, device).require_grad());
    Pair { weight, bias: Param::from_tensor(normal([5], noise, dtype, device).require_grad()) }
}

/// The gradients of step `t`, of sizes from 1e-3 to 1e3.
fn gradients(pair: &Pair, t: u64, dtype: DType) -> GradientsParams {
    let noise = &mut Noise::new(t, "gradients");
    let mut gradients = GradientsParams::new();
    let scale = 10f64.powf((t % 7) as f64 - 3.0);
    gradients.register(pair.weight.id, normal([13, 7], noise, dtype, &Device::flex()) * scale);
    gradients.register(pair.bias.id, normal([5], noise, dtype, &Device::flex()) * scale);
    gradients
}

fn train(mut optimizer: ModuleOptimizer, dtype: DType, steps: u64) -> Vec<f64> {
    let mut pair = pair(dtype);
    for t in 0..steps {
        let gradients = gradients(&pair, t, dtype);
        pair = optimizer.step(0.01, pair, gradients);
    }
    values(&pair)
}

fn values(pair: &Pair) -> Vec<f64> {
    [to_host(pair.weight.val()), to_host(pair.bias.val())].concat()
}

#[track_caller]
fn assert_close(have: Vec<f64>, want: Vec<f64>, tolerance: f64) {
    for (i, (have, want)) in have.into_iter().zip(want).enumerate() {
        assert!((have - want).abs() <= tolerance, "{have} for {want} at {i}");
    }
}

/// Constants that f32 represents exactly, because Burn stores them as f32.
fn config() -> AdamConfig {
    AdamConfig::new().with_beta_1(0.875).with_beta_2(0.984375).with_epsilon(2f64.powi(-20))
}

/// Burn computes `1 - β₂^t` in f32, with a relative error of up to `2^-24/(1 - β₂) = 4e-6`. 50 steps move a parameter by at most
/// 0.5.
const TOLERANCE: f64 = 5e-6;

#[test]
fn it_is_burns_adam() {
    let theirs = burn::optim::AdamConfig::new()
        .with_beta_1(0.875)
        .with_beta_2(0.984375)
        .with_epsilon(2f32.powi(-20))
        .init();
    for dtype in [DType::F32, DType::F64] {
        let ours = train(config().init().unwrap().into(), dtype, 50);
        assert_close(ours, train(theirs.clone(), dtype, 50), TOLERANCE);
    }
}

#[test]
fn with_weight_decay_it_is_burns_adamw() {
    let theirs = burn::optim::AdamWConfig::new()
        .with_beta_1(0.875)
        .with_beta_2(0.984375)
        .with_epsilon(2f32.powi(-20))
        .with_weight_decay(0.5)
        .init();
    for dtype in [DType::F32, DType::F64] {
        let ours = train(config().with_weight_decay(0.5).init().unwrap().into(), dtype, 50);
        assert_close(ours.clone(), train(theirs.clone(), dtype, 50), TOLERANCE);
        let coupled = burn::optim::AdamConfig::new().with_weight_decay(Some(WeightDecayConfig::new(0.5)));
        let other = train(coupled.init(), dtype, 50);
        assert!(ours.iter().zip(other).any(|(a, b)| (a - b).abs() > 0.01), "the decay is coupled");
    }
}

/// Algorithm 1 as the paper prints it.
#[test]
fn it_is_the_paper_in_double_precision() {
    let (adam, device) = (AdamConfig::new().init().unwrap(), Device::flex());
    let options = (&device, DType::F64);
    let (mut theta, mut m, mut v) = ([0.5_f64, -2.0, 1e-3], [0.0; 3], [0.0; 3]);
    let mut tensor = Tensor::<1>::from_data(theta, options);
    let mut state = None;
    for t in 1..=200_i32 {
        let gradient = [f64::from(t).sin(), 1e-6 * f64::from(t).cos(), 1e3];
        (tensor, state) = adam.step(0.001, tensor, Tensor::from_data(gradient, options), state);
        for i in 0..3 {
            m[i] = 0.9 * m[i] + 0.1 * gradient[i];
            v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
            let (m_hat, v_hat) = (m[i] / (1.0 - 0.9_f64.powi(t)), v[i] / (1.0 - 0.999_f64.powi(t)));
            theta[i] -= 0.001 * m_hat / (v_hat.sqrt() + 1e-8);
        }
    }
    // 1 - 0.999^t loses up to three digits of 1e-16; a step is 0.001.
    assert_close(to_host(tensor), theta.to_vec(), 1e-13);
}

#[test]
fn a_loaded_state_continues_bit_by_bit() {
    for dtype in [DType::F32, DType::F64] {
        let fresh = || ModuleOptimizer::from(AdamConfig::new().with_weight_decay(0.1).init().unwrap());
        let (mut optimizer, mut pair) = (fresh(), pair(dtype));
        for t in 0..5 {
            let gradients = gradients(&pair, t, dtype);
            pair = optimizer.step(0.01, pair, gradients);
        }
        let mut loaded = fresh().load_record(optimizer.to_record());
        let mut copy = pair.clone();
        for t in 5..9 {
            let (ours, theirs) = (gradients(&pair, t, dtype), gradients(&copy, t, dtype));
            pair = optimizer.step(0.01, pair, ours);
            copy = loaded.step(0.01, copy, theirs);
        }
        assert_eq!(values(&pair), values(&copy));
        let forgotten = fresh().step(0.01, pair.clone(), gradients(&pair, 9, dtype));
        let kept = optimizer.step(0.01, pair.clone(), gradients(&pair, 9, dtype));
        assert_ne!(values(&forgotten), values(&kept));
    }
}

#[test]
fn fields_out_of_range_are_named() {
    let message = |config: AdamConfig| config.init().unwrap_err().to_string();
    assert_eq!(message(AdamConfig::new().with_beta_1(1.0)), "beta_1 = 1: must lie in [0, 1)");
    assert_eq!(message(AdamConfig::new().with_beta_2(-0.1)), "beta_2 = -0.1: must lie in [0, 1)");
    assert!(message(AdamConfig::new().with_epsilon(0.0)).contains("epsilon = 0: must be positive"));
    assert!(message(AdamConfig::new().with_weight_decay(f64::NAN)).contains("weight_decay = NaN"));
}
