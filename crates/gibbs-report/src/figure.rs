//! Figures: panels one above the other or next to each other, written as SVG or PNG.

use crate::axis::Axis;
use crate::scene::Scene;
use crate::{Panel, Picture, ReportError, layout, render, write_atomic};
use std::path::Path;

/// One or more panels with axes.
///
/// Panels stand one above the other and share the x axis of the figure, except those with an x axis of their own.
/// [`columns`](Self::columns) puts them next to each other. All frames are equally wide.
///
/// ```
/// use gibbs_report::{Axis, Figure, Panel, Series};
/// let epoch = [1.0, 2.0, 3.0, 4.0];
/// let svg = Figure::new(Axis::new("epoch").whole())
///     .title("RBM on digits")
///     .panel(
///         Panel::new(Axis::new("log-likelihood, nats"))
///             .series(Series::new("train", &epoch, &[-150.0f32, -120.0, -110.0, -104.0]))
///             .series(Series::new("valid", &epoch, &[-151.0f32, -122.0, f32::NAN, -106.0]))
///             .reference(-86.34, "Salakhutdinov & Murray 2008"),
///     )
///     .to_svg()?;
/// assert!(svg.contains("valid (1 of 4 not shown)") && svg.contains("log-likelihood, nats"));
/// # Ok::<(), gibbs_report::ReportError>(())
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Figure {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) panels: Vec<Panel>,
    pub(crate) columns: usize,
    pub(crate) width: u32,
    pub(crate) panel_height: u32,
    pub(crate) share_limits: bool,
}

impl Figure {
    /// A figure without panels. It is 860 pixels wide and its panels are 230 pixels high.
    pub fn new(x: Axis) -> Self {
        Self {
            title: String::new(),
            x,
            panels: Vec::new(),
            columns: 1,
            width: 860,
            panel_height: 230,
            share_limits: false,
        }
    }

    /// A title above all panels.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Adds a panel below the one before, or to its right if the figure has several columns.
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// Number of panels in a row (at least 1).
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// Gives all panels the same x and y limits, so that they can be compared: test data and samples, or samples and a
    /// density.
    pub fn share_limits(mut self) -> Self {
        self.share_limits = true;
        self
    }

    /// Width of the figure in pixels, 200 to 10 000.
    pub fn width(mut self, pixels: u32) -> Self {
        self.width = pixels.clamp(200, 10_000);
        self
    }

    /// Height of the frame of each panel in pixels, 60 to 5000, without axis labels, titles and legends.
    pub fn panel_height(mut self, pixels: u32) -> Self {
        self.panel_height = pixels.clamp(60, 5_000);
        self
    }

    fn scene(&self) -> Result<Scene, ReportError> {
        self.panels.iter().try_for_each(Panel::check)?;
        Ok(layout::arrange(self))
    }

    /// The figure as pixels.
    ///
    /// # Errors
    /// [`ReportError::Shape`] if x, y or bounds of a series differ in length or a map does not fit its shape;
    /// [`ReportError::TooLarge`] if the picture has too many pixels.
    pub fn to_picture(&self) -> Result<Picture, ReportError> {
        render::to_picture(&self.scene()?)
    }

    /// The figure as an SVG document.
    ///
    /// # Errors
    /// As [`to_picture`](Self::to_picture).
    pub fn to_svg(&self) -> Result<String, ReportError> {
        render::to_svg(&self.scene()?)
    }

