//! The labels around the images of a grid, and the captions below them.

use super::{ImageGrid, LABEL, bounded};
use crate::scene::{Anchor, Scene};
use crate::{Color, Picture, ReportError, font, render};

/// Em of captions in pixels, its smallest value, and the height of their line.
const CAPTION: f64 = 11.5;
const SMALLEST_CAPTION: f64 = 9.0;
const CAPTION_LINE: usize = 15;

impl ImageGrid {
    pub(super) fn word(&self, text: &str) -> f64 {
        (font::width(text, LABEL) + 10.0).ceil()
    }

    pub(super) fn head(&self, columns: usize) -> Result<Option<Picture>, ReportError> {
        if self.column_labels.is_empty() {
            return Ok(None);
        }
        let labels = &self.column_labels[..columns.min(self.column_labels.len())];
        let room = (self.cols * self.scale + self.margin) as f64;
        let longest = labels.iter().map(|label| font::width(label, LABEL)).fold(0.0, f64::max);
        let upward = longest + 4.0 > room;
        let height = if upward { longest.ceil() + 8.0 } else { 20.0 };
        let width = self.left_of(columns - 1) + self.cols * self.scale + self.margin;
        let mut scene = Scene::new(bounded(width as u64), height as u32);
        for (column, label) in labels.iter().enumerate() {
            let middle = self.left_of(column) as f64 + (self.cols * self.scale) as f64 / 2.0;
            if upward {
                let x = middle + font::CAPITALS * LABEL / 2.0;
                scene.upward_text((x, height - 4.0), label, LABEL, Color::BLACK, Anchor::Start);
            } else {
                scene.text((middle, height - 5.0), label, LABEL, Color::BLACK, Anchor::Middle);
            }
        }
        render::to_picture(&scene).map(Some)
    }

    pub(super) fn side(&self, lines: usize, pitch: usize) -> Result<Option<Picture>, ReportError> {
        if self.row_labels.is_empty() {
            return Ok(None);
        }
        let labels = &self.row_labels[..lines.min(self.row_labels.len())];
        let width = labels.iter().map(|label| self.word(label)).fold(0.0, f64::max);
        let mut scene = Scene::new(width as u32, bounded((self.margin + lines * pitch) as u64));
        for (row, label) in labels.iter().enumerate() {
            let middle = (self.margin + row * pitch) as f64 + (self.rows * self.scale) as f64 / 2.0;
            let y = middle + font::CAPITALS * LABEL / 2.0;
            scene.text((width - 6.0, y), label, LABEL, Color::BLACK, Anchor::End);
        }
        render::to_picture(&scene).map(Some)
    }

    /// Height of the line of captions below each row of images.
    pub(super) fn caption_line(&self) -> usize {
        if self.captions.is_empty() { 0 } else { CAPTION_LINE + self.margin }
    }

    /// Writes the caption of image `i` below its cell. The upper left corner of the cell is `(x, y)`.
    pub(super) fn caption(
        &self,
        picture: &mut Picture,
        i: usize,
        (x, y): (u32, u32),
    ) -> Result<(), ReportError> {
        let Some(caption) = self.captions.get(i).filter(|caption| !caption.is_empty()) else { return Ok(()) };
        let width = self.cols * self.scale;
        let (text, size) = font::fitted(caption, CAPTION, SMALLEST_CAPTION, width as f64);
        let mut scene = Scene::new(bounded(width as u64), CAPTION_LINE as u32);
        let baseline = CAPTION_LINE as f64 - font::DESCENT * size - 1.0;
        scene.text((width as f64 / 2.0, baseline), &text, size, Color::BLACK, Anchor::Middle);
        picture.paste(&render::to_picture(&scene)?, x, y + (self.rows * self.scale + self.margin) as u32);
        Ok(())
    }
}
