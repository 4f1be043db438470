//! Numbers as text. Minus is the ASCII sign `-`.

/// Writes `value ± std_err`. The error decides the number of decimals.
///
/// The rule is that of the Particle Data Group (*Review of Particle Physics*, Introduction, section 5.3). It looks at the
/// first three digits of the error: 100 to 354 keep two significant digits, 355 to 949 keep one, 950 to 999 become 1000
/// and keep two. The value has the same number of decimals as the error. An error of 0 means an exact value: six
/// significant digits and no `±`. Very large and very small values share one power of ten. Infinities and NaN are
/// written as such.
///
/// ```
/// use gibbs_report::format_value;
/// assert_eq!(format_value(-95.2341, 0.5), "-95.2 ± 0.5");
/// assert_eq!(format_value(-95.2341, 0.1234), "-95.23 ± 0.12");
/// assert_eq!(format_value(-3.4657359, 0.0), "-3.46574");
/// assert_eq!(format_value(1.234e-7, 4.0e-9), "(1.23 ± 0.04)e-7");
/// assert_eq!(format_value(f64::NAN, 0.1), "NaN ± 0.10");
/// ```
pub fn format_value(value: f64, std_err: f64) -> String {
    if std_err == 0.0 {
        return format_number(value);
    }
    if !std_err.is_finite() {
        return pair(&format_number(value), &format_number(std_err));
    }
    let std_err = std_err.abs();
    let last = last_decimal(std_err);
    if !value.is_finite() {
        return pair(&format_number(value), &fixed(std_err, (-last).max(0) as usize));
    }
    let size = exponent(value.abs().max(std_err));
    if last > 3 || !(-4..9).contains(&size) {
        let decimals = (size - last).max(0) as usize;
        let inner = pair(&fixed(scaled(value, size), decimals), &fixed(scaled(std_err, size), decimals));
        return format!("({inner})e{size}");
    }
    if last > 0 {
        let unit = 10f64.powi(last);
        let rounded = |x: f64| fixed((x / unit).round() * unit, 0);
        return pair(&rounded(value), &rounded(std_err));
    }
    let decimals = (-last) as usize;
    pair(&fixed(value, decimals), &fixed(std_err, decimals))
}

/// Writes a number with six significant digits. Numbers between 0.0001 and ten million have no exponent.
///
/// ```
/// use gibbs_report::format_number;
/// assert_eq!(format_number(0.0), "0");
/// assert_eq!(format_number(-205.794), "-205.794");
/// assert_eq!(format_number(60000.0), "60000");
/// assert_eq!(format_number(1.5e-9), "1.5e-9");
/// assert_eq!(format_number(f64::NEG_INFINITY), "-∞");
/// ```
pub fn format_number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".into() } else { "-∞".into() };
    }
    if value == 0.0 {
        return "0".into();
    }
    let size = exponent(format!("{:.5e}", value.abs()).parse().unwrap_or(value));
    if (-4..7).contains(&size) {
        let text = fixed(value, (5 - size).max(0) as usize);
        // A fraction keeps its six digits. A whole number has no decimals.
        return if value.fract() == 0.0 { text.split('.').next().unwrap_or(&text).into() } else { text };
    }
    scientific(value)
}

/// At most six significant digits and a power of ten; "0" for zero.
pub(crate) fn scientific(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    // Reads the rounded text, so that 9.999999e5 becomes 1e6.
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let size = exponent(rounded.abs());
    let mantissa = fixed(scaled(rounded, size), 5);
    format!("{}e{}", mantissa.trim_end_matches('0').trim_end_matches('.'), size)
}

/// The value divided by a power of ten. The power itself may be too small for a float.
fn scaled(value: f64, power: i32) -> f64 {
    let text = format!("{value:e}");
    let (mantissa, size) = text.split_once('e').unwrap_or((&text, "0"));
    let size: i32 = size.parse().unwrap_or(0);
    format!("{mantissa}e{}", size - power).parse().unwrap_or(value)
}

fn pair(value: &str, error: &str) -> String {
    format!("{value} ± {error}")
}

/// A fixed number of decimals. Zero has no minus sign.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
    if value < 0.0 && !is_zero { format!("-{text}") } else { text }
}

/// The power of ten of the first digit. It is read from the text, so that no logarithm rounds it to the wrong power.
fn exponent(value: f64) -> i32 {
    let text = format!("{value:e}");
    text.split('e').nth(1).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The power of ten of the last digit of a number with this (positive) error.
fn last_decimal(std_err: f64) -> i32 {
    let text = format!("{std_err:.2e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let leading: u32 = mantissa.replace('.', "").parse().unwrap_or(100);
    let power: i32 = power.parse().unwrap_or(0);
    if leading < 355 { power - 1 } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_decides_the_decimals() {
        let cases = [
            (-86.3412, 0.04871, "-86.34 ± 0.05"),
            (-86.3412, 0.0187, "-86.341 ± 0.019"),
            (451.28, 1.0, "451.3 ± 1.0"),
            (451.28, 12.0, "451 ± 12"),
            (451.28, 97.0, "450 ± 100"),
            (0.00001234, 0.0000005, "(1.23 ± 0.05)e-5"),
            (123_456.0, 3_000.0, "123500 ± 3000"),
            (1.234e10, 3.0e7, "(1.2340 ± 0.0030)e10"),
            (0.0, 0.25, "0.00 ± 0.25"),
            (-0.001, 0.25, "0.00 ± 0.25"),
            (5.0, -0.5, "5.0 ± 0.5"),
        ];
        for (value, error, text) in cases {
            assert_eq!(format_value(value, error), text, "{value} {error}");
        }
    }

    #[test]
    fn nothing_strange_is_hidden() {
        assert_eq!(format_value(f64::NAN, 0.0), "NaN");
        assert_eq!(format_value(f64::NAN, f64::NAN), "NaN ± NaN");
        assert_eq!(format_value(-95.2, f64::NAN), "-95.2000 ± NaN");
        assert_eq!(format_value(f64::NEG_INFINITY, 0.0), "-∞");
        assert_eq!(format_value(1.0, f64::INFINITY), "1 ± ∞");
        assert_eq!(format_number(9_999_999.9), "1e7");
        assert_eq!(format_value(3e-310, 2e-310), "(3.0 ± 2.0)e-310");
        assert_eq!(format_number(f64::MAX), "1.79769e308");
        assert_eq!(format_number(f64::MIN_POSITIVE / 4.0), "5.56268e-309");
    }
}
