use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::{Noise, compiled, device};

const FUNCTIONS: [Function; 7] = [
    Function::Relu,
    Function::Sigmoid,
    Function::Tanh,
    Function::Softplus,
    Function::LogSigmoid,
    Function::Exp,
    Function::Silu,
];

/// Widths of networks of one to six layers, in part below, at and above whole panels.
const WIDTHS: [&[usize]; 8] = [
    &[3, 2],
    &[1, 1, 1],
    &[3, 5, 2],
    &[1, 128, 128, 2],
    &[17, 16, 33, 64],
    &[2, 31, 15, 47, 5],
    &[4, 16, 16, 16, 16, 16],
    &[2, 9, 8, 7, 6, 5, 4],
];

type Layer = (Tensor<2>, Tensor<1>);

/// Rows and layers, scaled so that the arguments of the functions have a variance of about 1.
fn operands(n: usize, widths: &[usize], dtype: DType, device: &Device) -> (Tensor<2>, Vec<Layer>) {
    let mut noise = Noise::new(11, "network");
    let mut values = |n: usize, scale: f32| {
        noise.normal_vec(n).into_iter().map(|x| f64::from(x * scale)).collect::<Vec<_>>()
    };
    let options = (device, dtype);
    let x = TensorData::new(values(n * widths[0], 1.0), [n, widths[0]]);
    let mut layer = |pair: &[usize]| {
        let [n_in, n_out] = [pair[0], pair[1]];
        let weight = TensorData::new(values(n_in * n_out, (n_in as f32).sqrt().recip()), [n_in, n_out]);
        let bias = TensorData::new(values(n_out, 0.3), [n_out]);
        (Tensor::from_data(weight, options), Tensor::from_data(bias, options))
    };
    let layers = widths.windows(2).map(&mut layer).collect();
    (Tensor::from_data(x, options), layers)
}

/// Exponentials of exponentials are infinite: small weights for them.
fn finite((x, layers): (Tensor<2>, Vec<Layer>), function: Function) -> (Tensor<2>, Vec<Layer>) {
    let small = if function == Function::Exp { 0.1 } else { 1.0 };
    (x, layers.into_iter().map(|(weight, bias)| (weight * small, bias)).collect())
}

/// Layer by layer.
fn chain(x: Tensor<2>, layers: Vec<Layer>, function: Function) -> Tensor<2> {
    in_turn(x, layers, function, None)
}

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

#[track_caller]
fn assert_close(have: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(have.len(), want.len());
    for (i, (have, want)) in have.iter().zip(want).enumerate() {
        assert!((have - want).abs() <= tolerance * want.abs().max(1.0), "{have} for {want} at {i}");
    }
}

/// Outputs, and the gradients of `Σ y²/2` with respect to `x` and the layers.
fn results(
    network: impl Fn(Tensor<2>, Vec<Layer>, Function) -> Tensor<2>,
    (x, layers): (Tensor<2>, Vec<Layer>),
    function: Function,
) -> Vec<Vec<f64>> {
    let x = x.require_grad();
    let layers: Vec<Layer> =
        layers.into_iter().map(|(weight, bias)| (weight.require_grad(), bias.require_grad())).collect();
    let y = network(x.clone(), layers.clone(), function);
    let grads = (y.clone() * y.clone()).sum().mul_scalar(0.5).backward();
    let of_layers = layers.iter().flat_map(|(weight, bias)| {
        [doubles(weight.grad(&grads).unwrap()), doubles(bias.grad(&grads).unwrap())]
    });
    [doubles(y), doubles(x.grad(&grads).unwrap())].into_iter().chain(of_layers).collect()
}

#[track_caller]
fn check(n: usize, widths: &[usize], dtype: DType, device: &Device, tolerance: f64) {
    for function in FUNCTIONS {
        let operands = || finite(operands(n, widths, dtype, device), function);
        let (ours, theirs) = (results(network, operands(), function), results(chain, operands(), function));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let size = theirs.iter().fold(1.0, |size: f64, value| size.max(value.abs()));
            assert!(size.is_finite());
            assert_close(ours, theirs, tolerance * size);
        }
    }
}

#[test]
fn it_is_the_chain_of_layers_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        for (widths, n) in WIDTHS.into_iter().zip([20, 1, 40, 70, 16, 33, 17, 50]) {
            // Sums of up to 128 terms, rounded to 24 bits in different orders, through several layers.
            check(n, widths, DType::F32, &device, 1e-5);
        }
    }
}

#[cfg(feature = "flex")]
mod on_flex {
    use super::*;

    #[test]
    fn it_is_the_chain_of_layers_in_double_precision() {
        let device = Device::flex().autodiff();
        for widths in WIDTHS {
            for n in [1, 2, 16, 19, 64, 130, 300] {
                check(n, widths, DType::F64, &device, 1e-13);
            }
        }
        check(1300, &[3, 20, 20, 4], DType::F64, &device, 1e-13);
    }

