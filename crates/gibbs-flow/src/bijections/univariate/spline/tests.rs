use burn::tensor::DType;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;

use super::*;

type Map = fn(Tensor<2>, Tensor<2>, usize, f64) -> (Tensor<2>, Tensor<1>);

/// `z` and `ladj`, and the gradients of `Σ z·u + Σ ladj²/2` by `x` and by the parameters.
fn everything(map: Map, x: &[f64], parameters: &[f64], case: [usize; 3], dtype: DType) -> [Vec<f64>; 4] {
    let [n, width, bins] = case;
    let device = Device::flex().autodiff();
    let tensor = |values: &[f64], shape: [usize; 2]| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), (&device, dtype))
    };
    let x = tensor(x, [n, width]).require_grad();
    let parameters = tensor(parameters, [n, (3 * bins - 1) * width]).require_grad();
    let (z, ladj) = map(x.clone(), parameters.clone(), bins, BOUND);
    let weights: Vec<f64> = (0..n * width).map(|i| (i as f64).sin()).collect();
    let loss = (z.clone() * tensor(&weights, [n, width])).sum() + ladj.clone().square().sum() / 2.0;
    let grads = loss.backward();
    let by = |leaf: &Tensor<2>| to_host(leaf.grad(&grads).unwrap());
    [to_host(z), to_host(ladj), by(&x), by(&parameters)]
}

const BOUND: f64 = 2.5;

/// Points in all bins, in both tails and on the edges.
fn points(n: usize) -> Vec<f64> {
    let edges = [-BOUND, BOUND, -7.0, 40.0, -2.4999, 0.0];
    let mut noise = Noise::new(1, "points");
    (0..n).map(|i| edges.get(i).copied().unwrap_or_else(|| 1.6 * noise.next_normal())).collect()
}

/// Largest difference, with the largest of the numbers as the unit.
fn difference(have: &[f64], want: &[f64]) -> f64 {
    assert_eq!(have.len(), want.len());
    let largest = want.iter().fold(1.0, |largest: f64, want| largest.max(want.abs()));
    let differences = have.iter().zip(want).map(|(have, want)| (have - want).abs());
    // A NaN is not lost in this maximum.
    differences.fold(0.0, |worst, each| if each <= worst { worst } else { each }) / largest
}

const CASES: [[usize; 3]; 5] = [[40, 1, 16], [7, 5, 8], [3, 40, 2], [1, 16, 5], [33, 2, 64]];

fn check(dtype: DType, tolerances: [f64; 4]) {
    let pairs: [[Map; 2]; 2] = [[forward, portable::forward], [inverse, portable::inverse]];
    for [fused, composed] in pairs {
        for case in CASES {
            let [n, width, bins] = case;
            let mut noise = Noise::new(2, "parameters");
            let parameters: Vec<f64> = (0..n * width * (3 * bins - 1)).map(|_| noise.next_normal()).collect();
            let x = points(n * width);
            let [ours, theirs] = [fused, composed].map(|map| everything(map, &x, &parameters, case, dtype));
            for (part, tolerance) in tolerances.into_iter().enumerate() {
                let error = difference(&ours[part], &theirs[part]);
                assert!(error <= tolerance, "part {part} of {case:?} is {error} off");
            }
        }
    }
}

#[test]
fn the_kernel_is_the_composition_in_double_precision() {
    check(DType::F64, [1e-12, 1e-11, 1e-10, 1e-10]);
}

#[test]
fn the_kernel_is_the_composition_in_single_precision() {
    check(DType::F32, [1e-5, 1e-4, 1e-3, 1e-3]);
}

#[test]
fn in_the_tails_only_the_value_has_a_gradient() {
    let case = [2, 1, 4];
    let parameters: Vec<f64> = (0..22).map(f64::from).collect();
    for map in [forward as Map, inverse] {
        let [z, ladj, by_x, by_parameters] = everything(map, &[-3.0, 9.0], &parameters, case, DType::F64);
        assert_eq!((z, ladj), (vec![-3.0, 9.0], vec![0.0, 0.0]));
        assert_eq!(by_x, [0.0, 1f64.sin()]);
        assert!(by_parameters.iter().all(|gradient| *gradient == 0.0));
    }
}
