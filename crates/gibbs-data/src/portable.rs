//! Sine and cosine from `+ - * /` only. IEEE 754 defines the results of these operations to the last bit, so that the
//! generators give the same values on every computer. The functions of mathematics libraries differ between systems.

use std::f64::consts::TAU;

/// `(sin, cos)` of `turns` whole turns, absolute error below 1e-15 for `|turns| < 1e6`.
pub(crate) fn sin_cos_turns(turns: f64) -> (f64, f64) {
    let quarters = (turns * 4.0).round();
    let angle = (turns - quarters * 0.25) * TAU;
    let square = angle * angle;
    let sin = angle * alternating(square, 2.0);
    let cos = alternating(square, 1.0);
    match quarters.rem_euclid(4.0) as u8 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// `1 - s/(a(a+1)) + s²/(a(a+1)(a+2)(a+3)) - ...`: the cosine series for `a = 1`, that of `sin(x)/x` for `a = 2`.
fn alternating(square: f64, first: f64) -> f64 {
    (0..9).rev().fold(1.0, |tail, k| {
        let a = first + 2.0 * f64::from(k);
        1.0 - square / (a * (a + 1.0)) * tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_mathematics_library() {
        for i in -4000..4000 {
            let turns = f64::from(i) * 0.001_237;
            let (sin, cos) = sin_cos_turns(turns);
            assert!((sin - (turns * TAU).sin()).abs() < 2e-14, "sin at {turns}");
            assert!((cos - (turns * TAU).cos()).abs() < 2e-14, "cos at {turns}");
        }
    }
}
