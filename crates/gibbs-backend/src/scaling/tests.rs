use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::{Noise, exp, tanh};

const BOUND: f64 = 1.7;

fn random(shape: [usize; 2], stream: &str, dtype: DType) -> Tensor<2> {
    let values = Noise::new(5, stream).normal_vec(shape[0] * shape[1]);
    let values: Vec<f64> = values.into_iter().map(|x| 2.0 * f64::from(x)).collect();
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex().autodiff(), dtype)).require_grad()
}

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Result and log-scales by Burn's operations, for a run of columns.
fn composition(x: Tensor<2>, parameters: Tensor<2>, first: usize, inverse: bool) -> (Tensor<2>, Tensor<1>) {
    let (width, changed) = (x.dims()[1], parameters.dims()[1] / 2);
    let shift = parameters.clone().narrow(1, 0, changed);
    let log_scale = tanh(parameters.narrow(1, changed, changed) * BOUND.recip()) * BOUND;
    let part = x.clone().narrow(1, first, changed);
    let part = match inverse {
        false => part * exp(log_scale.clone()) + shift,
        true => (part - shift) * exp(log_scale.clone().neg()),
    };
    let last = first + changed;
    let mut all = Vec::new();
    if first > 0 {
        all.push(x.clone().narrow(1, 0, first));
    }
    all.push(part);
    if last < width {
        all.push(x.narrow(1, last, width - last));
    }
    (Tensor::cat(all, 1), log_scale.sum_dim(1).squeeze_dim(1))
}

fn scaling(first: usize, changed: usize, width: usize, inverse: bool) -> Scaling {
    let columns = (changed < width).then(|| (first..first + changed).collect());
    Scaling { columns, bound: BOUND, inverse }
}

/// Values of the map equal those of the separate operations bit by bit; sums and gradients agree to rounding.
#[test]
fn it_is_the_composition() {
    for (n, width, first, changed) in
        [(1, 1, 0, 1), (5, 2, 1, 1), (600, 2, 0, 1), (70, 40, 7, 20), (130, 300, 0, 300)]
    {
        for (dtype, tolerance) in [(DType::F32, 2e-6), (DType::F64, 1e-14)] {
            for inverse in [false, true] {
                let x = random([n, width], "x", dtype);
                let parameters = random([n, 2 * changed], "parameters", dtype);
                let result = |(z, sums): (Tensor<2>, Tensor<1>)| {
                    let loss =
                        (z.clone() * z.clone()).sum() * 0.5 + (sums.clone() * sums.clone()).sum() * 0.3;
                    let grads = loss.backward();
                    let of = |tensor: &Tensor<2>| doubles(tensor.grad(&grads).unwrap());
                    [doubles(z), doubles(sums), of(&x), of(&parameters)]
                };
                let map = scaling(first, changed, width, inverse);
                let z = scaled(x.clone(), parameters.clone(), map).unwrap();
                let ours = result((z, log_scale_sums(parameters.clone(), BOUND).unwrap()));
                let theirs = result(composition(x.clone(), parameters.clone(), first, inverse));
                assert_eq!(ours[0], theirs[0], "{n} {width} {dtype:?} {inverse}");
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    let size = theirs.iter().fold(1.0, |size: f64, value| size.max(value.abs()));
                    for (ours, theirs) in ours.iter().zip(theirs) {
                        assert!((ours - theirs).abs() <= tolerance * size, "{ours} for {theirs}");
                    }
                }
            }
        }
    }
}

/// Chosen columns in any order are those of the permuted matrix.
#[test]
fn columns_in_any_order() {
    let (x, parameters) = (random([9, 6], "x", DType::F64), random([9, 6], "parameters", DType::F64));
    let columns = [4, 0, 3];
    let map = Scaling { columns: Some(columns.into()), bound: BOUND, inverse: false };
    let z = doubles(scaled(x.clone(), parameters.clone(), map).unwrap());
    let picked = Tensor::cat(columns.map(|c| x.clone().narrow(1, c, 1)).to_vec(), 1);
    let all = Scaling { columns: None, bound: BOUND, inverse: false };
    let want = doubles(scaled(picked, parameters, all).unwrap());
    let x = doubles(x);
    for (row, column) in (0..9).flat_map(|row| (0..6).map(move |column| (row, column))) {
        let have = z[6 * row + column];
        match columns.iter().position(|&c| c == column) {
            Some(place) => assert_eq!(have, want[3 * row + place]),
            None => assert_eq!(have, x[6 * row + column]),
        }
    }
}

#[test]
fn the_inverse_inverts() {
    let (x, parameters) = (random([33, 5], "x", DType::F64), random([33, 4], "parameters", DType::F64));
    let z = scaled(x.clone(), parameters.clone(), scaling(2, 2, 5, false)).unwrap();
    let back = doubles(scaled(z, parameters, scaling(2, 2, 5, true)).unwrap());
    back.iter().zip(doubles(x)).for_each(|(back, x)| assert!((back - x).abs() < 1e-13, "{back} {x}"));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (x, parameters) = (random([3000, 12], "x", DType::F32), random([3000, 24], "parameters", DType::F32));
    let on = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let z = scaled(x.clone(), parameters.clone(), scaling(0, 12, 12, false)).unwrap();
            let sums = log_scale_sums(parameters.clone(), BOUND).unwrap();
            let grads = ((z.clone() * z.clone()).sum() + (sums.clone() * sums.clone()).sum()).backward();
            let of = |tensor: &Tensor<2>| doubles(tensor.grad(&grads).unwrap());
            [doubles(z), doubles(sums), of(&x), of(&parameters)]
        })
    };
    let one = on(1);
    assert!(on(2) == one && on(3) == one);
}

#[test]
#[should_panic(expected = "shape of the parameters of 2 columns of x [3, 4]")]
fn shapes_must_fit() {
    let (x, parameters) = (random([3, 4], "x", DType::F32), random([3, 5], "parameters", DType::F32));
    let _ = scaled(x, parameters, scaling(0, 2, 4, false));
}
