use burn::tensor::DType;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_testkit::check_gradient;

use super::*;

const MAPS: [Univariate; 4] = [
    Univariate::Additive,
    Univariate::Affine { max_log_scale: 3.0 },
    Univariate::Spline { bins: 5, bound: 2.0 },
    Univariate::Spline { bins: 2, bound: 3.0 },
];

fn wide(values: &[f64], shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (&Device::flex(), DType::F64))
}

/// Numbers of order `std`.
fn numbers(n: usize, std: f64, stream: &str) -> Vec<f64> {
    let mut noise = Noise::new(0, stream);
    (0..n).map(|_| noise.next_normal() * std).collect()
}

#[test]
fn zero_parameters_are_the_identity() {
    let x = [-7.0, -2.0, -0.3, 0.0, 1.1, 1.9999, 2.0, 40.0];
    for map in MAPS {
        let (z, ladj) = map
            .forward(wide(&x, [8, 1]), Tensor::zeros([8, map.n_parameters()], (&Device::flex(), DType::F64)));
        to_host(z).iter().zip(x).for_each(|(z, x)| assert!((z - x).abs() < 1e-12, "{map:?}: {z} for {x}"));
        assert!(to_host(ladj).iter().all(|ladj| ladj.abs() < 1e-12), "{map:?}");
    }
}

#[test]
fn maps_increase_and_their_slope_is_the_derivative() {
    let n = 4001;
    let x: Vec<f64> = (0..n).map(|i| -4.0 + 8.0 * i as f64 / (n - 1) as f64).collect();
    for map in MAPS {
        let row = numbers(map.n_parameters(), 0.5, "parameters");
        let parameters = wide(&row, [1, row.len()]).expand([n, row.len()]);
        let (z, ladj) = map.forward(wide(&x, [n, 1]), parameters);
        let (z, ladj) = (to_host(z), to_host(ladj));
        let step = x[1] - x[0];
        for i in 1..n - 1 {
            assert!(z[i] < z[i + 1], "{map:?} at {}", x[i]);
            // At a knot the second derivative jumps, by less than 40 here, and a central difference is off by 40·0.002/4.
            let slope = (z[i + 1] - z[i - 1]) / (2.0 * step);
            assert!(
                (ladj[i].exp() / slope - 1.0).abs() < 0.02,
                "{map:?} at {}: {} {slope}",
                x[i],
                ladj[i].exp()
            );
        }
    }
}

/// Knots from the parameters, by the formulas of the module on the host: the spline passes through them with its slopes.
#[test]
fn a_spline_interpolates_its_knots() {
    let (bins, bound) = (4, 2.5);
    let map = Univariate::Spline { bins, bound };
    let row = numbers(map.n_parameters(), 1.0, "parameters");
    let edges = |logits: &[f64]| -> Vec<f64> {
        let total: f64 = logits.iter().map(|a| a.exp()).sum();
        let part = |a: &f64| (0.01 + (1.0 - 0.01 * bins as f64) * a.exp() / total) * 2.0 * bound;
        logits.iter().scan(-bound, |edge, a| Some(std::mem::replace(edge, *edge + part(a)))).collect()
    };
    let (x, y) = (edges(&row[..bins]), edges(&row[bins..2 * bins]));
    let inner: Vec<f64> = row[2 * bins..].iter().map(|a| 3.0 * (a / 3.0).tanh()).collect();
    let parameters = wide(&row, [1, row.len()]).expand([bins, row.len()]);
    let (z, ladj) = map.forward(wide(&x, [bins, 1]), parameters);
    let (z, ladj) = (to_host(z), to_host(ladj));
    for k in 0..bins {
        let log_slope = if k == 0 { 0.0 } else { inner[k - 1] };
        assert!((z[k] - y[k]).abs() < 1e-12 && (ladj[k] - log_slope).abs() < 1e-10, "knot {k}");
    }
}

#[test]
fn outside_the_box_a_spline_is_the_identity() {
    let map = Univariate::Spline { bins: 4, bound: 1.5 };
    let x = [-1e30, -90.0, -1.5, 1.5, 1.6, 1e6, f64::INFINITY, f64::NEG_INFINITY];
    let parameters = wide(&numbers(8 * 11, 3.0, "parameters"), [8, 11]);
    for pass in [Univariate::forward, Univariate::inverse] {
        let (z, ladj) = pass(map, wide(&x, [8, 1]), parameters.clone());
        for (z, x) in to_host(z).into_iter().zip(x) {
            assert!(z == x || (z - x).abs() < 1e-12, "{z} for {x}");
        }
        // On the edge itself it is that of the last bin at its end, of second derivatives up to about 1e5.
        assert!(to_host(ladj).iter().all(|ladj| ladj.abs() < 1e-10));
    }
}

