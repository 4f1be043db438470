//! The table of results, from plans and their runs.

use std::{fmt::Write as _, path::Path};

use gibbs_report::{Table, format_value};
use serde_json::{Value, json};

use crate::{
    Metric, Run, RunState,
    plan::{Entry, Plan, PlannedRun, Short},
    report::{command_line, duration},
};

/// The result of runs that differ in their seed alone, or of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultRow {
    /// Name of the entry, with the settings of the variant.
    pub name: String,
    /// Model and data in words.
    pub model: String,
    /// The metric; `None` where no run is done.
    pub metric: Option<String>,
    /// Value with its error: of the estimate for one run, the standard deviation over seeds for several.
    pub value: String,
    /// The mean over seeds.
    pub mean: Option<f64>,
    /// Standard deviation over seeds; `None` for one run.
    pub spread: Option<f64>,
    /// Kind of the numbers, and whether one is unreliable.
    pub kind: String,
    /// How the value was obtained.
    pub protocol: String,
    /// The published value with its source.
    pub published: String,
    /// The command of the first run.
    pub command: String,
    /// Number of runs that are done, and of those in the plan.
    pub done: (usize, usize),
    /// Mean wall-clock seconds of a run.
    pub seconds: Option<f64>,
    /// Commits of the programs that made the runs.
    pub commits: Vec<String>,
    /// Name of the family.
    pub family: String,
    /// The row in the short table of results.
    pub short: Option<Short>,
}

