//! Grids of small images.

mod labels;

use crate::color_bar::{self, Scale};
use crate::scene::{Anchor, Scene};
use crate::{Color, ColorMap, Picture, ReportError, font, render};
use std::path::Path;

/// Em of row and column labels in pixels.
const LABEL: f64 = 13.0;
/// Em of the title in pixels.
const TITLE: f64 = 15.0;
/// Width of a cell with the default scale, in pixels.
const COMFORTABLE: usize = 56;
pub(crate) const SEPARATOR: Color = Color::gray(0x66);

/// Draws images of one size in a grid.
///
/// The images are one slice `[n, rows * cols]` with values in [0, 1] (see [`range`](Self::range)). They fill the grid row by
/// row. Values outside the range are clamped. NaN and infinite values are magenta ([`Color::NOT_FINITE`]).
///
/// ```
/// use gibbs_report::{Color, ImageGrid};
/// let images = [0.0, 1.0, 0.5, f32::NAN, 1.0, 1.0, 0.0, 0.0]; // two images of 2 x 2
/// let picture = ImageGrid::new(2, 2).scale(1).margin(1).render(&images)?;
/// assert_eq!((picture.width(), picture.height()), (7, 4));
/// assert_eq!(picture.pixel(2, 2), Color::NOT_FINITE);
/// # Ok::<(), gibbs_report::ReportError>(())
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct ImageGrid {
    rows: usize,
    cols: usize,
    columns: Option<usize>,
    scale: usize,
    margin: usize,
    margin_color: Color,
    range: (f32, f32),
    map: ColorMap,
    row_labels: Vec<String>,
    column_labels: Vec<String>,
    captions: Vec<String>,
    corner: String,
    separators: Vec<usize>,
    title: String,
    color_bar: Option<String>,
}

impl ImageGrid {
    /// A grid of images with `rows` by `cols` pixels, as square as the number of images allows.
    ///
    /// The scale is the integer that makes a cell about 56 pixels wide (2 for images of 28 x 28 pixels). The margin between
    /// cells is 3 pixels.
    pub fn new(rows: usize, cols: usize) -> Self {
        let side = rows.max(cols).max(1);
        Self {
            rows,
            cols,
            columns: None,
            scale: ((COMFORTABLE + side / 2) / side).max(1),
            margin: 3,
            margin_color: Color::new(0x7d, 0x93, 0xad),
            range: (0.0, 1.0),
            map: ColorMap::Gray,
            row_labels: Vec::new(),
            column_labels: Vec::new(),
            captions: Vec::new(),
            corner: String::new(),
            separators: Vec::new(),
            title: String::new(),
            color_bar: None,
        }
    }

    /// A grid for the evolution of chains, see [`render_columns`](Self::render_columns): one row for each chain, one column for
    /// each of the `steps`, with its number above.
    pub fn chains(rows: usize, cols: usize, steps: &[usize]) -> Self {
        Self::new(rows, cols).column_labels(steps).corner("step")
    }

