//! Plans: runs over settings and seeds, written in TOML.
//!
//! ```toml
//! title = "Restricted Boltzmann machines"
//!
//! [[run]]
//! name = "rbm-digits"
//! family = "rbm"
//! data = "digits"                       # or flags = ["--model", "sk"]: whatever else `train` takes
//! preset = "tiny"
//! set.train.epochs = 5                  # settings of every run of the entry
//! grid.model.n_hidden = [100, 500]      # one run for each combination of the lists
//! list = [{ train.learning_rate = 0.1 }, { train.learning_rate = 0.01, train.batch_size = 20 }]   # one run for each item
//! seeds = [0, 1, 2]
//! ```

use std::{collections::BTreeSet, fs, io, path::Path};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Table, Value};

/// A plan: what the runs are for, and the runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Heading of the table of results.
    pub title: String,
    /// Text above the table, in Markdown.
    #[serde(default)]
    pub text: String,
    /// Text below the table and its commands, in Markdown.
    #[serde(default)]
    pub notes: String,
    /// The entries.
    #[serde(default, rename = "run")]
    pub entries: Vec<Entry>,
}

/// Runs that differ in settings and seed alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name of the entry; the run folders begin with it.
    pub name: String,
    /// Name of the family.
    pub family: String,
    /// Model and data in words, for the table of results.
    #[serde(default)]
    pub model: String,
    /// `--data`.
    pub data: Option<String>,
    /// `--preset`.
    pub preset: Option<String>,
    /// Further flags of `train`.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Settings of all runs, by nested tables or by paths.
    #[serde(default)]
    pub set: Table,
    /// For each setting a list of values; one run for each combination.
    #[serde(default)]
    pub grid: Table,
    /// Settings of single runs; one run for each item and each combination of the grid.
    #[serde(default)]
    pub list: Vec<Table>,
    /// The seeds; each run is made for each of them.
    #[serde(default = "seed_zero")]
    pub seeds: Vec<u64>,
    /// The metric that the table of results shows; the main one of the family if not given.
    pub metric: Option<String>,
    /// How the value was obtained, such as the split and the binarization.
    #[serde(default)]
    pub protocol: String,
    /// The published value with its source, in words.
    #[serde(default)]
    pub published: String,
    /// Minutes that one run takes on 2 cores.
    pub minutes: Option<f64>,
    /// The result of runs that are not made anew.
    pub recorded: Option<Recorded>,
    /// Another command than `train`. A sweep leaves such an entry out; its result is the recorded one.
    pub command: Option<String>,
    /// The entry in the short table of results.
    pub short: Option<Short>,
}

/// A row of the short table of results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Short {
    /// The model, in Markdown.
    pub model: String,
    /// The data.
    pub data: String,
    /// The published value.
    #[serde(default)]
    pub published: String,
}

/// A result that was obtained earlier.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The value in words, with its error.
    pub value: String,
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// Commit of the program that made it.
    pub commit: String,
    /// Wall-clock seconds of a run on 2 cores.
    pub seconds: Option<f64>,
}

fn seed_zero() -> Vec<u64> {
    vec![0]
}

/// A run of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    /// Name of its entry.
    pub entry: String,
    /// Name of the family.
    pub family: String,
    /// Name of its folder: that of the variant, then the seed.
    pub folder: String,
    /// Name of the entry with the settings that tell its variants apart.
    pub variant: String,
    /// What `train` takes after the run folder.
    pub arguments: Vec<String>,
}

