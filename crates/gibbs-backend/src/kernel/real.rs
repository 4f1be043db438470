//! Elementary functions of one number, without branches, so that loops over them are vectorized.
//!
//! # Accuracy in f32
//!
//! The error is at most 2 ulp, that of `silu` 3 ulp, for all arguments, including subnormal results, infinities and NaN. A test covers
//! the bit patterns. The polynomials are minimax fits: weighted least squares with Lawson's reweighting on Chebyshev nodes in extended
//! precision. The coefficients are rounded to f32 one after the other from the lowest power, with a new fit of the others
//! after each. The error below is that of the rounded polynomial relative to the function.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Isa;

/// A number with its elementary functions.
pub(crate) trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    const ONE: Self;

    /// `self·b + c`. In f32 it is one instruction if the instruction set has it.
    fn mul_add(self, b: Self, c: Self) -> Self;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    /// The natural logarithm of a normal positive number; NaN for NaN.
    fn ln(self) -> Self;
    fn tanh(self) -> Self;
    /// `1/(1 + exp(-x))`
    fn sigmoid(self) -> Self;
    /// `x·sigmoid(x)` and its derivative.
    fn silu_with_slope(self) -> (Self, Self);
    /// `ln(1 + exp(-|x|))`
    fn log1p_exp_neg_abs(self) -> Self;
    /// `max(x, 0)`, zero for NaN.
    fn positive_part(self) -> Self;
    /// `max(x, 0)`, NaN for NaN.
    fn relu(self) -> Self;
    /// 1 above zero, otherwise 0.
    fn step(self) -> Self;
    /// The number, clamped to the range in which `x·exp(-|x|)` is not zero.
    fn clamped(self) -> Self;
}

/// An element of a tensor, and its [`Real`] on an instruction set.
pub(crate) trait Number: Copy + Default + PartialEq + Send + Sync + 'static {
    type Real<I: Isa>: Real;

    fn lift<I: Isa>(self) -> Self::Real<I>;
    fn lower<I: Isa>(real: Self::Real<I>) -> Self;
    fn to_f64(self) -> f64;
    fn from_f64(value: f64) -> Self;
}

impl Number for f32 {
    type Real<I: Isa> = F32<I>;

    #[inline(always)]
    fn lift<I: Isa>(self) -> F32<I> {
        F32(self, PhantomData)
    }

