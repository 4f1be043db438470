//! How a density sees the columns of a table: their scale, which of them are discrete, their bounds.

use std::collections::BTreeMap;

use anyhow::Result;
use gibbs_core::preprocess::{PreprocessorConfig, Scaling};
use gibbs_data::{
    Column, Dataset, Splits,
    check::{self, Finding, Grid},
};
use serde::{Deserialize, Serialize};

use crate::{request::Request, source::SourceInfo};

/// The place of a column in a set.
///
/// # Errors
/// A column that the set does not have.
fn find(column: &Column, data: &Dataset, setting: &str) -> Result<usize> {
    let (label, by_index) = match column {
        Column::Index(k) => (k.to_string(), Some(*k).filter(|&k| k < data.width())),
        Column::Name(name) => (name.clone(), None),
    };
    data.column_at(&label).or(by_index).ok_or_else(|| {
        let columns: Vec<String> = (0..data.width().min(SHOWN)).map(|k| data.column_label(k)).collect();
        let more = if data.width() > SHOWN { ", …" } else { "" };
        usage!("{setting}: {} has no column {label}; it has {}{more}", data.name(), columns.join(", "))
    })
}

/// The place of a column of this name, or of this number.
fn find_name(name: &str, data: &Dataset, setting: &str) -> Result<usize> {
    find(&Column::Name(name.to_owned()), data, setting)
}

/// The most columns that a message lists.
const SHOWN: usize = 20;

/// Which columns get noise of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected true, false, or a list of columns")]
pub enum Dequantize {
    /// All that are discrete, or none.
    All(bool),
    /// These.
    Columns(Vec<Column>),
}

/// Lower and upper bound of a column; `null` for none.
pub type Interval = [Option<f64>; 2];

/// How a model of a density sees the columns of a table. Part of the `data` section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnSettings {
    /// How columns are shifted and scaled: `standard` (mean and standard deviation), `robust` (median and quartiles, logarithmic
    /// tails) or `none`. Densities are in the unit of the data in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scaling>,
    /// Discrete columns that get uniform noise of one step in each epoch: `true` for all, or a list of names or numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dequantize: Option<Dequantize>,
    /// The values of these columns, as found in the training examples: multiples of `step` from `origin` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grids: Option<BTreeMap<String, Grid>>,
    /// Bounds of columns: `[low, high]` with `null` for none. The model learns logits or logarithms of the distances.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bounds: BTreeMap<String, Interval>,
    /// Columns on a circle, such as directions: `[low, high]` is one turn, and both ends are the same point. For flows of splines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub periodic: BTreeMap<String, [f64; 2]>,
}

