//! The figures that `eval` prints.

use gibbs_core::Estimate;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What was measured on some examples.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    metrics: Map<String, Value>,
    /// One value for each example, in order; what `--per-example` writes.
    pub per_example: Vec<f64>,
}

/// A figure as it is printed.
#[derive(Serialize)]
struct Metric<'a> {
    #[serde(flatten)]
    estimate: &'a Estimate,
    unit: &'a str,
}

impl Evaluation {
    /// Adds a figure. A value that is NaN is printed as the string "NaN", never left out.
    pub fn add(&mut self, name: &str, estimate: &Estimate, unit: &str) {
        let mut metric = json!(Metric { estimate, unit });
        for (key, value) in [("value", estimate.value), ("std_err", estimate.std_err)] {
            if !value.is_finite() {
                metric[key] = json!(value.to_string());
            }
        }
        self.metrics.insert(name.into(), metric);
    }

    /// Notes something beside a figure, such as how the data were binarized.
    ///
    /// # Panics
    /// If there is no figure of that name.
    pub fn note(&mut self, name: &str, key: &str, value: impl Into<Value>) {
        self.metrics[name][key] = value.into();
    }

    /// The object that `eval` prints.
    pub fn to_json(&self, experiment: &str, data: &str, split: &str, n: usize) -> Value {
        json!({ "experiment": experiment, "data": data, "split": split, "n": n, "metrics": self.metrics })
    }

    /// Name, value, error, kind and unit of each figure, for tables.
    pub fn rows(&self) -> impl Iterator<Item = (&str, f64, f64, &str, &str)> {
        self.metrics.iter().map(|(name, metric)| {
            let number = |key: &str| metric[key].as_f64().unwrap_or(f64::NAN);
            let text = |key: &str| metric[key].as_str().unwrap_or_default();
            (name.as_str(), number("value"), number("std_err"), text("kind"), text("unit"))
        })
    }
}
