//! Runs side by side: settings that differ, metrics with their differences, curves over each other.

use std::collections::BTreeSet;

use gibbs_report::format_value;
use serde_json::{Value, json};

use crate::{Metric, Run};

/// A setting that is not the same in all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its path.
    pub path: String,
    /// Its value in each run; `None` where a run does not have it.
    pub values: Vec<Option<Value>>,
}

/// Whether a metric of a run differs from that of the first run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// By more than two standard errors, those of the examples included: on new examples of the same kind too.
    Differs,
    /// By more than two standard errors of the estimators, but not by two of the spread over examples: on these examples.
    DiffersOnTheseExamples,
    /// By less than two standard errors.
    WithinErrors,
    /// They were measured on different data.
    OtherData,
    /// One of them is unreliable, or is a bound of another kind.
    Unknown,
}

impl Verdict {
    /// Standard errors that a difference must exceed: 5 % of equal pairs do (normal distribution, two sides).
    const ERRORS: f64 = 2.0;

    /// The difference of two metrics of the same name, in words of this type.
    pub fn of(first: &Metric, other: &Metric, same_data: bool) -> Self {
        if !same_data {
            return Self::OtherData;
        }
        let is_bound = |metric: &Metric| metric.kind.ends_with("_bound");
        let unlike = first.kind != other.kind && (is_bound(first) || is_bound(other));
        if unlike || first.unreliable.is_some() || other.unreliable.is_some() {
            return Self::Unknown;
        }
        let difference = (other.value - first.value).abs();
        if difference.is_nan() {
            return Self::Unknown;
        }
        if difference > Self::ERRORS * first.total_std_err().hypot(other.total_std_err()) {
            Self::Differs
        } else if difference > Self::ERRORS * first.std_err.hypot(other.std_err) {
            Self::DiffersOnTheseExamples
        } else {
            Self::WithinErrors
        }
    }

    /// The words that a table shows.
    pub fn words(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::DiffersOnTheseExamples => "differs on these examples",
            Self::WithinErrors => "within errors",
            Self::OtherData => "other data",
            Self::Unknown => "cannot be said",
        }
    }
}

/// A metric in all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRow {
    /// Its name.
    pub name: String,
    /// The metric of each run; `None` where a run does not have it.
    pub metrics: Vec<Option<Metric>>,
    /// For each run after the first: the verdict on the difference to the first.
    pub verdicts: Vec<Option<Verdict>>,
}

/// Runs side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The folders of the runs.
    pub runs: Vec<String>,
    /// The settings that differ.
    pub settings: Vec<Setting>,
    /// The metrics.
    pub metrics: Vec<MetricRow>,
}

/// The paths of all values of a configuration with these values; lists are values.
fn flatten(at: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                flatten(&path, value, found);
            }
        }
        value => found.push((at.to_string(), value.clone())),
    }
}

impl Comparison {
    /// Compares runs. The first one is what the others are compared with.
    pub fn of(runs: &[Run]) -> Self {
        let settings: Vec<Vec<(String, Value)>> = runs
            .iter()
            .map(|run| {
                let mut found = Vec::new();
                flatten("", run.config(), &mut found);
                found
            })
            .collect();
        let mut seen = BTreeSet::new();
        let paths =
            settings.iter().flatten().map(|(path, _)| path).filter(|path| seen.insert((*path).clone()));
        let in_run = |path: &str, settings: &[(String, Value)]| {
            settings.iter().find(|(own, _)| own == path).map(|(_, value)| value.clone())
        };
        let differing = paths
            .map(|path| Setting {
                path: path.clone(),
                values: settings.iter().map(|own| in_run(path, own)).collect(),
            })
            .filter(|setting| setting.values.windows(2).any(|pair| pair[0] != pair[1]));
        let mut seen = BTreeSet::new();
        let names = runs.iter().flat_map(|run| run.metrics()).map(|metric| &metric.name);
        let names: Vec<&String> = names.filter(|name| seen.insert((*name).clone())).collect();
        let measured_on = |run: &Run| (run.summary()["data"].clone(), run.summary()["split"].clone());
        let rows = names.into_iter().map(|name| {
            let metrics: Vec<Option<Metric>> = runs.iter().map(|run| run.metric(name).cloned()).collect();
            let verdicts = runs.iter().zip(&metrics).skip(1).map(|(run, metric)| {
                let same_data = measured_on(run) == measured_on(&runs[0]);
                Some(Verdict::of(metrics[0].as_ref()?, metric.as_ref()?, same_data))
            });
            MetricRow { name: name.clone(), verdicts: verdicts.collect(), metrics }
        });
        Self {
            runs: runs.iter().map(|run| run.folder().display().to_string()).collect(),
            settings: differing.collect(),
            metrics: rows.collect(),
        }
    }

