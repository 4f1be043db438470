//! Weights of hidden units as images.

use crate::{Color, ColorMap, ImageGrid, Picture, ReportError};
use std::path::Path;

/// The end of the common scale of all filters, which is symmetric about zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightScale {
    /// At this value.
    Fixed(f32),
    /// At this quantile of the absolute weights shown; 1 is their maximum. Weights beyond have the color of the end, and the
    /// numbers at the bar then have the signs "≤" and "≥".
    Quantile(f32),
}

/// The order of the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FilterOrder {
    /// As stored.
    #[default]
    Stored,
    /// By Euclidean norm, largest first.
    Norm,
}

/// Draws the columns of a weight matrix as images.
///
/// Blue is negative, light gray zero, red positive ([`ColorMap::CoolWarm`]). All filters have the same scale, which is
/// symmetric about zero, so that their strengths can be compared. A color bar below shows the scale. Weights that are NaN
/// or infinite are magenta; the scale ignores them.
///
/// ```
/// use gibbs_report::{FilterGrid, ImageGrid};
/// let weight = vec![0.1; 28 * 28 * 10]; // [n_visible, n_hidden]
/// let picture = FilterGrid::new(28, 28).render(&weight, 10)?;
/// # Ok::<(), gibbs_report::ReportError>(())
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct FilterGrid {
    rows: usize,
    cols: usize,
    grid: ImageGrid,
    scale: WeightScale,
    order: FilterOrder,
    limit: usize,
    caption: String,
}

impl FilterGrid {
    /// Filters of `rows` by `cols` pixels: at most 100 of them in stored order. The scale ends at the 99.8 % quantile.
    pub fn new(rows: usize, cols: usize) -> Self {
        Self {
            rows,
            cols,
            grid: ImageGrid::new(rows, cols).margin_color(Color::WHITE),
            scale: WeightScale::Quantile(0.998),
            order: FilterOrder::Stored,
            limit: 100,
            caption: "weight".into(),
        }
    }

    /// Sets the layout of the images: columns, scale, labels, title. Range, colors and color bar set there have no effect.
    pub fn layout(mut self, layout: impl FnOnce(ImageGrid) -> ImageGrid) -> Self {
        self.grid = layout(self.grid);
        self
    }

    /// Sets the end of the scale.
    pub fn scale(mut self, scale: WeightScale) -> Self {
        self.scale = scale;
        self
    }

    /// Sets the order of the filters.
    pub fn order(mut self, order: FilterOrder) -> Self {
        self.order = order;
        self
    }

    /// Sets the largest number of filters shown. The caption contains the number of all filters.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Sets the label of the color bar. The default is "weight".
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Draws the columns of `weight` `[rows * cols, n_filters]`, which is stored row by row.
    ///
    /// # Errors
    /// [`ReportError::Shape`] if `weight` has another size or is empty.
    pub fn render(&self, weight: &[f32], n_filters: usize) -> Result<Picture, ReportError> {
        let size = self.rows * self.cols;
        if size == 0 || n_filters == 0 || weight.len() != size * n_filters {
            let what = format!("{n_filters} filters of {} x {} pixels", self.rows, self.cols);
            return Err(ReportError::shape(what, (size * n_filters).max(1), weight.len()));
        }
        let filter = |j: usize| (0..size).map(move |i| weight[i * n_filters + j]);
        let mut chosen: Vec<usize> = (0..n_filters).collect();
        if self.order == FilterOrder::Norm {
            let norm: Vec<f64> =
                chosen.iter().map(|&j| filter(j).map(|w| f64::from(w).powi(2)).sum()).collect();
            chosen.sort_by(|&a, &b| norm[b].total_cmp(&norm[a]));
        }
        chosen.truncate(self.limit);
        let images: Vec<f32> = chosen.iter().flat_map(|&j| filter(j)).collect();
        let end = self.end(&images);
        let mut caption = self.caption.clone();
        if self.limit < n_filters {
            let first = if self.order == FilterOrder::Norm { "largest" } else { "first" };
            caption = format!("{caption}, {first} {} of {n_filters} filters", self.limit);
        }
        self.grid.clone().range(-end, end).color_map(ColorMap::CoolWarm).color_bar(caption).render(&images)
    }

    /// Draws as [`render`](Self::render) and writes the picture as PNG, atomically.
    ///
    /// # Errors
    /// As [`render`](Self::render), and [`ReportError::Write`].
    pub fn save(&self, weight: &[f32], n_filters: usize, path: impl AsRef<Path>) -> Result<(), ReportError> {
        self.render(weight, n_filters)?.save_png(path)
    }

