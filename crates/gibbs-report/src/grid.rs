//! Many small images side by side.

mod labels;

use crate::scene::{Anchor, Scene};
use crate::{Color, ColorMap, Picture, ReportError, render};
use std::path::Path;

/// Em of row and column labels in pixels.
const LABEL: f64 = 13.0;
/// Smallest cell that a default scale aims at, in pixels.
const COMFORTABLE: usize = 56;
pub(crate) const SEPARATOR: Color = Color::gray(0x66);

/// How a set of equally large gray images is laid out on one picture.
///
/// Images come as one slice `[n, rows * cols]`, values in [0, 1] (see [`range`](Self::range)), and fill the grid row by row.
/// Values outside are clamped; NaN and infinite values are painted magenta ([`Color::NOT_FINITE`]), so that a broken pixel is
/// seen instead of being taken for a black one.
///
/// ```
/// use gibbs_report::{Color, ImageGrid};
/// let images = [0.0, 1.0, 0.5, f32::NAN, 1.0, 1.0, 0.0, 0.0]; // two images of 2 x 2
/// let picture = ImageGrid::new(2, 2).scale(1).margin(1).render(&images)?;
/// assert_eq!((picture.width(), picture.height()), (7, 4));
/// assert_eq!(picture.pixel(2, 2), Color::NOT_FINITE);
/// # Ok::<(), gibbs_report::ReportError>(())
/// ```
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
}

impl ImageGrid {
    /// A grid of images with `rows` by `cols` pixels, as square as the number of images allows.
    ///
    /// Pixels are enlarged by a whole factor so that a cell is about 56 pixels wide (28 x 28 images twice); the margin between
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
        }
    }

    /// The evolution of chains for [`render_columns`](Self::render_columns): a row for each chain, a column for each of the
    /// `steps`, which are written above.
    pub fn chains(rows: usize, cols: usize, steps: &[usize]) -> Self {
        Self::new(rows, cols).column_labels(steps).corner("step")
    }

    /// Number of images in a row of the grid (at least 1). Without it: the root of the number of images, rounded up.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns.max(1));
        self
    }

    /// Screen pixels along each side of an image pixel (at least 1).
    #[must_use]
    pub fn scale(mut self, scale: usize) -> Self {
        self.scale = scale.max(1);
        self
    }

    /// Pixels between and around the images.
    #[must_use]
    pub fn margin(mut self, margin: usize) -> Self {
        self.margin = margin;
        self
    }

    /// Color between and around the images; a grayish blue unless set, which neither black nor white images run into.
    #[must_use]
    pub fn margin_color(mut self, color: Color) -> Self {
        self.margin_color = color;
        self
    }

    /// Values shown as black and as white; (0, 1) unless set, (−1, 1) for spins.
    #[must_use]
    pub fn range(mut self, black: f32, white: f32) -> Self {
        self.range = (black, white);
        self
    }

    /// Colors other than gray.
    #[must_use]
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// Text at the left of each row of the grid, from the top.
    #[must_use]
    pub fn row_labels<S: ToString>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.row_labels = labels.into_iter().map(|label| label.to_string()).collect();
        self
    }

    /// Text above each column of the grid, from the left; turned upright if one is wider than its column.
    #[must_use]
    pub fn column_labels<S: ToString>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.column_labels = labels.into_iter().map(|label| label.to_string()).collect();
        self
    }

    /// Text below each image, in the order in which the grid is filled: row by row. It is made smaller, then cut, where it
    /// is wider than the image.
    #[must_use]
    pub fn captions<S: ToString>(mut self, captions: impl IntoIterator<Item = S>) -> Self {
        self.captions = captions.into_iter().map(|caption| caption.to_string()).collect();
        self
    }

    /// A word at the left of the column labels that says what they count, such as "step".
    #[must_use]
    pub fn corner(mut self, text: impl Into<String>) -> Self {
        self.corner = text.into();
        self
    }

    /// A vertical line behind this many columns, for example 1 to set originals apart. May be called again.
    #[must_use]
    pub fn separator_after(mut self, columns: usize) -> Self {
        self.separators.push(columns);
        self
    }

    /// Draws images `[n, rows * cols]`, filling the grid row by row.
    ///
    /// # Errors
    /// [`ReportError::Shape`] if there are no images or the last one is not complete, [`ReportError::TooLarge`] if the picture
    /// would be.
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

    /// Draws sets of images, one set a column from the top: `sets[c]` is `[n, rows * cols]`.
    ///
    /// This is how a set of originals stands beside its reconstructions, and a chain beside its later states.
    ///
    /// # Errors
    /// As [`render`](Self::render); also if the sets are not equally large.
    pub fn render_columns(&self, sets: &[&[f32]]) -> Result<Picture, ReportError> {
        let count = self.checked_sets(sets)?;
        let size = self.rows * self.cols;
        let cells: Vec<_> =
            (0..count).flat_map(|row| sets.iter().map(move |set| set.chunks(size).nth(row))).collect();
        self.draw(&cells, sets.len())
    }

    /// Draws sets of images, one set a row from the left: `sets[r]` is `[n, rows * cols]`.
    ///
    /// # Errors
    /// As [`render_columns`](Self::render_columns).
    pub fn render_rows(&self, sets: &[&[f32]]) -> Result<Picture, ReportError> {
        let count = self.checked_sets(sets)?;
        let cells: Vec<_> = sets.iter().flat_map(|set| set.chunks(self.rows * self.cols).map(Some)).collect();
        self.draw(&cells, count)
    }

    /// Draws images as [`render`](Self::render) and writes them as PNG, atomically.
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
                    format!("set {i} of images, as the first"),
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

    /// Pixel of the left edge of a column, counted from the left edge of the first cell's margin.
    fn left_of(&self, column: usize) -> usize {
        let gaps = self.separators.iter().filter(|&&after| after > 0 && after <= column).count();
        self.margin + column * (self.cols * self.scale + self.margin) + gaps * self.separator_width()
    }

    fn separator_width(&self) -> usize {
        self.margin + 4
    }

    fn draw(&self, cells: &[Option<&[f32]>], columns: usize) -> Result<Picture, ReportError> {
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

/// Pixel counts beyond `u32` end in [`ReportError::TooLarge`] all the same.
fn bounded(pixels: u64) -> u32 {
    pixels.min(u64::from(u32::MAX / 8)) as u32
}
