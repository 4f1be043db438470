//! A metric of a run, and what its numbers mean in words.

use gibbs_report::{format_number, format_value};
use serde_json::{Map, Value};

/// A number with its error and its kind, as `summary.json` and `eval` write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// One standard error of the estimator; 0 for an exact value.
    pub std_err: f64,
    /// Standard error of the mean by the spread of the examples, where the value is such a mean.
    pub std_err_examples: Option<f64>,
    /// Its relation to the true value: `exact`, `unbiased`, `lower_bound`, `upper_bound`, `asymptotic`.
    pub kind: String,
    /// The unit, such as nats.
    pub unit: String,
    /// Why its error cannot be trusted.
    pub unreliable: Option<String>,
    /// What else is said of it, such as how the data were binarized.
    pub notes: Vec<(String, String)>,
}

/// The fields that every metric may have.
const FIELDS: [&str; 7] = ["value", "std_err", "std_err_examples", "kind", "unit", "unreliable", "samples"];

/// A number. NaN and infinity are text in JSON.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

impl Metric {
    /// The metric of a JSON object; `None` if it is no single number.
    pub fn of(name: &str, json: &Value) -> Option<Self> {
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_string();
        let notes = json.as_object()?.iter().filter(|(key, _)| !FIELDS.contains(&key.as_str()));
        let notes = notes.map(|(key, value)| {
            let value = match (value, value.as_f64()) {
                (Value::String(text), _) => text.clone(),
                (_, Some(number)) => format_number_short(number),
                _ => value.to_string(),
            };
            (key.replace('_', " "), value)
        });
        Some(Self {
            name: name.to_string(),
            value: number(&json["value"])?,
            std_err: number(&json["std_err"]).unwrap_or(0.0),
            std_err_examples: number(&json["std_err_examples"]),
            kind: text("kind"),
            unit: text("unit"),
            unreliable: json["unreliable"].as_str().map(String::from),
            notes: notes.collect(),
        })
    }

    /// All metrics of an object, in its order.
    pub fn all(json: &Value) -> Vec<Self> {
        let none = Map::new();
        let metrics = json.as_object().unwrap_or(&none).iter();
        metrics.filter_map(|(name, metric)| Self::of(name, metric)).collect()
    }

    /// Standard error of the value as one of the population: that of the estimator and that of the examples together.
    pub fn total_std_err(&self) -> f64 {
        self.std_err.hypot(self.std_err_examples.unwrap_or(0.0))
    }

    /// Value and error of the estimator with the digits that the errors leave: `-85.04 ± 0.06`; an exact mean over examples is
    /// rounded by their spread.
    pub fn text(&self) -> String {
        match self.std_err_examples.filter(|spread| *spread > 0.0 && self.std_err == 0.0) {
            Some(spread) => {
                let text = format_value(self.value, spread);
                text.split_once(" ± ")
                    .filter(|_| !text.starts_with('('))
                    .map_or(text.clone(), |(value, _)| value.into())
            }
            None => format_value(self.value, self.std_err),
        }
    }

    /// Everything on one line: `-129.90 nats (exact; ±0.25 over examples; binarization none)`.
    pub fn line(&self) -> String {
        // One example has no spread.
        let spread = self.std_err_examples.filter(|spread| spread.is_finite());
        let spread = spread.map(|spread| format!("±{} over examples", format_number_short(spread)));
        let is_text = |value: &str| value.parse::<f64>().is_err();
        let notes = self
            .notes
            .iter()
            .filter(|(_, value)| is_text(value))
            .map(|(key, value)| format!("{key} {value}"));
        let unreliable = self.unreliable.iter().map(|_| "unreliable".to_string());
        let parts: Vec<String> =
            [self.kind.replace('_', " ")].into_iter().chain(spread).chain(unreliable).chain(notes).collect();
        format!("{} {} ({})", self.text(), self.unit, parts.join("; "))
    }

