//! Small images at the points of a scatter plot.

use crate::frame::Frame;
use crate::scene::Scene;
use crate::{Color, ColorMap, ReportError};

/// Width of the border of an image in pixels.
const BORDER: f64 = 1.2;

/// Images with their centers at points of the plane, for example at their codes.
///
/// The images are drawn in the given order. An image is left out if it comes closer than [`gap`](Self::gap) to another one
/// or crosses the edge of the panel. A program can therefore pass all examples. Value 1 is black, 0 is white; NaN and
/// infinite values are magenta. In an SVG each pixel that is not white is a rectangle; prefer PNG for many images.
///
/// ```
/// use gibbs_report::{Axis, Figure, Panel, Thumbnails};
/// let (x, y) = ([0.0f32, 0.1, 5.0], [0.0f32, 0.1, 5.0]);
/// let images = [0.5f32; 3 * 4]; // three images of 2 x 2 pixels
/// let labels = [0, 0, 1];
/// let panel = Panel::new(Axis::new("code 2"))
///     .classes(&x, &y, &labels)
///     .thumbnails(Thumbnails::new(&x, &y, &images, (2, 2)).classes(&labels));
/// Figure::new(Axis::new("code 1")).panel(panel).to_picture()?;
/// # Ok::<(), gibbs_report::ReportError>(())
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Thumbnails {
    x: Vec<f64>,
    y: Vec<f64>,
    images: Vec<f32>,
    rows: usize,
    cols: usize,
    labels: Option<Vec<u16>>,
    size: f64,
    gap: f64,
}

impl Thumbnails {
    /// `images` `[n, rows * cols]` with values in [0, 1] at the points `(x[i], y[i])`, 28 pixels wide and 7 pixels apart.
    pub fn new<T: Copy + Into<f64>>(x: &[T], y: &[T], images: &[f32], (rows, cols): (usize, usize)) -> Self {
        let [x, y] = [x, y].map(|values| values.iter().map(|&value| value.into()).collect());
        Self { x, y, images: images.to_vec(), rows, cols, labels: None, size: 28.0, gap: 7.0 }
    }

    /// Gives the border of each image the color of its class. [`Panel::classes`](crate::Panel::classes) has the same colors.
    pub fn classes(mut self, labels: &[u16]) -> Self {
        self.labels = Some(labels.to_vec());
        self
    }

    /// Sets the width of an image in pixels.
    pub fn size(mut self, pixels: f64) -> Self {
        self.size = pixels;
        self
    }

