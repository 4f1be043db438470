//! The metrics that `eval` prints.

use std::collections::BTreeMap;

use gibbs_core::{Estimate, Kind};
use gibbs_data::Dataset;
use gibbs_report::format_value;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::columns::ColumnSettings;

/// What was measured on some examples.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    metrics: Map<String, Value>,
    /// Keys of the notes on each metric.
    notes: BTreeMap<String, Vec<String>>,
    /// Values of the examples for each metric that is their mean.
    examples: BTreeMap<String, Vec<f64>>,
    /// One value for each example, in order; what `--per-example` writes.
    pub per_example: Vec<f64>,
    /// Number of draws or examples behind the metrics, where it is not that of the data.
    pub draws: Option<usize>,
}

/// A metric as it is printed.
#[derive(Serialize)]
struct Metric<'a> {
    #[serde(flatten)]
    estimate: &'a Estimate,
    unit: &'a str,
}

impl Evaluation {
    /// Adds a metric. A value that is NaN is printed as the string "NaN", never left out. An estimate without a finite error is
    /// unreliable.
    pub fn add(&mut self, name: &str, estimate: &Estimate, unit: &str) {
        let is_unknown = estimate.kind != Kind::Exact && !estimate.std_err.is_finite();
        let unknown = is_unknown.then(|| "its standard error is unknown".to_string());
        let estimate = &estimate.clone().or_unreliable(unknown);
        let mut metric = json!(Metric { estimate, unit });
        let numbers = [
            ("value", Some(estimate.value)),
            ("std_err", Some(estimate.std_err)),
            ("std_err_examples", estimate.std_err_examples),
        ];
        for (key, value) in numbers {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                metric[key] = json!(value.to_string());
            }
        }
        self.metrics.insert(name.into(), metric);
    }

    /// Puts a metric before all others: the main one.
    pub fn put_first(&mut self, name: &str) {
        if let Some(metric) = self.metrics.shift_remove(name) {
            self.metrics.shift_insert(0, name.into(), metric);
        }
    }

    /// Adds the mean of exact values of examples, with the spread of the examples.
    pub fn add_mean(&mut self, name: &str, examples: &[f64], unit: &str) {
        self.add_mean_of(name, Kind::Exact, examples, unit);
        self.examples.insert(name.into(), examples.to_vec());
    }

    /// Adds the mean of values of a kind of examples, with the spread of the examples.
    pub fn add_mean_of(&mut self, name: &str, kind: Kind, examples: &[f64], unit: &str) {
        let mean = match kind {
            Kind::Exact => Estimate::exact_mean(examples),
            kind => Estimate::mean(examples).with_kind(kind).over_examples(examples),
        };
        self.add(name, &mean, unit);
    }

    /// Adds the log-probability of each example, a bound where discrete columns have noise.
    pub fn add_log_prob(&mut self, mut each: Vec<f64>, kind: Kind, columns: &ColumnSettings) {
        // Over the draws of the noise, in expectation.
        let bounds = columns.has_discrete().then_some("probability of discrete columns, density of others");
        if bounds.is_some() {
            each.iter_mut().for_each(|log_prob| *log_prob += columns.log_cell());
        }
        self.add_mean_of("log_prob", if bounds.is_some() { Kind::LowerBound } else { kind }, &each, "nats");
        bounds.into_iter().for_each(|of| self.note("log_prob", "bounds", of));
        self.per_example = each;
    }

    /// One line for each metric whose error cannot be trusted.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let reasons =
            self.metrics.iter().filter_map(|(name, metric)| Some((name, metric["unreliable"].as_str()?)));
        reasons.map(|(name, reason)| format!("{name} is unreliable: {reason}"))
    }

    /// Makes means over the examples means by their weights: those of [`add_mean`](Self::add_mean), and the log-likelihoods, which
    /// all differ from `per_example` by a constant.
    pub fn weigh(&mut self, weights: &[f32]) {
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let by_weights = |examples: &[f64]| {
            let pairs = || examples.iter().zip(weights.iter().map(|&w| f64::from(w) / total));
            let mean: f64 = pairs().map(|(x, w)| w * x).sum();
            (mean, pairs().map(|(x, w)| (w * (x - mean)).powi(2)).sum::<f64>().sqrt())
        };
        let means = std::mem::take(&mut self.examples);
        let log_probs = ["log_prob", "log_prob_lower", "log_prob_upper"];
        let log_probs = log_probs.map(|name| (name.to_owned(), self.per_example.clone()));
        let log_probs = log_probs.into_iter().filter(|(name, _)| !means.contains_key(name));
        for (name, examples) in
            means.iter().map(|(name, values)| (name.clone(), values.clone())).chain(log_probs)
        {
            let Some(value) = self.metrics.get(&name).and_then(|metric| metric["value"].as_f64()) else {
                continue;
            };
            if examples.len() == weights.len() {
                let (weighted, spread) = by_weights(&examples);
                self.metrics[&name]["value"] = json!(value + weighted - mean(&examples));
                self.metrics[&name]["std_err_examples"] = json!(spread);
                self.note(&name, "weighted", true);
            }
        }
        self.examples = means;
    }

    /// Adds a note to a metric, such as how the data were binarized.
    ///
    /// # Panics
    /// If there is no metric of that name.
    pub fn note(&mut self, name: &str, key: &str, value: impl Into<Value>) {
        self.metrics[name][key] = value.into();
        self.notes.entry(name.into()).or_default().push(key.into());
    }

    /// Adds a note to those of some metrics that there are.
    pub fn note_all(&mut self, names: &[&str], note: Option<(&str, String)>) {
        if let Some((key, value)) = note {
            for name in names {
                if self.metrics.contains_key(*name) {
                    self.note(name, key, value.clone());
                }
            }
        }
    }

    /// The object that `eval` prints, for `n` examples.
    pub fn to_json(&self, experiment: &str, data: &str, split: &str, n: usize) -> Value {
        let n = self.draws.unwrap_or(n);
        json!({ "experiment": experiment, "data": data, "split": split, "n": n, "metrics": self.metrics })
    }

    /// The metrics by name, each an object with value, error, kind and unit.
    pub fn metrics(&self) -> &Map<String, Value> {
        &self.metrics
    }

    /// The metrics, for tables.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.metrics.iter().map(|(name, metric)| {
            let number = |key: &str| metric[key].as_f64().unwrap_or(f64::NAN);
            let text = |key: &str| metric[key].as_str().unwrap_or_default();
            let notes = self.notes.get(name).into_iter().flatten();
            let notes = notes.map(|key| match &metric[key] {
                Value::String(text) => format!(", {key} {text}"),
                other => format!(", {key} {other}"),
            });
            let (value, std_err) = (number("value"), number("std_err"));
            let spread =
                metric.get("std_err_examples").map(|_| rounded(value, std_err, number("std_err_examples")));
            let (text_of_value, spread) = match spread {
                Some((value, spread)) => (value, format!("; ±{spread} over examples")),
                None => (format_value(value, std_err), String::new()),
            };
            let mark = if metric["unreliable"].is_string() { ", unreliable" } else { "" };
            let kind = text("kind").replace('_', " ");
            Row {
                name,
                value,
                std_err,
                text: text_of_value,
                unit: text("unit"),
                kind: [&kind, &spread, mark, &notes.collect::<String>()].map(String::from).concat(),
            }
        })
    }
}

