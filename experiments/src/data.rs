//! The `data` section of a configuration: how files become examples, and the flags that are short for it.

use gibbs_data::{Division, ReadConfig, shift};

use crate::{columns::ColumnSettings, prelude::*};

/// What the model sees of a data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DataConfig {
    /// Name of a set, or path of a file.
    pub name: String,
    /// How gray values become zeros and ones.
    pub binarization: Binarization,
    /// Shape of one example.
    pub shape: Vec<usize>,
    /// Names of the columns, where the file has them.
    pub columns: Option<Vec<String>>,
    /// Number of training examples that are used, the first ones, with a tenth as many for validation; `null` for all. The preset
    /// `tiny` has it for images and slow networks.
    #[serde(default)]
    pub limit: Option<usize>,
    /// The other files, and what the numbers of all of them mean.
    #[serde(flatten)]
    pub read: ReadConfig,
    /// How a density sees the columns of a table.
    #[serde(flatten)]
    pub density: ColumnSettings,
}

impl DataConfig {
    /// The section of a run on data of a name: what is asked for, completed by what was found in the files.
    pub fn of(
        request: &Request,
        info: &SourceInfo,
        name: &str,
        (binarization, limit): (Binarization, Option<usize>),
    ) -> Self {
        let asked = request.read_config();
        let found = info.data.map(|data| &data.train);
        let list = |found: Option<&[String]>| found.map(<[String]>::to_vec);
        let read = ReadConfig {
            kind: found.map(Dataset::kind).or(asked.kind),
            classes: list(found.and_then(Dataset::classes)).or(asked.classes),
            offset: found.and_then(Dataset::offset).map(<[f64]>::to_vec).or(asked.offset),
            ..ReadConfig::default()
        };
        let columns = list(found.and_then(Dataset::columns));
        Self {
            name: request.or("data.name", name.into()),
            binarization,
            shape: info.shape.clone(),
            columns,
            limit: limit.filter(|limit| *limit <= info.n_train()),
            read,
            density: ColumnSettings::default(),
        }
    }

    /// Makes the paths of files absolute, so that another folder finds them.
    pub fn make_absolute(&mut self, division: Division) {
        let absolute = |path: &mut String| {
            if let Some(text) =
                std::path::absolute(path.as_str()).ok().and_then(|path| path.to_str().map(str::to_owned))
            {
                *path = text;
            }
        };
        if division != Division::Published && Path::new(&self.name).exists() {
            absolute(&mut self.name);
        }
        self.read.paths_mut().for_each(absolute);
    }
}

/// Files and columns of the data.
#[derive(Args, Clone, Debug, Default, Serialize)]
#[command(next_help_heading = "Data")]
pub struct DataFlags {
    /// Validation examples, instead of a tenth of --data
    #[arg(long, value_name = "FILE")]
    pub valid: Option<String>,
    /// Test examples, instead of a tenth of --data
    #[arg(long, value_name = "FILE")]
    pub test: Option<String>,
    /// What goes with --data.
    #[command(flatten)]
    #[serde(flatten)]
    pub companions: CompanionFlags,
    /// Classes of --valid
    #[arg(long, value_name = "FILE")]
    pub valid_labels: Option<String>,
    /// Classes of --test
    #[arg(long, value_name = "FILE")]
    pub test_labels: Option<String>,
    /// Conditions of --valid
    #[arg(long, value_name = "FILE")]
    pub valid_context: Option<String>,
    /// Conditions of --test
    #[arg(long, value_name = "FILE")]
    pub test_context: Option<String>,
    /// Column of a csv file with the classes
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// Columns of a csv file with the conditions
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub context_columns: Option<Vec<String>>,
}

/// Files of what goes with the examples of `--data`.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub struct CompanionFlags {
    /// Classes of --data: a whole number or a word for each example
    #[arg(long, value_name = "FILE")]
    pub labels: Option<String>,
    /// Conditions of --data: a row of real numbers for each example
    #[arg(long, value_name = "FILE")]
    pub context: Option<String>,
    /// Weights of --data: a number for each example, which counts that often
    #[arg(long, value_name = "FILE")]
    pub weights: Option<String>,
}

impl Shorthand for DataFlags {
    const PATH: &'static str = "data";
}

impl CompanionFlags {
    /// Whether there is any.
    pub fn are_given(&self) -> bool {
        self.labels.is_some() || self.context.is_some() || self.weights.is_some()
    }

    /// How another file with these companions is read for a model of `run`.
    pub fn of_other_file(&self, run: &ReadConfig) -> ReadConfig {
        let Self { labels, context, weights } = self.clone();
        ReadConfig { labels, context, weights, ..run.for_other_file() }
    }
}

/// Whether two names are paths of the same file or folder.
pub fn is_same_file(a: &str, b: &str) -> bool {
    matches!((std::fs::canonicalize(a), std::fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// A file of a run: as its configuration has it, else next to the run. All other names are those of named sets.
///
/// # Errors
/// An absolute path where there is no file.
pub fn find_file(name: &str, run_dir: &Path) -> Result<String> {
    let path = Path::new(name);
    if path.exists() {
        return Ok(name.to_owned());
    }
    let next_to = path
        .file_name()
        .into_iter()
        .flat_map(|file| [run_dir.join(path), run_dir.join(file), run_dir.join("..").join(file)]);
    // A run named after its data set is no file of data.
    let is_data = |path: &PathBuf| path.exists() && !path.join("config.json").is_file();
    match next_to.filter(is_data).find_map(|path| path.to_str().map(str::to_owned)) {
        Some(found) => Ok(found),
        None if path.is_absolute() => {
            Err(usage!("{name}: the data of this run are not there any more; give --data FILE"))
        }
        None => Ok(name.to_owned()),
    }
}

/// Probability of a warning of [`warn_of_shift`] where all rows have one distribution.
const FALSE_ALARM: f64 = 1e-4;

/// A warning if a file that was divided in its own order has parts of different distributions.
pub fn warn_of_shift(data: &Splits) -> Option<String> {
    if data.division != Division::Order {
        return None;
    }
    let parts = [("validation", &data.valid), ("test", &data.test)];
    let shifts = parts.map(|(name, part)| (name, shift(&data.train, part)));
    let (name, found) = shifts.into_iter().min_by(|a, b| a.1.p_value.total_cmp(&b.1.p_value))?;
    (found.p_value * parts.len() as f64 <= FALSE_ALARM).then(|| {
        format!(
            "warning: the {name} rows are distributed differently from the training rows (Kolmogorov-Smirnov distance {:.2} \
             of {}); if the rows are sorted, take --set data.split=shuffle",
            found.distance,
            data.train.column_name(found.column)
        )
    })
}

/// One line on how many examples the parts have, and how the parts came about.
pub fn describe_splits(data: &Splits) -> String {
    let [train, valid, test] = [&data.train, &data.valid, &data.test].map(Dataset::len);
    let how = match data.division {
        Division::Published => "as published".to_owned(),
        Division::Files => "from their own files".to_owned(),
        Division::Order => "in file order".to_owned(),
        Division::Shuffled { seed } => format!("shuffled (data.split_seed = {seed})"),
        Division::Whole => return format!("{train} examples, all of them for training, validation and test"),
    };
    format!("{train} train / {valid} valid / {test} test, {how}")
}