    /// Sets the least distance between images in pixels.
    pub fn gap(mut self, pixels: f64) -> Self {
        self.gap = pixels;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ReportError> {
        let (n, size) = (self.x.len(), self.rows * self.cols);
        if self.y.len() != n {
            return Err(ReportError::shape("y of thumbnails", n, self.y.len()));
        }
        if size == 0 || self.images.len() != n * size {
            let what = format!("{n} thumbnails of {} x {} pixels", self.rows, self.cols);
            return Err(ReportError::shape(what, n * size, self.images.len()));
        }
        match &self.labels {
            Some(labels) if labels.len() != n => {
                Err(ReportError::shape("labels of thumbnails", n, labels.len()))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn x_values(&self) -> &[f64] {
        &self.x
    }

    pub(crate) fn y_values(&self) -> &[f64] {
        &self.y
    }

    pub(crate) fn draw(&self, scene: &mut Scene, frame: &Frame) {
        let pixels = self.rows * self.cols;
        for (i, [left, top, width, height]) in self.placed(frame) {
            let color = match &self.labels {
                Some(labels) => Color::of_class(labels[i].into(), n_classes(labels)),
                None => Color::gray(0x66),
            };
            let around = [left - BORDER, top - BORDER, width + 2.0 * BORDER, height + 2.0 * BORDER];
            scene.rect(around, color, 1.0);
            scene.rect([left, top, width, height], Color::WHITE, 1.0);
            let (step_x, step_y) = (width / self.cols as f64, height / self.rows as f64);
            let image = &self.images[i * pixels..(i + 1) * pixels];
            for (row, line) in image.chunks(self.cols).enumerate() {
                let mut column = 0;
                let shades: Vec<Color> =
                    line.iter().map(|&ink| ColorMap::Gray.at(1.0 - f64::from(ink))).collect();
                for same in shades.chunk_by(|a, b| a == b) {
                    if same[0] != Color::WHITE {
                        let place = (left + column as f64 * step_x, top + row as f64 * step_y);
                        scene.rect([place.0, place.1, same.len() as f64 * step_x, step_y], same[0], 1.0);
                    }
                    column += same.len();
                }
            }
        }
    }

    /// The images that are drawn, each with left, top, width and height without the border.
    fn placed(&self, frame: &Frame) -> Vec<(usize, [f64; 4])> {
        let (width, height) = (self.size, self.size * self.rows as f64 / self.cols as f64);
        let (reach_x, reach_y) = (width / 2.0 + BORDER, height / 2.0 + BORDER);
        let mut centers: Vec<(f64, f64)> = Vec::new();
        let mut placed = Vec::new();
        for (i, (&x, &y)) in self.x.iter().zip(&self.y).enumerate() {
            let (x, y) = frame.place(x, y);
            let inside = frame.holds((x - reach_x, y - reach_y)) && frame.holds((x + reach_x, y + reach_y));
            let apart = |&(a, b): &(f64, f64)| {
                (a - x).abs() >= 2.0 * reach_x + self.gap || (b - y).abs() >= 2.0 * reach_y + self.gap
            };
            if inside && centers.iter().all(apart) {
                centers.push((x, y));
                placed.push((i, [x - width / 2.0, y - height / 2.0, width, height]));
            }
        }
        placed
    }
}

/// Number of classes: the largest label plus 1.
pub(crate) fn n_classes(labels: &[u16]) -> usize {
    labels.iter().max().map_or(0, |&label| usize::from(label) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Span;
    use crate::scene::Item;
    use crate::{Axis, Figure, Panel};

    fn frame() -> Frame {
        let x = Span::linear(0.0, 1.0);
        Frame { left: 50.0, top: 20.0, width: 400.0, height: 300.0, x, y: x }
    }

    /// Points that fill the unit square evenly, for any number of them (Roberts' low-discrepancy sequence).
    fn points(n: usize) -> (Vec<f64>, Vec<f64>) {
        (1..=n).map(|i| ((i as f64 * 0.754_877_666) % 1.0, (i as f64 * 0.569_840_291) % 1.0)).unzip()
    }

    #[test]
    fn images_lie_at_their_points_inside_and_apart() {
        let (x, y) = points(2000);
        let thumbnails = Thumbnails::new(&x, &y, &vec![0.5; 2000 * 6], (3, 2)).size(20.0).gap(5.0);
        let placed = thumbnails.placed(&frame());
        assert_eq!(placed[0].0, 0, "the first image comes first");
        for (i, (index, [left, top, width, height])) in placed.iter().enumerate() {
            assert_eq!((*width, *height), (20.0, 30.0));
            let (px, py) = frame().place(x[*index], y[*index]);
            assert!((left + 10.0 - px).abs() < 1e-9 && (top + 15.0 - py).abs() < 1e-9);
            assert!(left - BORDER >= 50.0 - 1e-6 && left + width + BORDER <= 450.0 + 1e-6);
            assert!(top - BORDER >= 20.0 - 1e-6 && top + height + BORDER <= 320.0 + 1e-6);
            for (_, [l, t, ..]) in &placed[..i] {
                let (across, down) = ((l - left).abs() - width, (t - top).abs() - height);
                assert!(across.max(down) >= 2.0 * BORDER + 5.0 - 1e-9);
            }
        }
        // Random sequential packing covers more than a third (jamming is at 0.56); the margin of the frame takes some.
        let covered = placed.len() as f64 * (20.0 + 7.4) * (30.0 + 7.4) / (400.0 * 300.0);
        assert!(covered > 0.35, "{covered}");
    }

    #[test]
    fn ink_is_dark_paper_is_skipped_and_broken_pixels_are_magenta() {
        let image = [0.0, 1.0, 1.0, 0.5, f32::NAN, 0.0];
        let mut scene = Scene::new(500, 400);
        Thumbnails::new(&[0.5], &[0.5], &image, (2, 3)).size(30.0).draw(&mut scene, &frame());
        let colors: Vec<(Color, f64)> = scene
            .items
            .iter()
            .filter_map(|item| {
                if let Item::Rect { color, width, .. } = item { Some((*color, *width)) } else { None }
            })
            .collect();
        let expected = [
            (Color::gray(0x66), 30.0 + 2.0 * BORDER),
            (Color::WHITE, 30.0),
            (Color::BLACK, 20.0),
            (Color::gray(128), 10.0),
            (Color::NOT_FINITE, 10.0),
        ];
        assert_eq!(colors, expected);
    }

    #[test]
    fn classes_give_dots_and_borders_one_color_and_the_legend_a_name() {
        let (x, y) = points(40);
        let labels: Vec<u16> = (0..40).map(|i| i % 10).collect();
        let panel = Panel::new(Axis::new("code 2"))
            .classes(&x, &y, &labels)
            .thumbnails(Thumbnails::new(&x, &y, &[0.5; 40], (1, 1)).classes(&labels));
        let svg = Figure::new(Axis::new("code 1")).panel(panel).to_svg().unwrap();
        for class in 0..10 {
            let color = Color::of_class(class, 10);
            let hex = format!("#{:02X}{:02X}{:02X}", color.r, color.g, color.b);
            assert!(svg.matches(&hex).count() > 4, "class {class}, {hex}");
            assert!(
                svg.contains(&format!(">\n{class}\n<")) || svg.contains(&format!(">{class}<")),
                "{class}"
            );
        }
    }

    #[test]
    fn points_without_a_place_are_left_out_and_counts_must_fit() {
        let (x, y) = ([f64::NAN, 0.5, f64::INFINITY], [0.5, f64::NAN, 0.5]);
        let thumbnails = Thumbnails::new(&x, &y, &[0.0; 3], (1, 1));
        assert!(thumbnails.placed(&frame()).is_empty() && thumbnails.check().is_ok());
        let short = Thumbnails::new(&x, &y, &[0.0; 5], (1, 2));
        assert_eq!(
            short.check().unwrap_err().to_string(),
            "3 thumbnails of 1 x 2 pixels: 5 values, expected 6"
        );
        assert!(thumbnails.classes(&[1, 2]).check().unwrap_err().to_string().contains("labels"));
        let nothing = Thumbnails::new::<f64>(&[], &[], &[], (28, 28));
        assert!(nothing.check().is_ok());
    }
}