    /// What the number says about the true value, in one sentence.
    pub fn words(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        let text = self.text();
        let value = text.split(" ± ").next().unwrap_or_default();
        let error = match self.std_err > 0.0 {
            true => format!(" The standard error is {}.", format_number_short(self.std_err)),
            false => String::new(),
        };
        let mut words = match self.kind.as_str() {
            "exact" => "Exact: computed, not estimated.".to_string(),
            "lower_bound" => format!("Lower bound: the true value is at least {value}{unit}.{error}"),
            "upper_bound" => format!("Upper bound: the true value is at most {value}{unit}.{error}"),
            "unbiased" => format!("Estimate that is right on average.{error}"),
            "asymptotic" => format!("Estimate that converges to the true value.{error}"),
            _ => error.trim().to_string(),
        };
        if let Some(spread) = self.std_err_examples.filter(|spread| *spread > 0.0) {
            words +=
                &format!(" Other examples would move the mean by about {}.", format_number_short(spread));
        }
        if let Some(reason) = &self.unreliable {
            words += &format!(" Unreliable: {reason}.");
        }
        words
    }
}

/// A number with two significant digits, or a whole one.
fn format_number_short(value: f64) -> String {
    if value.fract() == 0.0 {
        return format_number(value);
    }
    let text = format!("{value:.1e}").parse().map_or_else(|_| format_number(value), format_number);
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metric(json: &Value) -> Metric {
        Metric::of("log_prob", json).unwrap()
    }

    #[test]
    fn every_kind_is_said_in_words() {
        let of = |kind: &str, std_err: f64| {
            metric(&json!({"value": -85.28, "std_err": std_err, "kind": kind, "unit": "nats"})).words()
        };
        assert_eq!(of("exact", 0.0), "Exact: computed, not estimated.");
        assert_eq!(
            of("lower_bound", 0.25),
            "Lower bound: the true value is at least -85.28 nats. The standard error is 0.25."
        );
        assert_eq!(of("upper_bound", 0.0), "Upper bound: the true value is at most -85.2800 nats.");
        assert!(of("unbiased", 0.1).starts_with("Estimate that is right on average."));
        assert!(of("asymptotic", 0.1).starts_with("Estimate that converges to the true value."));
    }

    #[test]
    fn the_spread_of_the_examples_rounds_an_exact_mean() {
        let mean = metric(
            &json!({"value": -129.8987, "std_err": 0.0, "std_err_examples": 0.2468, "kind": "exact", "unit": "nats"}),
        );
        assert_eq!(mean.text(), "-129.90");
        assert_eq!(mean.line(), "-129.90 nats (exact; ±0.25 over examples)");
        assert_eq!(
            mean.words(),
            "Exact: computed, not estimated. Other examples would move the mean by about 0.25."
        );
        assert!((mean.total_std_err() - 0.2468).abs() < 1e-12);
    }

    #[test]
    fn a_line_has_both_errors_and_the_notes_in_words() {
        let sampled = metric(
            &json!({"value": -85.0389, "std_err": 0.0612, "std_err_examples": 0.2468, "kind": "lower_bound",
            "unit": "nats", "unreliable": "few samples", "binarization": "none", "temperatures": 1001}),
        );
        assert_eq!(
            sampled.line(),
            "-85.04 ± 0.06 nats (lower bound; ±0.25 over examples; unreliable; binarization none)"
        );
    }

    #[test]
    fn a_line_says_nothing_of_the_spread_of_one_example() {
        let one = metric(
            &json!({"value": -85.0, "std_err": 0.1, "std_err_examples": "NaN", "kind": "asymptotic", "unit": "nats"}),
        );
        assert_eq!(one.line(), "-85.00 ± 0.10 nats (asymptotic)");
    }

    #[test]
    fn nothing_is_lost_of_what_json_cannot_hold() {
        let broken = metric(
            &json!({"value": "NaN", "std_err": "inf", "kind": "asymptotic", "unreliable": "two samples",
            "effective_samples": 11.538697}),
        );
        assert!(broken.value.is_nan() && broken.std_err.is_infinite());
        assert!(broken.words().ends_with("Unreliable: two samples."));
        assert_eq!(broken.notes, [("effective samples".to_string(), "12".to_string())]);
        assert_eq!(Metric::of("frequencies", &json!({"value": [1.0, 2.0]})), None);
    }
}
