//! The numbers written along an axis.

use crate::format::{fixed, scientific};

/// A number on an axis and its label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// About `count` multiples of 1, 2 or 5 times a power of ten inside `[low, high]`. All labels have the same format.
///
/// With `whole`, the step is at least one.
pub(crate) fn linear(low: f64, high: f64, count: usize, whole: bool) -> Vec<Tick> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0 && low.is_finite()) {
        return Vec::new();
    }
    let rough = span / count.max(1) as f64;
    let power = 10f64.powi(rough.log10().floor() as i32);
    // The step with the nearest ratio: the limits are the roots of 1 * 2, 2 * 5 and 5 * 10.
    let step = match (rough / power).powi(2) {
        ..2.0 => power,
        ..10.0 => 2.0 * power,
        ..50.0 => 5.0 * power,
        _ => 10.0 * power,
    };
    let step = if whole { step.max(1.0) } else { step };
    let slack = 1e-9 * span;
    let (first, last) = (((low - slack) / step).ceil(), ((high + slack) / step).floor());
    if !(first.abs() < 1e15 && last.abs() < 1e15) {
        return Vec::new();
    }
    let values: Vec<f64> = (first as i64..=last as i64).map(|i| i as f64 * step).collect();
    let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let decimals = (-(step * 1.001).log10().floor()).max(0.0) as usize;
    let plain = largest < 1e6 && decimals <= 5;
    let label = |value: f64| if plain { fixed(value, decimals) } else { scientific(rounded(value, step)) };
    values.into_iter().map(|value| Tick { value, label: label(value) }).collect()
}

/// Removes the rounding error of the product with the step.
fn rounded(value: f64, step: f64) -> f64 {
    let text = format!("{:.*e}", ((value.abs() / step).max(1.0).log10().ceil() as usize + 1).min(15), value);
    text.parse().unwrap_or(value)
}

/// The powers of ten inside `[low, high]` (both positive). If there are fewer than three, also 2 and 5 times a power of
/// ten. If these are fewer than three, evenly spaced numbers.
pub(crate) fn logarithmic(low: f64, high: f64, count: usize) -> Vec<Tick> {
    if !(low > 0.0 && high.is_finite() && high > low) {
        return Vec::new();
    }
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let inside = |value: &f64| *value >= low * (1.0 - 1e-9) && *value <= high * (1.0 + 1e-9);
    let powers: Vec<i32> = (first..=last).filter(|&power| inside(&10f64.powi(power))).collect();
    let stride = powers.len().div_ceil(count.max(1)).max(1) as i32;
    let decades: Vec<f64> = powers.iter().filter(|&&p| p % stride == 0).map(|&p| 10f64.powi(p)).collect();
    let values = if decades.len() >= 3 {
        decades
    } else {
        let finer = |power| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(power));
        (first..=last).flat_map(finer).filter(inside).collect()
    };
    if values.len() < 3 {
        return linear(low, high, count.min(4), false);
    }
    values.into_iter().map(|value| Tick { value, label: power_label(value) }).collect()
}

/// Numbers between powers of ten, for lines without a label.
pub(crate) fn logarithmic_minor(low: f64, high: f64) -> Vec<f64> {
    if !(low > 0.0 && high.is_finite() && high > low) || high / low > 1e7 {
        return Vec::new();
    }
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let all = |power| (2..10).map(move |m| f64::from(m) * 10f64.powi(power));
    (first..=last).flat_map(all).filter(|v| *v >= low && *v <= high).collect()
}

fn power_label(value: f64) -> String {
    let power = (value * 1.000_001).log10().floor() as i32;
    if (-3..6).contains(&power) { fixed(value, (-power).max(0) as usize) } else { scientific(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn steps_are_round_and_labelled_alike() {
        assert_eq!(labels(&linear(0.0, 10.0, 5, false)), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(&linear(-0.3, 0.31, 3, false)), ["-0.2", "0.0", "0.2"]);
        assert_eq!(labels(&linear(-130.0, -84.0, 5, false)), ["-130", "-120", "-110", "-100", "-90"]);
        assert_eq!(labels(&linear(0.0, 2.0, 5, true)), ["0", "1", "2"]);
        assert_eq!(labels(&linear(0.0, 4e6, 4, false)), ["0", "1e6", "2e6", "3e6", "4e6"]);
        assert_eq!(labels(&linear(0.0, 3e-7, 3, false)), ["0", "1e-7", "2e-7", "3e-7"]);
    }

    #[test]
    fn log_ticks_adapt_to_the_number_of_decades() {
        assert_eq!(labels(&logarithmic(0.001, 10.0, 6)), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&logarithmic(0.9, 30.0, 6)), ["1", "2", "5", "10", "20"]);
        assert_eq!(labels(&logarithmic(1e-6, 0.06, 5)), ["1e-6", "1e-5", "1e-4", "0.001", "0.01"]);
        assert_eq!(labels(&logarithmic(1e-12, 1.0, 5)), ["1e-12", "1e-9", "1e-6", "0.001", "1"]);
        assert_eq!(labels(&logarithmic(3.1, 4.2, 4)), ["3.2", "3.4", "3.6", "3.8", "4.0", "4.2"]);
    }

    #[test]
    fn degenerate_ranges_have_no_ticks_and_do_not_panic() {
        for (low, high) in [
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
            (1.0, 1.0),
            (2.0, 1.0),
            (f64::MIN, f64::MAX),
            (1e300, 1e300 + 1.0),
        ] {
            assert!(linear(low, high, 5, false).is_empty(), "{low} {high}");
        }
        assert!(linear(1e17, 1e17 + 64.0, 5, false).len() < 100);
        assert!(logarithmic(-1.0, 1.0, 5).is_empty());
        assert!(logarithmic(1e-320, 1e300, 5).len() <= 7);
    }
}
