use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::{Noise, compiled, device};

const WEIGHTS: [f64; 9] = [0.3, -1.7, 0.0, 1.0, 1.0 / 3.0, 2e-3, -1.0, 5.5, 0.1];

fn tensors(n: usize, shape: [usize; 2], dtype: DType, device: &Device) -> Vec<Tensor<2>> {
    let mut noise = Noise::new(3, "combination");
    let mut tensor = || {
        let values: Vec<f64> = noise.normal_vec(shape[0] * shape[1]).into_iter().map(f64::from).collect();
        Tensor::from_data(TensorData::new(values, shape), (device, dtype))
    };
    (0..n).map(|_| tensor()).collect()
}

fn doubles(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The same by Burn's operations.
fn composition(x: Option<Tensor<2>>, terms: Vec<(f64, Tensor<2>)>) -> Tensor<2> {
    let scaled = terms.into_iter().map(|(weight, tensor)| tensor * weight);
    let sum = scaled.reduce(|a, b| a + b).unwrap();
    x.map_or_else(|| sum.clone(), |x| x + sum.clone())
}

/// Sums and gradients of 1 to 9 terms equal those of the separate operations on every device, bit by bit on the processor.
#[test]
fn it_is_the_composition() {
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        for (dtype, k) in (1..=9).flat_map(|k| [(DType::F32, k), (DType::F64, k)]) {
            if dtype == DType::F64 && !crate::has_double_precision(&device) {
                continue;
            }
            for start in [false, true] {
                let all: Vec<_> =
                    tensors(k + 1, [37, 5], dtype, &device).into_iter().map(|x| x.require_grad()).collect();
                let [ours, theirs] = [combination::<2>, composition].map(|sum| {
                    let terms = WEIGHTS.into_iter().zip(all[1..].iter().cloned()).collect();
                    let y = sum(start.then(|| all[0].clone()), terms);
                    let grads = (y.clone() * y.clone()).sum().backward();
                    let used = &all[usize::from(!start)..];
                    let gradients = used.iter().flat_map(|x| doubles(x.grad(&grads).unwrap()));
                    doubles(y).into_iter().chain(gradients).collect::<Vec<_>>()
                });
                for (ours, theirs) in ours.into_iter().zip(theirs) {
                    let tolerance = if name == "flex" { 0.0 } else { 1e-6 * theirs.abs().max(1.0) };
                    assert!((ours - theirs).abs() <= tolerance, "{name} {k}: {ours} for {theirs}");
                }
            }
        }
    }
}

#[cfg(feature = "flex")]
#[test]
fn long_views_are_understood() {
    let device = Device::flex();
    let all = tensors(3, [300, 200], DType::F32, &device);
    let parts = |tensor: &Tensor<2>| tensor.clone().transpose().narrow(0, 3, 150);
    let terms = |tensors: &[Tensor<2>]| WEIGHTS.into_iter().zip(tensors.iter().map(parts)).collect();
    let (ours, theirs) = (
        combination(Some(parts(&all[0])), terms(&all[1..])),
        composition(Some(parts(&all[0])), terms(&all[1..])),
    );
    assert_eq!(doubles(ours), doubles(theirs));
}

#[test]
#[should_panic(expected = "shape and type of the terms")]
fn shapes_must_be_equal() {
    let device = Device::default();
    let (a, b) = (Tensor::<2>::zeros([2, 3], &device), Tensor::zeros([3, 2], &device));
    combination(None, vec![(1.0, a), (1.0, b)]);
}