    #[inline(always)]
    fn lower<I: Isa>(real: F32<I>) -> Self {
        real.0
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Number for f64 {
    type Real<I: Isa> = f64;

    #[inline(always)]
    fn lift<I: Isa>(self) -> f64 {
        self
    }

    #[inline(always)]
    fn lower<I: Isa>(real: f64) -> Self {
        real
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// A single-precision number on an instruction set.
#[derive(Clone, Copy)]
pub(crate) struct F32<I>(f32, PhantomData<I>);

impl<I: Isa> Real for F32<I> {
    const ONE: Self = Self(1.0, PhantomData);

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(I::mul_add(self.0, b.0, c.0), PhantomData)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt(), PhantomData)
    }

    #[inline(always)]
    fn relu(self) -> Self {
        Self(at_least(self.0, 0.0), PhantomData)
    }

    #[inline(always)]
    fn step(self) -> Self {
        Self(if self.0 > 0.0 { 1.0 } else { 0.0 }, PhantomData)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        let x = at_most(at_least(self.0, EXP_LOWEST), EXP_HIGHEST);
        let (mantissa, _, n) = reduced_exp::<I>(x);
        // Two factors, so that neither overflows and a subnormal result is rounded only once.
        let (shift, last) = if x < 0.0 { (64, SCALE) } else { (-1, 2.0) };
        Self(mantissa * exp2(n.wrapping_add(shift)) * last, PhantomData)
    }

    /// With `x = m·2^n`, 2/3 <= m < 4/3, and `u = 2(m - 1)/(m + 1)`: `n·ln 2 + 2·artanh(u/2)`, the latter as in
    /// `log1p_exp_neg_abs`.
    #[inline(always)]
    fn ln(self) -> Self {
        /// The bits of 2/3.
        const LEAST: i32 = 0x3f2a_aaab;
        let bits = self.0.to_bits() as i32;
        let n = bits.wrapping_sub(LEAST) >> 23;
        let m = f32::from_bits(bits.wrapping_sub(n << 23) as u32);
        let n = n as f32;
        let u = 2.0 * (m - 1.0) / (m + 1.0);
        let z = u * u;
        let low = I::mul_add(u * z, polynomial::<I, 4>(z, &LOG), n * LN2_LOW);
        let value = I::mul_add(n, LN2_HIGH, u) + low;
        Self(if self.0.is_nan() { self.0 } else { value }, PhantomData)
    }

    /// `x + x³·P(x²)` up to 5/8, `1 - 2/(exp(2x) + 1)` above, which is 1 to rounding long before 2x = 44.
    #[inline(always)]
    fn tanh(self) -> Self {
        let a = self.0.abs();
        let z = a * a;
        let small = I::mul_add(a * z, polynomial::<I, 5>(z, &TANH), a);
        let large = 1.0 - 2.0 / (exp_moderate::<I>(at_most(a + a, 44.0)) + 1.0);
        Self(if a < 0.625 { small } else { large }.copysign(self.0), PhantomData)
    }

    /// `e/(1 + e)` or `1/(1 + e)` with `e = exp(-|x|)`. The rounding errors of `e`, of the sum and of the quotient are corrected to
    /// first order.
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let (power, low) = exp_neg_abs::<I>(self.0);
        let (e, e_low) = (power * SCALE, low * SCALE);
        let sum = 1.0 + e;
        let sum_low = ((1.0 - sum) + e) + e_low;
        let (numerator, low) = if self.0 < 0.0 { (e, e_low) } else { (1.0, 0.0) };
        let (quotient, correction) = quotient::<I>(numerator, low, sum, sum_low);
        Self(quotient + correction, PhantomData)
    }

    /// With `e = exp(-|x|)`: `x·e/(1 + e)` or `x/(1 + e)`. The exponential is scaled back last, because the product is subnormal only
    /// for larger `|x|`.
    #[inline(always)]
    fn silu_with_slope(self) -> (Self, Self) {
        let (power, _) = exp_neg_abs::<I>(self.0);
        let (factor, last) = if self.0 < 0.0 { (power, SCALE) } else { (1.0, 1.0) };
        let quotient = factor / (1.0 + power * SCALE);
        let (sigmoid, x) = (quotient * last, at_least(self.0, EXP_LOWEST));
        let slope = sigmoid * I::mul_add(self.clamped().0, 1.0 - sigmoid, 1.0);
        (Self(x * quotient * last, PhantomData), Self(slope, PhantomData))
    }

    /// With `e = exp(-|x|)` and `u = e/(1 + e/2)`: `ln(1 + e) = 2·artanh(u/2) = u + u³·Q(u²)`. Rounding errors are
    /// corrected as in `sigmoid`.
    #[inline(always)]
    fn log1p_exp_neg_abs(self) -> Self {
        let (power, low) = exp_neg_abs::<I>(self.0);
        let (e, e_low) = (power * SCALE, low * SCALE);
        let sum = I::mul_add(e, 0.5, 1.0);
        let sum_low = ((1.0 - sum) + 0.5 * e) + 0.5 * e_low;
        let (u, correction) = quotient::<I>(e, e_low, sum, sum_low);
        let z = u * u;
        Self(u + I::mul_add(u * z, polynomial::<I, 4>(z, &LOG), correction), PhantomData)
    }

    #[inline(always)]
    fn positive_part(self) -> Self {
        Self(if self.0 > 0.0 { self.0 } else { 0.0 }, PhantomData)
    }

    #[inline(always)]
    fn clamped(self) -> Self {
        Self(at_most(at_least(self.0, EXP_LOWEST), -EXP_LOWEST), PhantomData)
    }
}

/// `exp(x)` for `-87 <= x <= 89`, infinite from 88.4 on.
#[inline(always)]
pub(crate) fn exp_moderate<I: Isa>(x: f32) -> f32 {
    let (mantissa, _, n) = reduced_exp::<I>(x);
    mantissa * exp2(n)
}

/// `exp(-|x|)/SCALE` as a sum of two normal numbers. The second is the rounding error of the first.
#[inline(always)]
fn exp_neg_abs<I: Isa>(x: f32) -> (f32, f32) {
    let (mantissa, low, n) = reduced_exp::<I>(at_least(-x.abs(), EXP_LOWEST));
    let power = exp2(n.wrapping_add(64));
    (mantissa * power, low * power)
}

/// `(a + a_low)/(b + b_low)` as a rounded quotient and its correction, to first order in the small parts.
#[inline(always)]
fn quotient<I: Isa>(a: f32, a_low: f32, b: f32, b_low: f32) -> (f32, f32) {
    let inverse = 1.0 / b;
    let (quotient, remainder) = I::divide(a, b, inverse);
    (quotient, inverse * ((remainder + a_low) - quotient * b_low))
}

/// `exp(x) = (m + m_low)·2^n` with `n = round(x / ln 2)`; `m = 1 + r + r²·q(r)` for `r = x - n·ln 2`, |r| <= ln(2)/2. The
/// second number is the error of the last addition. Only the lowest nine bits of `n` are valid.
#[inline(always)]
fn reduced_exp<I: Isa>(x: f32) -> (f32, f32, i32) {
    /// 2^23 + 2^22: the lowest bits of the sum with a small number are its nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let rounded = I::mul_add(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = I::mul_add(n, -LN2_LOW, I::mul_add(n, -LN2_HIGH, x));
    let above_one = I::mul_add(r * r, polynomial::<I, 5>(r, &EXP), r);
    let mantissa = 1.0 + above_one;
    (mantissa, above_one - (mantissa - 1.0), rounded.to_bits() as i32)
}

/// `2^n` for `-126 <= n <= 127`, infinity for 128. Reads only the lowest nine bits of `n`.
#[inline(always)]
fn exp2(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// Coefficients from the lowest power up.
#[inline(always)]
fn polynomial<I: Isa, const N: usize>(x: f32, coefficients: &[f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for k in (0..N - 1).rev() {
        sum = I::mul_add(sum, x, coefficients[k]);
    }
    sum
}

/// The larger one; NaN stays NaN.
#[inline(always)]
pub(crate) fn at_least(x: f32, low: f32) -> f32 {
    if x < low { low } else { x }
}

/// The smaller one; NaN stays NaN.
#[inline(always)]
pub(crate) fn at_most(x: f32, high: f32) -> f32 {
    if x > high { high } else { x }
}

/// 2^-64, the last factor of small exponentials.
const SCALE: f32 = f32::from_bits((127 - 64) << 23);
/// Here `x·exp(x)` and `exp(x)` round to zero.
const EXP_LOWEST: f32 = -110.0;
/// Here `exp(x)` is infinite.
const EXP_HIGHEST: f32 = 89.0;
/// ln 2 in two parts, the first of 10 bits: its product with an exponent is exact (Cody & Waite 1980).
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// `(exp(r) - 1 - r)/r²` for |r| <= 0.3468; relative error of `exp` 3.2e-9.
const EXP: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_266, 0.008_368_677, 0.001_382_073_4];
/// `(tanh(x)/x - 1)/z` for `z = x²`, |x| <= 5/8; relative error of `tanh` 4.6e-9.
const TANH: [f32; 5] = [-0.333_332_8, 0.133_314_06, -0.053_736_515, 0.020_628_167, -0.005_692_296];
/// `(2·artanh(u/2)/u - 1)/z` for `z = u²`, 0 <= u <= 2/3; relative error of the logarithm 4.5e-9.
const LOG: [f32; 4] = [0.083_333_02, 0.012_506_699, 0.002_187_736_6, 0.000_547_006_9];

macro_rules! operators {
    ($($trait:ident $method:ident $operator:tt;)*) => {$(
        impl<I> $trait for F32<I> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0 $operator other.0, PhantomData)
            }
        }
    )*};
}

