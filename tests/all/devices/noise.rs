//! What a stream yields does not depend on the device.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;

use super::devices;

const SHAPE: [usize; 2] = [200, 1003];
const COUNT: usize = SHAPE[0] * SHAPE[1];

fn singles(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn on(device: &Device, values: &[f64]) -> Tensor<2> {
    let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    Tensor::from_data(TensorData::new(values, SHAPE), device)
}

/// Uniform numbers as bits make them.
fn uniform() -> Vec<f64> {
    Noise::new(1, "bits").uniform_vec(COUNT).into_iter().map(f64::from).collect()
}

fn logits() -> Vec<f64> {
    Noise::new(2, "logits").normal_vec(COUNT).into_iter().map(|x| f64::from(3.0 * x)).collect()
}

#[test]
fn uniform_and_normal_numbers_bit_by_bit() {
    let expected = (Noise::new(1, "values").uniform_vec(COUNT), Noise::new(1, "values").normal_vec(COUNT));
    for (name, device) in devices() {
        let mut noise = Noise::new(1, "values");
        assert!(singles(noise.uniform(SHAPE, &device)) == expected.0, "uniform numbers on {name}");
        assert_eq!(noise.position(), COUNT as u64);
        let normal = Noise::new(1, "values").normal(SHAPE, &device);
        assert!(singles(normal) == expected.1, "normal numbers on {name}");
    }
}

#[test]
fn bits_of_probabilities_are_the_comparison_on_the_host() {
    let probs: Vec<f64> = Noise::new(3, "probs").uniform_vec(COUNT).into_iter().map(f64::from).collect();
    let expected: Vec<f64> = uniform().iter().zip(&probs).map(|(u, p)| f64::from(u8::from(u < p))).collect();
    for (name, device) in devices() {
        let bits = to_host(Noise::new(1, "bits").bernoulli(on(&device, &probs)));
        assert!(bits == expected, "bits on {name}");
    }
}

#[test]
fn bits_of_logits_are_the_comparison_on_the_host_up_to_ties() {
    let logits = logits();
    let expected: Vec<bool> =
        uniform().iter().zip(&logits).map(|(u, x)| *u < 1.0 / (1.0 + (-x).exp())).collect();
    for (name, device) in devices() {
        let bits = to_host(Noise::new(1, "bits").bernoulli_logits(on(&device, &logits)));
        assert!(bits.iter().all(|&bit| bit == 0.0 || bit == 1.0), "{name}");
        let differing =
            bits.iter().zip(&expected).filter(|(bit, expected)| (**bit == 1.0) != **expected).count();
        // A tie within rounding happens in one of 10^6 to 10^7 bits, as accurate as the device's sigmoid; here are 2·10^5.
        assert!(differing <= 2, "{differing} of {COUNT} bits differ on {name}");
    }
}

/// By inversion of the cumulative weights, in f64.
#[test]
fn categories_are_the_inversion_on_the_host_up_to_ties() {
    let logits = logits();
    let u = Noise::new(1, "bits").uniform_vec(SHAPE[0]);
    let expected: Vec<f64> = logits
        .chunks(SHAPE[1])
        .zip(u)
        .map(|(row, u)| {
            let total: f64 = row.iter().map(|x| x.exp()).sum();
            let mut left = f64::from(u) * total;
            let drawn = row.iter().position(|x| {
                left -= x.exp();
                left < 0.0
            });
            drawn.unwrap() as f64
        })
        .collect();
    for (name, device) in devices() {
        let drawn = Noise::new(1, "bits").categorical(on(&device, &logits));
        let drawn: Vec<f64> = drawn.into_data().iter::<f64>().collect();
        let differing = drawn.iter().zip(&expected).filter(|(a, b)| a != b).count();
        // Sums of a thousand f32 numbers are off by 10^-5 of the total at most: two in a thousand draws hit a border.
        assert!(differing <= 4, "{differing} of {} categories differ on {name}", SHAPE[0]);
        assert!(drawn.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 3.0), "{name}");
    }
}