    /// The comparison as JSON: `{"runs", "settings": {PATH: [..]}, "metrics": {NAME: [{value, std_err, kind, ..}]}}`.
    pub fn to_json(&self) -> Value {
        let settings: serde_json::Map<String, Value> =
            self.settings.iter().map(|setting| (setting.path.clone(), json!(setting.values))).collect();
        let metrics: serde_json::Map<String, Value> = self
            .metrics
            .iter()
            .map(|row| {
                let verdicts = std::iter::once(None).chain(row.verdicts.iter().copied());
                let cells = row.metrics.iter().zip(verdicts).map(|(metric, verdict)| {
                    metric.as_ref().map(|metric| {
                        let mut cell = json!({
                            "value": metric.value,
                            "std_err": metric.std_err,
                            "std_err_examples": metric.std_err_examples,
                            "kind": metric.kind,
                            "unit": metric.unit,
                        });
                        if let Some((first, verdict)) = row.metrics[0].as_ref().zip(verdict) {
                            cell["difference"] = json!(metric.value - first.value);
                            cell["verdict"] = json!(verdict.words());
                        }
                        cell
                    })
                });
                (row.name.clone(), json!(cells.collect::<Vec<_>>()))
            })
            .collect();
        json!({ "runs": self.runs, "settings": settings, "metrics": metrics })
    }
}

impl MetricRow {
    /// The difference of run `k` (from 1) to the first, with its error: `+0.31 ± 0.09, differs`.
    pub fn difference(&self, k: usize) -> Option<String> {
        let (first, other) = (self.metrics[0].as_ref()?, self.metrics[k].as_ref()?);
        let verdict = self.verdicts[k - 1]?;
        let difference = other.value - first.value;
        let error = first.total_std_err().hypot(other.total_std_err());
        let sign = if difference > 0.0 { "+" } else { "" };
        Some(format!("{sign}{}, {}", format_value(difference, error), verdict.words()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(value: f64, std_err: f64, spread: Option<f64>, kind: &str) -> Metric {
        Metric::of(
            "log_prob",
            &json!({"value": value, "std_err": std_err, "std_err_examples": spread, "kind": kind, "unit": "nats"}),
        )
        .unwrap()
    }

    #[test]
    fn the_verdict_weighs_both_errors() {
        let first = metric(-85.0, 0.03, Some(0.4), "asymptotic");
        let verdict = |value| Verdict::of(&first, &metric(value, 0.04, Some(0.3), "asymptotic"), true);
        // Errors: 0.05 of the estimators, 0.5025 with the examples.
        assert_eq!(verdict(-85.09), Verdict::WithinErrors);
        assert_eq!(verdict(-85.11), Verdict::DiffersOnTheseExamples);
        assert_eq!(verdict(-86.00), Verdict::DiffersOnTheseExamples);
        assert_eq!(verdict(-86.01), Verdict::Differs);
        let diverged = Metric { value: f64::NAN, ..first.clone() };
        assert_eq!(Verdict::of(&first, &diverged, true), Verdict::Unknown);
        assert_eq!(Verdict::of(&first, &first, false), Verdict::OtherData);
        let bound = metric(-90.0, 0.0, None, "lower_bound");
        assert_eq!(Verdict::of(&first, &bound, true), Verdict::Unknown);
        let unreliable = Metric { unreliable: Some("few".into()), ..first.clone() };
        assert_eq!(Verdict::of(&first, &unreliable, true), Verdict::Unknown);
    }

    #[test]
    fn settings_and_metrics_stand_side_by_side() {
        let root = tempfile::tempdir().unwrap();
        let run = |name: &str, hidden: u32, value: f64| {
            let folder = root.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let config = json!({"experiment": "rbm", "model": {"n_hidden": hidden, "kind": "x"}, "seed": 0});
            let metrics =
                json!({"log_prob": {"value": value, "std_err": 0.1, "kind": "asymptotic", "unit": "nats"}});
            let summary = json!({"data": "digits", "split": "test", "metrics": metrics});
            std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
            std::fs::write(folder.join("summary.json"), summary.to_string()).unwrap();
            Run::read(folder).unwrap()
        };
        let comparison = Comparison::of(&[run("a", 10, -3.0), run("b", 20, -2.0)]);
        assert_eq!(
            comparison.settings,
            [Setting { path: "model.n_hidden".into(), values: vec![Some(json!(10)), Some(json!(20))] }]
        );
        let row = &comparison.metrics[0];
        assert_eq!(row.verdicts, [Some(Verdict::Differs)]);
        assert_eq!(row.difference(1).unwrap(), "+1.00 ± 0.14, differs");
        let cell = &comparison.to_json()["metrics"]["log_prob"][1];
        assert_eq!((&cell["difference"], &cell["verdict"]), (&json!(1.0), &json!("differs")));
    }
}
