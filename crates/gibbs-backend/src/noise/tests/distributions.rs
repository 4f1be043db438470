//! The distributions of draws on the CPU.

use super::*;

/// Φ(x): near zero by the series x + x³/3 + x⁵/15 + ... times the density, in the tails by Laplace's continued fraction.
fn normal_distribution(x: f64) -> f64 {
    let density = normal_density(x);
    if x > 1.0 {
        return 1.0 - normal_distribution(-x);
    }
    if x < -1.0 {
        return density / (1..300).rev().fold(-x, |fraction, k| -x + f64::from(k) / fraction);
    }
    let (mut term, mut sum, mut k) = (x, x, 3.0);
    while sum + term != sum {
        term *= x * x / k;
        sum += term;
        k += 2.0;
    }
    0.5 + sum * density
}

fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

#[test]
fn uniform_values_are_uniform_and_both_precisions_agree() {
    let mut double = vec![0.0; 200_000];
    noise("uniform").fill_uniform_f64(&mut double);
    let single = noise("uniform").uniform_vec(double.len());
    let scale = 2f64.powi(24);
    for (&x, &y) in double.iter().zip(&single) {
        assert_eq!((x * scale).floor() / scale, f64::from(y));
    }
    assert!(kolmogorov(double, |x| x) < 1.95);
    let mut bits = [0; 24];
    for x in &single {
        let x = (f64::from(*x) * scale) as u32;
        (0..24).for_each(|k| bits[k] += (x >> k & 1) as usize);
    }
    let half_width = 4.5 * 0.5 * (single.len() as f64).sqrt();
    assert!(
        bits.iter().all(|&ones| (ones as f64 - 0.5 * single.len() as f64).abs() < half_width),
        "{bits:?}"
    );
}

#[test]
fn normal_values_are_normal() {
    let n = 200_000;
    let mut sample = vec![0.0; n];
    noise("normal").fill_normal_f64(&mut sample);
    let single = noise("normal").normal_vec(n);
    assert!(sample.iter().zip(&single).all(|(&x, &y)| x as f32 == y));
    // Standard errors of the first four moments of n normal numbers: √1, √2, √15, √96, each over √n.
    for (k, (moment, deviation)) in
        [(0.0, 1.0), (1.0, 2.0f64), (0.0, 15.0), (3.0, 96.0)].into_iter().enumerate()
    {
        let mean = sample.iter().map(|x| x.powi(k as i32 + 1)).sum::<f64>() / n as f64;
        assert!((mean - moment).abs() < 4.5 * (deviation / n as f64).sqrt(), "moment {}: {mean}", k + 1);
    }
    assert!(kolmogorov(sample, normal_distribution) < 1.95);
}

#[test]
fn the_quantile_inverts_the_distribution_function() {
    for word in (0..=u32::MAX).step_by(99_991).chain([1 << 31, (1 << 31) - 1]) {
        let p = (f64::from(word) + 0.5) / 2f64.powi(32);
        let x = normal::quantile(word);
        assert_eq!(normal::quantile(!word), -x);
        // In the tails p itself is known to 1e-15 of its value, near the middle to 1e-16 or so.
        let error = (normal_distribution(-x.abs()) - p.min(1.0 - p)) / normal_density(x);
        assert!(error.abs() < 4e-15, "{word}: {x} off by {error}");
    }
    // Φ⁻¹(2^-33) = -6.337957754553789, the end of the range.
    assert!((normal::quantile(0) + 6.337_957_754_553_789).abs() < 1e-14, "{}", normal::quantile(0));
}

#[test]
fn integers_below_a_bound_are_equally_likely() {
    let mut noise = noise("below");
    let mut seven = [0; 7];
    (0..70_000).for_each(|_| seven[noise.below(7)] += 1);
    assert!(chi_square(&seven, &[1.0 / 7.0; 7]) < 4.5, "{seven:?}");
    // Three quarters of the range of a word: without rejection one third of the results would be twice as likely.
    let mut thirds = [0; 3];
    (0..60_000).for_each(|_| thirds[noise.below(3 << 30) % 3] += 1);
    assert!(chi_square(&thirds, &[1.0 / 3.0; 3]) < 4.5, "{thirds:?}");
    let big = 3usize << 61;
    let mut quarters = [0; 4];
    (0..40_000).for_each(|_| quarters[noise.below(big) / (big / 4)] += 1);
    assert!(chi_square(&quarters, &[0.25; 4]) < 4.5, "{quarters:?}");
    assert_eq!(noise.below(1), 0);
}

#[test]
#[should_panic(expected = "n must be at least 1")]
fn no_integer_lies_below_zero() {
    noise("zero").below(0);
}

#[test]
fn all_permutations_are_equally_likely() {
    let mut noise = noise("permutation");
    let mut counts = std::collections::BTreeMap::new();
    (0..48_000).for_each(|_| *counts.entry(noise.permutation(4)).or_insert(0) += 1);
    let counts: Vec<usize> = counts.into_values().collect();
    assert_eq!(counts.len(), 24);
    assert!(chi_square(&counts, &[1.0 / 24.0; 24]) < 4.5, "{counts:?}");
    assert!(noise.permutation(0).is_empty());
}
