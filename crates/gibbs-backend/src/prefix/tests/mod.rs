#[cfg(feature = "flex")]
mod on_flex;

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

/// Numbers of examples, variables, inputs and outputs of each, hidden units.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    n: usize,
    variables: usize,
    inputs: usize,
    outputs: usize,
    hidden: usize,
}

const fn sizes(n: usize, variables: usize, inputs: usize, outputs: usize, hidden: usize) -> Sizes {
    Sizes { n, variables, inputs, outputs, hidden }
}

/// One of everything; segments and panels that are full and that are not.
const ALL_SIZES: [Sizes; 7] = [
    sizes(1, 1, 1, 1, 1),
    sizes(5, 1, 3, 1, 3),
    sizes(1, 9, 1, 3, 64),
    sizes(3, 11, 3, 1, 65),
    sizes(4, 10, 1, 1, 130),
    sizes(7, 17, 1, 1, 20),
    sizes(6, 8, 3, 3, 70),
];

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The operands as numbers; about half of the inputs are zero, some are one.
#[derive(Clone)]
struct Operands {
    start: Vec<f64>,
    x: Vec<f64>,
    w: Vec<f64>,
    v: Vec<f64>,
    b: Vec<f64>,
}

impl Operands {
    fn new(sizes: Sizes) -> Self {
        let mut noise = Noise::new(11, "prefixes");
        let mut normal = |n: usize, scale: f64| {
            noise.normal_vec(n).into_iter().map(|x| f64::from(x) * scale).collect::<Vec<_>>()
        };
        let Sizes { n, variables, inputs, outputs, hidden } = sizes;
        let (inputs, outputs) = (variables * inputs, variables * outputs);
        let thin_out = |x: f64| match x {
            x if x < 0.0 => 0.0,
            x if x < 0.7 => 1.0,
            x => x,
        };
        Self {
            start: normal(n * hidden, 0.5),
            x: normal(n * inputs, 1.0).into_iter().map(thin_out).collect(),
            w: normal(inputs * hidden, 1.0 / (inputs as f64).sqrt()),
            v: normal(hidden * outputs, 1.0 / (hidden as f64).sqrt()),
            b: normal(outputs, 0.5),
        }
    }

    fn tensors(self, sizes: Sizes, dtype: DType, device: &Device) -> ([Tensor<2>; 4], Tensor<1>) {
        let Sizes { n, variables, inputs, outputs, hidden } = sizes;
        let (inputs, outputs) = (variables * inputs, variables * outputs);
        let matrix = |values: Vec<f64>, shape: [usize; 2]| {
            Tensor::from_data(TensorData::new(values, shape), (device, dtype))
        };
        let b = Tensor::from_data(TensorData::new(self.b, [outputs]), (device, dtype));
        let start = matrix(self.start, [n, hidden]);
        let x = matrix(self.x, [n, inputs]);
        ([start, x, matrix(self.w, [inputs, hidden]), matrix(self.v, [hidden, outputs])], b)
    }
}

fn operands(sizes: Sizes, dtype: DType, device: &Device) -> ([Tensor<2>; 4], Tensor<1>) {
    Operands::new(sizes).tensors(sizes, dtype, device)
}

fn value(function: Function, x: f64) -> f64 {
    match function {
        Function::Relu => x.max(0.0),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Tanh => x.tanh(),
        Function::Softplus => x.exp().ln_1p(),
        Function::LogSigmoid => -(-x).exp().ln_1p(),
        Function::Exp => x.exp(),
        Function::Silu => x / (1.0 + (-x).exp()),
    }
}

/// By the definition, one number after the other.
fn by_loops(o: &Operands, sizes: Sizes, function: Function) -> Vec<f64> {
    let Sizes { n, variables, inputs, outputs, hidden } = sizes;
    let width = variables * inputs;
    let mut y = Vec::new();
    for i in 0..n {
        for t in 0..variables {
            let argument = |j: usize| {
                let seen = (0..t * inputs).map(|k| o.x[i * width + k] * o.w[k * hidden + j]);
                o.start[i * hidden + j] + seen.sum::<f64>()
            };
            let h: Vec<f64> = (0..hidden).map(|j| value(function, argument(j))).collect();
            for column in t * outputs..(t + 1) * outputs {
                let terms = h.iter().enumerate().map(|(j, h)| h * o.v[j * variables * outputs + column]);
                y.push(o.b[column] + terms.sum::<f64>());
            }
        }
    }
    y
}

