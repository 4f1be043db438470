//! Maps of numbers, and histograms.

use crate::color_bar::Scale;
use crate::frame::Frame;
use crate::scene::Scene;
use crate::{Color, ColorMap, ReportError};

/// Numbers on a regular grid of the plane as colors: a density, a field, an energy.
///
/// The colors cover the finite values unless [`limits`](Self::limits) is set. Cells that are NaN or infinite are magenta. In
/// an SVG each cell is a rectangle; prefer PNG above 100 x 100 cells.
#[must_use]
#[derive(Clone, Debug)]
pub struct HeatMap {
    values: Vec<f32>,
    rows: usize,
    cols: usize,
    pub(crate) x: (f64, f64),
    pub(crate) y: (f64, f64),
    map: ColorMap,
    limits: Option<(f64, f64)>,
}

impl HeatMap {
    /// Values `[rows, cols]` on the rectangle `x` by `y`. The first row lies at the low end of y, the first column at the low
    /// end of x. Each value stands for the middle of its cell.
    pub fn new(values: &[f32], (rows, cols): (usize, usize), x: (f64, f64), y: (f64, f64)) -> Self {
        Self { values: values.to_vec(), rows, cols, x, y, map: ColorMap::default(), limits: None }
    }

    /// Sets the color map.
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// Sets the values at the two ends of the color map.
    pub fn limits(mut self, low: f64, high: f64) -> Self {
        self.limits = Some((low, high));
        self
    }

    pub(crate) fn check(&self) -> Result<(), ReportError> {
        if self.rows * self.cols == 0 || self.values.len() != self.rows * self.cols {
            let what = format!("a heat map of {} x {} values", self.rows, self.cols);
            return Err(ReportError::shape(what, (self.rows * self.cols).max(1), self.values.len()));
        }
        Ok(())
    }

    pub(crate) fn scale(&self) -> Scale {
        let finite = self.values.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value));
        let (least, most) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = match self.limits {
            Some((low, high)) if low < high && (high - low).is_finite() => (low, high),
            _ if least < most => (least, most),
            _ if least == most => (least - 0.5, least + 0.5),
            _ => (0.0, 1.0),
        };
        Scale { map: self.map, low, high, clipped: least < low || most > high }
    }

    pub(crate) fn draw(&self, scene: &mut Scene, frame: &Frame) {
        let scale = self.scale();
        let step_x = (self.x.1 - self.x.0) / self.cols as f64;
        let step_y = (self.y.1 - self.y.0) / self.rows as f64;
        // Cells extend below their right and lower neighbors. Without this, SVG viewers show thin lines between them.
        const UNDERLAP: f64 = 1.0;
        let (edge, floor) = frame.clamped(frame.place(self.x.1, self.y.0));
        for (row, line) in self.values.chunks(self.cols).enumerate().rev() {
            let mut column = 0;
            for same in line.chunk_by(|a, b| a == b) {
                let corner = |column: usize, row: usize| {
                    frame.clamped(
                        frame.place(self.x.0 + column as f64 * step_x, self.y.0 + row as f64 * step_y),
                    )
                };
                let ((left, bottom), (right, top)) =
                    (corner(column, row), corner(column + same.len(), row + 1));
                let color = scale.map.of(f64::from(same[0]), scale.low, scale.high);
                if right > left && bottom > top {
                    let width = (right - left + UNDERLAP).min(edge - left);
                    let height = (bottom - top + UNDERLAP).min(floor - top);
                    scene.rect([left, top, width, height], color, 1.0);
                }
                column += same.len();
            }
        }
    }
}

/// A histogram with equal bins and area one, so that sets of different sizes can be compared.
#[derive(Clone, Debug)]
pub struct Histogram {
    pub(crate) name: String,
    low: f64,
    high: f64,
    density: Vec<f64>,
    missing: usize,
    total: usize,
}