    /// What is not wanted does not change the rest.
    #[test]
    fn gradients_are_the_same_alone() {
        let device = Device::flex().autodiff();
        for (function, n) in [(Function::Silu, 300), (Function::Tanh, 70)] {
            let all = results(network, operands(n, &[5, 40, 33, 6], DType::F32, &device), function);
            let (x, layers) = operands(n, &[5, 40, 33, 6], DType::F32, &device);
            let half_squares = |y: Tensor<2>| y.square().sum().mul_scalar(0.5).backward();
            let free = x.clone().require_grad();
            let grads = half_squares(network(free.clone(), layers.clone(), function));
            assert_eq!(doubles(free.grad(&grads).unwrap()), all[1]);
            let last = layers[2].1.clone().require_grad();
            let with_last = [&layers[..2], &[(layers[2].0.clone(), last.clone())]].concat();
            let grads = half_squares(network(x, with_last, function));
            assert_eq!(doubles(last.grad(&grads).unwrap()), all[7]);
        }
    }

    /// The networks of this test are really one operation.
    #[test]
    fn small_layers_are_together() {
        let device = Device::flex();
        let is_one = |widths: &[usize], dtype| {
            let (x, layers) = operands(20, widths, dtype, &device);
            together(&x, &layers, Function::Tanh, false).is_some()
        };
        assert!(WIDTHS[1..6].iter().all(|widths| is_one(widths, DType::F32) && is_one(widths, DType::F64)));
        assert!(!is_one(&[3, 2], DType::F32) && !is_one(&[3, 4, 2], DType::F16));
        let (_, layers) = operands(1, &[256, 256, 257], DType::F32, &device);
        assert!(is_small(&layers[0]) && !is_small(&layers[1]));
    }

    /// The gradient of `Σ y³` agrees with finite differences.
    #[test]
    fn gradients_are_the_slopes() {
        let (n, widths, step) = (17, [2, 5, 3, 4, 2], 1e-5);
        for function in FUNCTIONS {
            let device = Device::flex().autodiff();
            let (x, layers) = finite(operands(n, &widths, DType::F64, &device), function);
            let x = x.require_grad();
            let layers: Vec<Layer> =
                layers.into_iter().map(|(w, b)| (w.require_grad(), b.require_grad())).collect();
            let loss = |x: Tensor<2>, layers: Vec<Layer>| network(x, layers, function).powi_scalar(3).sum();
            let grads = loss(x.clone(), layers.clone()).backward();
            let device = Device::flex();
            let moved = |tensor: usize, place: usize, by: f64| {
                let (mut x, mut layers) = finite(operands(n, &widths, DType::F64, &device), function);
                let shift = |values: Vec<f64>| {
                    values.into_iter().enumerate().map(|(i, v)| if i == place { v + by } else { v }).collect()
                };
                let data = |values: Vec<f64>, shape: &[usize]| TensorData::new(shift(values), shape.to_vec());
                let options = (&device, DType::F64);
                match tensor {
                    0 => x = Tensor::from_data(data(doubles(x.clone()), &x.dims()), options),
                    _ => {
                        let (weight, bias) = &mut layers[(tensor - 1) / 2];
                        if tensor % 2 == 1 {
                            *weight =
                                Tensor::from_data(data(doubles(weight.clone()), &weight.dims()), options);
                        } else {
                            *bias = Tensor::from_data(data(doubles(bias.clone()), &bias.dims()), options);
                        }
                    }
                }
                doubles(loss(x, layers))[0]
            };
            let of_layers = layers.iter().flat_map(|(weight, bias)| {
                [doubles(weight.grad(&grads).unwrap()), doubles(bias.grad(&grads).unwrap())]
            });
            let gradients: Vec<Vec<f64>> =
                std::iter::once(doubles(x.grad(&grads).unwrap())).chain(of_layers).collect();
            for (tensor, gradients) in gradients.iter().enumerate() {
                for (place, gradient) in gradients.iter().enumerate() {
                    let slope = (moved(tensor, place, step) - moved(tensor, place, -step)) / (2.0 * step);
                    let error = (gradient - slope).abs();
                    assert!(error < 1e-6 * slope.abs().max(1.0), "{function:?}: {gradient} for {slope}");
                }
            }
        }
    }