    /// The end of the scale. If all weights are zero it is 1.
    fn end(&self, weights: &[f32]) -> f32 {
        let mut sizes: Vec<f32> = weights.iter().map(|w| w.abs()).filter(|w| w.is_finite()).collect();
        sizes.sort_by(f32::total_cmp);
        let largest = sizes.last().copied().unwrap_or(0.0);
        let wanted = match self.scale {
            WeightScale::Fixed(end) => end.abs(),
            WeightScale::Quantile(q) => {
                let index =
                    (f64::from(q).clamp(0.0, 1.0) * sizes.len().saturating_sub(1) as f64).ceil() as usize;
                sizes.get(index).copied().unwrap_or(0.0)
            }
        };
        [wanted, largest].into_iter().find(|&end| end.is_finite() && end > 0.0).unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Filters of one pixel each, in one row without margins; returns their colors.
    fn colors(weights: &[f32], set: impl FnOnce(FilterGrid) -> FilterGrid) -> Vec<Color> {
        let n = weights.len();
        let filters = FilterGrid::new(1, 1).scale(WeightScale::Quantile(1.0));
        let filters = set(filters.layout(|grid| grid.columns(n).scale(1).margin(0)));
        let picture = filters.render(weights, n).unwrap();
        let left = (picture.width() - n as u32) / 2;
        (0..n as u32).map(|i| picture.pixel(left + i, 0)).collect()
    }

    #[test]
    fn the_scale_is_symmetric_and_common() {
        let map = |t| ColorMap::CoolWarm.at(t);
        assert_eq!(colors(&[-1.0, 0.0, 4.0, 2.0], |f| f), [map(0.375), map(0.5), map(1.0), map(0.75)]);
        assert_eq!(colors(&[-4.0, 0.0, 1.0], |f| f), [map(0.0), map(0.5), map(0.625)]);
        let fixed = colors(&[-9.0, 0.0, 1.0], |f| f.scale(WeightScale::Fixed(2.0)));
        assert_eq!(fixed, [map(0.0), map(0.5), map(0.75)]);
        let neutral = colors(&[0.0], |f| f)[0];
        assert!(neutral.r == neutral.g && neutral.g == neutral.b);
    }

    #[test]
    fn broken_weights_are_shown_and_do_not_spoil_the_scale() {
        let found = colors(&[f32::NAN, f32::INFINITY, -1.0, 1.0], |f| f);
        assert_eq!(found[..2], [Color::NOT_FINITE; 2]);
        assert_eq!(found[2..], [ColorMap::CoolWarm.at(0.0), ColorMap::CoolWarm.at(1.0)]);
        assert_eq!(colors(&[f32::NAN], |f| f), [Color::NOT_FINITE]);
    }

    #[test]
    fn filters_are_columns_of_the_matrix() {
        // [visible = 2, hidden = 2]: the first filter is (1, 1), the second (-1, -1).
        let filters = FilterGrid::new(2, 1).layout(|grid| grid.columns(2).scale(1).margin(0));
        let picture = filters.render(&[1.0, -1.0, 1.0, -1.0], 2).unwrap();
        let left = (picture.width() - 2) / 2;
        assert_eq!(picture.pixel(left, 0), picture.pixel(left, 1));
        assert!(picture.pixel(left, 0).r > 150 && picture.pixel(left + 1, 0).b > 150);
    }

    #[test]
    fn order_and_limit_choose_the_strongest() {
        let found = colors(&[0.1, -3.0, 2.0, 0.5], |f| f.order(FilterOrder::Norm));
        let map = |t| ColorMap::CoolWarm.at(t);
        assert_eq!(found[0], map(0.0));
        assert_eq!(found[1], map(0.5 + 2.0 / 6.0));
        let filters =
            FilterGrid::new(1, 1).limit(2).order(FilterOrder::Norm).scale(WeightScale::Quantile(1.0));
        let picture =
            filters.layout(|g| g.columns(4).scale(1).margin(0)).render(&[0.1, 3.0, 2.0, 0.5], 4).unwrap();
        let reds = (0..picture.width()).filter(|&x| picture.pixel(x, 0) != Color::WHITE).count();
        assert_eq!(reds, 2);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let filters = FilterGrid::new(2, 2);
        assert!(filters.render(&[0.0; 7], 2).unwrap_err().to_string().contains("2 filters of 2 x 2 pixels"));
        assert!(filters.render(&[], 0).is_err());
    }
}
