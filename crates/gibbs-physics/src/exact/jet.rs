//! Numbers with their first two derivatives: `ln Z(β)` computed on them brings the energy and the heat capacity
//! along, exactly up to rounding.

use std::ops::{Add, Mul, Neg, Sub};

/// A value with its first and second derivative in one variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Jet {
    pub(super) value: f64,
    pub(super) first: f64,
    pub(super) second: f64,
}

impl Jet {
    pub(super) const ZERO: Self = Self::constant(0.0);
    pub(super) const ONE: Self = Self::constant(1.0);

    pub(super) const fn new(value: f64, first: f64, second: f64) -> Self {
        Self { value, first, second }
    }

    pub(super) const fn constant(value: f64) -> Self {
        Self::new(value, 0.0, 0.0)
    }

    /// The variable itself.
    pub(super) const fn variable(value: f64) -> Self {
        Self::new(value, 1.0, 0.0)
    }

    /// `f(self)`, given `f`, `f'` and `f''` there: Faà di Bruno's formula.
    fn chain(self, f: f64, first: f64, second: f64) -> Self {
        Self::new(f, first * self.first, first * self.second + second * self.first * self.first)
    }

    pub(super) fn exp(self) -> Self {
        let exp = self.value.exp();
        self.chain(exp, exp, exp)
    }

    pub(super) fn exp_m1(self) -> Self {
        let exp = self.value.exp();
        self.chain(self.value.exp_m1(), exp, exp)
    }

    pub(super) fn ln(self) -> Self {
        let inverse = 1.0 / self.value;
        self.chain(self.value.ln(), inverse, -inverse * inverse)
    }

    pub(super) fn ln_1p(self) -> Self {
        let inverse = 1.0 / (1.0 + self.value);
        self.chain(self.value.ln_1p(), inverse, -inverse * inverse)
    }

    pub(super) fn recip(self) -> Self {
        let inverse = 1.0 / self.value;
        self.chain(inverse, -inverse * inverse, 2.0 * inverse.powi(3))
    }

    pub(super) fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.chain(root, 0.5 / root, -0.25 / (root * self.value))
    }

    pub(super) fn sinh(self) -> Self {
        self.chain(self.value.sinh(), self.value.cosh(), self.value.sinh())
    }

    /// `self^n` for `n ≥ 2`.
    pub(super) fn powi(self, n: i32) -> Self {
        let (k, x) = (f64::from(n), self.value);
        self.chain(x.powi(n), k * x.powi(n - 1), k * (k - 1.0) * x.powi(n - 2))
    }
}

impl Add for Jet {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.value + other.value, self.first + other.first, self.second + other.second)
    }
}

impl Neg for Jet {
    type Output = Self;
    fn neg(self) -> Self {
        self * -1.0
    }
}

impl Sub for Jet {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Jet {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(
            self.value * other.value,
            self.first * other.value + self.value * other.first,
            self.second * other.value + 2.0 * self.first * other.first + self.value * other.second,
        )
    }
}

impl Mul<f64> for Jet {
    type Output = Self;
    fn mul(self, scale: f64) -> Self {
        Self::new(self.value * scale, self.first * scale, self.second * scale)
    }
}

impl Add<f64> for Jet {
    type Output = Self;
    fn add(self, constant: f64) -> Self {
        Self { value: self.value + constant, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences of step `h` are off by `h²` times third and fourth derivatives and by rounding over `h`,
    /// `h²`.
    #[test]
    fn derivatives_are_those_of_finite_differences() {
        let functions: [fn(Jet) -> Jet; 9] = [
            |x| x.exp(),
            |x| (x * 0.3).exp_m1(),
            |x| x.ln(),
            |x| x.ln_1p(),
            |x| x.recip(),
            |x| x.sqrt(),
            |x| x.sinh() * x + 2.0,
            |x| x.powi(2) - x.powi(5),
            |x| -(x * x.ln()).exp(),
        ];
        let (x, h) = (0.7, 1e-3);
        for (i, f) in functions.iter().enumerate() {
            let jet = f(Jet::variable(x));
            let at = |x| f(Jet::constant(x)).value;
            let first = (at(x + h) - at(x - h)) / (2.0 * h);
            let second = (at(x + h) - 2.0 * at(x) + at(x - h)) / (h * h);
            assert!((jet.value - at(x)).abs() < 1e-15, "{i}");
            assert!((jet.first - first).abs() < 1e-4, "{i}: {} {first}", jet.first);
            assert!((jet.second - second).abs() < 1e-4, "{i}: {} {second}", jet.second);
        }
    }
}
