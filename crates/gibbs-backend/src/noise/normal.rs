//! The standard normal distribution by inversion of its distribution function.

/// Wichura's algorithm AS 241 (PPND16) for one 32-bit word `w`, at `p = (w + 1/2)·2^-32`.
///
/// Two of its three regions are enough: the third begins at `p < exp(-25)`, far below `2^-33`. The result lies between -6.34
/// and 6.34, with a relative error of 1e-16 in exact arithmetic. The logarithm below consists of additions, multiplications
/// and divisions, whose rounding IEEE 754 defines. The value is therefore the same on every computer and with every
/// instruction set.
///
/// References: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics
/// 37 (1988) 477-484, doi:10.2307/2347330.
#[inline(always)]
pub(crate) fn quantile(word: u32) -> f64 {
    let q = (f64::from(word) + 0.5) * SPACING - 0.5;
    let r = 0.180625 - q * q;
    let central = q * (horner(r, &A) / horner(r, &B));
    let p = 0.5 - q.abs();
    let r = (-ln(p)).sqrt() - 1.6;
    let tail = horner(r, &C) / horner(r, &D);
    // A selection by bits: a branch would prevent vectorization.
    let choice = 0u64.wrapping_sub(u64::from(q.abs() <= 0.425));
    f64::from_bits((central.to_bits() & choice) | (tail.copysign(q).to_bits() & !choice))
}

/// `2^-32`, the spacing of the words in the unit interval.
const SPACING: f64 = 1.0 / 4_294_967_296.0;

/// Coefficients from the lowest power up.
#[inline(always)]
fn horner(x: f64, coefficients: &[f64; 8]) -> f64 {
    let mut sum = coefficients[7];
    for k in (0..7).rev() {
        sum = sum * x + coefficients[k];
    }
    sum
}

/// Natural logarithm of a normal positive number, to about one unit in the last place.
///
/// `x = 2^e·m` with `m` in [√½, √2), and `ln x = e·ln 2 + 2·artanh((m - 1)/(m + 1))`. The series of the inverse hyperbolic
/// tangent in `s²`, `s² < 0.0295`, ends at the eleventh term (remainder below 2e-17).
#[inline(always)]
fn ln(x: f64) -> f64 {
    const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const BIAS: u64 = 1023;
    /// The upper bits of ln 2: products with an exponent are exact.
    const LN2_HIGH: f64 = f64::from_bits(std::f64::consts::LN_2.to_bits() & !0xFFFF_FFFF);
    const LN2_LOW: f64 = 4.749_325_039_031_672_6e-7;
    /// 2^52: with a small integer in the bits of its mantissa it is the sum with this integer.
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let biased = x.to_bits().wrapping_sub(SQRT_HALF).wrapping_add(BIAS << 52) >> 52;
    let mantissa = f64::from_bits(x.to_bits().wrapping_add(BIAS << 52).wrapping_sub(biased << 52));
    let exponent = f64::from_bits(SHIFT.to_bits() | biased) - (SHIFT + BIAS as f64);
    let f = mantissa - 1.0;
    let s = f / (mantissa + 1.0);
    let z = s * s;
    let mut series = 1.0 / 23.0;
    for k in (1..11).rev() {
        series = series * z + 1.0 / f64::from(2 * k + 1);
    }
    // 2·artanh(s) = f - s·(f - 2·z·series), where the second term is small.
    exponent * LN2_HIGH + (f - (s * (f - 2.0 * z * series) - exponent * LN2_LOW))
}

const A: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const B: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const C: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    0.000_774_545_014_278_341_4,
];
const D: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    0.000_547_593_808_499_534_5,
    1.050_750_071_644_416_9e-9,
];
