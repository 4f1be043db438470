//! Pair plots of tables with a few columns.

use crate::{Axis, Figure, Histogram, Panel, ReportError, Series};

/// More points of a set than this are not drawn.
const MOST_POINTS: usize = 2000;
const BINS: usize = 30;

/// Compares tables column by column and pair by pair.
///
/// Each set is a name and its rows `[n, names.len()]`, row by row. The diagonal shows the histogram of each column. The
/// panel in row `i` and column `j` below the diagonal shows column `j` (x) and column `i` (y) as dots, at most 2000 of
/// each set. The sets share their limits: the central 99 % of each set, and 15 % more on both sides. The figure suits 2 to
/// 8 columns.
///
/// ```
/// use gibbs_report::pair_plot;
/// let test = [0.1, 1.0, 5.0, 0.2, 2.0, 4.0, 0.3, 3.0, 3.0]; // three rows of three columns
/// let samples = [0.1, 1.5, 4.5, 0.3, 2.5, 3.5];
/// let figure = pair_plot(&["mass", "age", "size"], &[("test", &test), ("samples", &samples)])?;
/// let svg = figure.title("Galaxies").to_svg()?;
/// assert!(svg.contains("mass") && svg.contains("samples"));
/// # Ok::<(), gibbs_report::ReportError>(())
/// ```
///
/// # Errors
/// [`ReportError::Shape`] if there are no names, or if the last row of a set is incomplete.
pub fn pair_plot<S: AsRef<str>>(names: &[S], sets: &[(&str, &[f32])]) -> Result<Figure, ReportError> {
    let n = names.len();
    if let Some((name, values)) = sets.iter().find(|(_, values)| n == 0 || !values.len().is_multiple_of(n)) {
        let what = format!("rows of `{name}` with {n} columns");
        return Err(ReportError::shape(what, format!("a multiple of {n}"), values.len()));
    }
    let column =
        |values: &[f32], j: usize| -> Vec<f32> { values.iter().skip(j).step_by(n).copied().collect() };
    let limits: Vec<(f64, f64)> =
        (0..n).map(|j| limits(sets.iter().map(|(_, set)| column(set, j)))).collect();
    let axis = |label: &str, j: usize| Axis::new(label).range(limits[j].0, limits[j].1);
    let panel = |row: usize, col: usize| {
        let name = if col == 0 && row > 0 { names[row].as_ref() } else { "" };
        let y = if row == col { Axis::new("") } else { axis(name, row) };
        let mut panel = Panel::new(y).x_axis(axis(if row + 1 == n { names[col].as_ref() } else { "" }, col));
        panel.compact = Some([row + 1 == n, col == 0 && row > 0]);
        for (name, set) in sets {
            // The blank panel in the first row holds the legend.
            panel = match (row, col) {
                (row, col) if row == col => {
                    panel.histogram(Histogram::over("", &column(set, col), BINS, limits[col]))
                }
                (row, col) if row > col => {
                    let skip = (set.len() / n.max(1)).div_ceil(MOST_POINTS).max(1);
                    let [x, y] =
                        [col, row].map(|j| column(set, j).into_iter().step_by(skip).collect::<Vec<_>>());
                    panel.series(Series::new("", &x, &y).dots(1.3))
                }
                (0, 1) => panel.series(Series::new::<f32, f32>(*name, &[], &[]).dots(4.0)),
                _ => panel,
            };
        }
        panel
    };
    let width = (130 * n as u32 + 100).max(520);
    let figure =
        Figure::new(Axis::default()).columns(n).width(width).panel_height((width - 70) / n.max(1) as u32);
    Ok((0..n * n).fold(figure, |figure, i| figure.panel(panel(i / n, i % n))))
}

/// The common limits of a column of several sets.
fn limits(columns: impl Iterator<Item = Vec<f32>>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for mut values in columns {
        values.retain(|value| value.is_finite());
        values.sort_by(f32::total_cmp);
        if let Some(last) = values.len().checked_sub(1) {
            let tail = (0.005 * last as f64) as usize;
            (low, high) = (low.min(values[tail].into()), high.max(values[last - tail].into()));
        }
    }
    match low.partial_cmp(&high) {
        Some(std::cmp::Ordering::Less) => (low - 0.15 * (high - low), high + 0.15 * (high - low)),
        Some(std::cmp::Ordering::Equal) => (low - 0.5, high + 0.5),
        _ => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_the_legend_are_readable() {
        let values = |n: usize| -> Vec<f32> { (0..50 * n).map(|i| (i * i % 101) as f32).collect() };
        for n in [2, 3, 5, 8] {
            let names: Vec<String> = (0..n).map(|j| format!("column {j}")).collect();
            let figure = pair_plot(&names, &[("test data", &values(n)), ("samples", &values(n))]).unwrap();
            let scene = crate::layout::arrange(&figure);
            scene.assert_readable();
            let words: Vec<&str> = scene.texts().iter().map(|text| text.text.as_str()).collect();
            let count = |word: &str| words.iter().filter(|found| **found == word).count();
            assert!(names[1..n - 1].iter().all(|name| count(name) == 2), "{words:?}");
            assert!(count(&names[0]) == 1 && count("test data") == 1 && count("samples") == 1, "{words:?}");
        }
    }

    #[test]
    fn limits_ignore_outliers_and_broken_values() {
        let column: Vec<f32> = (0..1000).map(|i| i as f32).chain([1e9, f32::NAN]).collect();
        let (low, high) = limits([column].into_iter());
        assert!((-200.0..0.0).contains(&low) && (1000.0..1200.0).contains(&high), "{low} {high}");
        assert_eq!(limits(std::iter::empty()), (0.0, 1.0));
        assert!(pair_plot(&["a", "b"], &[("odd", &[1.0; 3])]).unwrap_err().to_string().contains("`odd`"));
    }
}
