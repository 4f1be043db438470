//! Small RBMs of binary units, enumerated by another program.

use burn::{module::Param, prelude::*, tensor::DType};
use gibbs_boltzmann::{
    Rbm, exact,
    units::{Binary, EnumerableUnits, Units},
};
use gibbs_core::math::to_host;
use serde_json::Value;

use super::{numbers, read};
use crate::support::assert_close;

/// An RBM of the file with what was computed from it.
struct Case {
    name: String,
    rbm: Rbm<Binary, Binary>,
    batch: Tensor<2>,
    expected: Value,
}

fn tensor<const D: usize>(values: &Value, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(values), shape), (&Device::flex(), DType::F64))
}

fn cases() -> Vec<Case> {
    let file = read("rbm_small.json");
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    let case = |json: &Value| {
        let [visible, hidden] = ["visible", "hidden"].map(|side| json[side].as_u64().unwrap() as usize);
        let units = |bias, width| Binary { bias: Param::from_tensor(tensor(bias, [width])) };
        Case {
            name: format!("{visible}x{hidden}"),
            rbm: Rbm {
                weight: Param::from_tensor(tensor(&json["weight"], [visible, hidden])),
                visible: units(&json["visible_bias"], visible),
                hidden: units(&json["hidden_bias"], hidden),
            },
            batch: tensor(&json["batch"], [json["batch"].as_array().unwrap().len(), visible]),
            expected: json.clone(),
        }
    };
    cases.iter().map(case).collect()
}

fn expected(case: &Case, key: &str) -> Vec<f64> {
    numbers(&case.expected[key])
}

#[test]
fn log_partition_functions() {
    for case in cases() {
        let log_z = exact::log_z(&case.rbm).unwrap();
        assert_close(&[log_z.value], &expected(&case, "ln_z"), 1e-12, &case.name);
    }
}

#[test]
fn free_energies() {
    for case in cases() {
        let found = to_host(case.rbm.free_energy(case.batch.clone()));
        assert_close(&found, &expected(&case, "free_energy"), 1e-12, &case.name);
    }
}

#[test]
fn mean_log_probabilities() {
    for case in cases() {
        let free_energy = to_host(case.rbm.free_energy(case.batch.clone()).mean())[0];
        let log_prob = -free_energy - exact::log_z(&case.rbm).unwrap().value;
        assert_close(&[log_prob], &expected(&case, "mean_log_prob"), 1e-12, &case.name);
    }
}

/// All visible states with their probabilities as a column.
fn distribution(rbm: &Rbm<Binary, Binary>) -> (Tensor<2>, Tensor<2>) {
    let probs = exact::visible_distribution(rbm).unwrap();
    let n = probs.len();
    let column = Tensor::from_data(TensorData::new(probs, [n, 1]), (&Device::flex(), DType::F64));
    (rbm.visible.states(0, n), column)
}

#[test]
fn visible_marginals() {
    for case in cases() {
        let (states, probs) = distribution(&case.rbm);
        let found = to_host((states * probs).sum_dim(0));
        assert_close(&found, &expected(&case, "visible_marginals"), 1e-12, &case.name);
    }
}

/// `<v h>` over the data minus `<v h>` over the model's own distribution.
#[test]
fn gradients_of_the_log_likelihood() {
    for case in cases() {
        let correlation = |v: Tensor<2>, probs: Tensor<2>| {
            let hidden = case.rbm.hidden_mean(v.clone());
            (v * probs).transpose().matmul(hidden)
        };
        let n = case.batch.dims()[0];
        let equal = Tensor::ones([n, 1], (&Device::flex(), DType::F64)) / n as f64;
        let (states, probs) = distribution(&case.rbm);
        let found = to_host(correlation(case.batch.clone(), equal) - correlation(states, probs));
        assert_close(&found, &expected(&case, "log_likelihood_gradient_weight"), 1e-12, &case.name);
    }
}
