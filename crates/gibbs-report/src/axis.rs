//! Axes: their labels, and the position of a number on them.

use crate::ticks::{self, Tick};

/// The range of an axis ignores larger numbers: their sums and differences would overflow.
const LARGEST: f64 = 1e150;

/// The x axis or the y axis of a panel.
///
/// ```
/// use gibbs_report::Axis;
/// let x = Axis::new("step").whole();
/// let y = Axis::new("learning rate").log().range(1e-5, 1.0);
/// ```
#[must_use]
#[derive(Clone, Debug, Default)]
pub struct Axis {
    pub(crate) label: String,
    pub(crate) log: bool,
    pub(crate) whole: bool,
    pub(crate) range: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis that shows all data. Write the unit behind a comma: "log-likelihood, nats".
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// Makes the axis logarithmic. The legend counts the values that are not positive; they are not drawn.
    pub fn log(mut self) -> Self {
        self.log = true;
        self
    }

    /// Puts numbers at integers only, as for epochs.
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Shows this range instead of that of the data. Lines are cut at its ends. The axis ignores a range that is empty,
    /// infinite, or not positive on a logarithmic axis.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Whether the axis can show this number.
    pub(crate) fn shows(&self, value: f64) -> bool {
        value.abs() < LARGEST && (!self.log || value > 1.0 / LARGEST)
    }

    /// The range that shows these numbers.
    pub(crate) fn span(&self, values: impl IntoIterator<Item = f64>, padding: Padding) -> Span {
        if let Some((low, high)) = self.range
            && low < high
            && self.shows(low)
            && self.shows(high)
        {
            return Span { low, high, log: self.log };
        }
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            if self.shows(value) {
                (low, high) = (low.min(value), high.max(value));
            }
        }
        if low > high {
            return if self.log { Span { low: 0.1, high: 10.0, log: true } } else { Span::linear(0.0, 1.0) };
        }
        let span = Span { low, high, log: self.log };
        if span.is_flat() { span.opened() } else { span.padded(padding) }
    }
}

/// Room between the data and the ends of an axis, relative to the length of the data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Padding {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Padding {
    pub(crate) fn smaller(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.min(other.high) }
    }
}

/// A range of numbers, `low < high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) log: bool,
}

impl Span {
    pub(crate) fn linear(low: f64, high: f64) -> Self {
        Self { low, high, log: false }
    }

    /// The position between low (0) and high (1); NaN if the number cannot be shown.
    pub(crate) fn part(&self, value: f64) -> f64 {
        if !value.is_finite() {
            return f64::NAN;
        }
        if self.log {
            return if value > 0.0 {
                (value / self.low).ln() / (self.high / self.low).ln()
            } else {
                f64::NAN
            };
        }
        (value - self.low) / (self.high - self.low)
    }

    fn at(&self, part: f64) -> f64 {
        if self.log {
            self.low * (self.high / self.low).powf(part)
        } else {
            self.low + part * (self.high - self.low)
        }
    }

    /// Whether the range is so narrow that its ends look the same as text.
    fn is_flat(&self) -> bool {
        self.high - self.low <= 1e-9 * self.low.abs().max(self.high.abs())
    }

    fn opened(&self) -> Self {
        let middle = 0.5 * self.low + 0.5 * self.high;
        if self.log {
            return Self { low: middle / 2.0, high: middle * 2.0, log: true };
        }
        let room = if middle == 0.0 { 1.0 } else { 0.1 * middle.abs() };
        Self::linear(middle - room, middle + room)
    }

    fn padded(&self, padding: Padding) -> Self {
        Self { low: self.at(-padding.low), high: self.at(1.0 + padding.high), log: self.log }
    }

    /// The range with the same middle and `factor` times the length (linear only).
    pub(crate) fn stretched(&self, factor: f64) -> Self {
        let (middle, half) = (0.5 * (self.low + self.high), 0.5 * factor * (self.high - self.low));
        Self::linear(middle - half, middle + half)
    }

    pub(crate) fn ticks(&self, count: usize, whole: bool) -> Vec<Tick> {
        if self.log {
            ticks::logarithmic(self.low, self.high, count)
        } else {
            ticks::linear(self.low, self.high, count, whole)
        }
    }

    pub(crate) fn minor(&self) -> Vec<f64> {
        if self.log { ticks::logarithmic_minor(self.low, self.high) } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Padding = Padding { low: 0.0, high: 0.0 };

    #[test]
    fn ranges_are_never_empty() {
        let lists: [&[f64]; 7] = [
            &[],
            &[f64::NAN, f64::INFINITY],
            &[0.0],
            &[-3.0, -3.0],
            &[1e-300, 2e-300],
            &[f64::MIN, f64::MAX],
            &[1e16, 1e16 + 2.0],
        ];
        for values in lists {
            for axis in [Axis::new("y"), Axis::new("y").log(), Axis::new("y").range(5.0, 5.0)] {
                let span = axis.span(values.iter().copied(), NONE);
                assert!(span.low < span.high && (span.high - span.low).is_finite(), "{values:?} {span:?}");
                assert!(span.part(0.5 * (span.low + span.high)).is_finite());
                assert!(span.ticks(6, false).len() < 50);
            }
        }
    }

    #[test]
    fn a_log_axis_leaves_out_what_is_not_positive() {
        let axis = Axis::new("y").log();
        let span = axis.span([-1.0, 0.0, 0.01, 100.0], NONE);
        assert_eq!(span, Span { low: 0.01, high: 100.0, log: true });
        assert!((span.part(1.0) - 0.5).abs() < 1e-12);
        assert!(span.part(0.0).is_nan());
    }

    #[test]
    fn a_given_range_wins() {
        let span = Axis::new("y").range(-1.0, 2.0).span([50.0], NONE);
        assert_eq!(span, Span::linear(-1.0, 2.0));
    }
}