impl ColumnSettings {
    /// Refuses settings of columns where a model does not learn a density of real columns. Those that change nothing may stay.
    ///
    /// # Errors
    /// The first setting that asks for something.
    pub fn require_unused(&self, family: &str) -> Result<()> {
        let given = [
            ("scale", self.scale.unwrap_or_default() != Scaling::default()),
            (
                "dequantize",
                self.dequantize.as_ref().is_some_and(|columns| *columns != Dequantize::All(false)),
            ),
            ("bounds", !self.bounds.is_empty()),
            ("periodic", !self.periodic.is_empty()),
            ("grids", self.grids.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((name, _)) => Err(usage!(
                "data.{name}: `{family}` learns no density of real columns with these data and this model; leave it out"
            )),
        }
    }

    /// What a request asks for, with the steps of discrete columns found in the training examples.
    ///
    /// # Errors
    /// A column that does not exist, or whose values have no common step.
    pub fn of(request: &Request, info: &SourceInfo) -> Result<Self> {
        let dequantize = request.or("data.dequantize", Dequantize::All(false));
        // A run keeps the steps of its own training examples.
        let grids = match (request.get("data.grids"), info.data) {
            (Some(grids), _) => Some(grids),
            (None, Some(data)) if dequantize != Dequantize::All(false) => {
                Some(grids(&dequantize, &data.train)?)
            }
            _ => None,
        };
        Ok(Self {
            scale: Some(request.or("data.scale", Scaling::Standard)),
            dequantize: Some(dequantize),
            grids,
            bounds: request.or("data.bounds", BTreeMap::new()),
            periodic: request.or("data.periodic", BTreeMap::new()),
        })
    }

    /// Refuses periodic columns where a model has no density on a circle.
    ///
    /// # Errors
    /// If there are any.
    pub fn require_no_circles(&self, model: &str) -> Result<()> {
        require!(
            self.periodic.is_empty(),
            "data.periodic: {model} has no density on a circle; take realnvp with model.kind=spline or spline_maf"
        );
        Ok(())
    }

    /// The periodic columns of a set, each with the ends of a turn in its coordinates.
    ///
    /// # Errors
    /// A column that the set does not have, or that has bounds; ends that are none.
    pub fn circles(&self, data: &Dataset) -> Result<Vec<(usize, [f64; 2])>> {
        let circle = |(name, &[low, high]): (&String, &[f64; 2])| {
            let column = find_name(name, data, "data.periodic")?;
            require!(
                low < high && (high - low).is_finite() && !self.bounds.contains_key(name),
                "data.periodic: column {name}: [{low}, {high}] must be one turn, from low to high, and a column with data.bounds is none"
            );
            Ok((column, [low, high].map(|end| end - offset(data, column))))
        };
        self.periodic.iter().map(circle).collect()
    }

    /// The preprocessing of real columns by the moments of the training examples.
    ///
    /// # Errors
    /// Bounds of a column that does not exist, or that a training example does not respect.
    pub fn preprocessing(&self, info: &SourceInfo) -> Result<PreprocessorConfig> {
        let Some(data) = info.data.map(|data| &data.train) else {
            // The values come from the configuration of the run.
            let (shift, scale) = (Vec::new(), Vec::new());
            return Ok(PreprocessorConfig::Standardize { shift, scale, tails: None });
        };
        let mut columns = check::columns_of(data);
        for (column, step) in columns.iter_mut().zip(self.steps(data)?) {
            column.iter_mut().for_each(|x| *x += 0.5 * step);
        }
        let scaling = self.scale.unwrap_or_default();
        if self.bounds.is_empty() {
            return Ok(PreprocessorConfig::scaled(&columns, scaling));
        }
        let [low, high] = self.ends(data)?;
        self.require_within(data)?;
        Ok(PreprocessorConfig::bounded(&columns, scaling, low, high))
    }

    /// The step of each column of a set, 0 for columns without noise.
    ///
    /// # Errors
    /// A column that the set does not have.
    pub fn steps(&self, data: &Dataset) -> Result<Vec<f64>> {
        let mut steps = vec![0.0; data.width()];
        for (name, grid) in self.grids() {
            steps[find_name(name, data, "data.dequantize")?] = grid.step;
        }
        Ok(steps)
    }

    /// `Σ ln step` over the discrete columns: the log-mass of a cell of density 1.
    pub fn log_cell(&self) -> f64 {
        self.grids().map(|(_, grid)| grid.step.ln()).sum()
    }

    /// Lower and upper bounds of all columns, in the coordinates of the set.
    fn ends(&self, data: &Dataset) -> Result<[Vec<Option<f64>>; 2]> {
        let mut ends = [vec![None; data.width()], vec![None; data.width()]];
        for (name, interval) in &self.bounds {
            let column = find_name(name, data, "data.bounds")?;
            let offset = offset(data, column);
            for (ends, end) in ends.iter_mut().zip(interval) {
                ends[column] = end.map(|end| end - offset);
            }
        }
        Ok(ends)
    }

    /// Whether all examples of a set lie strictly between the bounds.
    ///
    /// # Errors
    /// The first value that does not, or bounds that are none.
    fn require_within(&self, data: &Dataset) -> Result<()> {
        if self.bounds.is_empty() {
            return Ok(());
        }
        let (columns, steps) = (check::columns_of(data), self.steps(data)?);
        for (name, &[low, high]) in &self.bounds {
            let column = find_name(name, data, "data.bounds")?;
            let fault = |reason: String| Err(usage!("data.bounds: column {name} {reason}"));
            if let (Some(low), Some(high)) = (low, high)
                && low >= high
            {
                return fault(format!("has the bounds {low} and {high}: the first must be below the second"));
            }
            let value = |x: f64| x + offset(data, column);
            let is_outside = |x: f64| {
                low.is_some_and(|low| x + 0.5 * steps[column] <= low)
                    || high.is_some_and(|high| x + steps[column] > high || x >= high)
            };
            if let Some(row) = columns[column].iter().position(|&x| is_outside(value(x))) {
                return fault(format!(
                    "of {} is {} in example {row}, which is not inside [{}, {}]: give wider bounds, with room beyond the data",
                    data.name(),
                    value(columns[column][row]) as f32,
                    low.map_or("-∞".into(), |low| low.to_string()),
                    high.map_or("∞".into(), |high| high.to_string()),
                ));
            }
        }
        Ok(())
    }

    /// Whether the examples of all parts lie strictly between the bounds.
    ///
    /// # Errors
    /// The first value that does not.
    pub fn require_bounds(&self, data: &Splits) -> Result<()> {
        [&data.train, &data.valid, &data.test].into_iter().try_for_each(|set| self.require_within(set))
    }

    /// A set with noise on its discrete columns.
    ///
    /// # Errors
    /// A value of a discrete column that is no multiple of its step.
    pub fn with_noise(&self, data: Splits, seed: u64) -> Result<Splits> {
        if !self.has_discrete() {
            return Ok(data);
        }
        data.try_map(|set| {
            self.require_on_grid(&set)?;
            let steps = self.steps(&set)?;
            Ok(set.with_noise(&steps, seed))
        })
    }

    fn require_on_grid(&self, data: &Dataset) -> Result<()> {
        let columns = check::columns_of(data);
        for (name, grid) in self.grids() {
            let column = find_name(name, data, "data.dequantize")?;
            let value = |x: &f64| x + offset(data, column);
            if let Some(row) = columns[column].iter().position(|x| !grid.holds(value(x))) {
                refuse!(
                    "{}: column {name} is {} in example {row}, which is no multiple of its step {} (data.grids.{name}): train again \
                     with such values, or without data.dequantize for this column",
                    data.name(),
                    value(&columns[column][row]) as f32,
                    grid.step
                );
            }
        }
        Ok(())
    }

    /// Draws of a model as values of data: discrete columns at the lower ends of their cells. `labels` name the columns, whose
    /// values are smaller by `offset` than in the file.
    pub fn round(&self, values: &mut [f32], labels: &[String], offset: Option<&[f64]>) {
        for (name, grid) in self.grids() {
            let Some(column) = labels.iter().position(|label| label == name) else { continue };
            let grid = grid.shifted(-offset.map_or(0.0, |offset| offset[column]));
            let draws = values.iter_mut().skip(column).step_by(labels.len());
            draws.for_each(|x| *x = grid.floor(f64::from(*x)) as f32);
        }
    }

    /// Whether a finding about the data is not handled yet. Only a density of columns stumbles over some of them.
    pub fn is_open(&self, finding: &Finding, is_density: bool) -> bool {
        match finding {
            _ if !is_density => !finding.is_of_density(),
            Finding::Discrete { column, .. } => self.grids().all(|(name, _)| name != column),
            Finding::Outliers { column, .. } => {
                self.scale != Some(Scaling::Robust) && !self.bounds.contains_key(column)
            }
            Finding::Edge { column, .. } => {
                !self.bounds.contains_key(column) && !self.periodic.contains_key(column)
            }
            _ => true,
        }
    }

    /// Whether columns of discrete values get noise.
    pub fn has_discrete(&self) -> bool {
        self.grids().next().is_some()
    }

    fn grids(&self) -> impl Iterator<Item = (&String, &Grid)> {
        self.grids.iter().flatten()
    }
}

fn offset(data: &Dataset, column: usize) -> f64 {
    data.offset().map_or(0.0, |offset| offset[column])
}

/// The grids of the columns that are to be dequantized.
fn grids(dequantize: &Dequantize, data: &Dataset) -> Result<BTreeMap<String, Grid>> {
    let grid = |column: &[f64]| {
        let mut values = column.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        let is_discrete = check::is_discrete(values.len(), column.len());
        (Grid::of(&values), is_discrete)
    };
    let of_file = |grid: Grid, column: usize| grid.shifted(offset(data, column));
    match dequantize {
        Dequantize::All(false) => Ok(BTreeMap::new()),
        // Gray values have their own dequantization.
        Dequantize::All(true) if data.is_gray() => Ok(BTreeMap::new()),
        Dequantize::All(true) => Ok(check::columns_of(data)
            .iter()
            .enumerate()
            .filter_map(|(k, column)| match grid(column) {
                (Some(grid), true) => Some((data.column_label(k), of_file(grid, k))),
                _ => None,
            })
            .collect()),
        Dequantize::Columns(wanted) => {
            let columns = check::columns_of(data);
            let find = |column: &Column| {
                let k = find(column, data, "data.dequantize")?;
                let grid = grid(&columns[k]).0.ok_or_else(|| {
                    usage!(
                        "data.dequantize: the values of column {} have no common step; take it out of the list",
                        data.column_label(k)
                    )
                })?;
                Ok((data.column_label(k), of_file(grid, k)))
            };
            wanted.iter().map(find).collect()
        }
    }
}
