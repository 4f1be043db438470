use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::{Noise, compiled, device};

/// Extents of the maps, channels in and out, and windows, among them some that see more than all columns.
fn cases() -> Vec<([usize; 3], [usize; 2], Window)> {
    let window =
        |height, above, below, left, right, periodic| Window { height, above, below, left, right, periodic };
    vec![
        ([1, 1, 1], [1, 1], window(1, 0, 0, 0, 0, false)),
        ([3, 4, 5], [2, 3], window(3, 2, 0, 2, 2, false)),
        ([3, 4, 5], [2, 3], window(3, 2, 0, 2, 2, true)),
        ([2, 1, 6], [17, 5], window(1, 0, 0, 3, 0, false)),
        ([2, 3, 6], [4, 19], window(2, 0, 1, 0, 2, true)),
        ([5, 4, 3], [3, 2], window(4, 0, 0, 1, 0, false)),
        ([6, 2, 2], [3, 2], window(3, 1, 1, 2, 2, true)),
        ([9, 7, 6], [16, 16], window(3, 2, 0, 2, 2, true)),
    ]
}

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn draw<const D: usize>(stream: &str, shape: [usize; D], dtype: DType, device: &Device) -> Tensor<D> {
    let n = shape.iter().product();
    let values: Vec<f64> = Noise::new(7, stream).normal_vec(n).into_iter().map(f64::from).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

/// Maps, weight and bias.
fn operands(
    [n, rows, columns]: [usize; 3],
    [n_in, n_out]: [usize; 2],
    window: Window,
    dtype: DType,
    device: &Device,
) -> (Tensor<4>, Tensor<2>, Tensor<1>) {
    let inputs = window.taps() * n_in;
    (
        draw("x", [n, rows, columns, n_in], dtype, device),
        draw("weight", [inputs, n_out], dtype, device) * (inputs as f64).sqrt().recip(),
        draw("bias", [n_out], dtype, device),
    )
}

/// The definition, term by term, without a function.
fn definition(x: &[f64], weight: &[f64], bias: &[f64], shape: [usize; 4], window: Window) -> Vec<f64> {
    let ([n, rows, columns, n_in], n_out) = (shape, bias.len());
    let mut y = Vec::new();
    for (example, r) in (0..n).flat_map(|example| (0..window.rows_out(rows)).map(move |r| (example, r))) {
        for (c, o) in (0..columns).flat_map(|c| (0..n_out).map(move |o| (c, o))) {
            let mut sum = bias[o];
            for tap in 0..window.taps() {
                let (i, j) = (tap / window.width(), tap % window.width());
                let row = (r + i) as isize - window.above as isize;
                let column = (c + j) as isize - window.left as isize;
                let column = if window.periodic { column.rem_euclid(columns as isize) } else { column };
                if (0..rows as isize).contains(&row) && (0..columns as isize).contains(&column) {
                    let site = (example * rows + row as usize) * columns + column as usize;
                    sum += (0..n_in)
                        .map(|a| x[site * n_in + a] * weight[(tap * n_in + a) * n_out + o])
                        .sum::<f64>();
                }
            }
            y.push(sum);
        }
    }
    y
}

#[track_caller]
fn assert_close(have: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(have.len(), want.len());
    for (i, (have, want)) in have.iter().zip(want).enumerate() {
        assert!((have - want).abs() <= tolerance * want.abs().max(1.0), "{have} for {want} at {i}");
    }
}

#[test]
fn values_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap();
        for (extents, channels, window) in cases() {
            let (x, w, b) = operands(extents, channels, window, DType::F32, &device);
            let truth =
                definition(&doubles(x.clone()), &doubles(w.clone()), &doubles(b.clone()), x.dims(), window);
            let y = convolution(x.clone(), w.clone(), b.clone(), window, None);
            assert_eq!(y.dims()[..3], [extents[0], window.rows_out(extents[1]), extents[2]]);
            // Sums of up to 240 terms of a size of 1/16, rounded to 24 bits in different orders.
            assert_close(&doubles(y), &truth, 1e-5);
            let truth: Vec<f64> = truth.iter().map(|x| x.tanh()).collect();
            assert_close(&doubles(convolution(x, w, b, window, Some(Function::Tanh))), &truth, 1e-5);
        }
    }
}

