//! The metrics that `eval` prints.

use std::collections::BTreeMap;

use gibbs_core::{Estimate, Kind};
use gibbs_data::Dataset;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::columns::ColumnSettings;

/// What was measured on some examples.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    metrics: Map<String, Value>,
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

    /// Adds a list of numbers, such as frequencies. `gibbs runs` and the pages of runs leave it out.
    pub fn add_list(&mut self, name: &str, values: &[f64], kind: Kind, unit: &str) {
        let metric = json!({ "value": values, "std_err": 0.0, "kind": kind, "unit": unit });
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
    }

    /// Adds the mean of values of a kind of examples, with the spread of the examples.
    pub fn add_mean_of(&mut self, name: &str, kind: Kind, examples: &[f64], unit: &str) {
        let mean = match kind {
            Kind::Exact => Estimate::exact_mean(examples),
            kind => Estimate::mean(examples).with_kind(kind).over_examples(examples),
        };
        self.add(name, &mean, unit);
        self.examples.insert(name.into(), examples.to_vec());
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

    /// Makes means over the examples means by their weights: those of [`add_mean_of`](Self::add_mean_of), and the log-likelihoods,
    /// which all differ from `per_example` by a constant.
    pub fn weigh(&mut self, weights: &[f32]) {
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let by_weights = |examples: &[f64]| {
            let pairs = || examples.iter().zip(weights.iter().map(|&w| f64::from(w) / total));
            let mean: f64 = pairs().map(|(x, w)| w * x).sum();
            (mean, pairs().map(|(x, w)| (w * (x - mean)).powi(2)).sum::<f64>().sqrt())
        };
        let means = std::mem::take(&mut self.examples);
        let log_probs = ["log_prob", "log_prob_lower", "log_prob_upper", "log_prob_annealed"];
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

    /// The metrics, to be read.
    pub fn read(&self) -> Vec<gibbs_runs::Metric> {
        gibbs_runs::Metric::all(&json!(self.metrics))
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
