//! Pictures that families share: curves, grids of images, points of the plane.

use std::fs;

use gibbs_report::{FilterGrid, FilterOrder, HeatMap, Picture};

use crate::{prelude::*, source::first};

/// Radius of the dots of a scatter plot.
pub const DOT: f64 = 1.2;
/// Part of the points at either end that a frame may leave out, so that a stray one does not set the scale.
const STRAY: f64 = 0.001;
/// The most that the sides of a frame may differ by with units of the same length.
const MOST_RATIO: f64 = 3.0;

/// The values of a tensor, row by row.
pub fn host(x: Tensor<2>) -> Vec<f32> {
    to_host(x).into_iter().map(|value| value as f32).collect()
}

/// Saves draws as `samples.png`, next to as many examples of a set.
///
/// # Errors
/// A file that cannot be written.
pub fn save_samples(
    look: &Look,
    title: &str,
    test: Option<&Dataset>,
    draws: &[f32],
    files: &RunFiles,
) -> Result<()> {
    let test = test.map(|set| first(set, draws.len() / look.width()));
    let test = test.iter().map(|test| ("test data", test.as_slice()));
    let sets: Vec<_> = test.chain([("draws", draws)]).collect();
    Ok(look.picture(title, &sets)?.save_png(files.named("samples.png"))?)
}

/// The sets as slices, as grids take them.
pub fn slices(sets: &[Vec<f32>]) -> Vec<&[f32]> {
    sets.iter().map(Vec::as_slice).collect()
}

/// Saves a figure of curves as `curves.png` and `curves.svg`.
///
/// # Errors
/// A file that cannot be written.
pub fn save_figure(figure: &Figure, files: &RunFiles) -> Result<()> {
    figure.save(files.named("curves.png"))?;
    Ok(figure.save(files.named("curves.svg"))?)
}

/// Saves the weights `[visible, hidden]` of hidden units as `filters.png`, where they are pictures of this shape.
///
/// # Errors
/// A file that cannot be written.
pub fn save_filters(
    (rows, columns): (usize, usize),
    weight: Tensor<2>,
    caption: &str,
    files: &RunFiles,
) -> Result<()> {
    let [visible, hidden] = weight.dims();
    if visible != rows * columns {
        return Ok(());
    }
    let grid = FilterGrid::new(rows, columns).order(FilterOrder::Norm).caption(caption);
    Ok(grid.save(&host(weight), hidden, files.named("filters.png"))?)
}

/// Test pictures, what is known of them, and their completions, each set a column.
///
/// # Errors
/// Sets of other sizes.
pub fn completions((rows, columns): (usize, usize), sets: &[Vec<f32>]) -> Result<Picture> {
    let labels = ["test", "known"].into_iter().map(String::from);
    let labels = labels.chain((1..sets.len() - 1).map(|k| k.to_string()));
    let grid = ImageGrid::new(rows, columns).column_labels(labels).separator_after(2);
    Ok(grid.render_columns(&slices(sets))?)
}

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

    /// The same curves, `epochs` later.
    pub fn shifted(&self, epochs: f64) -> Self {
        Self { records: self.records.clone(), shift: epochs }
    }

    /// Epochs and values of a metric where it was logged. Lines within an epoch lie apart by their steps.
    pub fn of(&self, name: &str) -> (Vec<f64>, Vec<f64>) {
        let number = |record: &Value, name: &str| record[name].as_f64();
        let last = self.records.iter().filter_map(|record| number(record, "step")).fold(1.0, f64::max);
        let epochs = self.records.iter().filter_map(|record| number(record, "epoch")).fold(1.0, f64::max);
        let points = self.records.iter().filter_map(|record| {
            Some((number(record, "step")? / last * epochs + self.shift, number(record, name)?))
        });
        points.unzip()
    }

    /// Whether a metric was logged.
    pub fn has(&self, name: &str) -> bool {
        !self.of(name).0.is_empty()
    }

    /// The epoch in which a metric was first logged.
    pub fn first_epoch(&self, name: &str) -> f64 {
        self.of(name).0.first().map_or(0.0, |first| first.floor())
    }

    /// A line of a metric, if it was logged.
    pub fn series(&self, label: &str, name: &str) -> Vec<Series> {
        let (x, y) = self.of(name);
        if x.is_empty() { Vec::new() } else { vec![Series::new(label, &x, &y)] }
    }

    /// A panel with a line for each metric that was logged, given as label and name.
    pub fn panel(&self, axis: &str, names: &[(&str, &str)]) -> Panel {
        let series = names.iter().flat_map(|(label, name)| self.series(label, name));
        series.fold(Panel::new(Axis::new(axis)), Panel::series)
    }
}

