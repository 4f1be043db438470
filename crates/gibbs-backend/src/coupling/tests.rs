use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::*;
use crate::{Noise, exp, network, tanh};

type Layer = (Tensor<2>, Tensor<1>);

const BOUND: f64 = 1.3;

/// Three blocks of five columns that are mixed in a row of 17 columns and a log-determinant; column 7 belongs to no block. Each block
/// keeps two columns and changes three.
fn mixed(inverse: bool) -> Couple {
    Couple {
        blocks: 3,
        kept: [4, 0, 9, 12, 3, 16].as_slice().into(),
        changed: [1, 15, 2, 6, 5, 14, 8, 11, 10].as_slice().into(),
        bound: BOUND,
        inverse,
    }
}

/// All but the last column in one block, the even ones kept.
fn single(n_columns: usize, inverse: bool) -> Couple {
    let (kept, changed): (Vec<usize>, Vec<usize>) = (0..n_columns).partition(|column| column % 2 == 0);
    Couple { blocks: 1, kept: kept.into(), changed: changed.into(), bound: BOUND, inverse }
}

fn operands(
    n: usize,
    width: usize,
    widths: &[usize],
    dtype: DType,
    device: &Device,
) -> (Tensor<2>, Vec<Layer>) {
    let mut noise = Noise::new(7, "coupled");
    let mut values = |n: usize, scale: f32| {
        noise.normal_vec(n).into_iter().map(|x| f64::from(x * scale)).collect::<Vec<_>>()
    };
    let x = TensorData::new(values(n * width, 1.0), [n, width]);
    let mut layer = |pair: &[usize]| {
        let weight =
            TensorData::new(values(pair[0] * pair[1], (pair[0] as f32).sqrt().recip()), [pair[0], pair[1]]);
        let bias = TensorData::new(values(pair[1], 0.3), [pair[1]]);
        (Tensor::from_data(weight, (device, dtype)), Tensor::from_data(bias, (device, dtype)))
    };
    let layers = widths.windows(2).map(&mut layer).collect();
    (Tensor::from_data(x, (device, dtype)), layers)
}

/// The columns of `x`, one after the other.
fn columns(x: &Tensor<2>, chosen: &[usize]) -> Tensor<2> {
    let chosen: Vec<i64> = chosen.iter().map(|&column| column as i64).collect();
    x.clone().select(1, Tensor::<1, Int>::from_data(chosen.as_slice(), &x.device()))
}

/// Block by block, from Burn's operations.
fn composed(x: Tensor<2>, layers: &[Layer], function: Function, couple: &Couple) -> Tensor<2> {
    let [n, width] = x.dims();
    let [n_kept, n_changed] = [&couple.kept, &couple.changed].map(|list| list.len() / couple.blocks);
    let mut parts: Vec<Tensor<2>> = (0..width).map(|column| x.clone().narrow(1, column, 1)).collect();
    for block in 0..couple.blocks {
        let kept = columns(&x, &couple.kept[block * n_kept..(block + 1) * n_kept]);
        let parameters = network(kept, layers.to_vec(), function);
        let changed = &couple.changed[block * n_changed..(block + 1) * n_changed];
        let (shift, raw) =
            (parameters.clone().narrow(1, 0, n_changed), parameters.narrow(1, n_changed, n_changed));
        let log_scale = tanh(raw * BOUND.recip()) * BOUND;
        let from = columns(&x, changed);
        let to = match couple.inverse {
            false => from * exp(log_scale.clone()) + shift,
            true => (from - shift) * exp(log_scale.clone().neg()),
        };
        let sum = log_scale.sum_dim(1).reshape([n, 1]);
        parts[width - 1] = parts[width - 1].clone() + if couple.inverse { sum.neg() } else { sum };
        for (j, &column) in changed.iter().enumerate() {
            parts[column] = to.clone().narrow(1, j, 1);
        }
    }
    Tensor::cat(parts, 1)
}

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The result, and the gradients of `Σ y²/2` with respect to `x` and the layers.
fn results(
    pass: impl Fn(Tensor<2>, &[Layer]) -> Tensor<2>,
    (x, layers): (Tensor<2>, Vec<Layer>),
) -> Vec<Vec<f64>> {
    let x = x.require_grad();
    let layers: Vec<Layer> =
        layers.into_iter().map(|(weight, bias)| (weight.require_grad(), bias.require_grad())).collect();
    let y = pass(x.clone(), &layers);
    let grads = y.clone().square().sum().mul_scalar(0.5).backward();
    let of_layers = layers.iter().flat_map(|(weight, bias)| {
        [doubles(weight.grad(&grads).unwrap()), doubles(bias.grad(&grads).unwrap())]
    });
    [doubles(y), doubles(x.grad(&grads).unwrap())].into_iter().chain(of_layers).collect()
}