    #[test]
    fn each_operand_alone_has_its_gradient() {
        let device = Device::flex().autodiff();
        let (x, layers) = operands(20, &[3, 6, 5], DType::F64, &device);
        let all = results(network, (x.clone(), layers.clone()), Function::Tanh);
        let loss = |y: Tensor<2>| (y.clone() * y).sum().mul_scalar(0.5).backward();
        let alone = x.clone().require_grad();
        let grads = loss(network(alone.clone(), layers.clone(), Function::Tanh));
        assert_eq!(doubles(alone.grad(&grads).unwrap()), all[1]);
        for place in 0..4 {
            let mut layers = layers.clone();
            let (weight, bias) = &mut layers[place / 2];
            if place % 2 == 0 {
                *weight = weight.clone().require_grad();
            } else {
                *bias = bias.clone().require_grad();
            }
            let grads = loss(network(x.clone(), layers.clone(), Function::Tanh));
            let (weight, bias) = &layers[place / 2];
            let have = if place % 2 == 0 {
                doubles(weight.grad(&grads).unwrap())
            } else {
                doubles(bias.grad(&grads).unwrap())
            };
            assert_eq!(have, all[2 + place]);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let device = Device::flex().autodiff();
        for (n, widths) in [(100, [5, 150, 90, 7]), (1000, [2, 64, 64, 2]), (4099, [3, 40, 40, 1])] {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let operands = operands(n, &widths, DType::F32, &device);
                pool.install(|| results(network, operands, Function::Silu))
            };
            let one = on(1);
            assert!(on(2) == one && on(3) == one && on(7) == one, "{n} {widths:?}");
        }
    }

    /// Outputs are those of the network, and traces those of finite differences, one row or many, on any number of threads.
    #[test]
    fn the_trace_is_that_of_the_derivative() {
        let device = Device::flex();
        let step = 1e-5;
        for (n, function) in [1, 70, 1500].into_iter().flat_map(|n| FUNCTIONS.map(|function| (n, function))) {
            if function == Function::Relu {
                continue;
            }
            let (x, layers) = finite(operands(n, &[3, 20, 17, 3], DType::F64, &device), function);
            let [(first, _), (second, _), (last, _)] = [0, 1, 2].map(|l: usize| layers[l].clone());
            let joint = second * first.transpose().matmul(last.transpose());
            let three = || [0, 1, 2].map(|l: usize| layers[l].clone());
            let traced = || network_with_trace(x.clone(), three(), joint.clone(), function).unwrap();
            let (y, trace) = traced();
            assert_close(&doubles(y), &doubles(network(x.clone(), layers.clone(), function)), 1e-12);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            assert_eq!(doubles(trace.clone()), doubles(pool.install(traced).1));
            let of_axis = |axis: usize| {
                let at = |shift: f64| {
                    let mut moved = [0.0; 3];
                    moved[axis] = shift;
                    let moved = Tensor::<1>::from_data(moved, (&device, DType::F64)).unsqueeze();
                    chain(x.clone() + moved, layers.clone(), function).narrow(1, axis, 1)
                };
                (at(step) - at(-step)) / (2.0 * step)
            };
            let slopes = doubles(of_axis(0) + of_axis(1) + of_axis(2));
            let size = slopes.iter().fold(1.0, |size: f64, value| size.max(value.abs()));
            assert_close(&doubles(trace), &slopes, 1e-6 * size);
        }
    }

    /// A row does not know the others.
    #[test]
    fn rows_are_independent() {
        let device = Device::flex();
        let (x, layers) = operands(150, &[4, 33, 20, 3], DType::F32, &device);
        let all = network(x.clone(), layers.clone(), Function::Relu);
        for (first, n) in [(0, 16), (3, 17), (50, 100)] {
            let some = network(x.clone().narrow(0, first, n), layers.clone(), Function::Relu);
            assert_eq!(doubles(some), doubles(all.clone().narrow(0, first, n)));
        }
    }

    #[test]
    fn views_are_understood() {
        let device = Device::flex();
        let (x, layers) = operands(40, &[50, 30, 20], DType::F64, &device);
        let [(w, b), (v, c)] = [layers[0].clone(), layers[1].clone()];
        let check = |x: Tensor<2>, layers: Vec<Layer>| {
            let want = doubles(chain(x.clone(), layers.clone(), Function::Silu));
            assert_close(&doubles(network(x, layers, Function::Silu)), &want, 1e-13);
        };
        let first = (w.clone().narrow(0, 7, 20).flip([1]), b.clone().flip([0]));
        check(x.clone().narrow(1, 3, 20), vec![first, (v.clone(), c.clone())]);
        let turned = (x.clone().transpose(), x.clone().narrow(0, 2, 1).narrow(1, 0, 40).squeeze_dim(0));
        check(w.clone().transpose(), vec![turned, (x.clone(), w.narrow(1, 3, 1).squeeze_dim(1))]);
        check(x.clone().narrow(0, 2, 1).expand([30, 50]), vec![layers[0].clone(), (v, c)]);
    }

    #[test]
    #[should_panic(expected = "weight of shape [4, 2], bias of shape [2]")]
    fn shapes_must_fit() {
        let device = Device::flex();
        let (x, layers) = operands(20, &[3, 3], DType::F32, &device);
        let other = operands(20, &[4, 2], DType::F32, &device).1;
        network(x, [layers, other].concat(), Function::Relu);
    }
}