/// A metric of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: f64,
    /// One standard error of the value.
    pub std_err: f64,
    /// Value and error with as many digits as the errors leave.
    pub text: String,
    /// The unit of both.
    pub unit: &'a str,
    /// The kind of the value, the spread over examples, whether its error cannot be trusted, and its notes.
    pub kind: String,
}

/// `value ± std_err` and the spread over examples. The spread decides the decimals of an exact value.
fn rounded(value: f64, std_err: f64, spread: f64) -> (String, String) {
    let by_spread = format_value(value, spread);
    match by_spread.split_once(" ± ") {
        Some((value, spread)) if std_err == 0.0 && !value.starts_with('(') => {
            let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            (format!("{value} ± {std_err:.decimals$}"), spread.into())
        }
        Some((number, rounded)) if !number.starts_with('(') => (format_value(value, std_err), rounded.into()),
        _ => (format_value(value, std_err), format!("{spread:.1e}")),
    }
}

/// Values of the examples of a set whose plain mean is that by the weights of the set: `w f n / Σ w`.
pub fn by_weights(set: &Dataset, values: Vec<f64>) -> Vec<f64> {
    let Some(weights) = set.weights() else { return values };
    let scale = values.len() as f64 / weights.iter().map(|&w| f64::from(w)).sum::<f64>();
    values.into_iter().zip(weights).map(|(value, &w)| value * f64::from(w) * scale).collect()
}

