//! Random tensors on every device that is compiled in.

use burn::tensor::Tensor;

use super::*;
use crate::{compiled, device};

#[test]
fn every_device_has_the_same_values() {
    for name in compiled() {
        let device = device(name).unwrap();
        let mut stream = noise("devices");
        let uniform = values(stream.uniform([3, 5], &device));
        let normal = values(stream.normal([2, 4], &device));
        assert_eq!(stream.position(), 23, "{name}");
        let mut host = noise("devices");
        assert_eq!((uniform, normal), (host.uniform_vec(15), host.normal_vec(8)), "{name}");
    }
}

#[test]
fn bits_have_their_probabilities_on_every_device() {
    const N: usize = 20_000;
    let probs = [0.0, 1e-3, 0.3, 0.5, 0.99, 1.0];
    for name in compiled() {
        let device = device(name).unwrap();
        let p = Tensor::<2>::from_floats([probs], &device).expand([N, probs.len()]);
        let logits = p.clone().log() - (-p.clone()).log1p();
        let direct = noise("bits").bernoulli(p);
        let from_logits = noise("bits").bernoulli_logits(logits);
        for bits in [direct.clone(), from_logits.clone()] {
            let bits = values(bits);
            assert!(bits.iter().all(|&bit| bit == 0.0 || bit == 1.0));
            for (column, p) in probs.into_iter().enumerate() {
                let ones: f64 =
                    bits.iter().skip(column).step_by(probs.len()).map(|&bit| f64::from(bit)).sum();
                let half_width = 4.5 * (N as f64 * p * (1.0 - p)).sqrt();
                assert!((ones - N as f64 * p).abs() <= half_width, "{name}: {ones} ones at {p}");
            }
        }
        let differing = values((direct - from_logits).abs().sum())[0];
        assert!(differing <= 2.0, "{name}: {differing} bits differ between probabilities and logits");
    }
}

#[test]
fn categories_have_their_probabilities_on_every_device() {
    const N: usize = 30_000;
    let logits = [f32::NEG_INFINITY, 1.0, -2.0, 0.5, f32::NEG_INFINITY, 3.0, f32::NEG_INFINITY];
    let weights = logits.map(|x| f64::from(x).exp());
    let total: f64 = weights.iter().sum();
    for name in compiled() {
        let device = device(name).unwrap();
        let rows = Tensor::<2>::from_floats([logits], &device).add_scalar(50.0).expand([N, logits.len()]);
        let mut stream = noise("categories");
        let drawn = stream.categorical(rows.clone());
        assert_eq!((drawn.dims(), stream.position()), ([N], N as u64));
        let drawn: Vec<i64> = drawn.into_data().iter::<i64>().collect();
        let mut counts = [0; 7];
        drawn.iter().for_each(|&k| counts[k as usize] += 1);
        assert_eq!((counts[0], counts[4], counts[6]), (0, 0, 0), "{name}");
        let possible = [1, 2, 3, 5];
        let probs = possible.map(|k| weights[k] / total);
        assert!(chi_square(&possible.map(|k| counts[k]), &probs) < 4.5, "{name}: {counts:?}");

        let mut parts = noise("categories");
        let first = parts.categorical(rows.clone().narrow(0, 0, 999));
        let second = parts.categorical(rows.narrow(0, 999, N - 999));
        let joined: Vec<i64> = Tensor::cat(vec![first, second], 0).into_data().iter::<i64>().collect();
        assert_eq!(drawn, joined, "{name}");
    }
}

#[test]
#[should_panic(expected = "logits of shape [2, 0] have no categories")]
fn no_category_can_be_drawn_from_none() {
    let Some(name) = compiled().first().copied() else { panic!("logits of shape [2, 0] have no categories") };
    noise("none").categorical(Tensor::<2>::zeros([2, 0], &device(name).unwrap()));
}
