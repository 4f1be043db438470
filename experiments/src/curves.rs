//! Metrics of a run against epochs, from its metrics.

use std::{fs, path::Path};

use anyhow::Result;
use gibbs_report::Series;
use serde_json::Value;

/// The lines of a `metrics.jsonl`.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    records: Vec<Value>,
    shift: f64,
}

impl Curves {
    /// Reads the metrics of a run.
    ///
    /// # Errors
    /// A file that cannot be read or holds no JSON.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)?;
        Ok(Self { records: text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?, shift: 0.0 })
    }

    /// The same curves that many epochs later.
    pub fn shifted(&self, epochs: f64) -> Self {
        Self { records: self.records.clone(), shift: epochs }
    }

    /// Epochs and values of a figure where it was logged. An epoch counts its steps, so that lines within it lie apart.
    pub fn of(&self, name: &str) -> (Vec<f64>, Vec<f64>) {
        let number = |record: &Value, name: &str| record[name].as_f64();
        let last = self.records.iter().filter_map(|record| number(record, "step")).fold(1.0, f64::max);
        let epochs = self.records.iter().filter_map(|record| number(record, "epoch")).fold(1.0, f64::max);
        let points = self.records.iter().filter_map(|record| {
            Some((number(record, "step")? / last * epochs + self.shift, number(record, name)?))
        });
        points.unzip()
    }

    /// Where a figure was first logged.
    pub fn first_epoch(&self, name: &str) -> f64 {
        self.of(name).0.first().map_or(0.0, |first| first.floor())
    }

    /// A line of a figure, if it was logged at all.
    pub fn series(&self, label: &str, name: &str) -> Vec<Series> {
        let (x, y) = self.of(name);
        if x.is_empty() { Vec::new() } else { vec![Series::new(label, &x, &y)] }
    }
}
