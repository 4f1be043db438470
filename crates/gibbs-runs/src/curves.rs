//! The metrics that a run logged while it trained.

use std::{fs, io, path::Path};

use gibbs_report::{Axis, Figure, Panel, Series};
use serde_json::Value;
use thiserror::Error;

/// A logged metric: its values over the steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Steps at which it was logged.
    pub steps: Vec<f64>,
    /// Its values.
    pub values: Vec<f64>,
    /// Standard errors, where every value has one.
    pub std_err: Option<Vec<f64>>,
}

/// The error of a `metrics.jsonl` that cannot be read.
#[derive(Debug, Error)]
pub enum CurvesError {
    /// The file cannot be opened.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason of the operating system.
        source: io::Error,
    },
    /// A line is no JSON object.
    #[error("{path}, line {line}: {message}")]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// Fields of a line that are no metrics.
const POSITION: [&str; 3] = ["step", "epoch", "seconds"];

/// The complete lines of `metrics.jsonl` of a run folder; none if nothing was logged.
fn records(folder: &Path) -> Result<Vec<Value>, CurvesError> {
    let path = folder.join("metrics.jsonl");
    let name = path.display().to_string();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(CurvesError::Io { path: name, source }),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let records = whole.lines().enumerate().map(|(i, line)| {
        let refused = |message: String| CurvesError::Line { path: name.clone(), line: i + 1, message };
        let record: Value = serde_json::from_str(line).map_err(|error| refused(error.to_string()))?;
        match record["step"].is_u64() {
            true => Ok(record),
            false => Err(refused("no step".into())),
        }
    });
    records.collect()
}

/// The curves of a run folder, in the order in which they first occur; none if nothing was logged. A last line that is not yet
/// complete is left out.
///
/// # Errors
/// [`CurvesError`].
pub fn read(folder: &Path) -> Result<Vec<Curve>, CurvesError> {
    let mut curves: Vec<Curve> = Vec::new();
    for record in records(folder)? {
        let step = record["step"].as_f64().unwrap_or(f64::NAN);
        for (key, value) in record.as_object().into_iter().flatten() {
            let value = value.as_f64().or_else(|| value.as_str()?.parse().ok());
            let Some(value) = value.filter(|_| !POSITION.contains(&key.as_str())) else { continue };
            let k = curves.iter().position(|curve| curve.name == *key).unwrap_or_else(|| {
                let (steps, values) = Default::default();
                curves.push(Curve { name: key.clone(), steps, values, std_err: None });
                curves.len() - 1
            });
            curves[k].steps.push(step);
            curves[k].values.push(value);
        }
    }
    Ok(with_errors(curves))
}

/// The lines of `metrics.jsonl` as a table with commas: step, epoch, seconds, then every metric; an empty cell where a line does not
/// have it.
///
/// # Errors
/// [`CurvesError`].
pub fn to_csv(folder: &Path) -> Result<String, CurvesError> {
    let records = records(folder)?;
    let mut names: Vec<&str> = POSITION.to_vec();
    for key in records.iter().flat_map(|record| record.as_object().into_iter().flatten()).map(|(key, _)| key)
    {
        if !names.contains(&key.as_str()) {
            names.push(key);
        }
    }
    let cell = |record: &Value, name: &str| match &record[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let rows = records.iter().map(|record| line(names.iter().map(|name| cell(record, name)).collect()));
    Ok(line(names.iter().map(|name| name.to_string()).collect()) + &rows.collect::<String>())
}

/// The epoch of the last complete line, from 1, and its metrics; 0 and none before the first one.
///
/// # Errors
/// [`CurvesError::Io`]. A line that is no JSON object has no metrics.
pub fn last(folder: &Path) -> Result<(u64, Vec<(String, f64)>), CurvesError> {
    let path = folder.join("metrics.jsonl");
    let failed = |source| CurvesError::Io { path: path.display().to_string(), source };
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.map_err(failed)?,
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let record: Value =
        whole.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let metrics = record.as_object().into_iter().flatten();
    let metrics = metrics.filter(|(key, _)| !POSITION.contains(&key.as_str()));
    let metrics = metrics.filter_map(|(key, value)| Some((key.clone(), value.as_f64()?))).collect();
    Ok((record["epoch"].as_u64().unwrap_or(0), metrics))
}

/// Makes `NAME_std_err` the errors of `NAME`.
fn with_errors(curves: Vec<Curve>) -> Vec<Curve> {
    let (errors, mut curves): (Vec<Curve>, Vec<Curve>) =
        curves.into_iter().partition(|curve| curve.name.ends_with("_std_err"));
    for error in errors {
        let of = curves.iter_mut().find(|curve| {
            error.name.strip_suffix("_std_err") == Some(&curve.name) && curve.steps == error.steps
        });
        if let Some(curve) = of {
            curve.std_err = Some(error.values);
        }
    }
    curves
}

/// The curves of several runs, one panel for each metric that any run has; `None` if nothing was logged. The legend has the
/// names of the runs.
pub fn figure(runs: &[(&str, &[Curve])]) -> Option<Figure> {
    let mut names: Vec<&str> = Vec::new();
    for curve in runs.iter().flat_map(|(_, curves)| curves.iter()) {
        if !names.contains(&curve.name.as_str()) {
            names.push(&curve.name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let mut figure = Figure::new(Axis::new("step").whole()).columns(if names.len() > 1 { 2 } else { 1 });
    for name in names {
        let mut panel = Panel::new(Axis::new(name.replace('_', " ")));
        for (run, curves) in runs {
            let Some(curve) = curves.iter().find(|curve| curve.name == name) else { continue };
            let label = if runs.len() > 1 { *run } else { "" };
            let series = Series::new(label, &curve.steps, &curve.values);
            panel = panel.series(match &curve.std_err {
                Some(errors) => series.std_err(errors),
                None => series,
            });
        }
        figure = figure.panel(panel);
    }
    Some(figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_curves_and_an_unfinished_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        let lines = "{\"step\":1,\"epoch\":0,\"seconds\":0.1,\"loss\":2.0,\"log_z\":5.0,\"log_z_std_err\":0.5}\n\
                     {\"step\":2,\"epoch\":0,\"seconds\":0.2,\"loss\":\"NaN\"}\n\
                     {\"step\":3,\"lo";
        fs::write(folder.path().join("metrics.jsonl"), lines).unwrap();
        let curves = read(folder.path()).unwrap();
        let names: Vec<&str> = curves.iter().map(|curve| curve.name.as_str()).collect();
        assert_eq!(names, ["loss", "log_z"]);
        assert_eq!((curves[0].steps.as_slice(), curves[0].values[0]), ([1.0, 2.0].as_slice(), 2.0));
        assert!(curves[0].values[1].is_nan());
        assert_eq!(curves[1].std_err, Some(vec![0.5]));
        let table = "step,epoch,seconds,loss,log_z,log_z_std_err\n1,0,0.1,2.0,5.0,0.5\n2,0,0.2,NaN,,\n";
        assert_eq!(to_csv(folder.path()).unwrap(), table);
        assert_eq!(last(folder.path()).unwrap(), (0, vec![]));
        let svg = figure(&[("a", &curves), ("b", &curves)]).unwrap().to_svg().unwrap();
        assert!(
            svg.contains("log z") && svg.contains(">b<") || svg.contains("b (1 of 2 not shown)"),
            "{svg}"
        );
        assert!(figure(&[("a", &[])]).is_none());
    }

    #[test]
    fn a_broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("metrics.jsonl"), "{\"step\":1}\nx\n").unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl, line 2"), "{error}");
    }
}