/// The runs of an entry that differ in their seed alone, in order.
fn groups(runs: Vec<PlannedRun>) -> Vec<Vec<PlannedRun>> {
    let mut groups: Vec<Vec<PlannedRun>> = Vec::new();
    for run in runs {
        match groups.last_mut().filter(|group| group[0].variant == run.variant) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

/// Mean and standard deviation (divisor n − 1) of values; the latter is `None` for one value.
fn moments(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

fn row(entry: &Entry, group: &[PlannedRun], folder: &Path) -> ResultRow {
    let runs: Vec<Run> = group.iter().filter_map(|run| Run::read(folder.join(&run.folder)).ok()).collect();
    let done: Vec<&Run> = runs.iter().filter(|run| *run.state() == RunState::Done).collect();
    let metric_of = |run: &&Run| match &entry.metric {
        Some(name) => run.metric(name).cloned(),
        None => run.metrics().first().cloned(),
    };
    let metrics: Vec<Metric> = done.iter().filter_map(metric_of).collect();
    let first = &group[0];
    let planned = [
        vec!["gibbs".to_string(), first.family.clone(), "train".into(), format!("runs/{}", first.folder)],
        first.arguments.clone(),
    ]
    .concat();
    let name = first.variant.as_str();
    let mut row = ResultRow {
        name: name.to_string(),
        model: if entry.model.is_empty() { name.to_string() } else { entry.model.clone() },
        metric: None,
        value: "not run".into(),
        mean: None,
        spread: None,
        kind: String::new(),
        protocol: entry.protocol.clone(),
        published: entry.published.clone(),
        command: entry.command.clone().unwrap_or_else(|| command_line(&planned)),
        done: (metrics.len(), group.len()),
        seconds: None,
        commits: Vec::new(),
        family: entry.family.clone(),
        short: entry.short.clone(),
    };
    let Some(main) = metrics.first() else {
        if let Some(recorded) = &entry.recorded {
            row.value = recorded.value.clone();
            row.kind = recorded.kind.clone();
            row.commits = vec![recorded.commit.clone()];
            row.seconds = recorded.seconds;
        }
        return row;
    };
    let values: Vec<f64> = metrics.iter().map(|metric| metric.value).collect();
    let (mean, spread) = moments(&values);
    let number = match spread {
        Some(spread) => format_value(mean, spread),
        None => main.text(),
    };
    let mut kinds: Vec<String> = metrics.iter().map(|metric| metric.kind.replace('_', " ")).collect();
    kinds.dedup();
    if metrics.iter().any(|metric| metric.unreliable.is_some()) {
        kinds.push("unreliable".into());
    }
    if spread.is_some() {
        kinds.push(format!("{} seeds", metrics.len()));
    }
    let mut commits: Vec<String> = done.iter().filter_map(|run| run.info()?.machine.commit.clone()).collect();
    commits.sort();
    commits.dedup();
    let seconds: Vec<f64> = done.iter().filter_map(|run| run.seconds()).collect();
    row.metric = Some(main.name.clone());
    row.value = format!("{number} {}", main.unit).trim_end().to_string();
    row.kind = kinds.join(", ");
    (row.mean, row.spread) = (Some(mean), spread);
    row.seconds = (!seconds.is_empty()).then(|| moments(&seconds).0);
    row.commits = commits;
    row
}

/// The rows of a plan, by the runs in a folder.
pub fn rows(plan: &Plan, folder: &Path) -> Vec<ResultRow> {
    let of = |entry: &Entry| {
        groups(entry.runs().unwrap_or_default())
            .iter()
            .map(|group| row(entry, group, folder))
            .collect::<Vec<_>>()
    };
    plan.entries.iter().flat_map(of).collect()
}

/// A section of the page of results: heading, text, table, commands, notes.
pub fn to_markdown(plan: &Plan, rows: &[ResultRow]) -> String {
    let mut text = format!("## {}\n\n", plan.title);
    if !plan.text.trim().is_empty() {
        let _ = write!(text, "{}\n\n", plan.text.trim());
    }
    if !rows.is_empty() {
        let mut table = Table::new(["model and data", "result", "kind", "published", "time"]);
        for row in rows {
            let (done, planned) = row.done;
            let part = if 0 < done && done < planned {
                format!(", {done} of {planned} runs")
            } else {
                String::new()
            };
            let protocol =
                if row.protocol.is_empty() { String::new() } else { format!("; {}", row.protocol) };
            let metric = row.metric.as_ref().map_or(String::new(), |name| format!(" (`{name}`)"));
            table = table.row([
                row.model.clone(),
                format!("{}{metric}", row.value),
                format!("{}{part}{protocol}", row.kind),
                row.published.clone(),
                row.seconds.map_or(String::new(), duration),
            ]);
        }
        let commands: String = rows.iter().map(|row| format!("{}\n", row.command)).collect();
        let _ = write!(text, "{}\n```sh\n{commands}```\n\n", table.to_markdown());
        let mut commits: Vec<&str> = rows.iter().flat_map(|row| &row.commits).map(String::as_str).collect();
        commits.sort_unstable();
        commits.dedup();
        if !commits.is_empty() {
            let _ = write!(text, "Made by commit {}.\n\n", commits.join(", "));
        }
    }
    if !plan.notes.trim().is_empty() {
        let _ = write!(text, "{}\n\n", plan.notes.trim());
    }
    text
}

/// The short table of results, in Markdown: the rows of all plans that have a short form.
pub fn short_table(rows: &[ResultRow]) -> String {
    let mut table = Table::new(["model", "data", "reached", "published", "command"]);
    for row in rows {
        let Some(short) = &row.short else { continue };
        let reached =
            if row.kind.contains("lower bound") { format!("≥ {}", row.value) } else { row.value.clone() };
        table = table.row([
            short.model.clone(),
            short.data.clone(),
            reached,
            short.published.clone(),
            format!("`{}`", row.family),
        ]);
    }
    table.to_markdown()
}

/// Lines between which the short table of results stands in a page.
const MARKS: [&str; 2] = ["<!-- results -->\n", "<!-- end of results -->"];

/// The page with its short table of results replaced; `None` if the marks are not there.
pub fn with_short_table(page: &str, rows: &[ResultRow]) -> Option<String> {
    let (before, rest) = page.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    Some(format!("{before}{}\n{}\n{}{after}", MARKS[0], short_table(rows), MARKS[1]))
}

/// The rows as JSON.
pub fn to_json(plan: &Plan, rows: &[ResultRow]) -> Value {
    let rows = rows.iter().map(|row| {
        json!({
            "name": row.name, "model": row.model, "metric": row.metric, "value": row.value, "mean": row.mean,
            "spread": row.spread, "kind": row.kind, "protocol": row.protocol, "published": row.published,
            "command": row.command, "runs_done": row.done.0, "runs_planned": row.done.1, "seconds": row.seconds,
            "commits": row.commits, "family": row.family, "short": row.short,
        })
    });
    json!({ "title": plan.title, "rows": rows.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_become_a_mean_and_a_spread() {
        let root = tempfile::tempdir().unwrap();
        let plan = "title = \"T\"\n[[run]]\nname = \"a\"\nfamily = \"rbm\"\nseeds = [0, 1, 2]\npublished = \"-3 (X 1999)\"\n\
                    short = { model = \"M\", data = \"D\" }\n\
                    [[run]]\nname = \"b\"\nfamily = \"made\"\nrecorded = { value = \"-1.5 nats\", kind = \"exact\", commit = \"abc\" }";
        let plan = Plan::parse("p", plan).unwrap();
        for (seed, value) in [(0, -3.0), (1, -3.2)] {
            let folder = root.path().join(format!("a-s{seed}"));
            std::fs::create_dir(&folder).unwrap();
            let metrics =
                json!({"log_prob": {"value": value, "std_err": 0.0, "kind": "exact", "unit": "nats"}});
            std::fs::write(folder.join("config.json"), "{\"experiment\": \"rbm\"}").unwrap();
            std::fs::write(folder.join("summary.json"), json!({ "metrics": metrics }).to_string()).unwrap();
        }
        let rows = rows(&plan, root.path());
        assert_eq!((rows[0].value.as_str(), rows[0].kind.as_str()), ("-3.10 ± 0.14 nats", "exact, 2 seeds"));
        assert_eq!((rows[0].done, rows[1].done), ((2, 3), (0, 1)));
        assert!((rows[0].spread.unwrap() - 0.02f64.sqrt()).abs() < 1e-12);
        assert_eq!(
            (rows[1].value.as_str(), rows[1].commits.as_slice()),
            ("-1.5 nats", ["abc".to_string()].as_slice())
        );
        let page = "a\n<!-- results -->\nold\n<!-- end of results -->\nb\n";
        let expected = "| M | D | -3.10 ± 0.14 nats |  | `rbm` |\n\n<!-- end of results -->\nb\n";
        let with = with_short_table(page, &rows).unwrap();
        assert!(with.starts_with("a\n<!-- results -->\n\n| model |") && with.ends_with(expected), "{with}");
        assert_eq!(with_short_table("a", &rows), None);
        let text = to_markdown(&plan, &rows);
        assert!(
            text.contains(
                "| a | -3.10 ± 0.14 nats (`log_prob`) | exact, 2 seeds, 2 of 3 runs | -3 (X 1999) |  |"
            ),
            "{text}"
        );
        assert!(
            text.contains("gibbs rbm train runs/a-s0 --seed 0\ngibbs made train runs/b-s0 --seed 0\n"),
            "{text}"
        );
    }
}
