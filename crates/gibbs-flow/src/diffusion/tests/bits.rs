//! Levels come back from their binary digits, and the probability of digits is that of levels.

use gibbs_core::Estimate;

use super::*;
use crate::continuous::{AnalogBits, LevelEncoding, Levels};

#[test]
fn every_level_comes_back_from_its_digits() {
    for digits in [1, 2, 5, 8] {
        let count = 1 << digits;
        let levels = Levels::of_signed(count).unwrap();
        let bits = LevelEncoding::Bits(AnalogBits::new(levels).unwrap());
        assert_eq!((bits.count(), bits.per_value()), (count, digits));
        let all: Vec<f64> = (0..count).map(|k| levels.first + k as f64 * levels.spacing).collect();
        // Two values a row, as the pixels of an image.
        let x = rows(all.clone(), 2);
        let encoded = bits.encode(x.clone());
        assert_eq!(encoded.dims(), [count / 2, 2 * digits]);
        let found = to_host(encoded.clone());
        for (k, found) in found.chunks(digits).enumerate() {
            let expected: Vec<f64> =
                (0..digits).rev().map(|place| if (k >> place) & 1 == 1 { 1.0 } else { -1.0 }).collect();
            assert_eq!(found, expected, "level {k} of {count}");
        }
        assert_close(&to_host(bits.decode(encoded.clone())), &all, 1e-12, "decoded");
        // Digits with noise below their distance, and single precision.
        let noisy = encoded.clone() + normal("noise", encoded.dims()).clamp(-0.99, 0.99);
        assert_close(&to_host(bits.decode(noisy.cast(DType::F32))), &all, 1e-6, "decoded from noisy digits");
    }
    let error = AnalogBits::new(Levels::of_signed(12).unwrap()).unwrap_err().to_string();
    assert!(error.contains("levels = 12: must be a power of 2"), "{error}");
}

/// Four levels whose two digits depend on each other: the network without error for their digits has their probabilities.
#[test]
fn bounds_reach_the_log_probability_of_levels_by_their_digits() {
    const PROBS: [f64; 4] = [0.5, 0.1, 0.05, 0.35];
    let levels = Levels::of_signed(PROBS.len()).unwrap();
    let bits = LevelEncoding::Bits(AnalogBits::new(levels).unwrap());
    let schedule = DiffusionSchedule::new(ScheduleKind::Straight).with_sigma_min(0.2).with_alpha_min(1e-3);
    let corners = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]];
    let components: Vec<([f64; 2], f64, f64)> =
        corners.into_iter().zip(PROBS).map(|(corner, p)| (corner, 0.0, p)).collect();
    let model = Exact::new(&components, usual(schedule)).model();
    let noise = &mut Noise::new(0, "bits");
    let states = gibbs_testkit::draw_states(&PROBS, 3000, noise);
    let x = rows(states.iter().map(|k| levels.first + *k as f64 * levels.spacing).collect(), 1);
    let encoded = bits.encode(x);
    let of_flow = schedule.noisy(bits.of_variable());
    let (by_flow, _) = of_flow.try_log_prob(&model.flow(), encoded.clone(), None, noise).unwrap();
    let bound = Bound::new().with_evaluations(64);
    let by_chain = bound.estimate(&model.denoiser(None), encoded, Some(&bits.of_variable()), noise);
    for found in [by_flow, by_chain] {
        let gaps: Vec<f64> =
            states.iter().zip(to_host(found)).map(|(k, found)| PROBS[*k].ln() - found).collect();
        let gap = Estimate::mean(&gaps);
        assert!(gap.value.abs() < 4.5 * gap.std_err + 1e-3, "{gap:?}");
    }
}
