//! Metrics: named numbers, and the lines of `metrics.jsonl`.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Number, Value};

/// Named numbers in the order in which they were added.
///
/// ```
/// use gibbs_train::training::Metrics;
///
/// let metrics = Metrics::new().with("loss", 0.25).with("rate", 0.01);
/// assert_eq!(metrics.get("loss"), Some(0.25));
/// assert_eq!(metrics.to_string(), "loss 0.25  rate 0.01");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(Vec<(String, f64)>);

impl Metrics {
    /// No metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the metrics with one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a metric, or replaces the metric of this name.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, place)) => *place = value,
            None => self.0.push((name, value)),
        }
    }

    /// Adds all metrics of `other`. They replace metrics of the same name.
    pub fn extend(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.set(name, value);
        }
    }

    /// The metric of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The metrics in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Whether there are no metrics.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first metric that is a NaN or an infinity.
    pub fn not_finite(&self) -> Option<(&str, f64)> {
        self.iter().find(|(_, value)| !value.is_finite())
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.iter().enumerate() {
            let gap = if index == 0 { "" } else { "  " };
            let digits = if value == 0.0 || !value.is_finite() {
                0
            } else {
                (3 - value.abs().log10().floor() as i32).clamp(0, 8)
            };
            let text = format!("{value:.*}", digits as usize);
            let text =
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            write!(f, "{gap}{name} {text}")?;
        }
        Ok(())
    }
}

/// A number in JSON. JSON has no NaN and no infinity: they become the strings `"NaN"`, `"inf"` and `"-inf"`.
fn to_json(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, &to_json(value))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = serde_json::Map::deserialize(deserializer)?;
        let mut metrics = Self::new();
        for (name, value) in map {
            let number = value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            let number = number
                .ok_or_else(|| serde::de::Error::custom(format!("`{name}` is not a number: {value}")))?;
            metrics.set(name, number);
        }
        Ok(metrics)
    }
}

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Number of steps done.
    pub step: usize,
    /// The epoch of the step, from 1.
    pub epoch: usize,
    /// Seconds of training so far, over all sessions.
    pub seconds: f64,
    /// Averages since the previous record, and the metrics of the validation if there was one.
    pub metrics: Metrics,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("epoch", &self.epoch)?;
        map.serialize_entry("seconds", &((self.seconds * 1000.0).round() / 1000.0))?;
        for (name, value) in self.metrics.iter() {
            map.serialize_entry(name, &to_json(value))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_flat_object_in_which_a_nan_shows() {
        let metrics = Metrics::new().with("loss", f64::NAN).with("rate", 0.1).with("low", f64::NEG_INFINITY);
        let record = Record { step: 3, epoch: 1, seconds: 1.23456, metrics };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(text, r#"{"step":3,"epoch":1,"seconds":1.235,"loss":"NaN","rate":0.1,"low":"-inf"}"#);
    }

    #[test]
    fn metrics_come_back_from_json() {
        let metrics = Metrics::new().with("b", 0.1).with("a", f64::INFINITY).with("c", 1e-300);
        let back: Metrics = serde_json::from_str(&serde_json::to_string(&metrics).unwrap()).unwrap();
        assert_eq!(back, metrics);
        let text = r#"{"a": "many"}"#;
        let error = serde_json::from_str::<Metrics>(text).unwrap_err();
        assert!(error.to_string().contains("`a` is not a number"), "{error}");
    }

    #[test]
    fn the_last_value_of_a_name_counts() {
        let mut metrics = Metrics::new().with("a", 1.0).with("b", 2.0);
        metrics.extend(Metrics::new().with("a", 3.0));
        assert_eq!(metrics.iter().collect::<Vec<_>>(), [("a", 3.0), ("b", 2.0)]);
        assert_eq!(metrics.not_finite(), None);
    }

    #[test]
    fn metrics_print_with_four_digits() {
        let metrics = Metrics::new()
            .with("a", -86.3412)
            .with("b", 0.000123456)
            .with("c", 12345.6)
            .with("d", f64::NAN)
            .with("e", 0.0);
        assert_eq!(metrics.to_string(), "a -86.34  b 0.0001235  c 12346  d NaN  e 0");
    }
}
