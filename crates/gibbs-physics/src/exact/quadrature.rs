//! Integrals over an interval.

use std::f64::consts::FRAC_PI_2;

use gibbs_core::math::log_sum_exp;

/// Half-width of the range of `t`: the weights at its ends are `e^-164` of those in the middle.
const RANGE: f64 = 4.5;

/// Points on either side of the middle, first and last.
const FEWEST: i32 = 32;
const MOST: i32 = 1 << 16;

/// Agreement of two successive rules, relative to the integral. The error falls like `exp(-c n / ln n)` with the number
/// `n` of points, so the error of the later rule is about the square of this, down to rounding.
const AGREEMENT: f64 = 1e-10;

/// `ln ∫ exp(f(x)) dx` over `[lower, upper]`, for `f` given as a logarithm (`-∞` where the integrand is zero), by the
/// double-exponential rule
///
/// ```text
/// x(t) = (a + b)/2 + (b - a)/2 tanh(π/2 sinh t),   ∫ g dx = ∫ g(x(t)) x'(t) dt ≈ h Σ_k g(x(k h)) x'(k h)
/// ```
///
/// The number of points doubles until two rules agree. The relative error is rounding, about 1e-14, if the integrand is analytic
/// within the interval. The interval may be much wider than the region that contributes, and singularities at the ends do no
/// harm. Returns NaN if 131073 points are not enough.
///
/// ```
/// # use gibbs_physics::exact::log_integral;
/// let gaussian = log_integral(|x| -0.5 * x * x, -40.0, 40.0);
/// assert!((gaussian - 0.5 * std::f64::consts::TAU.ln()).abs() < 1e-13);
/// let root = log_integral(|x| -0.5 * x.ln(), 0.0, 1.0); // ∫ dx/√x = 2
/// assert!((root - 2f64.ln()).abs() < 1e-13);
/// ```
///
/// Reference: Takahasi & Mori, Publ. RIMS 9:721 (1974), doi:10.2977/prims/1195192451.
pub fn log_integral(f: impl Fn(f64) -> f64, lower: f64, upper: f64) -> f64 {
    let half = 0.5 * (upper - lower);
    let rule = |points: i32| {
        let h = RANGE / f64::from(points);
        let term = |k: i32| {
            let t = h * f64::from(k);
            let u = FRAC_PI_2 * t.sinh();
            // Distance from the nearer end, so that values close to it are exact: 1 - tanh|u| = 2 / (exp(2|u|) + 1).
            let rest = half * 2.0 / ((2.0 * u.abs()).exp() + 1.0);
            let x = if u < 0.0 { lower + rest } else { upper - rest };
            f(x) + (half * FRAC_PI_2 * t.cosh()).ln() - 2.0 * log_cosh(u)
        };
        log_sum_exp(&(-points..=points).map(term).collect::<Vec<_>>()) + h.ln()
    };
    let (mut points, mut last) = (FEWEST, rule(FEWEST));
    while points < MOST {
        points *= 2;
        let next = rule(points);
        if (next - last).abs() < AGREEMENT {
            return next;
        }
        last = next;
    }
    f64::NAN
}

/// `ln cosh u` without overflow.
fn log_cosh(u: f64) -> f64 {
    u.abs() + (-2.0 * u.abs()).exp().ln_1p() - std::f64::consts::LN_2
}
