//! Small flows with given weights, computed by another program from the papers.

use burn::{
    module::Param,
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_core::{Bijection, LogProb, math::to_host, nn::Affine, params::cast};
use gibbs_flow::{AnyConditioner, Flow, FlowConfig, Layer};
use serde_json::Value;

use super::{numbers, read};
use crate::support::assert_close;

fn tensor<const D: usize>(values: &Value, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(values), shape), (&Device::flex(), DType::F64))
}

/// The flow of a case, in double precision.
fn flow(case: &Value) -> Flow {
    let config: FlowConfig = serde_json::from_value(case["config"].clone()).unwrap();
    let mut flow = cast(config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap(), FloatDType::F64);
    for (index, layer) in flow.layers.iter_mut().enumerate() {
        let values = |name: &str| &case["tensors"][format!("layers.{index}.{name}")];
        let network = |layers: &mut [Affine], prefix: &str| {
            for (l, layer) in layers.iter_mut().enumerate() {
                let [weight, bias] =
                    ["weight", "bias"].map(|name| values(&format!("{prefix}.layers.{l}.{name}")));
                layer.weight = Param::from_tensor(tensor(weight, layer.weight.dims()));
                layer.bias = Param::from_tensor(tensor(bias, layer.bias.dims()));
            }
        };
        match layer {
            Layer::Coupling(layer) => match &mut layer.conditioner {
                AnyConditioner::Mlp(mlp) => network(&mut mlp.layers, "conditioner"),
                other => panic!("no case has {other:?}"),
            },
            Layer::Autoregressive(layer) => network(&mut layer.network.layers, "network"),
            Layer::Elementwise(layer) => {
                layer.parameters = Param::from_tensor(tensor(values("parameters"), layer.parameters.dims()));
            }
            Layer::Linear(layer) => {
                layer.weight = Param::from_tensor(tensor(values("weight"), layer.weight.dims()));
                layer.log_scale = Param::from_tensor(tensor(values("log_scale"), layer.log_scale.dims()));
            }
            Layer::Permutation(_) => {}
            other => panic!("no case has {other:?}"),
        }
    }
    flow
}

#[test]
fn images_and_densities_of_points() {
    let file = read("flows.json");
    for case in file["cases"].as_array().unwrap() {
        let flow = flow(case);
        let shape = [case["x"].as_array().unwrap().len(), flow.n_variables()];
        let x = tensor(&case["x"], shape);
        let tolerance = case["tolerance"].as_f64().unwrap();
        let (z, ladj) = flow.forward(x.clone(), None);
        let found =
            [("z", to_host(z)), ("ladj", to_host(ladj)), ("log_prob", to_host(flow.log_prob(x.clone())))];
        for (name, found) in found {
            assert_close(&found, &numbers(&case[name]), tolerance, name);
        }
        let back = flow.inverse(tensor(&case["z"], shape), None).0;
        assert_close(&to_host(back), &numbers(&case["x"]), tolerance, "x");
    }
}