#[test]
fn gradients_are_the_slopes() {
    // The sum of y·g is linear in x, in the weight and in the bias, so that its slopes are its differences, exactly.
    for name in compiled() {
        let device = device(name).unwrap();
        for (extents, channels, window) in cases() {
            let (x, w, b) = operands(extents, channels, window, DType::F32, &device.clone().autodiff());
            let (x, w, b) = (x.require_grad(), w.require_grad(), b.require_grad());
            let y = convolution(x.clone(), w.clone(), b.clone(), window, None);
            let g = draw("gradient", y.dims(), DType::F32, &device.clone().autodiff());
            let grads = (y * g.clone()).sum().backward();
            let (g, shape) = (doubles(g), x.dims());
            let [x_host, w_host, b_host] =
                [doubles(x.clone().detach()), doubles(w.clone().detach()), doubles(b.clone().detach())];
            let along = |x: &[f64], w: &[f64], b: &[f64]| -> f64 {
                definition(x, w, b, shape, window).iter().zip(&g).map(|(y, g)| y * g).sum()
            };
            let zeros = |n: usize| vec![0.0; n];
            // A direction for each operand: the derivative along it is the sum of its products with the gradient.
            for direction in 0..3 {
                let draw = |stream: String, n: usize| -> Vec<f64> {
                    Noise::new(9, stream).normal_vec(n).into_iter().map(f64::from).collect()
                };
                let (dx, dw, db) = (
                    draw(format!("dx/{direction}"), x_host.len()),
                    draw(format!("dw/{direction}"), w_host.len()),
                    draw(format!("db/{direction}"), b_host.len()),
                );
                let product = |gradient: Vec<f64>, direction: &[f64]| -> f64 {
                    gradient.iter().zip(direction).map(|(a, b)| a * b).sum()
                };
                let pairs = [
                    (
                        product(doubles(x.grad(&grads).unwrap()), &dx),
                        along(&dx, &w_host, &zeros(b_host.len())),
                    ),
                    (
                        product(doubles(w.grad(&grads).unwrap()), &dw),
                        along(&x_host, &dw, &zeros(b_host.len())),
                    ),
                    (
                        product(doubles(b.grad(&grads).unwrap()), &db),
                        along(&zeros(x_host.len()), &zeros(w_host.len()), &db),
                    ),
                ];
                for (found, truth) in pairs {
                    // Sums of some thousand products of order one with a relative error of 1e-6 each.
                    assert!(
                        (found - truth).abs() < 1e-4 * truth.abs().max(10.0),
                        "{window:?}: {found} {truth}"
                    );
                }
            }
        }
    }
}

#[test]
fn functions_behind_are_those_of_one_number() {
    type OfTensor = fn(Tensor<4>) -> Tensor<4>;
    let functions: [(Function, OfTensor); 3] =
        [(Function::Relu, crate::relu), (Function::Tanh, crate::tanh), (Function::Silu, crate::silu)];
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        for (extents, channels, window) in cases() {
            let (x, w, b) = operands(extents, channels, window, DType::F32, &device);
            let (x, w, b) = (x.require_grad(), w.require_grad(), b.require_grad());
            for (function, of_tensor) in functions {
                let gradients = |y: Tensor<4>| {
                    let grads = (y.clone() * y).sum().mul_scalar(0.5).backward();
                    let (x, w, b) = (x.grad(&grads), w.grad(&grads), b.grad(&grads));
                    [doubles(x.unwrap()), doubles(w.unwrap()), doubles(b.unwrap())].concat()
                };
                let layer = |function| convolution(x.clone(), w.clone(), b.clone(), window, function);
                let (ours, theirs) = (gradients(layer(Some(function))), gradients(of_tensor(layer(None))));
                assert_close(&ours, &theirs, 2e-5);
            }
        }
    }
}

#[cfg(feature = "flex")]
#[test]
fn the_portable_form_does_the_same() {
    use burn::backend::Flex;
    use burn_flex::FlexTensor;

    use super::extension::ConvolutionOps;

    let flex = |values: Vec<f64>, shape: &[usize]| FlexTensor::from_data(TensorData::new(values, shape));
    let host = |tensor: FlexTensor| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
    for ([n, rows, columns], [n_in, n_out], window) in cases() {
        let (x, w, b) = operands([n, rows, columns], [n_in, n_out], window, DType::F64, &Device::flex());
        let x = flex(doubles(x), &[n, rows, columns, n_in]);
        let (w, b) = (flex(doubles(w), &[window.taps() * n_in, n_out]), flex(doubles(b), &[n_out]));
        let function = Some(Function::Tanh);
        let ours = Flex::convolution(x.clone(), w.clone(), b.clone(), window, function);
        let theirs = portable::convolution::<Flex>(x.clone(), w, b, window, function);
        assert_close(&host(ours.clone()), &host(theirs), 1e-13);
        // Any slopes will do: the values themselves.
        let theirs = portable::weight_gradient::<Flex>(x.clone(), ours.clone(), window);
        assert_close(&host(Flex::convolution_weight_gradient(x, ours, window)), &host(theirs), 1e-12);
    }
}
