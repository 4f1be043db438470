//! Figures: panels one above the other or side by side, written as SVG or PNG.

use crate::axis::Axis;
use crate::scene::Scene;
use crate::{Panel, Picture, ReportError, layout, render, write_atomic};
use std::path::Path;

/// One or more panels with axes, on white.
///
/// Panels stand one above the other and share the x axis of the figure; those with an x axis of their own have their own numbers.
/// [`columns`](Self::columns) puts them side by side.
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
#[derive(Clone, Debug)]
pub struct Figure {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) panels: Vec<Panel>,
    pub(crate) columns: usize,
    pub(crate) width: u32,
    pub(crate) panel_height: u32,
}

impl Figure {
    /// A figure without panels, 860 pixels wide, its panels 230 high.
    pub fn new(x: Axis) -> Self {
        Self { title: String::new(), x, panels: Vec::new(), columns: 1, width: 860, panel_height: 230 }
    }

    /// A title above all panels.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Adds a panel, below or at the right of the one before.
    #[must_use]
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// Number of panels side by side (at least 1).
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// Width of the figure in pixels, 200 to 10 000.
    #[must_use]
    pub fn width(mut self, pixels: u32) -> Self {
        self.width = pixels.clamp(200, 10_000);
        self
    }

    /// Height of the frame of each panel in pixels, 60 to 5000; axis labels, titles and legends come on top.
    #[must_use]
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
    /// [`ReportError::TooLarge`].
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

    /// Writes the figure, atomically, as the name says: `.svg` or `.png`.
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