/// The error of a plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason of the operating system.
        source: io::Error,
    },
    /// The text is no plan.
    #[error("{path}: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        message: String,
    },
    /// An entry that makes no runs, or runs that another makes too.
    #[error("{path}, run {entry}: {message}")]
    Entry {
        /// The file.
        path: String,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Plan {
    /// Reads a plan and checks it.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| PlanError::Io { path: name.clone(), source })?;
        Self::parse(&name, &text)
    }

    /// A plan from its text; `path` names it in errors.
    ///
    /// # Errors
    /// [`PlanError::Syntax`] and [`PlanError::Entry`].
    pub fn parse(path: &str, text: &str) -> Result<Self, PlanError> {
        let plan: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map_or(String::new(), |line| format!("line {line}: "));
            PlanError::Syntax { path: path.into(), message: format!("{line}{}", error.message()) }
        })?;
        let mut folders = BTreeSet::new();
        for entry in &plan.entries {
            let refused =
                |message: String| PlanError::Entry { path: path.into(), entry: entry.name.clone(), message };
            let runs = entry.runs().map_err(refused)?;
            if let Some(run) = runs.iter().find(|run| !folders.insert(run.folder.clone())) {
                return Err(refused(format!(
                    "two runs have the folder {}: give the entry another name",
                    run.folder
                )));
            }
        }
        Ok(plan)
    }

    /// Minutes that all runs take one after the other on 2 cores; `None` where an entry does not say it.
    pub fn minutes(&self) -> Option<f64> {
        let of = |entry: &Entry| Some(entry.minutes? * entry.runs().ok()?.len() as f64);
        self.entries.iter().filter(|entry| entry.command.is_none()).map(of).sum()
    }

    /// All runs that `train` makes, in the order of the file.
    pub fn runs(&self) -> Vec<PlannedRun> {
        let trained = self.entries.iter().filter(|entry| entry.command.is_none());
        trained.flat_map(|entry| entry.runs().unwrap_or_default()).collect()
    }
}

/// A setting with its value.
type Setting = (String, Value);

/// The settings of nested tables by their paths.
fn settings(at: &str, table: &Table) -> Vec<Setting> {
    let nested = table.iter().map(|(key, value)| {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match value {
            Value::Table(table) => settings(&path, table),
            value => vec![(path, value.clone())],
        }
    });
    nested.flatten().collect()
}

