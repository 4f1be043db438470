use burn::tensor::{DType, Device, Tensor, TensorData};

mod masked;

use super::*;
use crate::{Noise, compiled, device};

const FUNCTIONS: [Option<Function>; 8] = [
    None,
    Some(Function::Relu),
    Some(Function::Sigmoid),
    Some(Function::Tanh),
    Some(Function::Softplus),
    Some(Function::LogSigmoid),
    Some(Function::Exp),
    Some(Function::Silu),
];

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn map(function: Option<Function>, x: Tensor<2>) -> Tensor<2> {
    match function {
        None => x,
        Some(Function::Relu) => burn::tensor::activation::relu(x),
        Some(Function::Sigmoid) => (x.neg().exp() + 1.0).recip(),
        Some(Function::Tanh) => x.tanh(),
        Some(Function::Softplus) => (x.exp() + 1.0).log(),
        Some(Function::LogSigmoid) => (x.neg().exp() + 1.0).log().neg(),
        Some(Function::Exp) => x.exp(),
        Some(Function::Silu) => x.clone() / (x.neg().exp() + 1.0),
    }
}

/// The same by Burn's operations.
fn composition(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, function: Option<Function>) -> Tensor<2> {
    map(function, x.matmul(weight) + bias.unsqueeze())
}

/// Rows, weight and bias, scaled so that the arguments of the function have a variance of about 1.
fn layer([n, k, m]: [usize; 3], dtype: DType, device: &Device) -> (Tensor<2>, Tensor<2>, Tensor<1>) {
    let mut noise = Noise::new(7, "layer");
    let mut values = |n: usize, scale: f32| {
        noise.normal_vec(n).into_iter().map(|x| f64::from(x * scale)).collect::<Vec<_>>()
    };
    let scale = 1.0 / (k.max(1) as f32).sqrt();
    let x = TensorData::new(values(n * k, 1.0), [n, k]);
    let weight = TensorData::new(values(k * m, scale), [k, m]);
    let bias = TensorData::new(values(m, 0.5), [m]);
    let options = (device, dtype);
    (Tensor::from_data(x, options), Tensor::from_data(weight, options), Tensor::from_data(bias, options))
}

#[track_caller]
fn assert_close(have: Vec<f64>, want: Vec<f64>, tolerance: f64) {
    assert_eq!(have.len(), want.len());
    for (i, (have, want)) in have.into_iter().zip(want).enumerate() {
        assert!((have - want).abs() <= tolerance * want.abs().max(1.0), "{have} for {want} at {i}");
    }
}

#[test]
fn values_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap();
        for shape in [[1, 1, 1], [5, 3, 2], [33, 17, 65], [100, 250, 30]] {
            let (x, w, b) = layer(shape, DType::F32, &device);
            for function in FUNCTIONS {
                let y = affine(x.clone(), w.clone(), b.clone(), function);
                let truth = composition(x.clone(), w.clone(), b.clone(), function);
                // Sums of up to 250 terms of a size of 1/16, rounded to 24 bits in different orders.
                assert_close(doubles(y), doubles(truth), 1e-5);
            }
        }
    }
}

#[test]
fn gradients_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        let (x, w, b) = layer([19, 33, 7], DType::F32, &device);
        check_gradients(x, w, b, 2e-5);
    }
}

/// Gradients of `Σ y²/2` by [`affine`] and by the composition.
#[track_caller]
fn check_gradients(x: Tensor<2>, w: Tensor<2>, b: Tensor<1>, tolerance: f64) {
    let (x, w, b) = (x.require_grad(), w.require_grad(), b.require_grad());
    for function in FUNCTIONS {
        let [ours, theirs] = [affine, composition].map(|layer| {
            let y = layer(x.clone(), w.clone(), b.clone(), function);
            let grads = (y.clone() * y).sum().mul_scalar(0.5).backward();
            let by = |grad: Option<Tensor<2>>| doubles(grad.unwrap());
            [by(x.grad(&grads)), by(w.grad(&grads)), doubles(b.grad(&grads).unwrap())]
        });
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            assert_close(ours, theirs, tolerance);
        }
    }
}

#[cfg(feature = "flex")]
mod on_flex {
    use super::*;

    #[test]
    fn gradients_in_double_precision() {
        let device = Device::flex().autodiff();
        for shape in [[1, 1, 1], [7, 5, 3], [40, 129, 301]] {
            let (x, w, b) = layer(shape, DType::F64, &device);
            check_gradients(x, w, b, 1e-12);
        }
    }

    #[test]
    fn gradients_are_the_slopes() {
        FUNCTIONS.iter().for_each(|&function| check_slopes(|x, w, b| affine(x, w, b, function)));
    }

