//! The metrics that `eval` prints.

use std::collections::BTreeMap;

use gibbs_core::Estimate;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What was measured on some examples.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    metrics: Map<String, Value>,
    /// Keys of the notes on each metric.
    notes: BTreeMap<String, Vec<String>>,
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
    /// Adds a metric. A value that is NaN is printed as the string "NaN", never left out.
    pub fn add(&mut self, name: &str, estimate: &Estimate, unit: &str) {
        let mut metric = json!(Metric { estimate, unit });
        for (key, value) in [("value", estimate.value), ("std_err", estimate.std_err)] {
            if !value.is_finite() {
                metric[key] = json!(value.to_string());
            }
        }
        self.metrics.insert(name.into(), metric);
    }

    /// Adds a note to a metric, such as how the data were binarized.
    ///
    /// # Panics
    /// If there is no metric of that name.
    pub fn note(&mut self, name: &str, key: &str, value: impl Into<Value>) {
        self.metrics[name][key] = value.into();
        self.notes.entry(name.into()).or_default().push(key.into());
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
            Row {
                name,
                value: number("value"),
                std_err: number("std_err"),
                unit: text("unit"),
                kind: format!("{}{}", text("kind").replace('_', " "), notes.collect::<String>()),
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
    /// The unit of both.
    pub unit: &'a str,
    /// The kind of the value, and its notes.
    pub kind: String,
}

/// The mean over examples; NaN of none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
