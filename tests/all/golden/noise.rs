//! The streams of noise never change: every run of every model hangs on them.

use burn::prelude::*;
use gibbs_backend::Noise;
use serde_json::Value;

use super::{numbers, read};

/// Each pinned stream, from where it is pinned.
fn streams() -> Vec<(Noise, Value)> {
    let file = read("noise.json");
    let streams = file["streams"].as_array().unwrap();
    assert!(!streams.is_empty());
    let number = |entry: &Value, key: &str| entry[key].as_u64().unwrap();
    let noise = |entry: &Value| {
        let name = entry["stream"].as_str().unwrap();
        Noise::new(number(entry, "seed"), name).at(number(entry, "position"))
    };
    streams.iter().map(|entry| (noise(entry), entry.clone())).collect()
}

#[test]
fn words() {
    for (mut noise, pinned) in streams() {
        for expected in numbers(&pinned["words"]) {
            assert_eq!(f64::from(noise.next_u32()), expected, "{noise:?}");
        }
    }
}

#[test]
fn uniform_numbers() {
    for (mut noise, pinned) in streams() {
        let expected: Vec<f32> =
            numbers(&pinned["uniform_times_2_to_24"]).iter().map(|k| (k / 16_777_216.0) as f32).collect();
        assert_eq!(noise.uniform_vec(expected.len()), expected, "{noise:?}");
    }
}

#[test]
fn normal_numbers_bit_by_bit() {
    for (mut noise, pinned) in streams() {
        let expected: Vec<u32> =
            numbers(&pinned["normal_f32_bits"]).iter().map(|&bits| bits as u32).collect();
        let found: Vec<u32> = noise.normal_vec(expected.len()).into_iter().map(f32::to_bits).collect();
        assert_eq!(found, expected, "{noise:?}");
    }
}

#[test]
fn bits() {
    for (mut noise, pinned) in streams() {
        let probs: Vec<f32> = numbers(&pinned["probs"]).iter().map(|&p| p as f32).collect();
        let probs = Tensor::<1>::from_floats(probs.as_slice(), &Device::flex());
        let found: Vec<f64> = noise.bernoulli(probs).into_data().iter::<f64>().collect();
        assert_eq!(found, numbers(&pinned["bernoulli"]), "{noise:?}");
    }
}

#[test]
fn permutations() {
    for (mut noise, pinned) in streams() {
        let expected: Vec<usize> = numbers(&pinned["permutation"]).iter().map(|&k| k as usize).collect();
        assert_eq!(noise.permutation(expected.len()), expected, "{noise:?}");
    }
}
