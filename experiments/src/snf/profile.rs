//! The free energy along the first variable of a double well, from draws with weights, and its error by the protocol of Wu,
//! Köhler & Noé (2020): their program `experiment1_doublewell.ipynb`, functions `sample_energy` and `bias_uncertainty`.
//!
//! ```text
//! U_r(b) = -ln (Σ_{i in bin b, repeat r} w_i)                    30 bins, 20 repeats, each shifted to the mean 0
//! U(b)   = mean of U_r(b) over the repeats, shifted to the minimum 0, as the exact E(x_b, 0)
//! bias   = |mean over bins of E(x_b, 0) - U(b)|,    std = mean over bins of the deviation of U_r(b) over the repeats
//! error  = √(bias² + std²)                                       bins with |x_b| < 2.25 that no repeat leaves empty
//! ```
//!
//! Published are 20 repeats of 100 000 draws, as a mean over 10 trainings. Differences from the program: the bins divide [-2.25, 2.25]
//! for all repeats, instead of the range of each repeat's draws. As there, the energy of a bin is that of its center, which adds
//! about 0.1 kT to the bias in the steep double well.

use gibbs_core::variational::Draws;
use gibbs_physics::continuous::DoubleWell;

/// Bins, repeats, and half the range along `x_1`.
const BINS: usize = 30;
const REPEATS: usize = 20;
const REACH: f64 = 2.25;

/// Error of a profile, kT.
pub(super) struct ProfileError {
    pub(super) bias: f64,
    pub(super) std: f64,
}

impl ProfileError {
    /// `√(bias² + std²)`.
    pub(super) fn total(&self) -> f64 {
        self.bias.hypot(self.std)
    }

    /// The standard error of a profile that is the mean of all repeats.
    pub(super) fn std_err(&self) -> f64 {
        self.std / (REPEATS as f64).sqrt()
    }
}

/// Centers of the bins.
pub(super) fn centers() -> Vec<f64> {
    (0..BINS).map(|b| REACH * ((2 * b + 1) as f64 / BINS as f64 - 1.0)).collect()
}

/// `-ln` of the sum of weights in each bin; `∞` for an empty one.
pub(super) fn profile(first: &[f64], log_weights: &[f64]) -> Vec<f64> {
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sums = vec![0.0; BINS];
    for (x, log_weight) in first.iter().zip(log_weights) {
        let place = 0.5 * (x / REACH + 1.0) * BINS as f64;
        if let Some(sum) = (place >= 0.0).then(|| sums.get_mut(place as usize)).flatten() {
            *sum += (log_weight - largest).exp();
        }
    }
    sums.into_iter().map(|sum| -f64::ln(sum)).collect()
}

/// Values less the mean of the finite ones.
fn centered(profile: Vec<f64>) -> Vec<f64> {
    let finite: Vec<f64> = profile.iter().copied().filter(|u| u.is_finite()).collect();
    let mean = finite.iter().sum::<f64>() / finite.len() as f64;
    profile.into_iter().map(|u| u - mean).collect()
}

/// Values less the smallest one.
pub(super) fn from_minimum(profile: &[f64]) -> Vec<f64> {
    let least = profile.iter().copied().fold(f64::INFINITY, f64::min);
    profile.iter().map(|u| u - least).collect()
}

/// The error of the profile of draws with first variables `first`, in 20 parts; `None` for fewer than 20 draws, or none in any bin.
pub(super) fn error(wells: &DoubleWell, draws: &Draws, first: &[f64]) -> Option<ProfileError> {
    let size = draws.len() / REPEATS;
    if size == 0 {
        return None;
    }
    let parts = first.chunks_exact(size).zip(draws.log_weights().chunks_exact(size)).take(REPEATS);
    let repeats: Vec<Vec<f64>> = parts.map(|(first, weights)| centered(profile(first, weights))).collect();
    let of_bin = |b: usize| repeats.iter().map(move |repeat| repeat[b]).collect::<Vec<_>>();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means = from_minimum(&(0..BINS).map(|b| mean(&of_bin(b))).collect::<Vec<_>>());
    let exact = from_minimum(&centers().iter().map(|x| wells.along(*x)).collect::<Vec<_>>());
    let filled: Vec<usize> = (0..BINS).filter(|&b| means[b].is_finite()).collect();
    if filled.is_empty() {
        return None;
    }
    let std = |b: usize| {
        let values = of_bin(b);
        let center = mean(&values);
        mean(&values.iter().map(|u| (u - center).powi(2)).collect::<Vec<_>>()).sqrt()
    };
    Some(ProfileError {
        bias: mean(&filled.iter().map(|&b| exact[b] - means[b]).collect::<Vec<_>>()).abs(),
        std: mean(&filled.iter().map(|&b| std(b)).collect::<Vec<_>>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points spread evenly over the range with the weights of the density.
    #[test]
    fn exact_weights_have_the_profile_of_the_density() {
        let wells = DoubleWell::steep();
        let n = 20_000 * REPEATS;
        // Every repeat has all places, in the order of a stride that has no common divisor with their number.
        let first: Vec<f64> =
            (0..n).map(|i| REACH * (2.0 * (((i * 7919) % n) as f64 + 0.5) / n as f64 - 1.0)).collect();
        let energy: Vec<f64> = first.iter().map(|x| wells.along(*x)).collect();
        let draws = Draws::new(vec![0.0; n], energy);
        let whole = profile(&first, draws.log_weights());
        let fine: Vec<f64> = centers()
            .iter()
            .map(|center| {
                let width = 2.0 * REACH / BINS as f64;
                let place = |i: i32| center + width * ((f64::from(i) + 0.5) / 1000.0 - 0.5);
                -(0..1000).map(|i| (-wells.along(place(i))).exp()).sum::<f64>().ln()
            })
            .collect();
        for (found, expected) in from_minimum(&whole).into_iter().zip(from_minimum(&fine)) {
            assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
        }
        let error = error(&wells, &draws, &first).unwrap();
        // The energy of the center instead of the bin.
        assert!(error.std < 0.01 && error.bias < 0.2, "{} {}", error.bias, error.std);
        assert_eq!(error.total(), error.bias.hypot(error.std));
    }

    #[test]
    fn few_draws_have_no_profile() {
        let draws = Draws::new(vec![0.0; 19], vec![0.0; 19]);
        assert!(super::error(&DoubleWell::default(), &draws, &[0.0; 19]).is_none());
        assert!(profile(&[-9.0, 9.0, f64::NAN], &[0.0; 3]).iter().all(|u| *u == f64::INFINITY));
    }
}
