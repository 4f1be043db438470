//! Averages over correlated series, with errors from the integrated autocorrelation time.
//!
//! ```text
//! Γ(t) = 1/(N - R t) Σ_r Σ_i δ_{r,i} δ_{r,i+t},   δ = a - mean                  R chains, N values in all
//! C(W) = Γ(0) + 2 Σ_{t=1}^W Γ(t),   τ(W) = C(W) / 2Γ(0),   error² = C(W) / N
//! W: the first with exp(-W/T) < T / √(W N),   T = S / ln((2τ'(W) + 1) / (2τ'(W) - 1)),   S = 1.5
//!    where τ' is τ with |Γ(t)| in the place of Γ(t)
//! C <- C (1 + (2W + 1)/N),   error of τ = 2τ √((W + 1/2 - τ) / N)
//! χ² = Σ_r N_r (mean_r - mean)² / C,   R - 1 degrees of freedom
//! ```
//!
//! A function of several means has the error of the mean of its linearization, in which each observable enters with the
//! derivative by its mean; so it has its own autocorrelation time, and needs no binning.
//!
//! Chains whose means scatter by far more than `χ²` allows keep to parts of the distribution, or have not forgotten their start. Then
//! `error²` is multiplied by `χ² / (R - 1)`, and the average is marked as unreliable.
//!
//! Differences from the paper: the window closes by `τ'` and not by `τ`, which is the same for positive correlations. Of
//! alternating ones, such as those of the magnetization under clusters that are flipped, `τ` is below 1/2 and would
//! close the window at once.
//!
//! References: Wolff, Comput. Phys. Commun. 156:143 (2004), arXiv:hep-lat/0306017: section 3.3 for the window, equation
//! 49 for the bias, 42 for the error of `τ`; Madras & Sokal, J. Stat. Phys. 50:109 (1988), doi:10.1007/BF01022990; Vehtari,
//! Gelman, Simpson, Carpenter & Bürkner, Bayesian Analysis 16:667 (2021), arXiv:1903.08008, section 4 for the 50 samples that an
//! autocorrelation time needs; Wilson & Hilferty, PNAS 17:684 (1931), doi:10.1073/pnas.17.12.684, for `χ²` as a normal variable.

use std::slice;

use gibbs_core::{Estimate, Kind};

/// Fewest independent samples whose autocorrelation time is known: chains of 100 autocorrelation times.
const FEWEST: usize = 50;

/// Standard deviations by which the scatter of chains may exceed its expectation: one average in 3 million exceeds it by chance.
const MOST_SCATTER: f64 = 5.0;

/// The factor `S` between the decay of the window's estimate and `τ`.
const S: f64 = 1.5;

/// An average over chains, and how correlated it is.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeAverage {
    /// The value with its error. Its `samples` are `N / 2τ`, the equivalent number of independent samples. It is asymptotic, as
    /// chains do not start in their stationary distribution.
    pub estimate: Estimate,
    /// The integrated autocorrelation time `τ` in steps from one value to the next: 1/2 without correlation.
    pub time: Estimate,
    /// The lag `W` up to which correlations are summed.
    pub window: usize,
}

impl TimeAverage {
    /// The mean of a series that may be in several chains.
    ///
    /// All values should be from stationary chains. Chains that are shorter than 100 autocorrelation times in all give errors that
    /// are too small: the estimate is marked as unreliable, and so is one of chains that disagree. The error is NaN if there are fewer
    /// than two values, if no window closes within half of the longest chain, or if negative correlations are larger than the
    /// variance.
    pub fn mean(chains: &[Vec<f64>]) -> Self {
        Self::function(mean(chains), chains)
    }

