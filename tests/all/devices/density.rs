//! Masked autoencoders, NADEs and PixelCNNs on every device, against the same model in f64 on `flex`.

use burn::{
    module::Module,
    optim::{GradientsParams, SgdConfig},
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_autoregressive::{Autoregressive, OutputDistribution};
use gibbs_backend::Noise;
use gibbs_core::{
    math::to_host,
    params::{cast, optimizer_step},
};

use super::devices;
use crate::support::{
    assert_close,
    density::{context, examples, made, mades, nade, nades, pixel_cnn, pixel_cnns},
    parameters::{by_parameter, values},
};

const BATCH: usize = 50;

/// The same values on another device and in another precision.
fn on(place: (&Device, DType), x: Tensor<2>) -> Tensor<2> {
    let data = x.into_data();
    let data = if place.1 == DType::F64 { data.convert::<f64>() } else { data.convert::<f32>() };
    Tensor::from_data(data, place)
}

/// A quantity of a model, for a batch and its context.
trait Quantity {
    fn of<M: Module + Autoregressive>(&self, model: M, x: Tensor<2>, context: Option<Tensor<2>>) -> Vec<f64>;
}

/// Compares a quantity of every model on every device with double precision, relative to its largest value.
fn agrees(quantity: &impl Quantity, tolerance: f64) {
    for (name, device) in devices() {
        for (kind, config) in mades() {
            agrees_for(
                |device| made(&config, 1, device),
                quantity,
                tolerance,
                &device,
                &format!("{kind} on {name}"),
            );
        }
        for (kind, config) in nades() {
            agrees_for(
                |device| nade(&config, 1, device),
                quantity,
                tolerance,
                &device,
                &format!("{kind} on {name}"),
            );
        }
        for (kind, config) in pixel_cnns() {
            agrees_for(
                |device| pixel_cnn(&config, 1, device),
                quantity,
                tolerance,
                &device,
                &format!("{kind} on {name}"),
            );
        }
    }
}

fn agrees_for<M: Module + Autoregressive>(
    model: impl Fn(&Device) -> M,
    quantity: &impl Quantity,
    tolerance: f64,
    device: &Device,
    what: &str,
) {
    let flex = Device::flex();
    let single = model(&flex);
    let x = examples(&single, BATCH, &mut Noise::new(0, "examples"));
    let context = context(&single, BATCH);
    let at = |place: (&Device, DType)| (on(place, x.clone()), context.clone().map(|c| on(place, c)));
    let (x, c) = at((&flex, DType::F64));
    let expected = quantity.of(cast(single.clone(), FloatDType::F64), x, c);
    let (x, c) = at((device, DType::F32));
    let found = quantity.of(model(device), x, c);
    let scale = expected.iter().fold(1.0, |scale: f64, value| scale.max(value.abs()));
    assert_close(&found, &expected, tolerance * scale, what);
}

struct LogProb;

impl Quantity for LogProb {
    fn of<M: Module + Autoregressive>(&self, model: M, x: Tensor<2>, context: Option<Tensor<2>>) -> Vec<f64> {
        to_host(model.log_prob_given(x, context.as_ref()))
    }
}

#[test]
fn log_probabilities() {
    agrees(&LogProb, 5e-6);
}

fn gradients<M: Module + Autoregressive>(
    model: &M,
    x: Tensor<2>,
    context: Option<Tensor<2>>,
) -> GradientsParams {
    let log_prob = model.log_prob_given(Tensor::from_inner(x), context.map(Tensor::from_inner).as_ref());
    GradientsParams::from_grads(log_prob.mean().neg().backward(), model)
}

struct Gradient;

impl Quantity for Gradient {
    fn of<M: Module + Autoregressive>(&self, model: M, x: Tensor<2>, context: Option<Tensor<2>>) -> Vec<f64> {
        let model = model.train();
        let gradients = by_parameter(&model, &gradients(&model, x, context));
        gradients.into_iter().flat_map(|(_, gradient)| gradient.unwrap()).collect()
    }
}

#[test]
fn gradients_by_autodiff() {
    agrees(&Gradient, 1e-5);
}

/// How far all parameters move in 20 steps of gradient descent.
struct Moves;

impl Quantity for Moves {
    fn of<M: Module + Autoregressive>(
        &self,
        mut model: M,
        x: Tensor<2>,
        context: Option<Tensor<2>>,
    ) -> Vec<f64> {
        let all = |model: &M| values(model).into_iter().flat_map(|(_, values)| values).collect::<Vec<_>>();
        let start = all(&model);
        let mut optimizer = SgdConfig::new().init();
        for _ in 0..20 {
            let gradients = gradients(&model.clone().train(), x.clone(), context.clone());
            model = optimizer_step(&mut optimizer, 0.05, model, gradients);
        }
        let moves: Vec<f64> = all(&model).iter().zip(start).map(|(after, before)| after - before).collect();
        assert!(moves.iter().any(|moved| moved.abs() > 1e-2), "nothing was learned");
        moves
    }
}

#[test]
fn the_first_steps_of_training_agree() {
    agrees(&Moves, 1e-4);
}

/// Draws are made on the host; only the weights come from the device.
#[test]
fn draws_are_the_same_on_every_device() {
    fn draw(model: &impl Autoregressive) -> Vec<f64> {
        to_host(model.sample_given(200, context(model, 200).as_ref(), &mut Noise::new(2, "draws")))
    }
    for (name, device) in devices() {
        for (kind, config) in mades() {
            // The exponentials of a scale may differ in their last bit.
            let is_discrete = matches!(
                config.output,
                OutputDistribution::Bernoulli | OutputDistribution::Categorical { .. }
            );
            let tolerance = if is_discrete { 0.0 } else { 1e-5 };
            let [expected, found] = [&Device::flex(), &device].map(|device| draw(&made(&config, 1, device)));
            assert_close(&found, &expected, tolerance, &format!("{kind} on {name}"));
        }
        for (kind, config) in nades() {
            let [expected, found] = [&Device::flex(), &device].map(|device| draw(&nade(&config, 1, device)));
            let is_mixed = matches!(config.output, OutputDistribution::Mixed { .. });
            assert_close(&found, &expected, if is_mixed { 1e-5 } else { 0.0 }, &format!("{kind} on {name}"));
        }
    }
}