    /// Writes the figure atomically. The name ends in `.svg` or `.png`.
    ///
    /// # Errors
    /// [`ReportError::UnknownFormat`] for other names, [`ReportError::Write`], and as [`to_picture`](Self::to_picture).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        let path = path.as_ref();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
        match ending.as_str() {
            "svg" => write_atomic(path, self.to_svg()?.as_bytes()),
            "png" => self.to_picture()?.save_png(path),
            _ => Err(ReportError::UnknownFormat { path: path.to_path_buf() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, HeatMap, Histogram, Series};

    fn figure(y: &[f64]) -> Figure {
        let x: Vec<f64> = (0..y.len()).map(|i| i as f64).collect();
        let series = Series::new("train", &x, y).band(y, y);
        let panel = |axis: Axis| Panel::new(axis).series(series.clone()).reference(2.0, "published <2>");
        Figure::new(Axis::new("epoch"))
            .panel(panel(Axis::new("loss, nats")))
            .panel(panel(Axis::new("log").log()))
    }

    #[test]
    fn svg_holds_labels_legend_and_its_size() {
        let svg = figure(&[3.0, 2.0, 1.0]).width(640).to_svg().unwrap();
        assert!(svg.starts_with("<svg width=\"640\" height=\""), "{}", &svg[..80]);
        assert!(svg.trim_end().ends_with("</svg>"));
        for word in ["epoch", "loss, nats", "train", "published &lt;2&gt;"] {
            assert!(svg.contains(word), "{word}");
        }
        assert_eq!(svg.matches("<svg").count(), 1);
    }

    #[test]
    fn png_and_svg_have_the_same_size_and_ink() {
        let figure = figure(&[3.0, 2.0, 1.0]);
        let (picture, svg) = (figure.to_picture().unwrap(), figure.to_svg().unwrap());
        assert!(svg.contains(&format!("width=\"{}\" height=\"{}\"", picture.width(), picture.height())));
        let line = Color::of_class(0, 1);
        let colored = picture.rgb().chunks(3).filter(|c| *c == [line.r, line.g, line.b]).count();
        assert!(colored > 500, "{colored}");
    }

    #[test]
    fn degenerate_data_never_panics() {
        let wild =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 0.0, -0.0];
        let lists: Vec<Vec<f64>> = vec![
            vec![],
            vec![1.0],
            vec![5.0; 4],
            vec![f64::NAN; 3],
            wild.to_vec(),
            vec![1e-310, 2e-310],
            vec![1e140, -1e140],
            vec![1.0, 1.0 + f64::EPSILON],
        ];
        for list in &lists {
            for figure in [figure(list), figure(list).width(1).panel_height(1).columns(7)] {
                figure.to_picture().unwrap();
                figure.to_svg().unwrap();
            }
        }
        for list in &lists {
            let values: Vec<f32> = list.iter().map(|&v| v as f32).collect();
            let mut panel = Panel::new(Axis::new("y")).equal().histogram(Histogram::new("h", &values, 3));
            if !values.is_empty() {
                panel = panel.heat_map(HeatMap::new(&values, (1, values.len()), (0.0, 0.0), (2.0, -1.0)));
            }
            let figure = Figure::new(Axis::new("x")).panel(panel);
            figure.to_picture().unwrap();
            figure.to_svg().unwrap();
        }
        Figure::new(Axis::default()).to_picture().unwrap();
        Figure::new(Axis::default()).title("nothing").to_svg().unwrap();
    }

    #[test]
    fn the_name_decides_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let figure = figure(&[1.0, 2.0]);
        figure.save(folder.path().join("a.svg")).unwrap();
        figure.save(folder.path().join("a.PNG")).unwrap();
        assert!(std::fs::read(folder.path().join("a.PNG")).unwrap().starts_with(b"\x89PNG"));
        assert!(std::fs::read(folder.path().join("a.svg")).unwrap().starts_with(b"<svg"));
        let message = figure.save(folder.path().join("a.pdf")).unwrap_err().to_string();
        assert!(message.contains("a.pdf") && message.contains(".png or .svg"), "{message}");
    }

    #[test]
    fn series_of_unequal_length_are_errors() {
        let panel = Panel::new(Axis::new("y")).series(Series::new("bad", &[1.0], &[1.0, 2.0]));
        let error = Figure::new(Axis::new("x")).panel(panel).to_svg().unwrap_err();
        assert!(error.to_string().contains("series `bad`"), "{error}");
    }
}