/// The same networks, one after the other, by affine layers.
fn by_layers(
    start: Tensor<2>,
    x: Tensor<2>,
    w: Tensor<2>,
    v: Tensor<2>,
    b: Tensor<1>,
    variables: usize,
    function: Function,
) -> Tensor<2> {
    let (inputs, outputs) = (x.dims()[1] / variables, v.dims()[1] / variables);
    let map = match function {
        Function::Relu => crate::relu,
        Function::Sigmoid => crate::sigmoid,
        Function::Tanh => crate::tanh,
        Function::Softplus => crate::softplus,
        Function::LogSigmoid => crate::log_sigmoid,
        Function::Exp => crate::exp,
        Function::Silu => crate::silu,
    };
    let networks = (0..variables).map(|t| {
        let a = match t * inputs {
            0 => start.clone(),
            seen => start.clone() + x.clone().narrow(1, 0, seen).matmul(w.clone().narrow(0, 0, seen)),
        };
        let [v, b] = [v.clone(), b.clone().unsqueeze()].map(|x| x.narrow(1, t * outputs, outputs));
        map(a).matmul(v) + b
    });
    Tensor::cat(networks.collect(), 1)
}

#[track_caller]
fn assert_close(have: Vec<f64>, want: Vec<f64>, tolerance: f64) {
    assert_eq!(have.len(), want.len());
    for (i, (have, want)) in have.into_iter().zip(want).enumerate() {
        assert!((have - want).abs() <= tolerance * want.abs().max(1.0), "{have} for {want} at {i}");
    }
}

#[track_caller]
fn check_values(dtype: DType, device: &Device, tolerance: f64) {
    for sizes in ALL_SIZES {
        for function in FUNCTIONS {
            let ([start, x, w, v], b) = operands(sizes, dtype, device);
            let y = prefix_networks(start, x, w, v, b, sizes.variables, function);
            assert_eq!((y.dims(), y.dtype()), ([sizes.n, sizes.variables * sizes.outputs], dtype));
            assert_close(doubles(y), by_loops(&Operands::new(sizes), sizes, function), tolerance);
        }
    }
}

/// Gradients of `Σ y²/2` by [`prefix_networks`] and by [`by_layers`].
#[track_caller]
fn check_gradients(sizes: Sizes, dtype: DType, device: &Device, tolerance: f64) {
    for function in FUNCTIONS {
        let (operands, b) = operands(sizes, dtype, device);
        let [start, x, w, v] = operands.map(Tensor::require_grad);
        let b = b.require_grad();
        let [ours, theirs] = [prefix_networks, by_layers].map(|networks| {
            let all = (start.clone(), x.clone(), w.clone(), v.clone(), b.clone());
            let y = networks(all.0, all.1, all.2, all.3, all.4, sizes.variables, function);
            let grads = (y.clone() * y).sum().mul_scalar(0.5).backward();
            // Where there is a single variable, no network sees an input.
            let by = |x: &Tensor<2>| x.grad(&grads).unwrap_or_else(|| x.zeros_like());
            [by(&start), by(&x), by(&w), by(&v), b.grad(&grads).unwrap().unsqueeze()].map(doubles)
        });
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            assert_close(ours, theirs, tolerance);
        }
    }
}

// The sums have up to 130 terms whose sum of squares is of order 1 and, in the gradients, up to 17 of order 1.

#[test]
fn values_on_every_device() {
    for name in compiled() {
        check_values(DType::F32, &device(name).unwrap(), 1e-5);
    }
}

#[test]
fn gradients_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        for sizes in ALL_SIZES {
            check_gradients(sizes, DType::F32, &device, 2e-5);
        }
    }
}