#[test]
fn gradients_of_parameters_and_points_are_the_slopes() {
    let x = [-3.7, -0.9, 0.4, 1.3];
    for map in MAPS {
        for pass in [Univariate::forward, Univariate::inverse] {
            let p = map.n_parameters();
            let start = [numbers(4 * p, 1.0, "parameters"), x.to_vec()].concat();
            // Value and log-determinant together, with weights that tell the points apart.
            let loss = |all: &[f64], device: &Device| {
                let options = (device, DType::F64);
                let tensor = |values: &[f64], shape: [usize; 2]| -> Tensor<2> {
                    Tensor::from_data(TensorData::new(values.to_vec(), shape), options)
                };
                let (parameters, x) = (tensor(&all[..4 * p], [2, 2 * p]), tensor(&all[4 * p..], [2, 2]));
                let leaves = if device.is_autodiff() {
                    [parameters.require_grad(), x.require_grad()]
                } else {
                    [parameters, x]
                };
                let (z, ladj) = pass(map, leaves[1].clone(), leaves[0].clone());
                let weights = tensor(&[0.3, -1.0, 0.8, 0.5], [2, 2]);
                ((z * weights).sum() + ladj.powi_scalar(2).sum(), leaves)
            };
            let (value, leaves) = loss(&start, &Device::flex().autodiff());
            let grads = value.backward();
            let gradient: Vec<f64> =
                leaves.iter().flat_map(|leaf| to_host(leaf.grad(&grads).unwrap())).collect();
            check_gradient(&gradient, &start, 1e-6, |all| to_host(loss(all, &Device::flex()).0)[0]);
        }
    }
}

#[test]
fn the_largest_parameters_stay_finite_and_invertible_in_f32() {
    let device = Device::flex();
    let x: Vec<f32> = (0..64).map(|i| (i as f32 - 31.5) / 8.0).collect();
    for map in MAPS {
        let p = map.n_parameters();
        let raw: Vec<f32> =
            numbers(64 * p, 100.0, "parameters").into_iter().map(|value| value as f32).collect();
        let parameters = Tensor::<2>::from_data(TensorData::new(raw, [64, p]), &device);
        let points = Tensor::<2>::from_data(TensorData::new(x.clone(), [64, 1]), &device);
        let (z, ladj) = map.forward(points, parameters.clone());
        let (back, _) = map.inverse(z.clone(), parameters.clone());
        let (again, _) = map.forward(back, parameters);
        assert!(to_host(ladj).iter().all(|ladj| ladj.is_finite()), "{map:?}");
        // What comes back may differ from x where the map is flat, but its image is the same up to rounding.
        for (again, z) in to_host(again).into_iter().zip(to_host(z)) {
            assert!((again - z).abs() < 1e-5 * z.abs().max(1.0), "{map:?}: {again} for {z}");
        }
    }
}

#[test]
fn nan_stays_nan() {
    for map in MAPS {
        let parameters = Tensor::zeros([1, 2 * map.n_parameters()], (&Device::flex(), DType::F64));
        for pass in [Univariate::forward, Univariate::inverse] {
            let z = to_host(pass(map, wide(&[f64::NAN, 0.5], [1, 2]), parameters.clone()).0);
            assert!(z[0].is_nan() && (z[1] - 0.5).abs() < 1e-12, "{map:?}: {z:?}");
        }
    }
}

#[test]
fn a_map_out_of_range_is_named() {
    let message = |map: Univariate| map.validate().unwrap_err().to_string();
    assert_eq!(message(Univariate::Spline { bins: 1, bound: 3.0 }), "bins = 1: must be from 2 to 64");
    assert!(
        message(Univariate::Spline { bins: 8, bound: -1.0 })
            .contains("bound = -1: must be finite and above 0")
    );
    assert!(message(Univariate::Affine { max_log_scale: f64::NAN }).contains("max_log_scale = NaN"));
}

#[test]
fn configurations_read_as_they_are_written() {
    for map in MAPS {
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<Univariate>(&text).unwrap(), map, "{text}");
    }
    assert_eq!(serde_json::to_string(&MAPS[2]).unwrap(), r#"{"kind":"spline","bins":5,"bound":2.0}"#);
}

#[test]
#[should_panic(expected = "parameters of 2 examples of 3 variables")]
fn parameters_of_another_width_panic() {
    Univariate::affine().forward(wide(&[0.0; 6], [2, 3]), wide(&[0.0; 10], [2, 5]));
}