    /// The gradient of `Σ y³` agrees with finite differences.
    #[track_caller]
    pub(super) fn check_slopes(affine: impl Fn(Tensor<2>, Tensor<2>, Tensor<1>) -> Tensor<2>) {
        let device = Device::flex().autodiff();
        let [n, k, m] = [3, 4, 2];
        let (x, w, b) = layer([n, k, m], DType::F64, &device);
        let (x, w, b) = (x.require_grad(), w.require_grad(), b.require_grad());
        let loss = |x: Tensor<2>, w: Tensor<2>, b: Tensor<1>| affine(x, w, b).powi_scalar(3).sum();
        let grads = loss(x.clone(), w.clone(), b.clone()).backward();
        let gradient = [x.grad(&grads).unwrap(), w.grad(&grads).unwrap()].map(doubles).concat();
        let gradient = [gradient, doubles(b.grad(&grads).unwrap())].concat();
        let at = [doubles(x), doubles(w), doubles(b)].concat();
        let value = |at: &[f64]| {
            let options = (&Device::flex(), DType::F64);
            let (x, rest) = at.split_at(n * k);
            let (w, b) = rest.split_at(k * m);
            let x = Tensor::from_data(TensorData::new(x.to_vec(), [n, k]), options);
            let w = Tensor::from_data(TensorData::new(w.to_vec(), [k, m]), options);
            doubles(loss(x, w, Tensor::from_data(TensorData::new(b.to_vec(), [m]), options)))[0]
        };
        for (i, gradient) in gradient.into_iter().enumerate() {
            let step = 1e-5;
            let [up, down] = [step, -step].map(|shift| {
                let mut at = at.clone();
                at[i] += shift;
                value(&at)
            });
            let slope = (up - down) / (2.0 * step);
            assert!((gradient - slope).abs() < 1e-7 * slope.abs().max(1.0), "{gradient} for {slope}, {i}");
        }
    }

    #[test]
    fn each_operand_alone_has_its_gradient() {
        let device = Device::flex().autodiff();
        let (x, w, b) = layer([6, 5, 4], DType::F64, &device);
        let function = Some(Function::Tanh);
        let all = (x.clone().require_grad(), w.clone().require_grad(), b.clone().require_grad());
        let grads = affine(all.0.clone(), all.1.clone(), all.2.clone(), function).sum().backward();
        let one = affine(all.0.clone(), w.clone(), b.clone(), function).sum().backward();
        assert_eq!(doubles(all.0.grad(&one).unwrap()), doubles(all.0.grad(&grads).unwrap()));
        let one = affine(x.clone(), all.1.clone(), b.clone(), function).sum().backward();
        assert_eq!(doubles(all.1.grad(&one).unwrap()), doubles(all.1.grad(&grads).unwrap()));
        let one = affine(x, w, all.2.clone(), function).sum().backward();
        assert_eq!(doubles(all.2.grad(&one).unwrap()), doubles(all.2.grad(&grads).unwrap()));
    }

    /// Large enough to be shared out, cut along either side, and with few rows for a large matrix.
    #[test]
    fn the_number_of_threads_changes_nothing() {
        let device = Device::flex().autodiff();
        for shape in [[150, 201, 333], [333, 201, 150], [60, 301, 333]] {
            let (x, w, b) = layer(shape, DType::F32, &device);
            let (x, w, b) = (x.require_grad(), w.require_grad(), b.require_grad());
            let on = |threads: usize| {
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                    let y = affine(x.clone(), w.clone(), b.clone(), Some(Function::Sigmoid));
                    let grads = (y.clone() * y.clone()).sum().backward();
                    let of = |x: &Tensor<2>| doubles(x.grad(&grads).unwrap());
                    [doubles(y), of(&x), of(&w), doubles(b.grad(&grads).unwrap())]
                })
            };
            let one = on(1);
            assert!(on(2) == one && on(3) == one, "{shape:?}");
        }
    }

    #[test]
    fn views_are_understood() {
        let device = Device::flex();
        let (x, w, b) = layer([40, 50, 60], DType::F64, &device);
        let check = |x: Tensor<2>, w: Tensor<2>, b: Tensor<1>| {
            let function = Some(Function::Silu);
            let y = affine(x.clone(), w.clone(), b.clone(), function);
            assert_close(doubles(y), doubles(composition(x, w, b, function)), 1e-13);
        };
        let bias = b.clone().narrow(0, 5, 50).flip([0]);
        check(x.clone().narrow(1, 3, 20), w.clone().narrow(0, 9, 20), b.clone());
        check(w.clone().transpose(), w.clone(), b.clone());
        check(w.clone().transpose().narrow(0, 1, 7), w.clone().flip([0, 1]), b);
        check(x.clone().narrow(0, 2, 1).expand([30, 50]), w.narrow(1, 4, 50), bias);
    }

    #[test]
    fn empty_batches_and_layers() {
        let device = Device::flex();
        let (x, w, b) = layer([0, 3, 5], DType::F32, &device);
        assert_eq!(affine(x, w, b, None).dims(), [0, 5]);
        let (x, w, b) = layer([4, 0, 2], DType::F32, &device);
        let y = affine(x, w, b.clone(), None);
        assert_eq!(doubles(y), doubles(b).repeat(4));
    }

    #[test]
    fn narrow_types_take_the_portable_form() {
        let device = Device::flex();
        let (x, w, b) = layer([3, 4, 5], DType::F16, &device);
        let y = affine(x.clone(), w.clone(), b.clone(), Some(Function::Sigmoid));
        assert_eq!(y.dtype(), DType::F16);
        assert_close(doubles(y), doubles(composition(x, w, b, Some(Function::Sigmoid))), 4e-3);
    }

    #[test]
    #[should_panic(expected = "weight of shape [4, 2], bias of shape [2]")]
    fn shapes_must_fit() {
        let device = Device::flex();
        affine(
            Tensor::zeros([5, 3], &device),
            Tensor::zeros([4, 2], &device),
            Tensor::zeros([2], &device),
            None,
        );
    }
}