operators! {
    Add add +;
    Sub sub -;
    Mul mul *;
    Div div /;
}

macro_rules! comparisons {
    ($($method:ident $operator:tt),*) => {$(
        #[inline(always)]
        fn $method(&self, other: &Self) -> bool {
            self.0 $operator other.0
        }
    )*};
}

impl<I> PartialEq for F32<I> {
    comparisons! { eq == }
}

impl<I> PartialOrd for F32<I> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }

    comparisons! { lt <, le <=, gt >, ge >= }
}

impl<I> Neg for F32<I> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0, PhantomData)
    }
}

/// Functions of the standard library.
impl Real for f64 {
    const ONE: Self = 1.0;

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn relu(self) -> Self {
        if self < 0.0 { 0.0 } else { self }
    }

    #[inline(always)]
    fn step(self) -> Self {
        if self > 0.0 { 1.0 } else { 0.0 }
    }

    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }

    #[inline(always)]
    fn ln(self) -> Self {
        f64::ln(self)
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        f64::tanh(self)
    }

    #[inline(always)]
    fn sigmoid(self) -> Self {
        let e = f64::exp(-self.abs());
        if self < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
    }

    #[inline(always)]
    fn silu_with_slope(self) -> (Self, Self) {
        let sigmoid = self.sigmoid();
        let value = if self < 0.0 { self.clamped() * sigmoid } else { self * sigmoid };
        (value, sigmoid * (1.0 + self.clamped() * (1.0 - sigmoid)))
    }

    #[inline(always)]
    fn log1p_exp_neg_abs(self) -> Self {
        f64::exp(-self.abs()).ln_1p()
    }

    #[inline(always)]
    fn positive_part(self) -> Self {
        if self > 0.0 { self } else { 0.0 }
    }

    #[inline(always)]
    fn clamped(self) -> Self {
        self.clamp(-760.0, 760.0)
    }
}
