use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::{Noise, compiled, device};

fn doubles(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Binary with the given share of ones.
fn bits(shape: [usize; 2], density: f64, device: &Device) -> Tensor<2> {
    let ones = (0..shape[0] * shape[1]).map(|i| f32::from((i * 40_503 % 1009) as f64 / 1009.0 < density));
    Tensor::from_data(TensorData::new(ones.collect::<Vec<f32>>(), shape), (device, DType::F32))
}

fn normal(shape: [usize; 2], stream: &str, device: &Device) -> Tensor<2> {
    Noise::new(3, stream).normal(shape, device)
}

/// The bound for a sum of `n` rounded products in any order, `n·ε·Σ|x||w|`, for `y` and the reference alike.
#[track_caller]
fn assert_product(y: Tensor<2>, x: Tensor<2>, w: Tensor<2>) {
    let terms = x.dims()[1].max(1) as f64;
    assert_eq!(y.dims(), [x.dims()[0], w.dims()[1]]);
    let sizes = doubles(x.clone().abs().matmul(w.clone().abs()));
    for ((y, expected), size) in doubles(y).into_iter().zip(doubles(x.matmul(w))).zip(sizes) {
        let bound = 2.0 * terms * f64::from(f32::EPSILON) * size;
        assert!((y - expected).abs() <= bound, "{y} for {expected}, {terms} terms");
    }
}

#[track_caller]
fn check(x: Tensor<2>, w: Tensor<2>) {
    let y = sparse_matmul(x.clone(), w.clone());
    let again = sparse_matmul_transposed(x.clone().transpose(), w.clone());
    assert_product(y, x.clone(), w.clone());
    assert_product(again, x, w);
}

#[test]
fn products_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap();
        for [n, k, m] in
            [[1, 784, 500], [16, 1, 16], [17, 33, 65], [100, 500, 784], [391, 130, 63], [64, 9, 1]]
        {
            let w = normal([k, m], "right", &device);
            for density in [0.0, 0.1, 0.3, 1.0] {
                let x = bits([n, k], density, &device);
                check(x.clone(), w.clone());
                check(x.clone() * normal([n, k], "left", &device), w.clone());
                check(x.clone().mul_scalar(-1.0), w.clone());
            }
        }
    }
}

#[test]
fn views_of_either_factor() {
    for name in compiled() {
        let device = device(name).unwrap();
        let (x, w) = (bits([120, 90], 0.4, &device), normal([120, 90], "right", &device));
        check(x.clone(), w.clone().transpose());
        check(x.clone().transpose(), w.clone());
        check(x.clone().slice([7..77, 11..60]), w.clone().transpose().slice([3..52, 9..101]));
        check(x.clone().transpose().slice([7..77, 11..60]), w.clone().slice([3..52, 9..70]));
        check(x.clone().flip([1]), w.clone().flip([0]).transpose());
        check(x.clone().slice([0..120, 0..1]).expand([120, 90]), w.transpose());
    }
}

#[test]
fn terms_of_zero_are_left_out_and_others_are_not() {
    let Ok(device) = device("flex") else { return };
    let ones = Tensor::<2>::ones([32, 40], (&device, DType::F32));
    let w = ones.clone().transpose().slice_fill([5..6, 0..32], f32::INFINITY);
    let x = ones.slice_fill([0..31, 5..6], 0.0);
    for x in [x.clone(), x.mul_scalar(0.5).slice_fill([0..31, 10..40], 0.0)] {
        let rows = sparse_matmul(x, w.clone()).sum_dim(1).into_data().try_to_vec::<f32>().unwrap();
        assert!(rows[..31].iter().all(|row| row.is_finite()) && rows[31] == f32::INFINITY);
    }
}

#[cfg(feature = "flex")]
#[test]
fn same_bits_for_any_number_of_threads() {
    let device = device("flex").unwrap();
    let w = normal([300, 200], "right", &device);
    let x = bits([300, 300], 0.4, &device);
    for x in [x.clone(), bits([300, 300], 0.1, &device), x * normal([300, 300], "left", &device)] {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                [
                    sparse_matmul(x.clone(), w.clone()).into_data(),
                    sparse_matmul_transposed(x.clone(), w.clone()).into_data(),
                ]
            })
        };
        let one = with(1);
        assert!(one == with(2) && one == with(7));
    }
}

#[test]
fn gradients() {
    for name in compiled() {
        let plain = device(name).unwrap();
        let device = plain.clone().autodiff();
        let x = Tensor::from_inner(bits([20, 30], 0.3, &plain)).require_grad();
        let w = Tensor::<2>::from_inner(normal([30, 18], "right", &plain)).require_grad();
        let y = Tensor::<2>::from_inner(normal([20, 18], "other", &plain)).require_grad();
        assert_eq!(w.device(), device);
        let loss = (sparse_matmul(x.clone(), w.clone()) * y.clone()).sum()
            + (sparse_matmul_transposed(x.clone(), y.clone()) * w.clone()).sum();
        let gradients = loss.backward();
        let [left, right, other] = [&x, &w, &y].map(|factor| factor.grad(&gradients).unwrap());
        let [x, w, y] = [x, w, y].map(|factor| factor.inner());
        assert_product(left.mul_scalar(0.5), y.clone(), w.clone().transpose());
        assert_product(right.mul_scalar(0.5), x.clone().transpose(), y);
        assert_product(other.mul_scalar(0.5), x, w);
    }
}

#[test]
fn doubles_stay_doubles() {
    for name in compiled().iter().copied().filter(|&name| matches!(name, "flex" | "ndarray")) {
        let device = device(name).unwrap();
        let third = Tensor::<2>::ones([20, 24], (&device, DType::F64)).div_scalar(3.0);
        let x = third.ones_like().tril(0);
        let y = sparse_matmul(x, third.transpose());
        assert_eq!(y.dtype(), DType::F64);
        for (row, values) in doubles(y).chunks(20).enumerate() {
            assert!(values.iter().all(|value| (value - (row + 1) as f64 / 3.0).abs() < 1e-14));
        }
    }
}

#[test]
#[should_panic(expected = "sparse_matmul: x of shape [2, 3], w of shape [4, 2]")]
fn sizes_that_do_not_fit() {
    let device = device(crate::default_backend().unwrap()).unwrap();
    sparse_matmul(Tensor::zeros([2, 3], &device), Tensor::zeros([4, 2], &device));
}
