//! Whether two parts of a data set have the same distribution.
//!
//! ```text
//! D = max_x |F₁(x) - F₂(x)|        p = 2 Σ_{k≥1} (-1)^{k-1} exp(-2 k² λ²),   λ = (√n + 0.12 + 0.11/√n) D,   n = n₁n₂/(n₁+n₂)
//! ```
//!
//! References: N. Smirnov, *Table for estimating the goodness of fit of empirical distributions*, Ann. Math. Stat. 19 (1948) 279;
//! M. A. Stephens, *Use of the Kolmogorov-Smirnov, Cramér-von Mises and related statistics without extensive tables*, J. R. Stat.
//! Soc. B 32 (1970) 115, for λ.

use rayon::prelude::*;

use crate::Dataset;

/// Examples of each part that are compared, spread evenly over it.
const COMPARED: usize = 2000;

/// The column in which two parts differ most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The column.
    pub column: usize,
    /// The Kolmogorov-Smirnov distance `D` of the column.
    pub distance: f64,
    /// The probability of such a distance in one of the columns if both parts have the same distribution: the p-value times the
    /// number of columns (Bonferroni), at most 1. Equal values make it larger than it is.
    pub p_value: f64,
}

/// Compares the columns of two parts by the two-sample Kolmogorov-Smirnov test.
///
/// # Panics
///
/// If the parts differ in width, or one is empty.
pub fn shift(a: &Dataset, b: &Dataset) -> Shift {
    let width = a.width();
    assert_eq!(width, b.width(), "parts of different width");
    let (a, b) = (sample(a), sample(b));
    let distance = |k: usize| {
        let column = |values: &[f32]| {
            let mut column: Vec<f32> = values.iter().skip(k).step_by(width).copied().collect();
            column.sort_unstable_by(f32::total_cmp);
            column
        };
        (k, distance(&column(&a), &column(&b)))
    };
    let distances: Vec<(usize, f64)> = (0..width).into_par_iter().map(distance).collect();
    let largest = distances.into_iter().max_by(|x, y| x.1.total_cmp(&y.1).then(y.0.cmp(&x.0)));
    let (column, distance) = largest.expect("a set has at least one column");
    let (n1, n2) = ((a.len() / width) as f64, (b.len() / width) as f64);
    let p_value = (p_value(distance, n1 * n2 / (n1 + n2)) * width as f64).min(1.0);
    Shift { column, distance, p_value }
}

/// Values of examples that are spread evenly over a part.
fn sample(set: &Dataset) -> Vec<f32> {
    let n = set.len().min(COMPARED);
    set.values(&(0..n).map(|i| i * set.len() / n).collect::<Vec<_>>())
}

/// The largest distance of the distribution functions of two sorted samples.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let (mut i, mut j, mut largest) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        i += a[i..].iter().take_while(|y| **y <= x).count();
        j += b[j..].iter().take_while(|y| **y <= x).count();
        largest = largest.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    largest
}

/// The probability of a larger distance for an effective number of examples `n`.
fn p_value(distance: f64, n: f64) -> f64 {
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    // The series converges slowly where the probability is 1 to four digits.
    if lambda < 0.3 {
        return 1.0;
    }
    let term = |k: i32| f64::from(1 - 2 * ((k - 1) % 2)) * (-2.0 * (f64::from(k) * lambda).powi(2)).exp();
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use gibbs_backend::Noise;

    use super::*;

    fn set(values: Vec<f32>, width: usize) -> Dataset {
        Dataset::from_f32("set", values, &[width], None).unwrap()
    }

    #[test]
    fn distances_of_small_samples() {
        assert_eq!(distance(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(distance(&[1.0, 2.0, 3.0, 4.0], &[2.0, 3.0]), 0.25);
        assert_eq!(distance(&[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0, 1.0, 1.0]), 0.25);
        assert_eq!(distance(&[5.0; 3], &[5.0; 7]), 0.0);
    }

    #[test]
    fn critical_values_of_the_limit_distribution() {
        // Smirnov's table: Q(1.3581) = 0.05, Q(1.6276) = 0.01; λ = √n D for large n.
        for (lambda, p) in [(1.3581, 0.05), (1.6276, 0.01), (0.82757, 0.5)] {
            let n = 1e12f64;
            assert!((p_value(lambda / n.sqrt(), n) - p).abs() < 2e-5, "{lambda}");
        }
    }

    #[test]
    fn p_values_are_uniform_without_a_shift_and_tiny_with_one() {
        // P(p < 0.1) is at most 0.1 for each of 200 independent pairs; 4 standard errors.
        let noise = |name: String, n| Noise::new(0, name).uniform_vec(n);
        let small = (0..200)
            .filter(|i| {
                let (a, b) = (noise(format!("a{i}"), 1200), noise(format!("b{i}"), 450));
                shift(&set(a, 3), &set(b, 3)).p_value < 0.1
            })
            .count();
        assert!((2..=37).contains(&small), "{small} of 200");
        let sorted = |n: usize, from: f32| (0..n).map(|i| from + i as f32 / n as f32).collect::<Vec<f32>>();
        let found = shift(&set(sorted(800, 0.0), 1), &set(sorted(100, 0.9), 1));
        assert!(found.distance > 0.85 && found.p_value < 1e-12, "{found:?}");
    }
}
