use super::*;
use burn::tensor::{DType, FloatDType};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use std::io::Write;

const WIDTH: usize = 12;

fn f64s(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

/// `n` examples with correlated columns of unlike variance, far from the origin.
fn examples(n: usize) -> Tensor<2> {
    let mut noise = Noise::new(5, "examples");
    let options = (&Device::flex(), DType::F64);
    let scales = f64s((0..WIDTH).map(|j| 3.0 * 0.7f64.powi(j as i32)).collect(), [1, WIDTH]);
    let mixing = noise.normal([WIDTH, WIDTH], options);
    (noise.normal([n, WIDTH], options) * scales).matmul(mixing) + 100.0
}

fn identity(k: usize) -> Tensor<2> {
    f64s((0..k * k).map(|i| f64::from(u8::from(i % (k + 1) == 0))).collect(), [k, k])
}

fn in_batches(x: &Tensor<2>, size: usize) -> Vec<Tensor<2>> {
    x.clone().split(size, 0)
}

fn largest(x: Tensor<2>) -> f64 {
    to_host(x.abs()).into_iter().fold(0.0, f64::max)
}

fn mean(x: Tensor<1>) -> f64 {
    let values = to_host(x);
    values.iter().sum::<f64>() / values.len() as f64
}

/// Examples at `m ± a_j·u_j` with orthonormal `u_j`: the covariance has eigenvectors `u_j` and eigenvalues `a_j²/3`.
#[test]
fn a_known_covariance_is_decomposed() {
    let third = 1.0 / 3.0;
    let axes =
        [[2.0, -1.0, 2.0], [2.0, 2.0, -1.0], [-1.0, 2.0, 2.0]].map(|row| row.map(|value| value * third));
    let lengths = [3.0, 2.0, 0.5];
    let rows: Vec<f64> = (0..6)
        .flat_map(|i| {
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            (0..3).map(move |d| 7.0 + sign * lengths[i / 2] * axes[i / 2][d])
        })
        .collect();
    let pca = Pca::fit([f64s(rows, [6, 3])], 3).unwrap();
    for (found, length) in pca.eigenvalues().iter().zip(lengths) {
        assert!((found - length * length * third).abs() < 1e-12, "{found}");
    }
    let overlap = pca.components().matmul(f64s(axes.concat(), [3, 3]).transpose());
    assert!(largest(overlap.abs() - identity(3)) < 1e-12);
    assert!(to_host(pca.mean()).iter().all(|m| (m - 7.0).abs() < 1e-12));
    assert!((pca.explained() - 1.0).abs() < 1e-12);
}

#[test]
fn components_are_orthonormal_and_what_they_leave_out_is_the_error() {
    let x = examples(200);
    for k in [1, 4, WIDTH] {
        let pca = Pca::fit(in_batches(&x, 64), k).unwrap();
        let gram = pca.components().matmul(pca.components().transpose());
        assert!(largest(gram - identity(k)) < 1e-12);
        let left_out: f64 = pca.eigenvalues()[k..].iter().sum();
        let total: f64 = pca.eigenvalues().iter().sum();
        assert!((mean(pca.squared_error(x.clone())) - left_out).abs() < 1e-11 * total);
        assert!((pca.explained() - (1.0 - left_out / total)).abs() < 1e-12);
        // Codes are uncorrelated, with the eigenvalues as variances.
        let z = pca.encode(x.clone());
        let covariance = to_host(z.clone().transpose().matmul(z) / 200.0);
        for (i, value) in covariance.iter().enumerate() {
            let truth = if i / k == i % k { pca.eigenvalues()[i % k] } else { 0.0 };
            assert!((value - truth).abs() < 1e-11 * total, "{value} {truth}");
        }
    }
}

/// Power iteration with deflation on the covariance that a second pass computes: an independent algorithm.
#[test]
fn agrees_with_power_iteration() {
    let x = examples(500);
    let pca = Pca::fit(in_batches(&x, 77), 3).unwrap();
    let centered = x.clone() - x.clone().mean_dim(0);
    let mut covariance = centered.clone().transpose().matmul(centered) / 500.0;
    for k in 0..3 {
        let mut u = f64s(vec![1.0; WIDTH], [WIDTH, 1]);
        for _ in 0..2000 {
            u = covariance.clone().matmul(u);
            u = u.clone() / u.square().sum().sqrt().unsqueeze();
        }
        let value = to_host(u.clone().transpose().matmul(covariance.clone()).matmul(u.clone()))[0];
        assert!((value - pca.eigenvalues()[k]).abs() < 1e-9 * pca.eigenvalues()[0], "{value}");
        let cosine = to_host(pca.components().narrow(0, k, 1).matmul(u.clone()))[0];
        assert!((cosine.abs() - 1.0).abs() < 1e-9, "component {k}: {cosine}");
        covariance = covariance - u.clone().matmul(u.transpose()) * value;
    }
}

#[test]
fn neither_the_batches_nor_the_place_of_the_origin_matter() {
    let x = examples(150);
    let whole = Pca::fit([x.clone()], 2).unwrap();
    let cut = Pca::fit(in_batches(&x, 7), 2).unwrap();
    assert!(largest(whole.components() - cut.components()) < 1e-10);
    // In f32, 100 standard deviations away: without the shift the products would keep two digits of the variances.
    let far = (x.clone() + 900.0).cast(FloatDType::F32);
    let far = Pca::fit(in_batches(&far, 32), 2).unwrap();
    for (a, b) in whole.eigenvalues()[..6].iter().zip(far.eigenvalues()) {
        assert!((a - b).abs() < 1e-5 * whole.eigenvalues()[0], "{a} {b}");
    }
}

#[test]
fn fits_that_are_impossible_are_errors() {
    let x = examples(5);
    for k in [0, 6, WIDTH + 1] {
        let error = Pca::fit([x.clone()], k).unwrap_err();
        assert_eq!(error, PcaError::Components { k, width: WIDTH, examples: 5 });
        assert!(error.to_string().ends_with("give a number from 1 to 5"), "{error}");
    }
    assert!(Pca::fit([x.clone()], 5).is_ok());
    assert_eq!(Pca::fit([], 1).unwrap_err(), PcaError::Empty);
    for broken in [f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(Pca::fit([x.clone() * broken], 2).unwrap_err(), PcaError::NotFinite);
    }
}

/// Independently computed for the official 60000 training images: 13.866 (13.87 in Hinton & Salakhutdinov 2006).
#[test]
fn mnist_errors_are_the_published_ones() {
    let folder = std::path::PathBuf::from(std::env::var_os("GIBBS_DATA_DIR").unwrap_or_default());
    let splits = match gibbs_data::load("mnist", &std::path::Path::new("../..").join(folder)) {
        Ok(splits) => splits,
        Err(error @ gibbs_data::DataError::Missing { .. }) => {
            writeln!(std::io::stderr(), "skipped: {error}").unwrap();
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let device = Device::flex();
    let batches = |set: &gibbs_data::Dataset| {
        gibbs_data::Batches::new(set.clone(), 2000)
            .unwrap()
            .epoch(0)
            .iter(&device)
            .map(|batch| batch.x)
            .collect::<Vec<_>>()
    };
    let train = batches(&splits.train).into_iter().chain(batches(&splits.valid));
    let pca = Pca::fit(train, 30).unwrap();
    let test = batches(&splits.test);
    for (k, published) in [(30, 13.866), (6, 32.651), (2, 43.645)] {
        let pca = Pca { components: pca.components().narrow(0, 0, k), ..pca.clone() };
        let error = test.iter().map(|x| mean(pca.squared_error(x.clone()))).sum::<f64>() / test.len() as f64;
        assert!((error - published).abs() < 0.005, "{k} components: {error}");
    }
}