#[test]
fn it_is_the_composition() {
    let device = Device::flex().autodiff();
    // Sums of up to a few thousand terms, rounded to 53 or 24 bits in different orders.
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 3e-5)] {
        for (function, inverse, n) in [
            (Function::Silu, false, 1),
            (Function::Silu, true, 70),
            (Function::Tanh, false, 300),
            (Function::Relu, true, 23),
        ] {
            let cases = [
                (mixed(inverse), 18, vec![2, 31, 33, 6]),
                (single(5, inverse), 6, vec![3, 40, 4]),
                (single(2, inverse), 3, vec![1, 17, 16, 18, 2]),
            ];
            for (couple, width, widths) in cases {
                let operands = || operands(n, width, &widths, dtype, &device);
                let ours = results(|x, layers| coupled(x, layers, function, &couple).unwrap(), operands());
                let theirs = results(|x, layers| composed(x, layers, function, &couple), operands());
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    let size = theirs.iter().fold(1.0, |size: f64, value| size.max(value.abs()));
                    assert_eq!(ours.len(), theirs.len());
                    for (a, b) in ours.iter().zip(theirs) {
                        assert!(
                            (a - b).abs() <= tolerance * size,
                            "{a} for {b}: {function:?} {couple:?} {n}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_inverse_undoes() {
    let device = Device::flex();
    let (x, layers) = operands(90, 18, &[2, 20, 20, 6], DType::F64, &device);
    let z = coupled(x.clone(), &layers, Function::Silu, &mixed(false)).unwrap();
    assert!((z.clone() - x.clone()).abs().max().into_scalar::<f64>() > 0.1);
    let back = coupled(z, &layers, Function::Silu, &mixed(true)).unwrap();
    assert!((back - x).abs().max().into_scalar::<f64>() < 1e-13);
}

/// Rows whose gradient is zero are skipped, and the others have the same bits as before.
#[test]
fn rows_without_a_gradient_are_skipped() {
    let device = Device::flex().autodiff();
    let (n, couple) = (61, mixed(false));
    let gradients = |is_wanted: fn(usize) -> bool| {
        let (x, layers) = operands(n, 18, &[2, 20, 6], DType::F64, &device);
        let weights: Vec<f64> = (0..n).map(|row| f64::from(u8::from(is_wanted(row)))).collect();
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [n, 1]), (&device, DType::F64));
        let pass = |x: Tensor<2>, layers: &[Layer]| {
            coupled(x, layers, Function::Silu, &couple).unwrap() * weights.clone()
        };
        results(pass, (x, layers))
    };
    let (all, some) = (gradients(|_| true), gradients(|row| row % 20 < 7));
    for row in 0..n {
        let of_row = row * 18..(row + 1) * 18;
        let want = if row % 20 < 7 { all[1][of_row.clone()].to_vec() } else { vec![0.0; 18] };
        assert_eq!(some[1][of_row], want, "{row}");
    }
    let others = gradients(|row| row % 20 >= 7);
    for layer in 2..6 {
        for ((all, some), others) in all[layer].iter().zip(&some[layer]).zip(&others[layer]) {
            assert!((some + others - all).abs() < 1e-12 * all.abs().max(1.0));
        }
    }
}

/// More blocks than rows that pass through the network together; the bits do not depend on the threads.
#[test]
fn threads_do_not_change_the_result() {
    let device = Device::flex().autodiff();
    let couple = Couple {
        blocks: 150,
        kept: (0..300).collect(),
        changed: (300..600).collect(),
        bound: BOUND,
        inverse: false,
    };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let operands = operands(11, 601, &[2, 32, 32, 4], DType::F32, &device);
        pool.install(|| results(|x, layers| coupled(x, layers, Function::Silu, &couple).unwrap(), operands))
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn large_networks_are_left_to_others() {
    let (x, layers) = operands(4, 6, &[3, 300, 300, 4], DType::F32, &Device::flex());
    assert!(coupled(x, &layers, Function::Silu, &single(5, false)).is_none());
}

#[test]
#[should_panic(expected = "column Some(5) of 6")]
fn the_last_column_is_not_coupled() {
    let (x, layers) = operands(4, 6, &[3, 8, 6], DType::F32, &Device::flex());
    let _ = coupled(x, &layers, Function::Silu, &single(6, false));
}