/// The curves of the baseline of a run, from where a metric begins in the run; none without a baseline.
pub fn of_baseline(files: &RunFiles, run: &Curves, metric: &str) -> Curves {
    let baseline = Curves::read(&files.named(experiment::BASELINE).join("metrics.jsonl")).unwrap_or_default();
    baseline.shifted(run.first_epoch(metric))
}

/// Draws a panel of train and valid log-probabilities against epochs.
///
/// # Errors
/// A file that cannot be read or written.
pub fn log_prob_curves(axis: &str, files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    let panel = run.panel(axis, &[("train", "train_log_prob"), ("valid", "valid_log_prob")]);
    save_figure(&Figure::new(Axis::new("epoch")).panel(panel), files)
}

/// Column `k` of points with `width` columns.
pub fn column(values: &[f32], width: usize, k: usize) -> Vec<f32> {
    values.iter().skip(k).step_by(width).copied().collect()
}

/// The range of values that are not the most distant ones, with some room.
pub fn range(mut values: Vec<f32>) -> (f64, f64) {
    values.sort_by(f32::total_cmp);
    let stray = (STRAY * values.len() as f64) as usize;
    let (low, high) = (f64::from(values[stray]), f64::from(values[values.len() - 1 - stray]));
    let room = 0.1 * (high - low);
    (low - room, high + room)
}

/// A part of the plane.
#[derive(Clone, Debug)]
pub struct Frame {
    x: (f64, f64),
    y: (f64, f64),
    names: [String; 2],
}

impl Frame {
    /// The frame of all points of the plane that are given, except the most distant ones, with the names of the columns.
    pub fn around(points: &[f32], look: &Look) -> Self {
        let [x, y] = [0, 1].map(|k| range(column(points, 2, k)));
        Self { x, y, names: [0, 1].map(|k| look.names.get(k).cloned().unwrap_or_default()) }
    }

    /// The centers of `cells` by `cells` equal cells, row by row from below: `[cells², 2]`.
    pub fn centers(&self, cells: usize, device: &Device) -> Tensor<2> {
        let center = |(low, high): (f64, f64), i: usize| low + (high - low) * (i as f64 + 0.5) / cells as f64;
        let points: Vec<f32> = (0..cells * cells)
            .flat_map(|i| [center(self.x, i % cells) as f32, center(self.y, i / cells) as f32])
            .collect();
        Tensor::from_data(TensorData::new(points, [cells * cells, 2]), device)
    }

    /// The longer side.
    pub fn size(&self) -> f64 {
        (self.x.1 - self.x.0).max(self.y.1 - self.y.0)
    }

    /// An empty panel. Units along both axes are of the same length, unless the sides differ too much.
    pub fn panel(&self, title: &str) -> Panel {
        let panel = Panel::new(Axis::new(&self.names[1]).range(self.y.0, self.y.1))
            .x_axis(Axis::new(&self.names[0]).range(self.x.0, self.x.1))
            .title(title);
        let ratio = (self.x.1 - self.x.0) / (self.y.1 - self.y.0);
        if (1.0 / MOST_RATIO..MOST_RATIO).contains(&ratio) { panel.equal() } else { panel }
    }

    /// A panel with a density, given as its logarithm at the [`centers`](Self::centers).
    pub fn heat(&self, title: &str, log_density: Tensor<1>) -> Panel {
        let density: Vec<f32> = to_host(log_density).into_iter().map(|log| log.exp() as f32).collect();
        let cells = density.len().isqrt();
        self.panel(title).heat_map(HeatMap::new(&density, (cells, cells), self.x, self.y))
    }

    /// A panel with points.
    pub fn dots(&self, title: &str, points: &[f32]) -> Panel {
        self.panel(title).series(Series::new("", &column(points, 2, 0), &column(points, 2, 1)).dots(DOT))
    }
}
