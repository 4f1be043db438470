//! The rational function of one bin and its derivatives.
//!
//! ```text
//! s = h/w,   δ = d₁ + d₀ - 2s,   m = ξ(1-ξ),   q = s + δ·m,   N = s·ξ² + d₀·m,   M = d₁·ξ² + 2s·m + d₀·(1-ξ)²
//! F = y₀ + h·r,   r = N/q,   F' = s²·M/q²,   L = ln F'
//! ```

use crate::kernel::real::Real;

/// A bin between two knots.
#[derive(Clone, Copy)]
pub(super) struct Bin<R> {
    pub(super) left: R,
    pub(super) width: R,
    pub(super) bottom: R,
    pub(super) height: R,
    /// `d₀` and `d₁`, and their derivatives with respect to their parameters.
    pub(super) slopes: [R; 2],
    pub(super) slopes_by_parameters: [R; 2],
}

/// Common terms of the functions at a point `ξ` of a bin.
#[derive(Clone, Copy)]
pub(super) struct Point<R> {
    xi: R,
    rest: R,
    mixed: R,
    secant: R,
    bend: R,
    q: R,
    numerator: R,
    steepness: R,
}

/// Derivatives with respect to `x`, to the place and size of the bin, and to the parameters of its slopes.
#[derive(Clone, Copy)]
pub(super) struct Gradient<R> {
    pub(super) x: R,
    pub(super) left: R,
    pub(super) width: R,
    pub(super) bottom: R,
    pub(super) height: R,
    pub(super) slopes: [R; 2],
}

impl<R: Real> Point<R> {
    /// `F'`
    #[inline(always)]
    pub(super) fn slope(&self) -> R {
        let ratio = self.secant / self.q;
        ratio * ratio * self.steepness
    }
}

impl<R: Real> Bin<R> {
    #[inline(always)]
    pub(super) fn place_of_x(&self, x: R) -> R {
        (x - self.left) / self.width
    }

    /// The root `ξ` of `a·ξ² + b·ξ + c` in [0, 1], in the form without cancellation.
    #[inline(always)]
    pub(super) fn place_of_z(&self, z: R) -> R {
        let two = R::ONE + R::ONE;
        let (secant, y) = (self.height / self.width, z - self.bottom);
        let bent = y * (self.slopes[1] + self.slopes[0] - two * secant);
        let a = self.height * (secant - self.slopes[0]) + bent;
        let b = self.height * self.slopes[0] - bent;
        let c = -secant * y;
        // By rounding, a zero discriminant can be slightly negative.
        let root = (b * b - two * two * a * c).positive_part().sqrt();
        let falls = b < -b;
        let size = if falls { root - b } else { root + b };
        let (numerator, denominator) = if falls { (size, two * a) } else { (-two * c, size) };
        numerator / denominator
    }

    #[inline(always)]
    pub(super) fn at(&self, xi: R) -> Point<R> {
        let (two, rest, secant) = (R::ONE + R::ONE, R::ONE - xi, self.height / self.width);
        let (mixed, bend) = (xi * rest, self.slopes[1] + self.slopes[0] - two * secant);
        Point {
            xi,
            rest,
            mixed,
            secant,
            bend,
            q: secant + bend * mixed,
            numerator: secant * xi * xi + self.slopes[0] * mixed,
            steepness: self.slopes[1] * xi * xi + two * secant * mixed + self.slopes[0] * rest * rest,
        }
    }

    #[inline(always)]
    pub(super) fn z(&self, point: &Point<R>) -> R {
        self.bottom + self.height * point.numerator / point.q
    }

    #[inline(always)]
    pub(super) fn x(&self, xi: R) -> R {
        self.left + xi * self.width
    }

    /// `∂L/∂ξ`
    #[inline(always)]
    fn log_slope_by_xi(&self, point: &Point<R>) -> R {
        let Point { xi, rest, secant, bend, q, steepness, .. } = *point;
        let two = R::ONE + R::ONE;
        let change = self.slopes[1] * xi + secant * (rest - xi) - self.slopes[0] * rest;
        two * (change / steepness - bend * (rest - xi) / q)
    }

    /// `∂L/∂x`
    #[inline(always)]
    pub(super) fn log_slope_by_x(&self, point: &Point<R>) -> R {
        self.log_slope_by_xi(point) / self.width
    }

    /// The derivatives of `α·F + β·L`.
    #[inline(always)]
    pub(super) fn gradient(&self, point: &Point<R>, alpha: R, beta: R) -> Gradient<R> {
        let Point { xi, rest, mixed, secant, q, numerator, steepness, .. } = *point;
        let two = R::ONE + R::ONE;
        let ratio = numerator / q;
        // The derivatives with respect to N, q and M.
        let by_numerator = alpha * self.height / q;
        let (by_q, by_steepness) = (-(by_numerator * ratio + two * beta / q), beta / steepness);
        let by_xi = alpha * self.width * point.slope() + beta * self.log_slope_by_xi(point);
        let by_secant = by_numerator * xi * xi
            + by_q * (R::ONE - two * mixed)
            + by_steepness * two * mixed
            + two * beta / secant;
        let by_slope = by_numerator * mixed + by_q * mixed + by_steepness * rest * rest;
        let by_next = by_q * mixed + by_steepness * xi * xi;
        let x = by_xi / self.width;
        Gradient {
            x,
            left: -x,
            width: -(xi * x + by_secant * secant / self.width),
            bottom: alpha,
            height: alpha * ratio + by_secant / self.width,
            slopes: [by_slope * self.slopes_by_parameters[0], by_next * self.slopes_by_parameters[1]],
        }
    }
}
