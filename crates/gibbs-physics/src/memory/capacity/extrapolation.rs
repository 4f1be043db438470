//! Critical loads of finite networks, and their limit.

use gibbs_core::{Estimate, Kind};

use crate::error::{PhysicsError, positive};

/// The limit of critical loads for `n → ∞`.
#[derive(Clone, Debug, PartialEq)]
pub struct Extrapolation {
    /// `α_c`, with the standard error that follows from those of the sizes.
    pub limit: Estimate,
    /// `c`, the coefficient of `n^-x`.
    pub slope: f64,
    /// `x`.
    pub exponent: f64,
    /// Squared deviations from the fit in units of the standard errors. About [`freedom`](Self::freedom) if the
    /// sizes follow the power law; if it is much larger, the limit and its error are not reliable.
    pub chi_squared: f64,
    /// Number of critical loads minus the number of fitted parameters.
    pub freedom: usize,
}

/// `α_c` for `n → ∞` from critical loads of finite networks `(n, α_c(n))`: the weighted least-squares fit of
/// `α_c(n) = α_c + c n^-x` for a given `exponent` `x`; `x = 1` is the extrapolation in `1/n`.
///
/// The error does not include further terms, nor the difference between the dynamics and the equilibrium theory.
///
/// # Errors
/// If there are fewer than two different sizes, or a standard error or the exponent is not positive and finite.
pub fn extrapolate(critical: &[(usize, Estimate)], exponent: f64) -> Result<Extrapolation, PhysicsError> {
    let mut sizes: Vec<usize> = critical.iter().map(|(n, _)| *n).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() < 2 {
        return Err(PhysicsError::Invalid(format!(
            "{sizes} different system sizes; an extrapolation needs at least 2",
            sizes = sizes.len()
        )));
    }
    let errors = critical.iter().map(|(_, estimate)| ("standard error", estimate.std_err));
    for (name, value) in errors.chain([("exponent", exponent)]) {
        positive(name, value)?;
    }
    let rows: Vec<[f64; 3]> = critical
        .iter()
        .map(|(n, estimate)| [estimate.std_err.powi(-2), (*n as f64).powf(-exponent), estimate.value])
        .collect();
    let sum = |term: fn(f64, f64) -> f64| rows.iter().map(|[w, x, y]| w * term(*x, *y)).sum::<f64>();
    let [w, x, xx, y, xy] =
        [sum(|_, _| 1.0), sum(|x, _| x), sum(|x, _| x * x), sum(|_, y| y), sum(|x, y| x * y)];
    let determinant = w * xx - x * x;
    let (value, slope) = ((xx * y - x * xy) / determinant, (w * xy - x * y) / determinant);
    let samples = critical.iter().filter_map(|(_, estimate)| estimate.samples).sum();
    Ok(Extrapolation {
        limit: Estimate::sampled(value, (xx / determinant).sqrt(), Kind::Asymptotic, samples),
        slope,
        exponent,
        chi_squared: rows.iter().map(|[w, x, y]| w * (y - value - slope * x).powi(2)).sum(),
        freedom: critical.len() - 2,
    })
}

/// [`extrapolate`] when the exponent is not known: the best of `exponents`, with an error that covers those that fit
/// nearly as well.
///
/// The error reaches to the farther end of the interval of limits, over all exponents, with `χ²` at most that of the best
/// fit plus `s = max(1, χ²/(sizes - 3))`, the profile likelihood with standard errors scaled to the misfit. It is a
/// lower bound if the best exponent is the first or last.
///
/// # Errors
/// If there are no exponents or fewer than four critical loads, and as [`extrapolate`].
pub fn extrapolate_over(
    critical: &[(usize, Estimate)],
    exponents: &[f64],
) -> Result<Extrapolation, PhysicsError> {
    let fits = exponents.iter().map(|x| extrapolate(critical, *x)).collect::<Result<Vec<_>, _>>()?;
    let freedom = critical.len().saturating_sub(3);
    let best = fits.iter().min_by(|a, b| a.chi_squared.total_cmp(&b.chi_squared));
    let (Some(best), 1..) = (best, freedom) else {
        return Err(PhysicsError::Invalid(format!(
            "{loads} critical loads and {exponents} exponents; fitting the exponent needs at least 4 and 1",
            loads = critical.len(),
            exponents = exponents.len()
        )));
    };
    let allowed = best.chi_squared + f64::max(1.0, best.chi_squared / freedom as f64);
    let reach = |fit: &Extrapolation| {
        let own = fit.limit.std_err * (allowed - fit.chi_squared).sqrt();
        (fit.limit.value - best.limit.value).abs() + own
    };
    let std_err = fits.iter().filter(|fit| fit.chi_squared <= allowed).map(reach).fold(0.0, f64::max);
    Ok(Extrapolation { limit: Estimate { std_err, ..best.limit.clone() }, freedom, ..best.clone() })
}
