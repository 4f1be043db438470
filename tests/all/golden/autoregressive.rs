//! Small MADEs and NADEs with given weights, computed by another program from the papers.

use burn::{
    module::Param,
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_autoregressive::{Autoregressive, MadeConfig, NadeConfig, OrderConfig};
use gibbs_backend::Noise;
use gibbs_core::{math::to_host, nn::Affine, params};
use serde_json::Value;

use super::{numbers, read};
use crate::support::assert_close;

/// The models of the file.
pub(crate) fn cases() -> Vec<Value> {
    let file = read("autoregressive.json");
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    cases.clone()
}

/// Number of variables of a case.
pub(crate) fn width(case: &Value) -> usize {
    numbers(&case["model"]["order"]).len()
}

fn whole_numbers(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|number| number as usize).collect()
}

/// A parameter of a case, in double precision.
fn tensor<const D: usize>(case: &Value, name: &str, shape: [usize; D]) -> Param<Tensor<D>> {
    let data = TensorData::new(numbers(&case["tensors"][name]), shape);
    Param::from_tensor(Tensor::from_data(data, (&Device::flex(), DType::F64)))
}

fn set(layers: &mut [Affine], case: &Value) {
    for (l, layer) in layers.iter_mut().enumerate() {
        layer.weight = tensor(case, &format!("layers.{l}.weight"), layer.weight.dims());
        layer.bias = tensor(case, &format!("layers.{l}.bias"), layer.bias.dims());
    }
}

/// The model of a case, in double precision.
fn model(case: &Value) -> Box<dyn Autoregressive> {
    let settings = &case["model"];
    let order = OrderConfig::List(whole_numbers(&settings["order"]));
    let n_hidden = whole_numbers(&settings["n_hidden"]);
    let (device, noise) = (Device::flex(), &mut Noise::new(0, "init"));
    if settings["kind"] == "nade" {
        let nade = NadeConfig::new(width(case), n_hidden[0]).with_order(order).init(&device, noise).unwrap();
        let mut nade = params::cast(nade, FloatDType::F64);
        set(&mut nade.layers, case);
        return Box::new(nade);
    }
    let is_direct = settings["direct"].as_bool().unwrap();
    let config = MadeConfig::new(width(case), n_hidden.into()).with_order(order).with_direct(is_direct);
    let mut made = params::cast(config.init(&device, noise).unwrap(), FloatDType::F64);
    set(&mut made.layers, case);
    made.direct = made.direct.map(|direct| tensor(case, "direct", direct.dims()));
    Box::new(made)
}

/// All states, the first variable fastest, `[2ᴰ, D]` row by row.
pub(crate) fn states(width: usize) -> Vec<u8> {
    (0..1usize << width).flat_map(|k| (0..width).map(move |d| (k >> d & 1) as u8)).collect()
}

#[test]
fn log_probabilities_of_all_states() {
    for case in cases() {
        let model = model(&case);
        let x: Vec<f64> = states(width(&case)).into_iter().map(f64::from).collect();
        let n = x.len() / width(&case);
        let x = Tensor::from_data(TensorData::new(x, [n, width(&case)]), (&Device::flex(), DType::F64));
        let found = to_host(model.log_prob_given(x, None));
        assert_close(&found, &numbers(&case["log_prob"]), 1e-12, &case["model"].to_string());
    }
}