impl Histogram {
    /// Counts `values` in `bins` equal bins between their smallest and largest finite value.
    ///
    /// The legend counts the values that are NaN or infinite.
    pub fn new(name: impl Into<String>, values: &[f32], bins: usize) -> Self {
        let finite = values.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value));
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = match low.partial_cmp(&high) {
            Some(std::cmp::Ordering::Less) => (low, high),
            Some(std::cmp::Ordering::Equal) => (low - 0.5, high + 0.5),
            _ => (0.0, 1.0),
        };
        Self::over(name, values, bins, (low, high))
    }

    /// Counts `values` in `bins` equal bins on a given range. The legend counts the values outside.
    pub fn over(name: impl Into<String>, values: &[f32], bins: usize, (low, high): (f64, f64)) -> Self {
        let bins = bins.max(1);
        let mut counts = vec![0usize; bins];
        let mut missing = 0;
        for &value in values {
            let part = (f64::from(value) - low) / (high - low);
            if (0.0..=1.0).contains(&part) {
                counts[((part * bins as f64) as usize).min(bins - 1)] += 1;
            } else {
                missing += 1;
            }
        }
        let area = values.len().max(1) as f64 * (high - low) / bins as f64;
        let density = counts.into_iter().map(|count| count as f64 / area).collect();
        Self { name: name.into(), low, high, density, missing, total: values.len() }
    }

    /// The height of each bin: its fraction of all values, divided by its width.
    pub fn density(&self) -> &[f64] {
        &self.density
    }

    pub(crate) fn range(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    pub(crate) fn legend(&self) -> String {
        match self.missing {
            _ if self.name.is_empty() => String::new(),
            0 => self.name.clone(),
            missing => format!("{} ({missing} of {} not shown)", self.name, self.total),
        }
    }

    pub(crate) fn draw(&self, scene: &mut Scene, frame: &Frame, color: Color) {
        let step = (self.high - self.low) / self.density.len() as f64;
        let base = frame.place(self.low, frame.y.low.max(0.0)).1;
        let mut outline = vec![(frame.place(self.low, 0.0).0, base)];
        for (i, &density) in self.density.iter().enumerate() {
            let (left, top) = frame.place(self.low + i as f64 * step, density);
            let (right, _) = frame.place(self.low + (i + 1) as f64 * step, density);
            let top = if top.is_finite() { top } else { base };
            outline.extend([(left, top), (right, top)]);
        }
        outline.push((frame.place(self.high, 0.0).0, base));
        if outline.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
            scene.polygon(outline.iter().map(|&point| frame.clamped(point)).collect(), color, 0.3);
            for piece in frame.cut(&outline) {
                scene.line(piece, 1.4, color);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_area_one_and_counts_what_it_leaves_out() {
        let histogram = Histogram::new("a", &[0.0, 0.1, 0.6, 1.0], 2);
        assert_eq!(histogram.density(), [1.0, 1.0]);
        let histogram = Histogram::over("a", &[0.0, 0.1, 5.0, f32::NAN], 2, (0.0, 1.0));
        assert_eq!(histogram.density(), [1.0, 0.0]);
        assert_eq!(histogram.legend(), "a (2 of 4 not shown)");
    }

    #[test]
    fn even_values_fill_bins_evenly() {
        let values: Vec<f32> = (0..1000).map(|i| i as f32 / 999.0).collect();
        let histogram = Histogram::new("a", &values, 50);
        assert!(histogram.density().iter().all(|d| (d - 1.0).abs() < 0.06), "{:?}", histogram.density());
    }

    #[test]
    fn degenerate_histograms_stay_finite() {
        for values in [&[][..], &[3.0, 3.0], &[f32::NAN], &[f32::MIN, f32::MAX], &[f32::INFINITY, 1.0]] {
            let histogram = Histogram::new("a", values, 0);
            assert!(histogram.density().iter().all(|d| d.is_finite()), "{values:?}");
            assert!(histogram.low < histogram.high);
        }
    }

    #[test]
    fn the_scale_of_a_map_covers_its_finite_values() {
        let map = |values: &[f32]| HeatMap::new(values, (1, values.len()), (0.0, 1.0), (0.0, 1.0));
        let scale = map(&[1.0, f32::NAN, 3.0, f32::INFINITY]).scale();
        assert_eq!((scale.low, scale.high), (1.0, 3.0));
        assert!(!scale.clipped);
        assert!(map(&[1.0, 9.0]).limits(0.0, 5.0).scale().clipped);
        assert!(map(&[f32::NAN]).scale().low < map(&[f32::NAN]).scale().high);
        assert!(map(&[]).check().is_err());
    }
}