    /// Sets the number of images in a row (at least 1). By default the grid is square.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns.max(1));
        self
    }

    /// Sets the number of screen pixels along each side of an image pixel (at least 1).
    pub fn scale(mut self, scale: usize) -> Self {
        self.scale = scale.max(1);
        self
    }

    /// Sets the number of pixels between and around the images.
    pub fn margin(mut self, margin: usize) -> Self {
        self.margin = margin;
        self
    }

    /// Sets the color between and around the images. By default it is a grayish blue, which differs from black and white.
    pub fn margin_color(mut self, color: Color) -> Self {
        self.margin_color = color;
        self
    }

    /// Sets the values shown as black and as white: (0, 1) by default, (-1, 1) for spins.
    pub fn range(mut self, black: f32, white: f32) -> Self {
        self.range = (black, white);
        self
    }

    /// Sets the color map. By default it is gray.
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// Writes a text at the left of each row, from the top.
    pub fn row_labels<S: ToString>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.row_labels = labels.into_iter().map(|label| label.to_string()).collect();
        self
    }

    /// Writes a text above each column, from the left. All are vertical if one is wider than its column.
    pub fn column_labels<S: ToString>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.column_labels = labels.into_iter().map(|label| label.to_string()).collect();
        self
    }

    /// Writes a text below each image, row by row. A text that is wider than the image becomes smaller, then it is cut.
    pub fn captions<S: ToString>(mut self, captions: impl IntoIterator<Item = S>) -> Self {
        self.captions = captions.into_iter().map(|caption| caption.to_string()).collect();
        self
    }

    /// Writes a word at the left of the column labels, such as "step".
    pub fn corner(mut self, text: impl Into<String>) -> Self {
        self.corner = text.into();
        self
    }

    /// Draws a vertical line after this many columns, for example 1 to separate the originals. May be called again.
    pub fn separator_after(mut self, columns: usize) -> Self {
        self.separators.push(columns);
        self
    }

    /// Writes a title above the grid.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Draws a color bar with this label below the grid, for images of a physical field.
    pub fn color_bar(mut self, label: impl Into<String>) -> Self {
        self.color_bar = Some(label.into());
        self
    }

    /// Draws images `[n, rows * cols]`. They fill the grid row by row.
    ///
    /// # Errors
    /// [`ReportError::Shape`] if there are no images or the last one is incomplete, [`ReportError::TooLarge`] if the picture
    /// has too many pixels.
    pub fn render(&self, images: &[f32]) -> Result<Picture, ReportError> {
        let size = self.rows * self.cols;
        if size == 0 || images.is_empty() || !images.len().is_multiple_of(size) {
            let what = format!("images of {} x {} pixels", self.rows, self.cols);
            return Err(ReportError::shape(what, format!("a multiple of {size}"), images.len()));
        }
        let count = images.len() / size;
        let columns = self.columns.unwrap_or((count as f64).sqrt().ceil() as usize);
        let cells: Vec<Option<&[f32]>> = images.chunks(size).map(Some).collect();
        self.draw(&cells, columns)
    }

    /// Draws each set of images as a column: `sets[c]` is `[n, rows * cols]`. Use it for originals and their reconstructions,
    /// or for the states of chains.
    ///
    /// # Errors
    /// As [`render`](Self::render), and if the sets differ in size.
    pub fn render_columns(&self, sets: &[&[f32]]) -> Result<Picture, ReportError> {
        let count = self.checked_sets(sets)?;
        let size = self.rows * self.cols;
        let cells: Vec<_> =
            (0..count).flat_map(|row| sets.iter().map(move |set| set.chunks(size).nth(row))).collect();
        self.draw(&cells, sets.len())
    }

    /// Draws each set of images as a row: `sets[r]` is `[n, rows * cols]`.
    ///
    /// # Errors
    /// As [`render_columns`](Self::render_columns).
    pub fn render_rows(&self, sets: &[&[f32]]) -> Result<Picture, ReportError> {
        let count = self.checked_sets(sets)?;
        let cells: Vec<_> = sets.iter().flat_map(|set| set.chunks(self.rows * self.cols).map(Some)).collect();
        self.draw(&cells, count)
    }

    /// Draws images as [`render`](Self::render) does and writes them as PNG, atomically.
    ///
    /// # Errors
    /// As [`render`](Self::render), and [`ReportError::Write`].
    pub fn save(&self, images: &[f32], path: impl AsRef<Path>) -> Result<(), ReportError> {
        self.render(images)?.save_png(path)
    }

    fn checked_sets(&self, sets: &[&[f32]]) -> Result<usize, ReportError> {
        let size = self.rows * self.cols;
        let expected = sets.first().map_or(0, |set| set.len());
        for (i, set) in sets.iter().enumerate() {
            if set.len() != expected {
                return Err(ReportError::shape(
                    format!("set {i} of images, compared with the first"),
                    expected,
                    set.len(),
                ));
            }
        }
        if expected == 0 || size == 0 || !expected.is_multiple_of(size) {
            let what = format!("a set of images of {} x {} pixels", self.rows, self.cols);
            return Err(ReportError::shape(what, format!("a multiple of {size}"), expected));
        }
        Ok(expected / size)
    }

    /// Distance of the left edge of a column from the left edge of the grid, in pixels.
    fn left_of(&self, column: usize) -> usize {
        let gaps = self.separators.iter().filter(|&&after| after > 0 && after <= column).count();
        self.margin + column * (self.cols * self.scale + self.margin) + gaps * self.separator_width()
    }

    fn separator_width(&self) -> usize {
        self.margin + 4
    }

    /// Draws title, grid and color bar.
    fn draw(&self, cells: &[Option<&[f32]>], columns: usize) -> Result<Picture, ReportError> {
        let grid = self.draw_grid(cells, columns)?;
        let bar = self.color_bar.as_ref().map(|label| {
            let (low, high) = (f64::from(self.range.0), f64::from(self.range.1));
            let beyond = |value: f64| value.is_finite() && (value < low || value > high);
            let clipped = cells.iter().flatten().any(|image| image.iter().any(|&v| beyond(v.into())));
            color_bar::strip(label, &Scale { map: self.map, low, high, clipped }, grid.width())
        });
        let title = (!self.title.is_empty()).then(|| {
            let width = font::width(&self.title, TITLE).ceil() + 16.0;
            let mut scene = Scene::new(width as u32, 26);
            scene.text((width / 2.0, 18.0), &self.title, TITLE, Color::BLACK, Anchor::Middle);
            render::to_picture(&scene)
        });
        Picture::stacked(title.into_iter().chain([Ok(grid)]).chain(bar).collect::<Result<_, _>>()?)
    }

    fn draw_grid(&self, cells: &[Option<&[f32]>], columns: usize) -> Result<Picture, ReportError> {
        let (cell_width, cell_height) = (self.cols * self.scale, self.rows * self.scale);
        let pitch = cell_height + self.margin + self.caption_line();
        let lines = cells.len().div_ceil(columns);
        let head = self.head(columns)?;
        let side = self.side(lines, pitch)?;
        let indent = side.as_ref().map_or(0, Picture::width);
        let indent = indent.max(if self.corner.is_empty() { 0 } else { self.word(&self.corner) as u32 });
        let top = head.as_ref().map_or(0, Picture::height);
        let inner = self.left_of(columns - 1) + cell_width + self.margin;
        let width =
            (u64::from(indent) + inner as u64).max(u64::from(head.as_ref().map_or(0, Picture::width)));
        let height = u64::from(top) + (self.margin + lines * pitch) as u64;
        let mut picture = Picture::new(bounded(width), bounded(height), Color::WHITE)?;
        if let Some(head) = &head {
            picture.paste(head, indent, 0);
        }
        if !self.corner.is_empty() {
            let mut scene = Scene::new(indent, top.max(18));
            scene.text(
                (f64::from(indent) - 6.0, f64::from(top) - 5.0),
                &self.corner,
                LABEL,
                Color::BLACK,
                Anchor::End,
            );
            picture.paste(&render::to_picture(&scene)?, 0, 0);
        }
        if let Some(side) = &side {
            picture.paste(side, 0, top);
        }
        for (i, cell) in cells.iter().enumerate() {
            let x = indent + self.left_of(i % columns) as u32;
            let y = top + (self.margin + i / columns * pitch) as u32;
            if let Some(image) = cell {
                let m = self.margin as u32;
                picture.fill(
                    x - m,
                    y - m,
                    cell_width as u32 + 2 * m,
                    cell_height as u32 + 2 * m,
                    self.margin_color,
                );
                self.stamp(&mut picture, image, x, y);
                self.caption(&mut picture, i, (x, y))?;
            }
        }
        for &after in self.separators.iter().filter(|&&after| after > 0 && after < columns) {
            let x = indent as usize + self.left_of(after) - (self.margin + self.separator_width()) / 2 - 1;
            let y = top as usize + self.margin;
            picture.fill(x as u32, y as u32, 2, (lines * pitch - self.margin) as u32, SEPARATOR);
        }
        Ok(picture)
    }

    fn stamp(&self, picture: &mut Picture, image: &[f32], x: u32, y: u32) {
        let scale = self.scale as u32;
        let (low, high) = (f64::from(self.range.0), f64::from(self.range.1));
        for (i, &value) in image.iter().enumerate() {
            let color = self.map.of(f64::from(value), low, high);
            let (row, column) = ((i / self.cols) as u32, (i % self.cols) as u32);
            picture.fill(x + column * scale, y + row * scale, scale, scale, color);
        }
    }
}

/// Pixel counts beyond `u32` lead to [`ReportError::TooLarge`] too.
fn bounded(pixels: u64) -> u32 {
    pixels.min(u64::from(u32::MAX / 8)) as u32
}
