//! A picture in memory: sRGB bytes, row by row from the top.

use crate::{Color, ReportError, write_atomic};
use image::{ExtendedColorType, ImageEncoder, codecs::png};
use std::path::Path;

/// Pictures with more pixels than this are refused.
const MAX_PIXELS: u64 = 200_000_000;

/// An RGB picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// A picture of one color.
    ///
    /// # Errors
    /// [`ReportError::TooLarge`] over 200 million pixels.
    pub fn new(width: u32, height: u32, fill: Color) -> Result<Self, ReportError> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MAX_PIXELS {
            let (width, height) = (width.into(), height.into());
            return Err(ReportError::TooLarge { width, height, limit: MAX_PIXELS });
        }
        let rgb = [fill.r, fill.g, fill.b].repeat(pixels as usize);
        Ok(Self { width, height, rgb })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All bytes, `[height, width, 3]`.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    pub(crate) fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }

    /// The color at column `x`, row `y`.
    ///
    /// # Panics
    /// If the place is outside the picture.
    pub fn pixel(&self, x: u32, y: u32) -> Color {
        assert!(x < self.width && y < self.height, "({x}, {y}) is outside {} x {}", self.width, self.height);
        let i = 3 * (y as usize * self.width as usize + x as usize);
        Color::new(self.rgb[i], self.rgb[i + 1], self.rgb[i + 2])
    }

    /// Fills the rectangle with the upper left corner `(x, y)`. Parts outside the picture are cut off.
    pub fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, color: Color) {
        let right = x.saturating_add(width).min(self.width);
        for row in y..y.saturating_add(height).min(self.height) {
            for column in x..right {
                let i = 3 * (row as usize * self.width as usize + column as usize);
                self.rgb[i..i + 3].copy_from_slice(&[color.r, color.g, color.b]);
            }
        }
    }

    /// Copies `other` with its upper left corner at `(x, y)`. Parts outside are cut off.
    pub fn paste(&mut self, other: &Self, x: u32, y: u32) {
        let columns = other.width.min(self.width.saturating_sub(x)) as usize;
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let from = 3 * row as usize * other.width as usize;
            let to = 3 * ((y + row) as usize * self.width as usize + x as usize);
            self.rgb[to..to + 3 * columns].copy_from_slice(&other.rgb[from..from + 3 * columns]);
        }
    }

    /// Pictures one above the other, centered on white.
    pub(crate) fn stacked(parts: Vec<Self>) -> Result<Self, ReportError> {
        let width = parts.iter().map(Self::width).max().unwrap_or(0);
        let mut whole = Self::new(width, parts.iter().map(Self::height).sum(), Color::WHITE)?;
        let mut top = 0;
        for part in &parts {
            whole.paste(part, (width - part.width) / 2, top);
            top += part.height;
        }
        Ok(whole)
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`ReportError::Draw`] if a side is zero.
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Vec::new();
        png::PngEncoder::new_with_quality(
            &mut bytes,
            png::CompressionType::Default,
            png::FilterType::Adaptive,
        )
        .write_image(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8)
        .map_err(|error| ReportError::Draw(error.to_string()))?;
        Ok(bytes)
    }

    /// Writes the picture as PNG, atomically. The format does not depend on the name.
    ///
    /// # Errors
    /// [`ReportError::Write`] if the file cannot be written, [`ReportError::Draw`] if a side is zero.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        write_atomic(path, &self.to_png()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn png_holds_the_same_pixels() {
        let mut picture = Picture::new(5, 3, Color::WHITE).unwrap();
        picture.fill(3, 1, 9, 9, Color::new(1, 2, 3));
        let read = image::load_from_memory(&picture.to_png().unwrap()).unwrap().to_rgb8();
        assert_eq!(read.dimensions(), (5, 3));
        assert_eq!(read.as_raw(), picture.rgb());
        assert_eq!(picture.pixel(4, 2), Color::new(1, 2, 3));
        assert_eq!(picture.pixel(2, 2), Color::WHITE);
    }

    #[test]
    fn pasting_cuts_off_what_lies_outside() {
        let mut picture = Picture::new(4, 4, Color::WHITE).unwrap();
        let patch = Picture::new(3, 3, Color::BLACK).unwrap();
        picture.paste(&patch, 2, 3);
        picture.paste(&patch, 9, 9);
        let black = picture.rgb().chunks(3).filter(|c| c == &[0, 0, 0]).count();
        assert_eq!(black, 2);
        assert_eq!(picture.pixel(3, 3), Color::BLACK);
    }

    #[test]
    fn absurd_sizes_and_empty_pictures_are_errors() {
        assert!(matches!(Picture::new(1 << 20, 1 << 20, Color::WHITE), Err(ReportError::TooLarge { .. })));
        assert!(matches!(Picture::new(0, 4, Color::WHITE).unwrap().to_png(), Err(ReportError::Draw(_))));
    }
}