    /// A function of means: its `value`, and for each time the `linearization` of the function there, up to a constant.
    ///
    /// ```
    /// use gibbs_physics::monte_carlo::TimeAverage;
    ///
    /// // The square of a mean a has the slope 2a.
    /// let a: f64 = 0.5;
    /// let series = [vec![0.25, 0.75, 0.75, 0.25, 0.25, 0.75, 0.25, 0.75]];
    /// let linear: Vec<Vec<f64>> = series.iter().map(|c| c.iter().map(|x| 2.0 * a * x).collect()).collect();
    /// assert_eq!(TimeAverage::function(a * a, &linear).estimate.value, 0.25);
    /// ```
    pub fn function(value: f64, linearization: &[Vec<f64>]) -> Self {
        let center = mean(linearization);
        let n = linearization.iter().map(Vec::len).sum::<usize>() as f64;
        let longest = linearization.iter().map(Vec::len).max().unwrap_or(0);
        let variance = covariance(linearization, center, 0);
        let (mut sum, mut sizes, mut window) = (variance, variance, 0);
        let mut closed = variance == 0.0 && longest > 1;
        while !closed && variance > 0.0 && window < longest / 2 {
            window += 1;
            let covariance = covariance(linearization, center, window);
            sum += 2.0 * covariance;
            sizes += 2.0 * covariance.abs();
            closed = closes(0.5 * sizes / variance, window as f64, n);
        }
        let w = window as f64;
        let sum = if closed && sum >= 0.0 { sum * (1.0 + (2.0 * w + 1.0) / n) } else { f64::NAN };
        let time = if variance == 0.0 { 0.5 } else { 0.5 * sum / variance };
        let samples = (0.5 * n / time).clamp(0.0, n) as usize;
        let time_err = 2.0 * time * ((w + 0.5 - time).max(0.0) / n).sqrt();
        let is_certain = variance == 0.0 && longest > 1;
        let excess = if is_certain { 1.0 } else { excess_scatter(linearization, center, sum) };
        let unreliable = if is_certain {
            None
        } else if sum.is_nan() {
            Some("correlations do not decay within half of the longest chain".to_string())
        } else if samples < FEWEST {
            Some(format!("{samples} independent samples, fewer than {FEWEST}"))
        } else if excess > 1.0 {
            Some(format!("means of chains scatter {:.1} times as far as their errors", excess.sqrt()))
        } else {
            None
        };
        let estimate = |value, std_err| {
            Estimate::sampled(value, std_err, Kind::Asymptotic, samples).or_unreliable(unreliable.clone())
        };
        Self { estimate: estimate(value, (sum * excess / n).sqrt()), time: estimate(time, time_err), window }
    }
}

/// Whether the window `w` balances the error of the omitted correlations and the noise of the summed ones.
fn closes(time: f64, w: f64, n: f64) -> bool {
    let decay =
        if time > 0.5 { S / ((2.0 * time + 1.0) / (2.0 * time - 1.0)).ln() } else { f64::MIN_POSITIVE };
    (-w / decay).exp() < decay / (w * n).sqrt()
}

/// `χ² / (R - 1)` of chains whose means scatter by more than chance, for `C = covariance`; 1 for all others.
fn excess_scatter(chains: &[Vec<f64>], center: f64, covariance: f64) -> f64 {
    let chains = chains.iter().filter(|chain| !chain.is_empty());
    let of_chain = |chain: &Vec<f64>| chain.len() as f64 * (mean(slice::from_ref(chain)) - center).powi(2);
    let (squares, chains) = chains.fold((0.0, 0.0), |(sum, n), chain| (sum + of_chain(chain), n + 1.0));
    let freedom: f64 = chains - 1.0;
    let ratio = squares / covariance / freedom;
    // The cube root of χ²/f has the mean 1 - 2/9f and the variance 2/9f, and is nearly normal.
    let variance = 2.0 / (9.0 * freedom);
    let is_chance = ratio.cbrt() < 1.0 - variance + MOST_SCATTER * variance.sqrt();
    if freedom < 1.0 || is_chance || ratio.is_nan() { 1.0 } else { ratio }
}

fn mean(chains: &[Vec<f64>]) -> f64 {
    chains.iter().flatten().sum::<f64>() / chains.iter().map(Vec::len).sum::<usize>() as f64
}

/// `Γ(t)`.
fn covariance(chains: &[Vec<f64>], center: f64, t: usize) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0);
    for chain in chains.iter().filter(|chain| chain.len() > t) {
        sum += chain.iter().zip(&chain[t..]).map(|(a, b)| (a - center) * (b - center)).sum::<f64>();
        pairs += chain.len() - t;
    }
    sum / pairs as f64
}
