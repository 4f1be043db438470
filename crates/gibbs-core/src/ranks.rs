//! Rank correlation.
//!
//! ```text
//! ρ = Pearson's correlation coefficient of the ranks; equal values share the mean of their ranks
//! std_err = (1 - ρ²) √((1 + ρ²/2) / (n - 3))
//! ```
//!
//! It is 1 or -1 where one variable is a monotone function of the other.
//!
//! References: Spearman, Am. J. Psychol. 15:72 (1904), doi:10.2307/1412159; Bonett & Wright, Psychometrika 65:23 (2000),
//! doi:10.1007/BF02294183, for the variance `(1 + ρ²/2)/(n - 3)` of `artanh ρ`.

use crate::{Estimate, Kind};

/// The ranks of values from 0 on. Equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let (mut ranks, mut first) = (vec![0.0; values.len()], 0);
    for equal in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let mean = first as f64 + 0.5 * (equal.len() - 1) as f64;
        equal.iter().for_each(|&i| ranks[i] = mean);
        first += equal.len();
    }
    ranks
}

/// Spearman's `ρ` of independent pairs, asymptotic. That of fewer than two different values in either list is NaN.
///
/// ```
/// use gibbs_core::rank_correlation;
///
/// let x: Vec<f64> = (0..100).map(|i| f64::from(i) / 10.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| -x.exp()).collect();
/// assert!((rank_correlation(&x, &y).value + 1.0).abs() < 1e-12);
/// ```
///
/// # Panics
/// If the lists differ in length.
pub fn rank_correlation(x: &[f64], y: &[f64]) -> Estimate {
    assert_eq!(x.len(), y.len(), "pairs of values");
    let n = x.len() as f64;
    let [a, b] = [x, y].map(|values| {
        let middle = 0.5 * (n - 1.0);
        ranks(values).into_iter().map(|rank| rank - middle).collect::<Vec<f64>>()
    });
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let rho = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
    let std_err = (1.0 - rho * rho) * ((1.0 + 0.5 * rho * rho) / (n - 3.0)).sqrt();
    Estimate::sampled(rho, std_err, Kind::Asymptotic, x.len()).if_enough(x.len())
}

#[cfg(test)]
mod tests {
    use gibbs_backend::Noise;

    use super::*;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        assert!(rank_correlation(&[1.0; 9], &[2.0; 9]).value.is_nan());
    }

    /// `ρ = 6/π asin(r/2)` of normal variables with the correlation coefficient `r` (Pearson 1907), and its error over many lists.
    #[test]
    fn normal_variables_have_the_known_value() {
        let (r, noise) = (0.8f64, &mut Noise::new(1, "pairs"));
        let exact = 6.0 / std::f64::consts::PI * (r / 2.0).asin();
        let lists = 400;
        let found: Vec<Estimate> = (0..lists)
            .map(|_| {
                let mut list = || (0..200).map(|_| noise.next_normal()).collect::<Vec<f64>>();
                let (x, other) = (list(), list());
                let mix = |(x, other): (&f64, &f64)| r * x + (1.0 - r * r).sqrt() * other;
                let y: Vec<f64> = x.iter().zip(&other).map(mix).collect();
                rank_correlation(&x, &y)
            })
            .collect();
        let errors: Vec<f64> = found.iter().map(|each| (each.value - exact) / each.std_err).collect();
        let (mean, variance) = crate::math::mean_and_variance(&errors);
        // The bias of the coefficient is of the order 1/n; that of the variance of 400 lists 7 %.
        assert!(mean.abs() < 0.3, "{mean}");
        assert!((variance - 1.0).abs() < 0.35, "{variance}");
    }
}
