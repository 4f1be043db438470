use burn::tensor::{DType, Device, TensorData};

use super::*;
use crate::Noise;

const SPLINE: Spline = Spline { bins: 8, bound: 3.0, least: 0.01, max_log_slope: 3.0 };

fn normal(shape: [usize; 2], stream: &str, options: (&Device, DType)) -> Tensor<2> {
    let values: Vec<f64> =
        Noise::new(0, stream).normal_vec(shape[0] * shape[1]).into_iter().map(f64::from).collect();
    Tensor::from_data(TensorData::new(values, shape), options)
}

fn doubles(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

#[test]
fn the_inverse_leads_back() {
    let device = Device::flex();
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
        let (x, parameters) =
            (normal([50, 7], "x", (&device, dtype)) * 1.5, normal([50, 161], "parameters", (&device, dtype)));
        let there = spline(x.clone(), parameters.clone(), SPLINE).unwrap();
        let back = spline_inverse(there.clone().narrow(1, 0, 7), parameters, SPLINE).unwrap();
        let (there, back, x) = (doubles(there), doubles(back), doubles(x));
        for (i, x) in x.into_iter().enumerate() {
            let (row, column) = (i / 7, i % 7);
            // A slope is at least about 1/100, by which an error of z grows on the way back.
            assert!((back[row * 8 + column] - x).abs() < 50.0 * tolerance, "{x}");
            assert!((back[row * 8 + 7] + there[row * 8 + 7]).abs() < 1e3 * tolerance);
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let device = Device::flex().autodiff();
    let options = (&device, DType::F32);
    let x = normal([300, 3], "x", options).require_grad();
    let parameters = normal([300, 69], "parameters", options).require_grad();
    let on = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let both = spline(x.clone(), parameters.clone(), SPLINE).unwrap();
            let grads = (both.clone() * both.clone()).sum().backward();
            [both, x.grad(&grads).unwrap(), parameters.grad(&grads).unwrap()].map(doubles)
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn empty_batches_and_narrow_types() {
    let device = Device::flex();
    let empty = |dtype| {
        spline(Tensor::zeros([0, 2], (&device, dtype)), Tensor::zeros([0, 46], (&device, dtype)), SPLINE)
    };
    assert_eq!(empty(DType::F32).unwrap().dims(), [0, 3]);
    assert!(empty(DType::F16).is_none());
}

#[test]
#[should_panic(expected = "shape of the parameters of x [2, 3]")]
fn parameters_of_another_width_panic() {
    let device = Device::flex();
    let _ = spline(Tensor::zeros([2, 3], &device), Tensor::zeros([2, 10], &device), SPLINE);
}