/// The mean over examples; NaN of none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(estimate: &Estimate) -> String {
        let mut evaluation = Evaluation::default();
        evaluation.add("log_prob", estimate, "nats");
        evaluation.note("log_prob", "binarization", "none");
        let row = evaluation.rows().next().expect("one metric");
        format!("{} ({})", row.text, row.kind)
    }

    #[test]
    fn a_row_has_both_errors_with_the_digits_that_they_leave() {
        let spread = |value, error| Estimate { std_err_examples: Some(error), ..Estimate::exact(value) };
        assert_eq!(row(&Estimate::exact(-3.4657359)), "-3.46574 (exact, binarization none)");
        assert_eq!(
            row(&spread(-129.8987, 0.2468)),
            "-129.90 ± 0.00 (exact; ±0.25 over examples, binarization none)"
        );
        let sampled = Estimate { std_err: 0.0612, kind: Kind::Asymptotic, ..spread(-85.0389, 0.2468) };
        assert_eq!(row(&sampled), "-85.04 ± 0.06 (asymptotic; ±0.25 over examples, binarization none)");
        assert_eq!(row(&spread(2.0, 0.0)), "2 (exact; ±0.0e0 over examples, binarization none)");
    }

    #[test]
    fn whole_weights_count_as_repeated_examples() {
        let set = Dataset::from_f32("set", vec![0.0; 3], &[1], None).unwrap();
        let weighted = set.clone().with_weights(vec![2.0, 0.0, 1.0]).unwrap();
        let values = vec![1.0, 5.0, 4.0];
        assert_eq!(by_weights(&set, values.clone()), values);
        assert!((mean(&by_weights(&weighted, values.clone())) - 2.0).abs() < 1e-12);
        let mut evaluation = Evaluation { per_example: values.clone(), ..Evaluation::default() };
        evaluation.add_mean("log_prob", &values, "nats");
        evaluation.weigh(&[2.0, 0.0, 1.0]);
        assert!((evaluation.metrics()["log_prob"]["value"].as_f64().unwrap() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn an_unreliable_metric_says_so_everywhere() {
        let estimate =
            Estimate::sampled(1.0, 0.1, Kind::Asymptotic, 9).or_unreliable(Some("few samples".into()));
        assert_eq!(row(&estimate), "1.00 ± 0.10 (asymptotic, unreliable, binarization none)");
        let mut evaluation = Evaluation::default();
        evaluation.add("energy", &estimate, "J");
        evaluation.add_mean("log_prob", &[1.0, 2.0, f64::NAN], "nats");
        evaluation.add("acceptance", &Estimate::sampled(0.5, f64::NAN, Kind::Asymptotic, 2), "of proposals");
        assert_eq!(evaluation.metrics()["energy"]["unreliable"], "few samples");
        assert_eq!(evaluation.metrics()["log_prob"]["std_err_examples"], "NaN");
        let warnings: Vec<String> = evaluation.warnings().collect();
        assert_eq!(
            warnings,
            ["energy is unreliable: few samples", "acceptance is unreliable: its standard error is unknown"]
        );
    }
}