/// A value as `--set` takes it: text without quotes, anything else as JSON.
fn as_argument(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items = items.iter().map(|item| match item {
                Value::String(text) => format!("{text:?}"),
                other => as_argument(other),
            });
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

impl Entry {
    /// The combinations of the grid with the items of the list.
    fn variants(&self) -> Result<Vec<Vec<Setting>>, String> {
        let mut variants: Vec<Vec<Setting>> = match self.list.is_empty() {
            true => vec![Vec::new()],
            false => self.list.iter().map(|item| settings("", item)).collect(),
        };
        for (path, values) in settings("", &self.grid) {
            let Value::Array(values) = values else {
                return Err(format!("grid.{path} = {values}: give a list of values"));
            };
            variants = variants
                .iter()
                .flat_map(|variant| {
                    let with =
                        |value: &Value| [variant.as_slice(), &[(path.clone(), value.clone())]].concat();
                    values.iter().map(with).collect::<Vec<_>>()
                })
                .collect();
        }
        Ok(variants)
    }

    /// The runs of the entry: each variant with each seed.
    pub(crate) fn runs(&self) -> Result<Vec<PlannedRun>, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(is_plain) {
            return Err("the name of a run has letters, digits, -, _ and . alone".into());
        }
        let variants = self.variants()?;
        if variants.is_empty() || self.seeds.is_empty() {
            return Err("an empty list makes no run".into());
        }
        let mut runs = Vec::new();
        for variant in &variants {
            let label = variant.iter().map(|(path, value)| {
                let key = path.rsplit('.').next().unwrap_or(path);
                let value: String =
                    as_argument(value).chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
                format!("-{key}={value}")
            });
            let label: String = label.collect();
            for seed in &self.seeds {
                let mut arguments = Vec::new();
                let flags = [("--data", &self.data), ("--preset", &self.preset)];
                for (flag, value) in flags {
                    arguments.extend(value.iter().flat_map(|value| [flag.to_string(), value.clone()]));
                }
                arguments.extend(self.flags.iter().cloned());
                for (path, value) in settings("", &self.set).iter().chain(variant) {
                    arguments.extend(["--set".to_string(), format!("{path}={}", as_argument(value))]);
                }
                arguments.extend(["--seed".to_string(), seed.to_string()]);
                let variant = format!("{}{label}", self.name);
                let folder = format!("{variant}-s{seed}");
                runs.push(PlannedRun {
                    entry: self.name.clone(),
                    family: self.family.clone(),
                    folder,
                    variant,
                    arguments,
                });
            }
        }
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"
        title = "T"
        [[run]]
        name = "a"
        family = "rbm"
        data = "digits"
        set.train.epochs = 5
        set."train.batch_size" = 20
        grid.model.n_hidden = [10, 20]
        list = [{ train.learning_rate = 0.1 }, { model.kind = "x y" }]
        seeds = [0, 7]
        [[run]]
        name = "b"
        family = "van"
        flags = ["--model", "sk"]
        set.model.hidden = [3, 4]
    "#;

    #[test]
    fn a_plan_makes_every_combination_once() {
        let runs = Plan::parse("p", PLAN).unwrap().runs();
        let folders: Vec<&str> = runs.iter().map(|run| run.folder.as_str()).collect();
        assert_eq!(
            folders,
            [
                "a-learning_rate=0.1-n_hidden=10-s0",
                "a-learning_rate=0.1-n_hidden=10-s7",
                "a-learning_rate=0.1-n_hidden=20-s0",
                "a-learning_rate=0.1-n_hidden=20-s7",
                "a-kind=x_y-n_hidden=10-s0",
                "a-kind=x_y-n_hidden=10-s7",
                "a-kind=x_y-n_hidden=20-s0",
                "a-kind=x_y-n_hidden=20-s7",
                "b-s0"
            ]
        );
        let first = "--data digits --set train.batch_size=20 --set train.epochs=5 --set train.learning_rate=0.1 \
                     --set model.n_hidden=10 --seed 0";
        let mut given = runs[0].arguments.clone();
        let mut expected: Vec<String> = first.split(' ').map(String::from).collect();
        given.sort();
        expected.sort();
        assert_eq!(given, expected);
        assert!(runs[4].arguments.contains(&"model.kind=x y".to_string()));
        assert_eq!(
            (runs[1].variant.as_str(), runs[8].variant.as_str()),
            ("a-learning_rate=0.1-n_hidden=10", "b")
        );
        let one = PLAN.replace("name = \"a\"", "name = \"a\"\nminutes = 0.5");
        let both = one.replace("name = \"b\"", "name = \"b\"\nminutes = 3");
        let minutes = |plan: &str| Plan::parse("p", plan).unwrap().minutes();
        assert_eq!((minutes(&one), minutes(&both)), (None, Some(7.0)));
        assert_eq!(runs[8].arguments.join(" "), "--model sk --set model.hidden=[3,4] --seed 0");
    }

    #[test]
    fn errors_name_the_line_or_the_entry() {
        let refused = |text: &str| Plan::parse("p.toml", text).unwrap_err().to_string();
        assert!(
            refused("title = \"T\"\n[[run]]\nnam = 1").starts_with("p.toml: line 3: unknown field `nam`")
        );
        let entry = |rest: &str| format!("title = \"T\"\n[[run]]\nname = \"a\"\nfamily = \"rbm\"\n{rest}");
        assert!(refused(&entry("grid.x = 3")).contains("run a: grid.x = 3: give a list"));
        assert!(refused(&entry("seeds = []")).contains("makes no run"));
        assert!(refused(&entry("seeds = [1, 1]")).contains("two runs have the folder a-s1"));
        assert!(refused(&entry("").replace("\"a\"", "\"../a\"")).contains("letters, digits"));
    }
}
