use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::{Noise, compiled, device};

const STEP: AdamStep = AdamStep { beta_1: 0.9, beta_2: 0.99, rate: 0.02, epsilon: 1e-4, keep: 0.999 };

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn tensor(values: &[f64], dtype: DType, device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), (device, dtype))
}

/// Parameter, gradient and moments.
fn case(n: usize) -> [Vec<f64>; 4] {
    let mut noise = Noise::new(4, "adam");
    let mut values = || noise.normal_vec(n).into_iter().map(f64::from).collect::<Vec<_>>();
    let [parameter, gradient, first] = [values(), values(), values()];
    [parameter, gradient, first, values().into_iter().map(|v| v * v).collect()]
}

fn run([parameter, gradient, first, second]: [Tensor<1>; 4]) -> [Vec<f64>; 3] {
    let (parameter, [first, second]) = adam_step(parameter, gradient, [first, second], STEP);
    [parameter, first, second].map(doubles)
}

#[track_caller]
fn check(have: [Vec<f64>; 3], [parameter, gradient, first, second]: &[Vec<f64>; 4], tolerance: f64) {
    for i in 0..parameter.len() {
        let g = gradient[i];
        let m = STEP.beta_1 * first[i] + (1.0 - STEP.beta_1) * g;
        let v = STEP.beta_2 * second[i] + (1.0 - STEP.beta_2) * g * g;
        let theta = STEP.keep * parameter[i] - STEP.rate * m / (v.sqrt() + STEP.epsilon);
        for (have, want) in have.iter().zip([theta, m, v]) {
            assert!(
                (have[i] - want).abs() <= tolerance * want.abs().max(1.0),
                "{} for {want} at {i}",
                have[i]
            );
        }
    }
}

#[test]
fn the_formula_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap();
        for n in [1, 7, 100, 40_003] {
            let case = case(n);
            let arguments = case.clone().map(|values| tensor(&values, DType::F32, &device));
            // Every intermediate is below 8, and there are fewer than eight roundings of 2^-24 each.
            check(run(arguments), &case, 8.0 * 8.0 * 2f64.powi(-24));
        }
    }
}

#[cfg(feature = "flex")]
mod on_flex {
    use super::*;

    #[test]
    fn the_formula_in_double_precision() {
        for n in [1, 7, 40_003] {
            let case = case(n);
            check(run(case.clone().map(|values| tensor(&values, DType::F64, &Device::flex()))), &case, 1e-14);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(case(50_001).map(|values| tensor(&values, DType::F32, &Device::flex()))))
        };
        let one = on(1);
        assert!(on(2) == one && on(3) == one);
    }

    #[test]
    fn arguments_with_other_owners_are_left_alone_and_views_understood() {
        let device = Device::flex();
        let case = case(24);
        let arguments = case.clone().map(|values| tensor(&values, DType::F64, &device));
        let expected = run(arguments.clone());
        for (argument, values) in arguments.iter().zip(&case) {
            assert_eq!(&doubles(argument.clone()), values);
        }
        let turned = arguments.map(|x| x.reshape([4, 6]).transpose().flip([0]));
        let [parameter, gradient, first, second] = turned;
        let (parameter, [first, second]) = adam_step(parameter, gradient, [first, second], STEP);
        let back = |x: Tensor<2>| doubles(x.flip([0]).transpose());
        assert_eq!([parameter, first, second].map(back), expected);
    }

    #[test]
    fn narrow_types_take_the_portable_form() {
        let case = case(5);
        let have = run(case.clone().map(|values| tensor(&values, DType::F16, &Device::flex())));
        check(have, &case, 8.0 * 8.0 * 2f64.powi(-11));
    }

    #[test]
    #[should_panic(expected = "shape and type of the gradient")]
    fn shapes_must_be_equal() {
        let zeros = |n: usize| Tensor::<1>::zeros([n], &Device::flex());
        adam_step(zeros(3), zeros(4), [zeros(3), zeros(3)], STEP);
    }
}
